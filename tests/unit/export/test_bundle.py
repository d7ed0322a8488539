"""A bundle holds all that made a result, and replay finds it again, bit for bit."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convmixer_viz import cli
from convmixer_viz.errors import DataError
from convmixer_viz.export import bundle, records
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.decode import load
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("tiny_presets")


@pytest.fixture(scope="module")
def content() -> bytes:
    """The bundle of an edited model's prediction."""
    cat = load("gallery:cat")
    with closing(Workbench("cpu")) as bench, pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "tiny", TINY)
        asked = {"preset": "tiny", "random": 2, "edits": ["rotate:blocks=2"], "top": 3}
        return bundle.pack(bench.run("prediction", [cat], **asked), [cat])


@pytest.fixture
def packed(content: bytes, tmp_path: Path) -> Path:
    (tmp_path / "bundle.zip").write_bytes(content)
    return tmp_path / "bundle.zip"


def test_replay_finds_the_same_bits(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(packed)]) == 0
    _, *rows = capsys.readouterr().out.splitlines()
    assert {row.split()[0] for row in rows} >= {"logits", "probabilities", "top"}
    assert {row.split()[1] for row in rows} == {"0"}


def test_replay_edits_and_pastes_again(tmp_path: Path, capsys: Capture) -> None:
    cat, coffee = load("gallery:cat"), load("gallery:coffee")
    edits = ["paste:from=coffee:tokens=0-3:at=20", "noise", "blur:sigma=0.5"]
    with closing(Workbench("cpu")) as bench:
        result = bench.predict(cat, "tiny", random=2, picture_edits=edits)
    assert result.origin.picture_edits == (("noise", edits[0], edits[2]),)
    assert result.origin.picture_sources == (coffee.sha256,)
    assert result.names == (f"cat, noise {edits[0]} {edits[2]}",)
    assert result.origin.title.endswith(f"of the picture edited (noise {edits[0]} {edits[2]})")
    file = tmp_path / "edited.zip"
    file.write_bytes(bundle.pack(result, [cat, coffee]))
    assert cli.main(["replay", str(file)]) == 0
    assert {row.split()[1] for row in capsys.readouterr().out.splitlines()[1:]} == {"0"}
    file.write_bytes(bundle.pack(result, [cat]))
    assert cli.main(["replay", str(file)]) == 2
    assert "its pictures aren't those of its result" in capsys.readouterr().err


def without_sha256(record: bytes) -> bytes:
    values = json.loads(record)
    del values["npz_sha256"]
    return json.dumps(values).encode()


def test_replay_sees_a_changed_array(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".npz"):
                arrays = dict(np.load(old.open(name)))
                arrays["logits"] = np.nextafter(arrays["logits"], np.float32(9))
                np.savez(tmp_path / "a.npz", **arrays)
                content = (tmp_path / "a.npz").read_bytes()
            if name == "prediction.json":
                content = without_sha256(content)
            new.writestr(name, content)
    assert cli.main(["replay", str(changed)]) == 2
    assert "isn't reproduced: logits differ" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"threads": 99}, "threads"),
        ({"device": "cuda:0"}, "device"),
        ({"dtype": "bfloat16"}, "dtype"),
        ({"halved_to": (4,)}, "halved to"),
        *(
            ({"versions": {name: "0.1"}}, name)
            for name in ("convmixer-viz", "torch", "numpy", "pillow", "scipy", "captum")
        ),
        ({"versions": {"gpu": "H100"}}, "gpu"),
    ],
)
def test_elsewhere_a_stated_tolerance_is_allowed(
    packed: Path, tmp_path: Path, change: dict[str, Any], name: str
) -> None:
    stored = bundle.read(packed, tmp_path)
    if "versions" in change:
        change = {"versions": stored.provenance.versions | change["versions"]}
    elsewhere = replace(stored, provenance=replace(stored.provenance, **change))
    (here,), (there,) = (
        {difference.allowed for difference in bundle.compare(stored.result, one)}
        for one in (stored, elsewhere)
    )
    assert (here, there) == (0.0, bundle.TOLERANCE)
    assert list(bundle.unlike(elsewhere.provenance, stored.provenance)) == [name]


def test_another_gpu_of_the_same_kind_is_the_same(packed: Path, tmp_path: Path) -> None:
    first, second = (
        replace(bundle.read(packed, tmp_path).provenance, device=f"cuda:{n}") for n in (0, 1)
    )
    assert bundle.unlike(first, second) == {}


def test_replay_says_what_differs(packed: Path, capsys: Capture) -> None:
    older = changed(packed, "prediction.json", b'"numpy": "', b'"numpy": "0.')
    assert cli.main(["replay", str(older)]) == 0
    error = capsys.readouterr().err
    assert (
        f"within 0.001 of the largest value, since these differ: numpy 0.{np.__version__}" in error
    )


def test_other_weights_are_refused(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = packed.with_name("trained.zip")
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "prediction.json":
                content = content.replace(b'"weights_sha256": ""', b'"weights_sha256": "abc"')
            new.writestr(name, content)
    assert cli.main(["replay", str(changed)]) == 2
    assert "name their file with --weights" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 broken"])
def test_what_is_no_bundle_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match="can't be read as a bundle"):
        bundle.read(tmp_path / "x.zip", tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pictures.json", " " * 100_000)
    with pytest.raises(DataError, match="it unpacks to 0 MiB, 0 at most"):
        bundle.read(tmp_path / "x.zip", tmp_path)


def test_a_bomb_among_the_arrays_is_refused_before_it_is_unpacked(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = io.BytesIO()
    np.savez_compressed(bomb, logits=np.zeros(2**22))
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(tmp_path / "x.zip", "w") as new:
        for name in old.namelist():
            npz, record = name.endswith(".npz"), name == "prediction.json"
            content = bomb.getvalue() if npz else old.read(name)
            new.writestr(name, without_sha256(content) if record else content)
    monkeypatch.setattr(bundle, "MOST_BYTES", 2**24)
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(DataError, match="its arrays unpack to 32 MiB, 16 at most"):
        bundle.read(tmp_path / "x.zip", tmp_path)


def test_a_record_too_large_is_not_parsed(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_JSON", 100)
    with pytest.raises(DataError, match="its record has 0 MiB, 0 at most"):
        bundle.read(packed, tmp_path)


def test_pictures_beyond_what_memory_is_for_stay_in_files(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "DECODED_BYTES", 10)
    (cat,) = bundle.read(packed, tmp_path).images
    assert cat.content == tmp_path / "0.png"
    assert np.array_equal(cat.pixels, load("gallery:cat").pixels)


def changed(packed: Path, entry: str, old: bytes, new: bytes) -> Path:
    """The bundle with other bytes in one entry."""
    path = packed.with_name("changed.zip")
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(path, "w") as target:
        assert old in source.read(entry)
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(old, new) if name == entry else content)
    return path


@pytest.mark.parametrize(
    ("entry", "old", "new", "sentence"),
    [
        ("pictures.json", b'["cat"]', b"5", "can't be read as a bundle"),
        ("pictures.json", b'["cat"]', b"[5]", "can't be read as a bundle"),
        (
            "prediction.json",
            b'"images": [\n   "',
            b'"images": [\n   "0',
            "its pictures aren't those",
        ),
        (
            "prediction.json",
            b'"top": 3',
            b'"top": "abc"',
            "top is 'abc': it must be a whole",
        ),
        ("prediction.json", b'"top": 3', b'"top": 1.5', "top is 1.5: it must be a whole number"),
        ("prediction.json", b'"top": 3', b'"top": 1e999', "top is inf"),
        ("prediction.json", b'"top": 3', b'"preset": "x"', "has no option 'preset'"),
        ("prediction.json", b'"weights_sha256": ""', b'"weights_sha256": 5', "must be a text"),
        ("prediction.json", b'"schema": 1', b'"schema": []', "has schema []"),
        ("prediction.json", b'"provenance": {', b'"provenance": 0, "x": {', "isn't that of a"),
        ("prediction.json", b'"threads": ', b'"x": ', "isn't that of a Provenance"),
        ("prediction.json", b'"device": "cpu"', b'"device": "cuda:' + b"9" * 5000 + b'"', "no dev"),
        ("prediction.json", b'"top": 3', b'"top": ' + b"[" * 9999 + b"]" * 9999, "is no JSON"),
        ("prediction.json", b'"npz_sha256": "', b'"npz_sha256": "0', "aren't those of its record"),
        ("prediction.json", b'"fields": {', b'"fields": [], "else": {', "can't be read as a"),
    ],
)
def test_a_forged_bundle_is_one_sentence(
    packed: Path, capsys: Capture, entry: str, old: bytes, new: bytes, sentence: str
) -> None:
    assert cli.main(["replay", str(changed(packed, entry, old, new))]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert sentence in error


@pytest.mark.parametrize("entry", ["prediction.json", "prediction.npz", "pictures/0.png"])
def test_a_flipped_byte_is_one_sentence(packed: Path, capsys: Capture, entry: str) -> None:
    with zipfile.ZipFile(packed) as archive:
        info = archive.getinfo(entry)
        place = info.header_offset + 30 + len(entry)  # the kind of its first block
    data = bytearray(packed.read_bytes())
    for bit in range(1, 8):  # bit 0 says that it is the last one, which nobody needs to know
        data[place] ^= 1 << bit
        packed.write_bytes(data)
        assert cli.main(["replay", str(packed)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        data[place] ^= 1 << bit


def test_arrays_of_another_kind_differ(packed: Path, tmp_path: Path) -> None:
    stored = bundle.read(packed, tmp_path)
    assert isinstance(stored.result, Prediction)
    other = replace(stored.result, logits=stored.result.logits.astype(str))
    assert [d.array for d in bundle.compare(other, stored) if not d.within_tolerance] == ["logits"]
