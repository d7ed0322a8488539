"""A survey against the model run by hand, against evaluate, and cut off by kills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convmixer_viz.analyses import survey
from convmixer_viz.analyses.kernels.kernel import responder
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError, DataError
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.pictures.prepare import PreparedPictures
from convmixer_viz.questions.survey import STRONGEST, Survey
from convmixer_viz.training.evaluation import evaluate
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated, final

COUNT = 21
LABELS = np.sort(np.arange(COUNT) % 10)  # as the data set numbers its pictures, by class
MIB = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noisy pictures of ten classes, two or three of each."""
    folder, draw = tmp_path_factory.mktemp("data"), np.random.default_rng(3)
    for number in range(COUNT):
        path = folder / "abcdefghij"[number % 10] / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return folder


@pytest.fixture
def bench(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    bench = workbench(folder)
    yield bench
    bench.close()


def workbench(folder: Path, store_bytes: int = 16 * MIB) -> Workbench:
    bench = Workbench("cpu", data={"noise": folder}, store_bytes=store_bytes)
    options = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}
    state = calibrated(TINY).state_dict()
    bench.add("tiny", state, classes=[*"abcdefghij"], **options)
    return bench


def run(bench: Workbench, pictures: Any = None, **options: Any) -> Survey:
    drawn = bench.pictures("noise") if pictures is None else pictures
    return bench.run(bench.catalog["survey"], drawn, preset="tiny", **options)  # type: ignore[no-any-return]


def model_and_pixels(bench: Workbench) -> tuple[LoadedModel, torch.Tensor]:
    request = bench.request("prediction", list(bench.pictures("noise")), preset="tiny")
    model = bench.models.load(request.key, 32)
    prepared = survey_pictures(bench, request)
    return model, model.tensor(prepared)


def survey_pictures(bench: Workbench, request: Any) -> Any:
    return list(PreparedPictures(request.images, request.preset.transform, 32))


def channel_answers(module: ConvMixer, pixels: torch.Tensor) -> Iterator[torch.Tensor]:
    """The pointwise step's answers of each block, (n, dim, H, W)."""
    tokens = module.embed(pixels)
    for block in module.walk():
        yield block.pointwise(block.spatial(tokens))
        tokens = block(tokens)


def test_logits_and_counts_are_those_of_prediction_and_evaluate(
    bench: Workbench, folder: Path
) -> None:
    result = run(bench)
    said = bench.run("prediction", list(bench.pictures("noise")), preset="tiny")
    assert np.array_equal(result.logits, said.logits)  # type: ignore[attr-defined]
    counted = final(evaluate(bench.model("tiny"), folder))
    assert result.labelled and len(result) == counted.pictures == COUNT
    assert result.right.sum() == counted.right and result.right_5.sum() == counted.right_5
    assert np.array_equal(result.confusion, counted.confusion)
    bins = result.calibration
    assert np.array_equal(bins.pictures, counted.bin_pictures)
    assert np.array_equal(bins.right, counted.bin_right)
    np.testing.assert_allclose(bins.confidence, counted.bin_confidence, atol=1e-11)
    assert bins.error == pytest.approx(counted.calibration_error, abs=1e-11)
    assert result.rows()[0]["right"] == counted.right


def test_strongest_windows_are_those_of_brute_force(bench: Workbench) -> None:
    result, (model, pixels) = run(bench), model_and_pixels(bench)
    each = {(1, b): a for b, a in enumerate(channel_answers(model.module, pixels))}
    for block in range(3):
        rows = [responder(model, block + 1, channel)(pixels) for channel in range(12)]
        each[0, block] = torch.stack(rows, 1)
    for (side, block), answers in each.items():
        flat = answers.flatten(2).numpy()  # (n, dim, cells)
        for channel in range(12):
            most = flat[:, channel].max(1)
            order = np.argsort(-most, kind="stable")[:STRONGEST]
            place = (side, block, channel)
            np.testing.assert_allclose(result.answers[place], most[order], rtol=1e-5)
            assert result.pictures[place].tolist() == order.tolist()
            where = np.stack(np.divmod(flat[order, channel].argmax(1), answers.shape[-1]), 1)
            assert np.array_equal(result.tokens[place], where)
            assert result.silent[place] == (most <= 0).sum()
            positive = flat[:, channel].clip(0).mean(1)
            means = [positive[label == LABELS].mean() for label in range(10)]
            np.testing.assert_allclose(result.class_answers[place], means, atol=1e-6)


def test_features_evidence_and_votes_are_those_of_the_model(bench: Workbench) -> None:
    result, (model, pixels) = run(bench, features=5, seed=2), model_and_pixels(bench)
    module = model.module
    states = torch.stack([state.mean((2, 3)) for state in module.states(pixels)], 1).numpy()
    chosen = result.feature_pictures
    assert len(chosen) == 5 and (np.diff(chosen) > 0).all()
    np.testing.assert_allclose(result.features, states[chosen], atol=2e-3, rtol=2e-3)
    *_, last = module.states(pixels)
    maps = torch.einsum("ncij,kc->nkij", last, module.head.weight).numpy() / last[0, 0].numel()
    winners = maps.argmax(1)
    for label in range(10):
        assert np.array_equal(result.votes[:, label], (winners == label).sum((1, 2)))
        assert np.array_equal(result.token_votes[label], (winners == label).sum(0))
    own = [maps[label == LABELS, label].mean(0) for label in range(10)]
    np.testing.assert_allclose(result.class_evidence, own, atol=1e-6)
    totals = result.class_evidence.sum((1, 2)) + module.head.bias.numpy()
    logits = [result.logits[label == LABELS, label].mean() for label in range(10)]
    np.testing.assert_allclose(totals, logits, atol=1e-5)  # evidence and bias are the logit


def test_the_centre_of_evidence_is_where_it_lies() -> None:
    maps = np.zeros((3, 4, 2), np.float32)
    maps[0, 3, 0], maps[1] = 2, 1
    expected = [[3.5 / 4, 0.25], [0.5, 0.5], [0.5, 0.5]]
    np.testing.assert_allclose(survey._centres(maps), expected)


def test_without_labels_the_prediction_is_the_reference(bench: Workbench) -> None:
    result = run(bench, list(bench.pictures("noise")))
    assert not result.labelled and np.array_equal(result.reference, result.predicted)
    assert "right" not in result.rows()[0] and "confusion" not in result.objects()[0]


def test_fewer_pictures_than_windows_leave_places_empty(bench: Workbench) -> None:
    result = run(bench, list(bench.pictures("noise"))[:4])
    assert np.isfinite(result.answers[..., :4]).all() and np.isnan(result.answers[..., 4:]).all()
    assert (result.pictures[..., 4:] == -1).all() and (result.tokens[..., 4:, :] == -1).all()


def test_of_two_alike_pictures_the_first_stands_first(bench: Workbench) -> None:
    pictures = list(bench.pictures("noise"))
    result = run(bench, [pictures[5], pictures[3], pictures[5]])
    assert np.array_equal(result.answers[..., :1], result.answers[..., :3].max(-1, keepdims=True))
    twins = result.pictures[..., :3].argsort(-1)
    assert (twins[..., 0] < twins[..., 2]).all()  # picture 0 before picture 2


def test_one_that_is_cut_off_goes_on_and_has_the_same_bytes(
    bench: Workbench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(bench)
    bench.folders.clear()
    monkeypatch.setattr(survey, "MOST_CALLS", 1)  # a step is a call
    monkeypatch.setattr(survey, "KEEP_EVERY", 0.0)
    looked: list[int] = []
    look = survey._look

    def noted(*args: Any) -> Any:
        looked.extend(args[2].tolist())
        return look(*args)

    monkeypatch.setattr(survey, "_look", noted)
    for _ in range(2):
        cut = workbench(folder)
        steps = cut._compute(cut.request("survey", cut.pictures("noise"), preset="tiny"))
        assert len(list(islice(steps, 1))) == 1
        steps.close()
        cut.close()
    last = workbench(folder)
    again = run(last)
    assert looked == list(range(COUNT))  # each picture once, in three processes
    for field in fields(whole):
        value = getattr(whole, field.name)
        if isinstance(value, np.ndarray):
            assert value.tobytes() == getattr(again, field.name).tobytes(), field.name
    last.close()


def test_a_result_lies_on_disk_and_is_read_from_there(bench: Workbench, folder: Path) -> None:
    result = run(bench)
    (size,) = bench.folders.sizes().values()
    request = bench.request("survey", bench.pictures("noise"), preset="tiny")
    assert 0 < bench.size_on_disk(request) < size
    assert not list(bench.folders.folder.glob(".writing-*"))
    other = workbench(folder)
    again = other.result(other.request("survey", other.pictures("noise"), preset="tiny"))
    assert isinstance(again, Survey) and isinstance(again.logits.base, np.memmap)
    assert np.array_equal(again.features, result.features)
    assert again.provenance == result.provenance
    other.close()


def test_one_beyond_the_bound_is_refused(folder: Path, bench: Workbench) -> None:
    small = workbench(folder, store_bytes=1000)
    with pytest.raises(DataError, match="GiB on disk, and"):
        run(small)
    small.close()


def test_labels_of_other_classes_are_named(tmp_path: Path, bench: Workbench) -> None:
    other = tmp_path / "other"
    (other / "unicorn").mkdir(parents=True)
    Image.new("RGB", (16, 16)).save(other / "unicorn" / "0.png")
    strange = workbench(other)
    with pytest.raises(ChoiceError, match="'unicorn' is no class of this preset"):
        run(strange)
    strange.close()


def test_selectivity_is_one_where_a_class_alone_moves_a_kernel(bench: Workbench) -> None:
    result = run(bench)
    means = np.ones_like(result.class_answers)
    means[0, 0, 0, 1:], means[0, 0, 1, 0], means[0, 0, 2] = 0, 3, 0
    values = replace(result, class_answers=means).selectivity
    assert values[0, 0, :4].tolist() == [1.0, 0.5, 0.0, 0.0]
