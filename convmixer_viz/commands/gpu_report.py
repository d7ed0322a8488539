"""convmixer-viz bench --gpu: a GPU's answers beside the CPU's, its bits, speed and memory, as JSON.

Everything runs through the workbench as a person's work does; what no time is left for is named."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from convmixer_viz import catalog
from convmixer_viz.commands.console import ProgressLine
from convmixer_viz.commands.peak import peak
from convmixer_viz.contract import Analysis, Result
from convmixer_viz.errors import VizError
from convmixer_viz.presets.table import PRESETS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convmixer_viz.engine.runtime import LoadedModel, Mode
    from convmixer_viz.workbench import Workbench

SECONDS = 460.0
COMPARED = ("cifar10-256-8", "cifar10-128-8-k5-relu", "imagenette-256-8-p7")
TIMED = ("imagenet-768-32", "imagenet-1024-20", "imagenet-1536-20")
MODES: tuple[Mode, ...] = ("exact", "fast")
BATCH, PAIRS, REPEATS = 64, 5, 20
LARGE = 896  # px, of pictures that a full GPU can't take
PHOTOGRAPHS = tuple(f"gallery:{name}" for name in ("cat", "coffee", "rocket", "camera"))
SMALL: dict[str, dict[str, Any]] = {  # so that a CPU can answer, too, in the time
    "attribution": {"steps": 16},
    "faithfulness": {"method": "saliency"},
    "effect": {"edits": ["mean"], "seeds": 0},
    "importance": {"blocks": (1,)},
}
REPEATED = ("prediction", "evidence", "attribution", "receptive-field")
ALLOWED = {"prediction": ("logits", 1e-4), "receptive-field": ("pixels", 2e-4)}  # exact, relative


@dataclass(slots=True)
class Report:
    """The device, the workbench, and how much time is left."""

    bench: Workbench
    device: str
    seconds: float = SECONDS
    progress: ProgressLine = field(default_factory=ProgressLine)
    left_out: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def time_for(self, what: str) -> bool:
        """Whether there is any; if so, that it is this thing's turn is shown."""
        if time.perf_counter() - self.began > self.seconds:
            self.left_out.append(what)
            return False
        self.progress.show(f"bench --gpu: {what}")
        return True


def write(device: str, seconds: float = SECONDS) -> dict[str, Any]:
    """All of it."""
    from convmixer_viz.engine import hardware
    from convmixer_viz.workbench import Workbench

    with closing(Workbench(device, result_bytes=0)) as bench:
        report = Report(bench, device, seconds)
        compared = {preset: compare(report, preset) for preset in COMPARED}
        facts = {
            "device": device,
            "versions": hardware.deciding_versions(device),
            "compared with the CPU": compared,
            "within what is allowed": verdicts(compared),
            "distinct answers": repeat(report, COMPARED[0]),
            "pictures per second": {name: speed(report, name) for name in TIMED},
            "memory shortage": shortage(report),
            "left out": report.left_out,
            "seconds": round(time.perf_counter() - report.began, 1),
        }
    report.progress.clear()
    return facts


# the same answers as a CPU's


def compare(report: Report, preset: str) -> dict[str, Any]:
    """Each analysis in both modes: how far from the CPU's exact answer, seconds, and memory."""
    rows: dict[str, Any] = {}
    for row in catalog.ANALYSES.values():
        if not row.measured and report.time_for(f"{row.name} of {preset}"):
            try:
                rows[row.name] = _compare_one(report, preset, row)
            except VizError as error:
                rows[row.name] = str(error)
    return rows


def _compare_one(report: Report, preset: str, row: Analysis[Any]) -> dict[str, Any]:
    ask = {"preset": preset, **SMALL.get(row.name, {})}
    pictures = PHOTOGRAPHS[: {"none": 0, "one": 1, "many": 4}[row.images]]
    expected = report.bench.run(row, pictures, device="cpu", **ask)
    modes: dict[str, Any] = {}
    for mode in MODES:
        report.bench.run(row, pictures, mode=mode, **ask)  # loads the model, warms up
        report.bench.forget_results()
        with peak(report.device) as mebibytes:
            began = time.perf_counter()
            result = report.bench.run(row, pictures, mode=mode, **ask)
            seconds = time.perf_counter() - began
        modes[mode] = {"apart": apart(result, expected), "seconds": seconds, "MiB": mebibytes()}
    return modes


def apart(result: Result, expected: Result) -> dict[str, float]:
    """By array: the largest difference over the largest number; of whole numbers, the share that
    differs."""
    distances: dict[str, float] = {}
    for name in (each.name for each in fields(result)):
        one, other = getattr(result, name), getattr(expected, name)
        if isinstance(one, np.ndarray) and one.size and one.dtype.kind in "fiub":
            distances[name] = _distance(one, other)
    return distances


def _distance(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    if one.shape != other.shape:
        return float("inf")
    if one.dtype.kind != "f":
        return float(np.mean(one != other))
    same_gaps = np.array_equal(np.isnan(one), np.isnan(other))
    largest = np.nanmax(np.abs(other), initial=0.0) or 1.0
    gap = np.abs(one.astype(np.float64) - other)
    return float(np.nanmax(gap, initial=0.0) / largest) if same_gaps else float("inf")


def verdicts(compared: dict[str, Any]) -> dict[str, Any]:
    """Exact mode's logits and fields, where they were measured: the farthest, and the bound."""
    by_array: dict[str, Any] = {}
    for analysis, (name, bound) in ALLOWED.items():
        rows = [rows[analysis] for rows in compared.values() if analysis in rows]
        gaps = [row["exact"]["apart"][name] for row in rows if isinstance(row, dict)]
        if gaps:
            farthest = max(gaps)
            by_array[name] = {"farthest": farthest, "allowed": bound, "holds": farthest <= bound}
    return by_array


# the same bits


def repeat(report: Report, preset: str) -> dict[str, int]:
    """How many different answers many runs give, and a picture alone and among others: one."""
    distinct: dict[str, int] = {}
    for name in REPEATED:
        if report.time_for(f"{name} {REPEATS} times"):
            ask = {"preset": preset, **SMALL.get(name, {})}
            digests = set()
            for _ in range(REPEATS):
                report.bench.forget_results()
                digests.add(_digest(report.bench.run(name, PHOTOGRAPHS[:1], **ask)))
            distinct[name] = len(digests)
    if report.time_for("a picture in company"):
        asked = [PHOTOGRAPHS[:1], PHOTOGRAPHS, PHOTOGRAPHS[:2]]
        rows = [report.bench.run(catalog.PREDICTION, each, preset=preset) for each in asked]
        distinct["a picture in company"] = len({row.logits[0].tobytes() for row in rows})
    return distinct


def _digest(result: Result) -> str:
    digest = hashlib.sha256()
    for each in fields(result):
        value = getattr(result, each.name)
        if isinstance(value, np.ndarray):
            digest.update(value.tobytes())
    return digest.hexdigest()


# how fast


def speed(report: Report, name: str) -> dict[str, float | str]:
    """Of a published shape with random weights, BATCH pictures at a time: ours, and timm's under
    mixed precision, in both memory layouts, eager and compiled; medians of runs in turn."""
    if not report.time_for(f"pictures per second of {name}"):
        return {}
    runners = {f"ours, {mode}": _ours(report, name, mode) for mode in MODES}
    peer = _timm(name, report.device)
    if peer is None:
        return _rates(report, runners) | {"timm": "not installed: pip install timm"}
    for layout in ("NCHW", "NHWC"):
        runners[f"timm, {layout}"] = _mixed(report, *peer, layout=layout, compiled=False)
    rates = _rates(report, runners)
    for layout in ("NCHW", "NHWC"):
        if report.time_for(f"{name} compiled, {layout}"):
            title = f"timm compiled, {layout}"
            rates |= _rates(report, {title: _mixed(report, *peer, layout=layout, compiled=True)})
    return rates


def _ours(report: Report, name: str, mode: Mode) -> Callable[[], Any]:
    import torch

    from convmixer_viz.engine import runtime

    bench, preset = report.bench, PRESETS[name]
    key = bench.models.key(preset, 0, report.device, mode)
    model: LoadedModel = bench.models.load(key, preset.transform.size)
    pixels = model.place(_noise(preset.transform.size))

    def run() -> None:
        with runtime.chunk("bench", report.device), torch.no_grad():
            model.logits(pixels)

    return run


def _timm(name: str, device: str) -> tuple[nn.Module, Tensor] | None:
    try:
        from timm.models.convmixer import ConvMixer as Peer
    except ImportError:
        return None
    from convmixer_viz.model.convmixer import ACTIVATIONS

    shape, side = PRESETS[name].shape, PRESETS[name].transform.size
    activation = ACTIVATIONS[shape.activation]
    sizes = (shape.dim, shape.depth, shape.kernel_size, shape.patch_size)
    return Peer(*sizes, act_layer=activation).eval().to(device), _noise(side).to(device)


def _mixed(
    report: Report, peer: nn.Module, pixels: Tensor, *, layout: str, compiled: bool
) -> Callable[[], Any]:
    import torch

    form = torch.channels_last if layout == "NHWC" else torch.contiguous_format
    placed, kind = pixels.contiguous(memory_format=form), report.device.partition(":")[0]
    module = torch.compile(peer) if compiled else peer

    def run() -> None:
        peer.to(memory_format=form)  # both layouts share it
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16):
            module(placed)

    return run


def _rates(report: Report, runners: dict[str, Callable[[], Any]]) -> dict[str, float | str]:
    """Pictures per second; the first run of each warms up."""
    seconds: dict[str, list[float]] = {title: [] for title in runners}
    for _ in range(PAIRS + 1):
        for title, run in runners.items():
            began = time.perf_counter()
            run()
            _wait(report.device)
            seconds[title].append(time.perf_counter() - began)
    return {title: BATCH / statistics.median(times[1:]) for title, times in seconds.items()}


def _noise(side: int) -> Tensor:
    import torch

    return torch.randn(BATCH, 3, side, side, generator=torch.Generator().manual_seed(0))


def _wait(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


# too little memory


def shortage(report: Report) -> dict[str, str]:
    """With almost no memory, on purpose: what each mode says, and that the next request works."""
    if not report.device.startswith("cuda") or not report.time_for("a shortage of memory"):
        return {}
    answers: dict[str, str] = {}
    preset = COMPARED[-1]
    for mode in MODES:
        report.bench.run("prediction", PHOTOGRAPHS[:1], preset=preset, mode=mode)
        report.bench.forget_results()
        with _almost_full(report.device):
            answers[mode] = _attempt(report, preset, mode)
        answers[f"{mode}, afterwards"] = _attempt(report, preset, mode)
    return answers


def _attempt(report: Report, preset: str, mode: Mode) -> str:
    ask = {"preset": preset, "mode": mode, "resolution": LARGE}
    try:
        result = report.bench.run("prediction", PHOTOGRAPHS, **ask)
    except VizError as error:
        return str(error)
    return f"answered; calls halved to {list(result.origin.halved_to)}"


@contextmanager
def _almost_full(device: str) -> Iterator[None]:
    """Nearly all memory is another's: what is taken now and 16 MiB more is all that there is."""
    import torch

    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    share = (torch.cuda.memory_reserved(device) + 16 * 2**20) / total
    torch.cuda.set_per_process_memory_fraction(share, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
