"""What ships of a survey beside a preset's weights: a small file, for those weights alone."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.survey import Calibration, Survey, SurveyNumbers
from convmixer_viz.weights import locate

SUFFIX = ".survey.npz"
RECORD = "record"  # its name among the arrays


def read(preset: Preset) -> SurveyNumbers | None:
    """The numbers of the preset's own weights; none where they don't ship."""
    file = locate.companion_file(preset, SUFFIX)
    if file is None:
        return None
    with np.load(file, allow_pickle=False) as stored:
        arrays: dict[str, Any] = {name: stored[name] for name in stored.files}
    record = json.loads(arrays.pop(RECORD).tobytes())
    if record["weights_sha256"] != locate.location(preset).sha256:
        return None
    bins = arrays.pop("bins")
    calibration = Calibration(bins[0].astype(np.int64), bins[1].astype(np.int64), bins[2])
    return SurveyNumbers(
        record["data"], tuple(record["classes"]), calibration=calibration, **arrays
    )


def pack(survey: Survey, probe: NDArray[np.float64]) -> bytes:
    """The file of a survey's numbers, with the accuracy of its linear probe by block."""
    origin, bins = survey.origin, survey.calibration
    (data,) = origin.images
    record = {"data": data, "weights_sha256": origin.weights_sha256, "classes": survey.classes}
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        record=np.frombuffer(json.dumps(record).encode(), np.uint8),
        reference=survey.reference.astype(np.int16),
        predicted=survey.predicted.astype(np.int16),
        bins=np.stack([bins.pictures, bins.right, bins.confidence]),
        class_answers=survey.class_answers.astype(np.float16),
        silent=survey.silent.astype(np.int32),
        probe=probe,
    )
    return buffer.getvalue()
