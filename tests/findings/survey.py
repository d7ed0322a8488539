"""Which classes are confused, where they become separable, how selective kernels are by depth.

Protocol: all test pictures, float32; the file beside the weights is what `survey` counted. Accuracy
with Wilson's 95 % interval; expected calibration error over 15 bins; a linear probe of each block's
pooled features, ridge 1e-3, fitted on a half of the pictures by seed 0 and measured on the other;
class selectivity (a − b) / (a + b) of the mean positive answers, a of the class that moves a kernel
most, b the mean of the others; medians over the kernels of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from convmixer_viz import Workbench
from convmixer_viz.analyses import separation
from convmixer_viz.figures import separation as words, survey as figures
from convmixer_viz.questions.survey import SIDES, Survey, SurveyNumbers
from convmixer_viz.weights import survey_numbers
from tests.findings.samples import markdown

PRESETS = ("cifar10-128-8-k5", "cifar10-128-8-k9", "cifar10-256-8")


def report(bench: Workbench, preset: str, test: Path, out: Path) -> Iterator[str]:
    """The numbers that ship; those of a survey in `out`/PRESET are packed for shipping first."""
    if (out / preset / "survey.json").is_file():
        result = bench.load(out / preset, "survey")
        assert isinstance(result, Survey)
        packed = survey_numbers.pack(result, separation.probe_accuracy(result))
        (out / f"{preset}{survey_numbers.SUFFIX}").write_bytes(packed)
    numbers = survey_numbers.read(bench.presets[preset])
    if numbers is None:
        command = f"convmixer-viz survey --preset {preset} --data DIR --out {out / preset}"
        yield f"Nothing ships yet: {command}"
        return
    yield f"{figures.describe(numbers)} {words.describe_probe(numbers.probe)}"
    yield by_depth(numbers)


def by_depth(numbers: SurveyNumbers) -> str:
    """A row a block: probe, median selectivity of kernels and channels, and who is silent."""
    head = ["block", "linear probe (%)", *(f"selectivity, {side}s" for side in SIDES), "silent"]
    rows = [["stem", f"{100 * numbers.probe[0]:.1f}", "", "", ""]]
    medians = np.median(numbers.selectivity, -1)  # (2, depth)
    never = (numbers.silent == len(numbers)).sum(-1)[0]
    for block, share in enumerate(numbers.probe[1:]):
        each = [f"{medians[side, block]:.2f}" for side in range(len(SIDES))]
        rows.append([str(block + 1), f"{100 * share:.1f}", *each, str(never[block])])
    return markdown([head, *rows])
