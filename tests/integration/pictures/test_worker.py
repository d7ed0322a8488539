"""Strangers' pictures are decoded elsewhere: as a file of one's own, or ended with a sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from PIL import Image

from convmixer_viz.errors import BusyError, PictureError
from convmixer_viz.pictures import worker
from convmixer_viz.pictures.decode import decode, preview
from convmixer_viz.pictures.edits import edited
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets.table import CIFAR10, PRESETS

TOO_MUCH = r"takes more than 5 seconds or 3 GiB to read: open it .* save it as a plain PNG or JPEG"


@pytest.fixture(autouse=True)
def own_processes() -> Iterator[None]:
    """None is left over, and none was before."""
    end_all()
    yield
    end_all()


def end_all() -> None:
    while worker._idle:
        worker._idle.pop().end()


def saved(kind: str, size: tuple[int, int] = (300, 200), **options: object) -> bytes:
    """A noisy picture's file."""
    pixels = np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def transparent() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (40, 30), (200, 10, 10, 99)).save(file, "PNG")
    return file.getvalue()


def slow() -> bytes:
    """60 MB of one comment: Pillow reads it byte by byte."""
    return b"P6\n#" + b"x" * 60_000_000 + b"\n1 1\n255\nabc"


@pytest.mark.parametrize("file", [saved("PNG"), saved("JPEG"), saved("WEBP"), transparent()])
def test_it_is_what_a_file_of_ones_own_is(file: bytes) -> None:
    """Digest, size, notes, and what any preset sees of it, bit for bit."""
    own, sent = decode(file, "own"), worker.look(file, "sent")
    assert sent == own and sent.notes == own.notes
    assert np.array_equal(preview(sent, 320), preview(own, 320))
    for name in ("cifar10-256-8", "imagenette-256-8", "imagenet-768-32"):
        for side in (None, 40):
            one, other = (
                prepare(picture, PRESETS[name].transform, side) for picture in (own, sent)
            )
            assert one.array.tobytes() == other.array.tobytes() and one.box == other.box
            assert np.array_equal(one.view, other.view)


def test_its_original_is_edited_where_it_is_decoded() -> None:
    """The same bits as of a picture of one's own, whatever is edited."""
    file, edits = saved("PNG"), ["blur:sigma=2", "noise:sd=20:seed=3", "turn:degrees=20", "jpeg"]
    own, sent = (edited(each, edits) for each in (decode(file, "own"), worker.look(file, "sent")))
    one, other = (prepare(each, CIFAR10, 64, 2) for each in (own, sent))
    assert one.array.tobytes() == other.array.tobytes() and np.array_equal(one.view, other.view)
    assert not np.array_equal(one.view, prepare(decode(file, "own"), CIFAR10, 64).view)


@pytest.mark.parametrize("file", [b"", b"no picture", saved("PNG")[:100], saved("JPEG")[:2000]])
def test_a_refusal_is_that_of_a_file_of_ones_own(file: bytes) -> None:
    with pytest.raises(PictureError) as own:
        decode(file, "a.png")
    with pytest.raises(PictureError) as sent:
        worker.look(file, "a.png")
    assert str(own.value) == str(sent.value)


def test_what_takes_too_long_is_ended_and_the_next_is_read() -> None:
    started = time.process_time()
    with pytest.raises(PictureError, match=rf"slow\.ppm {TOO_MUCH}"):
        worker.look(slow(), "slow.ppm")
    assert time.process_time() - started < 2  # of this process, which only waits
    assert worker.look(saved("PNG"), "next").width == 300


def test_what_takes_too_much_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MEMORY", 100 * 2**20)
    file = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(file, "PNG")  # 147 MB of pixels
    with pytest.raises(PictureError, match=r"large\.png takes more memory"):
        worker.look(file.getvalue(), "large.png")
    assert worker.look(saved("PNG"), "next").width == 300


def test_the_clock_ends_what_the_processor_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "WALL_SECONDS", 0.5)
    with pytest.raises(PictureError, match=TOO_MUCH):
        worker.look(slow(), "slow.ppm")


def test_nobody_left_ends_it_at_once() -> None:
    left, started = threading.Event(), time.monotonic()
    threading.Timer(0.7, left.set).start()
    with pytest.raises(PictureError):
        worker.look(slow(), "slow.ppm", left.is_set)
    assert time.monotonic() - started < 4
    assert not [child for child in psutil.Process().children() if worker.MODULE in child.cmdline()]


def test_a_process_that_was_killed_is_replaced() -> None:
    worker.look(saved("PNG"), "first")
    (idle,) = worker._idle
    idle._process.kill()
    idle._process.wait()
    assert worker.look(saved("PNG"), "second").width == 300


def test_two_at_most_and_kept_warm() -> None:
    files = [saved("PNG", (300 + number, 200)) for number in range(8)]
    with ThreadPoolExecutor(8) as people:
        pictures = list(people.map(worker.look, files, map(str, range(8))))
    assert [picture.width for picture in pictures] == list(range(300, 308))
    assert 1 <= len(worker._idle) <= 2
    before = [process._process.pid for process in worker._idle]
    worker.look(files[0], "again")
    assert {process._process.pid for process in worker._idle} == set(before)


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE", 0.1)
    with worker._turns, worker._turns, pytest.raises(BusyError, match="try again in a minute"):
        worker.look(saved("PNG"), "third")


def test_it_loads_no_torch_and_says_nothing() -> None:
    code = (
        "import sys, convmixer_viz.pictures.worker;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'scipy', 'streamlit')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == 0 and not done.stderr
