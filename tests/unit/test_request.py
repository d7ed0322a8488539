"""A person's words → a request that fits a preset, refused or completed before anything loads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from convmixer_viz import catalog, request
from convmixer_viz.catalog import ATTRIBUTION, EVIDENCE, FAITHFULNESS, RECEPTIVE_FIELD
from convmixer_viz.contract import option_fields
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.attribution import METHODS, OF_SOME
from convmixer_viz.questions.edits import Off
from convmixer_viz.questions.evidence import Options

PRESET = PRESETS["cifar10-256-8"]
OTHER_VALUES: dict[str, Any] = {
    "baseline": "blur",
    "steps": 7,
    "samples": 9,
    "sigma": 0.3,
    "block": 2,
    "seed": 5,
}


def fit(analysis: str, names: tuple[str, ...] = ("cat", "dog"), **choices: Any) -> Any:
    row = catalog.find(analysis)
    return request.fit(row, request.read_options(row, choices), PRESET, names)


@pytest.mark.parametrize("target", ["1000000000", "-1", "nobody", "", "10", "3.5"])
def test_classes_that_do_not_exist_are_refused(target: str) -> None:
    with pytest.raises(ChoiceError):
        fit("evidence", tuple("abcdefghij"), target=target)


def test_classes_by_name_and_index_are_the_same_request() -> None:
    by = [fit("evidence", ("airplane", "cat"), target=text) for text in ("cat", "1", "CAT")]
    assert by[0] == by[1] == by[2] == Options(target="1")


@pytest.mark.parametrize("name", METHODS)
def test_options_that_a_method_does_not_use_do_not_tell_requests_apart(name: str) -> None:
    plain = fit("attribution", method=name)
    for option, value in OTHER_VALUES.items():
        same = fit("attribution", method=name, **{option: value}) == plain
        assert same == (option not in METHODS[name].uses)


def test_every_option_of_methods_is_tried_and_exists() -> None:
    known = {field.name for field in option_fields(ATTRIBUTION.options)}
    assert OTHER_VALUES.keys() == set(OF_SOME) <= known


def test_scores_draw_by_the_seed_whatever_the_method_reads() -> None:
    plain = fit("faithfulness", method="hirescam")
    assert fit("faithfulness", method="hirescam", seed=1) != plain
    assert fit("faithfulness", method="hirescam", steps=3, baseline="black") == plain


def test_a_field_has_a_channel_only_where_one_is_differentiated() -> None:
    assert fit("receptive-field", channel=3) == fit("receptive-field", seed=4)
    assert fit("receptive-field", channel=10**6).channel == 0
    assert fit("receptive-field", scalar="channel", channel=3).channel == 3
    assert fit("receptive-field", scalar="signs", seed=4).seed == 4
    assert fit("receptive-field", noise=2, seed=4).seed == 4


@pytest.mark.parametrize("analysis", catalog.ANALYSES)
@pytest.mark.parametrize("block", [-1, 9, 10**9])
def test_blocks_that_do_not_exist_are_refused(analysis: str, block: int) -> None:
    known = {field.name for field in option_fields(catalog.find(analysis).options)}
    wrong: tuple[dict[str, Any], ...] = ({"block": block}, {"blocks": (1, block)})
    for choices in (each for each in wrong if each.keys() <= known):
        with pytest.raises(ChoiceError, match=f"has no block {block}: choose 1 to 8"):
            fit(analysis, **choices, **_cam(analysis))


def _cam(analysis: str) -> dict[str, Any]:
    return {"method": "hirescam"} if analysis in (ATTRIBUTION.name, FAITHFULNESS.name) else {}


@pytest.mark.parametrize("analysis", ["kernel", "firing", "kernels", "structure", "formation"])
def test_the_stem_has_no_kernels(analysis: str) -> None:
    single = analysis in ("kernel", "firing")
    with pytest.raises(ChoiceError, match="Block 0 is the stem"):
        fit(analysis, **({"block": 0} if single else {"blocks": (0, 1)}))


def test_the_stem_is_a_block_of_others() -> None:
    assert fit(RECEPTIVE_FIELD.name, blocks=(0,)).blocks == (0,)
    assert fit(EVIDENCE.name).target is None
    assert fit("activations", block=0).block == 0


@pytest.mark.parametrize("analysis", ["kernel", "firing", "receptive-field"])
@pytest.mark.parametrize("channel", [-1, 256])
def test_channels_that_do_not_exist_are_refused(analysis: str, channel: int) -> None:
    one: dict[str, Any] = {"scalar": "channel"} if analysis == "receptive-field" else {}
    with pytest.raises(ChoiceError, match="channel"):
        fit(analysis, channel=channel, **one)
    assert fit(analysis, channel=255, **one).channel == 255


@pytest.mark.parametrize("token", [(-1, 0), (0, 32), (32, 0)])
def test_tokens_that_do_not_exist_are_refused(token: tuple[int, int]) -> None:
    with pytest.raises(ChoiceError, match=r"no token .* at 64×64 pixels: rows end at 31"):
        fit("receptive-field", token=token, resolution=64)
    last = PRESET.shape.grid(PRESET.field_side) - 1
    assert fit("receptive-field", token=(last, last)).token == (last, last)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ("off:blocks=9", "cifar10-256-8 has no block 9: choose 1 to 8"),
        ("mean:kernels=3+256", "cifar10-256-8 has no channel 256: choose 0 to 255"),
        ("low-rank:rank=6", "A 5×5 kernel has rank 5 at most, not 6"),
        ("transplant:from=cifar10-128-8-k5", "from a preset of equal dim"),
        ("transplant:from=nobody", "nobody"),
    ],
)
def test_edits_that_do_not_fit_are_refused(edit: str, sentence: str) -> None:
    with pytest.raises(ChoiceError, match=sentence):
        request.fit_edits([edit], PRESET, PRESETS)


def test_kernels_whose_centres_do_not_meet_are_not_transplanted() -> None:
    even = replace(PRESET, name="even", shape=replace(PRESET.shape, kernel_size=4))
    with pytest.raises(ChoiceError, match="their centres don't meet"):
        request.fit_edits(["transplant:from=even"], PRESET, {"even": even})


def test_all_blocks_by_number_are_all_blocks() -> None:
    assert request.fit_edits(["off:blocks=1-8"], PRESET, PRESETS) == (Off(),)
    assert request.fit_edits(["off:blocks=1-7"], PRESET, PRESETS) != (Off(),)
