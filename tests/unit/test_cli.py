"""The command line: flags, folders, exits; errors in one sentence, no traceback."""

from __future__ import annotations

import io
import json
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import cli
from convmixer_viz.catalog import EVIDENCE, PREDICTION
from convmixer_viz.errors import DataError
from convmixer_viz.export import files
from convmixer_viz.workbench import Workbench

Capture = pytest.CaptureFixture[str]
RANDOM = ("--preset", "tiny", "--random", "0")
pytestmark = pytest.mark.usefixtures("tiny_presets")


def picture(path: Path, colour: str = "red") -> Path:
    Image.new("RGB", (40, 30), colour).save(path)
    return path


@pytest.mark.parametrize(
    "line",
    [
        "prediction nowhere.png --random 0",
        "prediction gallery:nobody --random 0",
        "prediction --preset imagenet-768-32",
        "prediction --preset imagenet",
        "prediction --device tpu --random 0",
        "prediction --top 0",
        "prediction --top many",
        "prediction --mode slow",
        "prediction --resolution 1 --random 0",
        "prediction --preset a --presets b",
        "evidence --target 1000000000",
        "prediction --picture-edit blurr",
        "prediction --picture-edit remove:tokens=256",
        "prediction --picture-edit paste:from=nowhere.png --random 0",
        "kernels --blocks 9",
        "kernels --seed=-1",
        "structure --seed -1",
        "attribution --method smoothgrad --random 0 --seed 99999999999999999999",
        "prediction --random 99999999999999999999",
        "prediction --random -1",
        "bench --repeats 0",
        "nonsense",
        "",
        "train nothing --data . --out .",
        "evaluate --preset nobody --data .",
    ],
)
def test_mistakes_are_one_sentence_and_exit_2(line: str, capsys: Capture) -> None:
    assert cli.main(line.split()) == 2
    output = capsys.readouterr()
    assert output.err.startswith("error: ")
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_a_table_for_people(capsys: Capture) -> None:
    assert cli.main(["prediction", "gallery:cat", *RANDOM, "--top", "2"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["picture", "class", "index", "probability", "logit"]
    assert len(rows) == 2


def test_json_is_one_list_with_an_object_a_picture(capsys: Capture, tmp_path: Path) -> None:
    picture(tmp_path / "b.png"), picture(tmp_path / "a.png", "blue")
    assert cli.main(["prediction", str(tmp_path), *RANDOM, "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["picture"] for entry in entries] == ["a.png", "b.png"]
    assert len(entries[0]["top"]) == 5


def test_a_folder_leaves_out_what_cannot_be_read(capsys: Capture, tmp_path: Path) -> None:
    picture(tmp_path / "a.png"), (tmp_path / "b.png").write_bytes(b"x")
    line = ["prediction", *RANDOM, "--top", "1"]
    assert cli.main([*line, str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert output.err.startswith("left out: b.png is not an image")
    assert output.err.count("\n") == 1
    assert "a.png" in output.out and len(output.out.splitlines()) == 2
    assert cli.main([*line, str(tmp_path / "a.png"), str(tmp_path / "b.png")]) == 2
    assert capsys.readouterr().err.startswith("error: b.png is not an image")
    (tmp_path / "a.png").unlink()
    assert cli.main([*line, str(tmp_path)]) == 2
    assert f"error: No picture of {tmp_path} can be read: b.png" in capsys.readouterr().err


def test_standard_input_is_a_picture(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(file, "PNG")
    file.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
    assert cli.main(["prediction", "-", *RANDOM, "--top", "1"]) == 0
    assert "standard input" in capsys.readouterr().out


def test_a_folder_a_preset_and_a_folder_a_picture(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    same = [picture(tmp_path / "cat.png"), picture(tmp_path / "x" / "cat.png", "blue")]
    presets = "tiny,tiny-other"
    line = ["evidence", *map(str, same), "--presets", presets, "--random", "0"]
    assert cli.main([*line, "--out", str(tmp_path / "out")]) == 0
    paths = tmp_path.glob("out/*/*/*.npz")
    folders = {path.relative_to(tmp_path / "out").parent for path in paths}
    assert folders == {Path(p, s) for p in presets.split(",") for s in ("cat", "cat-2")}


def test_no_folder_is_used_twice() -> None:
    assert cli._numbered(["cat", "cat", "cat-2", "dog"]) == ["cat", "cat-2", "cat-2-2", "dog"]


def test_weights_take_the_place_of_one_preset(capsys: Capture) -> None:
    line = ["prediction", "--presets", "cifar10-128-8-k3,cifar10-128-8-k5"]
    assert cli.main([*line, "--weights", "pretrained/cifar10-128-8-k5.safetensors"]) == 2
    assert "not of --presets" in capsys.readouterr().err


def test_an_edited_picture_is_that_of_python(tmp_path: Path) -> None:
    edits = ["noise:sd=30", "shift:x=2", "paste:from=coffee:tokens=0-2:at=9"]
    flags = [word for edit in edits for word in ("--picture-edit", edit)]
    line = ["evidence", "gallery:cat", *RANDOM, "--out", str(tmp_path)]
    assert cli.main([*line, *flags]) == 0
    with closing(Workbench("cpu")) as bench:
        asked = {"preset": "tiny", "random": 0}
        result = bench.run(EVIDENCE, ["gallery:cat"], picture_edits=edits, **asked)
        plain = bench.run(EVIDENCE, ["gallery:cat"], **asked)
    stored = files.load(tmp_path)
    assert stored.maps.tobytes() == result.maps.tobytes() != plain.maps.tobytes()
    assert stored.view.tobytes() == result.view.tobytes() != plain.view.tobytes()
    assert stored.origin.picture_edits == (tuple(edits),)


def test_a_run_that_was_cut_off_resumes(tmp_path: Path) -> None:
    line = ["evidence", "gallery:cat", "gallery:dot", *RANDOM, "--out", str(tmp_path)]
    assert cli.main(line) == 0
    paths = [tmp_path / name / "evidence.npz" for name in ("cat", "dot")]
    first = [path.stat().st_mtime_ns for path in paths]
    paths[1].unlink()
    (tmp_path / "dot" / "evidence.json").unlink()
    assert cli.main([*line, "--resume"]) == 0
    assert paths[0].stat().st_mtime_ns == first[0] < paths[1].stat().st_mtime_ns
    assert cli.main([*line, "--resume", "--target", "dog"]) == 0
    assert all(p.stat().st_mtime_ns > t for p, t in zip(paths, first, strict=True))


def test_several_analyses_share_a_folder(tmp_path: Path, capsys: Capture) -> None:
    line = [*RANDOM, "--out", str(tmp_path)]
    assert cli.main(["prediction", *line]) == cli.main(["evidence", *line]) == 0
    first = (tmp_path / "evidence.npz").stat().st_mtime_ns
    assert cli.main(["evidence", *line, "--resume"]) == 0
    assert (tmp_path / "evidence.npz").stat().st_mtime_ns == first
    assert files.load(tmp_path, "prediction").provenance.analysis == "prediction"
    with pytest.raises(DataError, match=r"2 results \(evidence, prediction\): name one of them"):
        files.load(tmp_path)


@pytest.mark.parametrize("damage", ["npz", "json", "no sha256", "another's arrays"])
def test_what_a_kill_left_is_computed_again(tmp_path: Path, capsys: Capture, damage: str) -> None:
    line = ["prediction", *RANDOM, "--out", str(tmp_path)]
    assert cli.main([*line, "gallery:cat"]) == 0
    npz, record = tmp_path / "prediction.npz", tmp_path / "prediction.json"
    cat, values = npz.read_bytes(), json.loads(record.read_text())
    logits = files.load(tmp_path).logits
    if damage == "npz":
        npz.write_bytes(cat[:-40])
    elif damage == "json":
        record.write_text(json.dumps(values | {"fields": []}))
    elif damage == "no sha256":  # an earlier version's: nobody knows whose arrays they are
        del values["npz_sha256"]
        record.write_text(json.dumps(values))
    if damage in ("another's arrays", "no sha256"):
        assert cli.main([*line, "gallery:dot", "--out", str(tmp_path / "dot")]) == 0
        npz.write_bytes((tmp_path / "dot" / "prediction.npz").read_bytes())
    capsys.readouterr()
    assert cli.main([*line, "gallery:cat", "--resume"]) == 0
    assert npz.read_bytes() == cat
    assert np.array_equal(files.load(tmp_path).logits, logits)


@pytest.mark.parametrize("damage", ["npz", "json", "another's arrays"])
def test_a_damaged_result_is_one_sentence(tmp_path: Path, damage: str) -> None:
    line = ["prediction", *RANDOM, "--out"]
    assert cli.main([*line, str(tmp_path), "gallery:cat"]) == 0
    assert cli.main([*line, str(tmp_path / "dot"), "gallery:dot"]) == 0
    if damage == "npz":
        (tmp_path / "prediction.npz").write_bytes((tmp_path / "prediction.npz").read_bytes()[:-40])
    elif damage == "json":
        record = json.loads((tmp_path / "prediction.json").read_text())
        (tmp_path / "prediction.json").write_text(json.dumps(record | {"fields": []}))
    else:
        (tmp_path / "dot" / "prediction.npz").replace(tmp_path / "prediction.npz")
    with pytest.raises(DataError, match="can't be read as a result"):
        files.load(tmp_path)


def test_an_unwritable_folder_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("in the way")
    assert cli.main(["prediction", *RANDOM, "--out", str(tmp_path / "file")]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_the_same_bits_from_python_and_the_command_line(tmp_path: Path, capsys: Capture) -> None:
    assert cli.main(["prediction", "gallery:cat", *RANDOM, "--out", str(tmp_path)]) == 0
    bench = Workbench("cpu")
    ours = bench.run(PREDICTION, ["gallery:cat"], preset="tiny", random=0)
    assert np.array_equal(bench.load(tmp_path, PREDICTION).logits, ours.logits)
    bench.close()


def test_an_option_that_the_method_does_not_read_is_told(capsys: Capture) -> None:
    run = ["attribution", "--preset", "cifar10-128-8-k3", "--method", "hirescam"]
    assert cli.main([*run, "--steps", "8"]) == 0
    with_steps = capsys.readouterr()
    assert "hirescam doesn't read --steps: it has no effect." in with_steps.err
    assert cli.main([*run, "--block", "2"]) == 0
    assert "doesn't read" not in capsys.readouterr().err
