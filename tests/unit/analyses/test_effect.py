"""Effects whose counts are known, against a model run by hand; and work that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import agreement
from convmixer_viz.analyses import effect
from convmixer_viz.catalog import EFFECT, PREDICTION
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.edits import edited
from convmixer_viz.questions.effect import Effect
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated

NAMES = ("airplane", "bird", "cat")
MIB = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven noisy pictures of three classes."""
    folder, draw = tmp_path_factory.mktemp("data"), np.random.default_rng(3)
    for number in range(7):
        path = folder / NAMES[number % 3] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return folder


@pytest.fixture
def bench(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    yield from workbench(folder)


def workbench(folder: Path) -> Iterator[Workbench]:
    bench = Workbench("cpu", data={"noise": folder}, store_bytes=16 * MIB)
    state = calibrated(TINY).state_dict()
    options = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
    bench.add("tiny", state, classes=[*NAMES, *"defghij"], **options)
    yield bench
    bench.close()


def run(bench: Workbench, *edits: str, labels: bool = True, **options: object) -> Effect:
    drawn = bench.pictures("noise")
    pictures = drawn if labels else list(drawn)
    return bench.run("effect", pictures, preset="tiny", edits=edits, **options)  # type: ignore[return-value]


def test_counts_are_those_of_the_two_models(bench: Workbench) -> None:
    result = run(bench, "rotate", "off:blocks=2", seeds=0)
    both = [
        bench.run("prediction", list(bench.pictures("noise")), preset="tiny", edits=edits).logits  # type: ignore[attr-defined]
        for edits in ((), ("rotate", "off:blocks=2"))
    ]
    before, after = (logits.argmax(1) for logits in both)
    labels = bench.pictures("noise").labels([*NAMES, *"defghij"])
    rows = np.arange(7)
    change = both[1][rows, labels] - both[0][rows, labels].astype(np.float64)
    assert result.labelled and result.pictures == 7
    assert (
        result.base_right == (before == labels).sum() and result.right[0] == (after == labels).sum()
    )
    assert result.unchanged[0] == (before == after).sum()
    assert result.lost[0] == ((before == labels) & (after != labels)).sum()
    assert result.won[0] == ((before != labels) & (after == labels)).sum()
    assert result.logit_change[0] == pytest.approx(change.mean())
    assert result.logit_change_error[0] == pytest.approx(change.std(ddof=1) / np.sqrt(7))
    each = agreement.divergence(*(agreement.softmax(logits) for logits in both))
    assert result.divergence[0] == pytest.approx(each.mean())
    assert result.class_pictures[:4].tolist() == [3, 2, 2, 0]
    assert result.class_right.sum() == result.right[0]
    np.testing.assert_allclose(
        result.class_logit_change[0] @ result.class_pictures / 7, change.mean()
    )


def test_an_edit_that_changes_nothing_has_no_effect(bench: Workbench) -> None:
    result = run(bench, "scale:scale=1", seeds=2)
    assert result.right[0] == result.base_right and result.unchanged[0] == 7
    assert result.lost[0] == result.won[0] == result.divergence[0] == result.logit_change[0] == 0
    assert result.p_value(0) == 1
    assert result.control_right.shape == (2, 1, 2) and result.control_divergence.min() > 0


def test_without_labels_the_unedited_answer_is_the_reference(bench: Workbench) -> None:
    result = run(bench, "mean", labels=False, seeds=0)
    assert not result.labelled and result.base_right == 7
    assert result.right[0] == result.unchanged[0] == 7 - result.lost[0]


def test_a_control_is_the_effect_of_its_twin(bench: Workbench) -> None:
    result = run(bench, "low-rank:blocks=1", seeds=3)
    twin = run(bench, "shuffle:seed=2:blocks=1", seeds=0)
    assert result.control_names == ("random", "shuffle")
    assert result.control_right[1, 0, 2] == twin.right[0]
    assert result.control_divergence[1, 0, 2] == twin.divergence[0]
    assert result.control_logit_change[1, 0, 2] == twin.logit_change[0]


def test_a_sweep_has_the_points_of_single_effects(bench: Workbench) -> None:
    steps = list(
        bench.steps(
            "effect", bench.pictures("noise"), preset="tiny", edits=["off"], sweep="block", seeds=1
        )
    )
    last = steps[-1].partial
    assert isinstance(last, Effect)
    for point, block in enumerate((1, 2, 3)):
        alone = run(bench, f"off:blocks={block}", seeds=1)
        assert last.divergence[point] == alone.divergence[0]
        assert np.array_equal(last.control_right[:, point], alone.control_right[:, 0])
    assert last.at.tolist() == [1, 2, 3] and len(last.rows()) == 3


def test_what_was_cut_off_goes_on_in_another_process(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another workbench over the same store counts only what is missing, to the same numbers."""
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    counted: list[object] = []
    count = effect._count
    monkeypatch.setattr(effect, "_count", lambda *a: counted.append(a) or count(*a))  # type: ignore[func-returns-value]
    asked = {"preset": "tiny", "edits": ["off"], "sweep": "block", "seeds": 0}
    (first,) = workbench_once(folder)
    request = first.request("effect", first.pictures("noise"), **asked)
    model = first.models.load(request.key, request.side)
    assert model.finished.get("off:blocks=1") is None
    steps = first._compute(request)
    next(steps), next(steps)  # the unedited model and the first block
    steps.close()
    first.close()
    done = len(counted)
    assert done == 2
    (second,) = workbench_once(folder)
    result = second.run("effect", second.pictures("noise"), **asked)
    second.close()
    assert len(counted) == 4  # the unedited model, and blocks 1 to 3, once each
    assert isinstance(result, Effect) and len(result.points) == 3


def workbench_once(folder: Path) -> list[Workbench]:
    return [next(workbench(folder))]


def test_every_call_is_a_step_and_points_come_as_they_are_done(bench: Workbench) -> None:
    asked = {"preset": "tiny", "edits": ["off"], "sweep": "block", "seeds": 1}
    steps = list(bench._compute(bench.request("effect", bench.pictures("noise"), **asked)))
    assert [step.done for step in steps] == list(
        range(1, 11)
    )  # 1 unedited, 3 points, 2 · 3 controls
    assert {step.total for step in steps} == {10}
    counts = [len(step.partial.points) if step.partial else 0 for step in steps]  # type: ignore[attr-defined]
    assert counts == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


def test_a_sweep_over_an_amount_is_that_of_edited_pictures(bench: Workbench) -> None:
    drawn = bench.pictures("noise")
    asked = {"preset": "tiny", "edits": ["off:blocks=2"]}
    result = bench.run(EFFECT, drawn, **asked, picture_edits=["grey", "blur"], sweep="amount")
    assert result.picture_edits[2] == "grey blur:sigma=0.5" and result.edits[2] == "off:blocks=2"
    before = bench.run(PREDICTION, drawn, preset="tiny").logits
    after = bench.run(PREDICTION, drawn, **asked, picture_edits=["grey", "blur:sigma=0.5"])
    labels, rows = drawn.labels([*NAMES, *"defghij"]), np.arange(7)
    assert result.base_right == (before.argmax(1) == labels).sum()
    assert result.right[2] == (after.logits.argmax(1) == labels).sum()
    assert result.logit is not None and result.probability is not None
    assert result.logit[2] == pytest.approx(after.logits[rows, labels].mean())
    assert result.probability[2] == pytest.approx(after.probabilities[rows, labels].mean())
    assert result.base_logit == pytest.approx(before[rows, labels].mean())
    change = after.logits[rows, labels] - before[rows, labels]
    assert result.logit_change[2] == pytest.approx(change.mean(), abs=1e-6)
    assert result.control_right.shape == (2, 11, 10)


def test_pictures_edited_in_several_ways_are_refused(bench: Workbench) -> None:
    cat = load("gallery:cat")
    with pytest.raises(ChoiceError, match="edited in several ways"):
        bench.run(EFFECT, [cat, edited(cat, ["blur"])], preset="tiny")
