"""One owner for models and results, shared by threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from convmixer_viz import catalog, contract
from convmixer_viz.catalog import ATTRIBUTION, PREDICTION
from convmixer_viz.contract import Provenance, Result, Step
from convmixer_viz.engine import hardware, models, runtime
from convmixer_viz.errors import ChoiceError, DataError, DeviceError, WeightsError
from convmixer_viz.export import files
from convmixer_viz.pictures import decode as pictures_decode
from convmixer_viz.pictures.decode import PictureSource, decode, load
from convmixer_viz.pictures.edits import edited
from convmixer_viz.request import Request
from convmixer_viz.weights import checkpoint
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated, loaded

TINY_OPTIONS = {"activation": "gelu", "residual": True, "preprocess": "cifar10-256-8"}


def provenance(result: Result) -> Provenance:
    assert result.provenance is not None
    return result.provenance


@pytest.fixture
def bench() -> Iterator[Workbench]:
    bench = Workbench("cpu")
    bench.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)
    yield bench
    bench.close()


def test_a_picture_comes_as_path_bytes_name_or_decoded(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    Image.new("RGB", (20, 20), "red").save(path)
    sources: list[PictureSource] = [str(path), path, path.read_bytes(), decode(path)]
    logits = [bench.run(PREDICTION, [source], preset="tiny").logits for source in sources]
    assert all(np.array_equal(logits[0], other) for other in logits)


def test_edited_pictures_are_others_and_their_edits_are_checked(bench: Workbench) -> None:
    cat, asked = load("gallery:cat"), {"preset": "tiny"}
    requests = [
        bench.request(PREDICTION, [cat], picture_edits=edits, **asked)
        for edits in ((), ["blur"], ["blur:sigma=2"], ["blur", "grey"])
    ]
    results = [bench.finish(request) for request in requests]
    assert len({request.digest for request in requests}) == len(requests)
    assert len({result.logits.tobytes() for result in results}) == len(results)
    both = bench.run(PREDICTION, [cat, edited(cat, ["blur"])], **asked)
    assert np.array_equal(both.logits, np.concatenate([r.logits for r in results[:2]]))
    assert provenance(both).picture_edits == ((), ("blur",))
    answered = [bench.answers(result, requests[1]) for result in results]
    assert answered == [False, True, False, False]
    with pytest.raises(ChoiceError, match="no token 300"):
        bench.request(PREDICTION, [cat], picture_edits=["remove:tokens=300"], **asked)
    with pytest.raises(ChoiceError, match="a multiple of 32, not 40"):
        bench.request(PREDICTION, picture_edits=["shift:x=1"], resolution=40, **asked)


def test_a_data_sets_pictures_are_edited_as_they_stream(bench: Workbench, tmp_path: Path) -> None:
    for name in ("cat", "coffee"):
        Image.fromarray(load(f"gallery:{name}").pixels).save(tmp_path / f"{name}.png")
    bench = Workbench("cpu", data={"two": tmp_path})
    with closing(bench):
        bench.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)
        drawn, asked = bench.pictures("two"), {"preset": "tiny", "picture_edits": ["blur"]}
        streamed = bench.run(PREDICTION, drawn, **asked)
        named = bench.run(PREDICTION, ["gallery:cat", "gallery:coffee"], **asked)
    assert np.array_equal(streamed.logits, named.logits)
    assert provenance(streamed).picture_edits == (("blur",),)
    blurred = edited(drawn, ["blur"])
    assert repr(blurred) != repr(drawn) and blurred[:1] == list(blurred)[:1] != drawn[:1]


def test_no_picture_is_the_presets_opening_one(bench: Workbench) -> None:
    result = bench.run("prediction", preset="tiny")
    assert provenance(result).images == (load("gallery:cat").sha256,)


def test_many_pictures_stay_in_their_files(bench: Workbench, tmp_path: Path) -> None:
    """Those beyond DECODED_BYTES do: same request, same numbers, same digests."""
    paths = [tmp_path / f"{number}.png" for number in range(9)]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    for name in ("receptive-field", "prediction", "representation", "firing"):
        whole = bench.request(name, paths, preset="tiny")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pictures_decode, "DECODED_BYTES", 2 * 20 * 20 * 3)
            left = bench.request(name, paths, preset="tiny")
        assert [isinstance(image.content, np.ndarray) for image in left.images] == [True] * 2 + [
            False
        ] * 7
        assert whole.digest == left.digest
        first = files.arrays(bench.finish(whole))
        bench.forget_results()
        second = bench.finish(left)
        assert provenance(second).images == tuple(decode(path).sha256 for path in paths)
        for field, array in files.arrays(second).items():
            assert np.array_equal(array, first[field], equal_nan=True), (name, field)


def test_weights_that_are_not_here_say_how_to_get_them(bench: Workbench) -> None:
    with pytest.raises(WeightsError, match="models fetch imagenet-1024-20"):
        bench.predict("gallery:cat", preset="imagenet-1024-20")


def test_an_untrained_twin_needs_no_weights(bench: Workbench) -> None:
    one, two, other = (
        bench.predict("gallery:cat", preset="tiny", random=seed) for seed in (0, 0, 1)
    )
    assert one is two
    assert not np.array_equal(one.logits, other.logits)
    assert provenance(one).untrained_seed == 0
    assert provenance(one).weights_sha256 == ""


def test_pictures_with_the_same_pixels_share_work_but_keep_their_names(bench: Workbench) -> None:
    cat = load("gallery:cat")
    alias = replace(cat, name="alias")
    first, second = (bench.run(PREDICTION, [c], preset="tiny") for c in (cat, alias))
    assert (first.names, second.names) == (("cat",), ("alias",))
    assert np.array_equal(first.logits, second.logits)


def test_results_come_alone_and_in_company_with_the_same_bits(bench: Workbench) -> None:
    names = [f"gallery:{name}" for name in ("cat", "coffee", "dot", "chirp")]
    together = bench.run(PREDICTION, names, preset="tiny").logits
    for i, name in enumerate(names):
        alone = bench.run(PREDICTION, [name], preset="tiny").logits
        assert np.array_equal(together[i], alone[0])


def test_five_callers_at_once_get_the_serial_results(bench: Workbench) -> None:
    """Two ask for the same, one stops, one fails, one returns later; each job is computed once."""
    pictures = {"same": "gallery:cat", "later": "gallery:dot"}
    results: dict[str, Any] = {}

    def follow(key: str, name: str) -> None:
        results[key] = bench.run(ATTRIBUTION, [name], preset="tiny", method="occlusion").tokens

    for key, name in pictures.items():
        follow(f"serial {key}", name)
    bench.forget_results()
    before = threading.active_count()

    def stop_and_return() -> None:
        choices: dict[str, Any] = {"preset": "tiny", "method": "occlusion"}
        with closing(bench.steps("attribution", [pictures["later"]], **choices)) as steps:
            next(steps)
        follow("later", pictures["later"])

    def fail() -> None:
        try:
            bench.run("attribution", ["gallery:cat"], preset="tiny", target="nobody")
        except ChoiceError as error:
            results["failed"] = error

    def stop() -> None:
        with closing(bench.steps("evidence", ["gallery:coffee"], preset="tiny")) as steps:
            next(steps)

    same = [threading.Thread(target=follow, args=(key, pictures["same"])) for key in "ab"]
    threads = [*same, *(threading.Thread(target=task) for task in (stop_and_return, fail, stop))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(results["a"], results["serial same"])
    assert results["a"] is results["b"]
    assert np.array_equal(results["later"], results["serial later"])
    assert isinstance(results["failed"], ChoiceError)
    assert threading.active_count() <= before + 1


def test_models_leave_the_cache_when_it_is_full() -> None:
    bench = Workbench("cpu", model_bytes=100_000)
    for seed in range(3):
        bench.predict("gallery:cat", preset="cifar10-128-8-k3", random=seed)
    size = bench.models.nbytes
    assert 0 < size < 800_000  # one model of 150,000 float32 values, not three
    bench.close()


def test_fast_mode_is_a_request_of_its_own(bench: Workbench) -> None:
    exact, fast = (bench.run(PREDICTION, preset="tiny", mode=mode) for mode in ("exact", "fast"))
    assert provenance(exact).mode == "exact"
    assert provenance(fast).dtype == ("bfloat16" if hardware.native_bf16() else "float32")


def test_a_mode_that_is_not_there_is_refused(bench: Workbench) -> None:
    with pytest.raises(ChoiceError, match="no mode 'fsat'"):
        bench.request("prediction", preset="tiny", mode="fsat")


def test_the_largest_seed_is_one_everywhere(bench: Workbench) -> None:
    """Some generators take 32 or 64 bits, and one analysis multiplies by a thousand."""
    largest: dict[str, Any] = {"preset": "tiny", "seed": contract.LARGEST_SEED}
    for name in ("kernels", "structure", "receptive-field"):
        bench.run(name, **largest)
    bench.run("faithfulness", **largest, measures=("randomisation",), method="saliency")
    bench.run("attribution", **largest, method="smoothgrad", samples=3)
    bench.run("prediction", preset="tiny", random=contract.LARGEST_SEED)
    with pytest.raises(ChoiceError, match="is no seed"):
        bench.request("kernels", preset="tiny", seed=contract.LARGEST_SEED + 1)


def test_a_module_from_memory_becomes_a_preset(bench: Workbench) -> None:
    module = calibrated(TINY, seed=5)
    preset, assumed = bench.add("mine", module, preprocess="cifar10-256-8")
    assert (preset.shape.dim, preset.shape.depth, preset.class_count) == (12, 3, 10)
    assert "mine" in bench.presets
    result = bench.predict("gallery:cat", preset="mine")
    assert result.classes == tuple(map(str, range(10)))
    assert isinstance(assumed, tuple)


def test_the_same_weights_with_other_classes_answer_with_those(bench: Workbench) -> None:
    state = calibrated(TINY).state_dict()
    for names in (tuple("abcdefghij"), tuple("klmnopqrst")):
        bench.add("named", state, **TINY_OPTIONS, classes=names)
        assert bench.run(PREDICTION, preset="named").classes == names


def test_the_name_of_a_preset_in_the_table_is_taken(bench: Workbench) -> None:
    with pytest.raises(ChoiceError, match="already a preset cifar10-128-8-k5"):
        bench.add("cifar10-128-8-k5", calibrated(TINY).state_dict(), **TINY_OPTIONS)


def test_work_left_by_its_only_watcher_resumes(bench: Workbench) -> None:
    request = bench.request(ATTRIBUTION, ["gallery:cat"], preset="tiny", method="occlusion")
    with closing(bench.follow(request)) as steps:
        first = next(steps)
    standing = bench.standing(request)
    if bench.result(request) is None:
        assert standing is not None
        assert standing.done >= first.done
    assert bench.finish(request).method == "occlusion"


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path / "own"))


def with_store(**changes: Any) -> Workbench:
    bench = Workbench("cpu", store_bytes=2**24)
    bench.add("tiny", calibrated(TINY, **changes).state_dict(), **TINY_OPTIONS)
    return bench


@pytest.mark.usefixtures("own_store")
def test_the_next_workbench_finds_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(with_store()) as bench:
        first = bench.run(PREDICTION, ["gallery:dot"], preset="tiny")
    monkeypatch.setattr("convmixer_viz.analyses.prediction.compute", None)
    with closing(with_store()) as bench:
        second = bench.run(PREDICTION, ["gallery:dot"], preset="tiny")
        assert bench.run(PREDICTION, ["gallery:dot"], preset="tiny") is second
    assert np.array_equal(first.logits, second.logits)
    assert first.origin == second.origin


@pytest.mark.usefixtures("own_store")
def test_whatever_decides_bits_parts_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(bench: Workbench, **choices: Any) -> int:
        with closing(bench):
            bench.run(PREDICTION, ["gallery:dot"], preset="tiny", **choices)
            (holding,) = bench.store.holdings()
        return holding.entries

    assert count(with_store()) == 1
    assert count(with_store()) == 1
    assert count(with_store(seed=1)) == 2  # other weights
    assert count(with_store(), random=0) == 3
    other = with_store()
    other.threads += 1
    assert count(other) == 4
    newer = hardware.deciding_versions("cpu") | {"torch": "9.9"}
    monkeypatch.setattr(hardware, "deciding_versions", lambda device: newer)
    assert count(with_store()) == 5
    monkeypatch.setattr("convmixer_viz.workbench.code_fingerprint", lambda: "other code")
    assert count(with_store()) == 6


@pytest.mark.usefixtures("own_store")
def test_what_shall_not_be_kept_on_disk_is_not() -> None:
    with closing(with_store()) as bench:
        bench.run(PREDICTION, ["gallery:dot"], preset="tiny", on_disk=False)
        bench.run("cost", ["gallery:dot"], preset="tiny")  # seconds of this run
        assert bench.store.holdings() == []
        bench.run(PREDICTION, ["gallery:cat"], preset="tiny")
        assert [holding.entries for holding in bench.store.holdings()] == [1]


@pytest.mark.usefixtures("own_store")
def test_a_damaged_entry_is_computed_again() -> None:
    with closing(with_store()) as bench:
        first = bench.run(PREDICTION, ["gallery:dot"], preset="tiny")
        (path,) = bench.store.folder.glob("*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with closing(with_store()) as bench:
        assert np.array_equal(
            bench.run(PREDICTION, ["gallery:dot"], preset="tiny").logits, first.logits
        )
        assert [holding.entries for holding in bench.store.holdings()] == [1]


def test_a_closed_workbench_says_so() -> None:
    bench = Workbench("cpu")
    bench.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)
    bench.run(PREDICTION, preset="tiny")
    bench.close()
    for picture in ("gallery:cat", "gallery:dot"):  # one result is at hand, one isn't
        request = bench.request(PREDICTION, [picture], preset="tiny")
        with pytest.raises(DeviceError, match="is closed: make a new one"):
            next(bench.follow(request, patience=5))


def test_a_request_is_told_its_own_halvings_only(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"gallery:{name}" for name in ("cat", "coffee", "dot", "chirp")]
    plain = runtime.LoadedModel._padded

    def scarce(model: Any, function: Any, part: Any, side: int) -> Any:
        if len(part) > 2:
            raise torch.OutOfMemoryError
        return plain(model, function, part, side)

    with monkeypatch.context() as patch:
        patch.setattr(runtime.LoadedModel, "_padded", scarce)
        first = bench.run(PREDICTION, names, preset="tiny", mode="fast")
    second = bench.run(PREDICTION, names[:3], preset="tiny", mode="fast")
    assert (first.origin.halved_to, second.origin.halved_to) == ((2,), ())


@pytest.mark.usefixtures("own_store")
def test_pictures_of_a_data_set_give_what_they_give_alone(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number in range(5):
            path = tmp_path / "pets" / part / f"class {number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(path)
    with closing(Workbench("cpu", data={"pets": tmp_path / "pets"})) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)
        assert list(bench.data) == ["pets/train", "pets/test"]
        drawn = bench.pictures("pets/test", size=4, seed=1)
        together = bench.run(PREDICTION, drawn, preset="tiny")
        for number, picture in enumerate(drawn):
            alone = bench.run(PREDICTION, [picture], preset="tiny")
            assert np.array_equal(together.logits[number], alone.logits[0])
        assert together.origin.images == (drawn.identity,)
        assert bench.run(PREDICTION, bench.pictures("pets/test", 4, 1), preset="tiny") is together
        whole = bench.run(PREDICTION, bench.pictures("pets/test"), preset="tiny")
        assert whole.logits.shape == (5, 10)
        with pytest.raises(DataError, match="there is pets/train, pets/test"):
            bench.pictures("pets")
        with pytest.raises(ChoiceError, match="takes one picture, not 5"):
            bench.run("evidence", bench.pictures("pets/train"), preset="tiny")


def test_an_edited_model_leaves_the_original_alone_whoever_asks(bench: Workbench) -> None:
    """Many threads, half of them with an edit: each gets what it asked for."""
    edits = [(), ("rotate",), ("off:blocks=2",), ("random:seed=3", "mean:blocks=1")]
    alone = [bench.predict("gallery:cat", "tiny", edits=each).logits for each in edits]
    assert len({logits.tobytes() for logits in alone}) == len(edits)
    for _ in range(3):
        bench.forget_results()
        with ThreadPoolExecutor(8) as people:
            ask = partial(bench.predict, "gallery:cat", "tiny")
            asked = [people.submit(ask, edits=edits[number % 4]) for number in range(16)]
        for number, future in enumerate(asked):
            assert np.array_equal(future.result().logits, alone[number % 4])


def test_statistics_measured_anew_on_a_data_set(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    Image.new("RGB", (20, 20), "blue").save(tmp_path / "blue.png")
    edit = "recalibrate:data=two:pictures=2"
    with closing(Workbench("cpu", data={"two": tmp_path})) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), **TINY_OPTIONS)
        asked = bench.request("prediction", preset="tiny", edits=[edit])
        origin = bench.finish(asked).origin
        (source,) = origin.edit_sources
        assert source.startswith("two (2, sha256 ") and bench.answers(bench.finish(asked), asked)
        first, second = (bench.model("tiny", edits=[f"{edit}:blocks={n}"]) for n in (1, 2))
        assert first.module is not second.module
        with pytest.raises(DataError, match="There is no data set 'three'"):
            bench.request("prediction", preset="tiny", edits=["recalibrate:data=three"])
        with pytest.raises(DataError, match="two has 2 pictures"):
            bench.request("prediction", preset="tiny", edits=["recalibrate:data=two"])


def test_pictures_that_do_not_fit_the_memory_are_refused(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (20, 20), "red").save(tmp_path / "red.png")
    bench._data["one"] = tmp_path
    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**20)
    sources = models._Sources(bench.models, bench.presets["tiny"])
    with pytest.raises(DeviceError, match=r"are free: choose pictures=\d+ or fewer"):
        list(sources.pictures("one", 512, 0))


def test_a_loaded_model_gives_others_with_other_edits(bench: Workbench) -> None:
    model = bench.model("tiny", edits=["off"])
    assert model.edited(model.edits).module is model.module
    plain = model.edited(())
    assert plain.edits == () and plain.module is bench.model("tiny").module
    assert model.module.head.weight.shape == plain.module.head.weight.shape
    with pytest.raises(ChoiceError, match="loaded by itself"):
        loaded().edited(())


def test_a_replaced_donor_is_another_question(bench: Workbench) -> None:
    donors = [calibrated(TINY, seed=seed).state_dict() for seed in (1, 2)]
    digests = []
    for state in donors:
        bench.models._added.pop("donor", None)
        bench.add("donor", state, **TINY_OPTIONS)
        asked = bench.request("prediction", preset="tiny", edits=["transplant:from=donor"])
        digests.append(asked.digest)
        assert bench.finish(asked).origin.edit_sources == asked.key.edit_sources
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    "edits", [["template", "round:bits=3:blocks=2"], ["off:part=residual:blocks=2"], []]
)
def test_an_edited_model_and_the_file_saved_of_it_agree(
    bench: Workbench, tmp_path: Path, edits: list[str]
) -> None:
    file = bench.save_model(tmp_path / "edited.safetensors", "tiny", edits=edits)
    preset, assumed = bench.add("again", file)
    assert not assumed and preset.transform == bench.presets["tiny"].transform
    asked = {"picture": "gallery:cat", "preset": "tiny", "edits": edits}
    one, other = bench.predict(**asked), bench.predict("gallery:cat", "again")  # type: ignore[arg-type]
    assert one.logits.tobytes() == other.logits.tobytes() and one.classes == other.classes
    made_of = checkpoint.read(file).made_of
    assert made_of.endswith(" ".join(["edited:", *edits])) if edits else made_of == ""


def test_seconds_are_estimated_from_what_was_computed_here(bench: Workbench) -> None:
    def ask(**options: Any) -> Request[Any]:
        chosen = {"method": "smoothgrad"} | options
        return bench.request("attribution", ["gallery:cat"], preset="tiny", **chosen)

    assert bench.estimate(ask(samples=3)) is None
    taken = bench.finish(ask(samples=3)).origin.seconds
    assert bench.estimate(ask(samples=3)) == 0  # at hand
    assert bench.estimate(ask(samples=30)) == pytest.approx(10 * taken, rel=1e-3)
    assert bench.estimate(ask(samples=3, method="saliency")) is None
    edited = bench.estimate(ask(samples=30, edits=["off"]))
    assert edited is None  # how long this edit takes is unknown


def test_a_model_that_is_still_to_be_loaded_costs_its_loading(bench: Workbench) -> None:
    bench.predict("gallery:cat", "tiny")
    loaded = bench.estimate(bench.request("prediction", ["gallery:dot"], preset="tiny"))
    bench.models._loaded.clear()
    unloaded = bench.estimate(bench.request("prediction", ["gallery:dot"], preset="tiny"))
    assert loaded is not None and unloaded is not None and unloaded > loaded


@pytest.mark.parametrize(
    ("analysis", "options", "passes"),
    [
        ("attribution", {"method": "integrated-gradients"}, 200),
        ("attribution", {"method": "integrated-gradients", "steps": 20}, 20),
        ("attribution", {"method": "rise"}, 1000),
        ("attribution", {"method": "smoothgrad"}, 50),
        ("attribution", {"method": "occlusion"}, 64),
        ("attribution", {"method": "saliency"}, 1),
        ("receptive-field", {}, 4),
        ("receptive-field", {"blocks": (1, 2), "noise": 5}, 10),
        ("importance", {"blocks": (1, 2)}, 24),
        ("effect", {"seeds": 10}, 22),
        ("effect", {"seeds": 0, "sweep": "block"}, 4),
        ("cost", {"calls": 3}, 5),
    ],
)
def test_passes_are_what_an_analysis_does(
    analysis: str, options: dict[str, Any], passes: int
) -> None:
    assert catalog.find(analysis).options(**options).passes(TINY.shape, 16) == passes


def test_a_probe_runs_a_model_and_says_when_nothing_moves(bench: Workbench) -> None:
    seconds = bench.probe()
    assert seconds is not None and seconds > 0
    gate = threading.Event()

    def stuck() -> Iterator[Step[None]]:
        gate.wait(10)
        yield Step(1, 1)

    waiting = bench._queue("cpu").follow("stuck", "stuck", stuck, 0.01)
    next(waiting)
    try:
        with pytest.raises(DeviceError, match="cpu has answered nothing"):
            bench.probe(patience=0.1)
    finally:
        gate.set()
        waiting.close()


def test_who_asks_a_server_that_stops_is_told_and_what_runs_is_finished(bench: Workbench) -> None:
    request = bench.request("receptive-field", preset="tiny")
    with closing(bench.follow(request, 0.01)) as steps:
        next(steps)
        bench.finish_by(time.monotonic() + 20)
    with pytest.raises(DeviceError, match="server is stopping"):
        bench.predict("gallery:cat", "tiny")
    bench.close()
    assert bench.result(request) is not None  # though nobody watched
