"""A record that is damaged, or contradicts its tensors, is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint, metadata
from tests.conftest import TINY
from tests.unit.weights.conftest import STATE


def test_a_record_that_lies_is_refused(tmp_path: Path) -> None:
    good = json.loads(metadata.dumps(TINY, None))
    lies = {
        "no json": "{",
        "later": json.dumps(good | {"schema": 99}),
        "shape": metadata.dumps(PRESETS["cifar10-256-8"], None),
        "activation": json.dumps(good | {"shape": good["shape"] | {"activation": "tanh"}}),
        "size": json.dumps(good | {"transform": good["transform"] | {"size": 10**9}}),
        "std": json.dumps(good | {"transform": good["transform"] | {"std": [0, 1, 1]}}),
        "share": json.dumps(good | {"transform": good["transform"] | {"share": 0}}),
        "classes": json.dumps(good | {"classes": ["one"]}),
        "missing": json.dumps({"schema": 1}),
        "list": "[]",
    }
    for name, record in lies.items():
        path = tmp_path / f"{name}.safetensors"
        safetensors.torch.save_file(STATE, path, {checkpoint.RECORD: record})
        with pytest.raises(WeightsError, match=r"damaged|later version|its tensors are"):
            checkpoint.read(path)


def test_a_residual_block_by_block_comes_back() -> None:
    mixed = replace(TINY, shape=replace(TINY.shape, residual=(True, False, True)))
    assert metadata.loads(metadata.dumps(mixed, None), "a file").shape == mixed.shape
    record = json.loads(metadata.dumps(mixed, None))
    assert record["shape"]["residual"] == [True, False, True]
    for wrong in ([True], [1, 0, 1], "yes", None):
        record["shape"]["residual"] = wrong
        with pytest.raises(WeightsError, match="damaged"):
            metadata.loads(json.dumps(record), "a file")
