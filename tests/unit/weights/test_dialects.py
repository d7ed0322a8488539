"""Every dialect is recognised and gives the same model; what doesn't fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights import checkpoint, user_folder
from tests.conftest import TINY
from tests.dialects import DIALECTS, as_authors, as_mmpretrain
from tests.unit.weights.conftest import STATE, changed, same, torch_file


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("legacy", [False, True])
def test_dialects_in_both_of_torchs_formats(tmp_path: Path, dialect: str, legacy: bool) -> None:
    path = torch_file(tmp_path, DIALECTS[dialect](STATE), _use_new_zipfile_serialization=not legacy)
    weights = checkpoint.read(path)
    assert same(weights) and weights.dialect == dialect
    assert (weights.shape, weights.class_count) == (TINY.shape, 10)
    assert weights.sha256 == user_folder.sha256(path)
    assert [sentence.split()[0] for sentence in weights.assumed] == ["activation", "a"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_in_safetensors(tmp_path: Path, dialect: str) -> None:
    safetensors.torch.save_file(DIALECTS[dialect](STATE), tmp_path / "a.safetensors")
    assert same(checkpoint.read(tmp_path / "a.safetensors"))


NAN, INFINITE = STATE["head.bias"].clone(), STATE["head.bias"].clone()
NAN[3], INFINITE[3] = torch.nan, torch.inf
D = TINY.shape.dim
MISFITS = {
    "another architecture": (
        {"conv1.weight": torch.ones(64, 3, 7, 7), "fc.bias": torch.ones(2)},
        r"no tensor is a block's depthwise kernel; the first is conv1\.weight \(64×3×7×7\)",
    ),
    "nothing": ({}, "it holds none"),
    "one input channel": (
        changed(stem__0__weight=torch.ones(D, 1, 2, 2)),
        r"stem\.0\.weight is 12×1×2×2 float32, and 3 input channels",
    ),
    "oblong patches": (changed(stem__0__weight=torch.ones(D, 3, 2, 4)), "square patches"),
    "split kernels": (
        changed(blocks__0__0__fn__0__weight=torch.ones(D, 1, 1, 5)),
        r"blocks\.0\.0\.fn\.0\.weight is 12×1×1×5 float32, and 12×1×k×k",
    ),
    "grouped, not depthwise": (changed(blocks__0__0__fn__0__weight=torch.ones(D, 2, 5, 5)), "×k×k"),
    "mixed kernels": (
        changed(blocks__2__0__fn__0__weight=torch.ones(D, 1, 7, 7)),
        r"blocks\.2\.0\.fn\.0\.weight is 12×1×7×7 float32, and 12×1×5×5",
    ),
    "a missing block": (
        {n: t for n, t in STATE.items() if not n.startswith("blocks.1.")},
        r"blocks\.1\.0\.fn\.0\.weight is missing",
    ),
    "no head": (
        {n: t for n, t in STATE.items() if not n.startswith("head")},
        r"head\.weight is missing",
    ),
    "no bias": (changed(blocks__1__1__bias=None), r"blocks\.1\.1\.bias is missing"),
    "one too many": (changed(blocks__1__4__gamma=torch.ones(D)), r"too many, blocks\.1\.4\.gamma"),
    "a block of 5000 digits": (
        changed(**{f"blocks.{'9' * 5000}.0.fn.0.weight": torch.ones(D, 1, 5, 5)}),
        r"too many, blocks\.9{73}…\.$",
    ),
    "the same, the authors'": (
        as_authors(STATE) | {f"{'9' * 5000}.0.fn.0.weight": torch.ones(D, 1, 5, 5)},
        r"too many, 9{80}…\.$",
    ),
    "NaN": (changed(head__bias=NAN), r"head\.bias holds NaN or infinity"),
    "infinity": (changed(head__bias=INFINITE), r"head\.bias holds NaN or infinity"),
    "negative variance": (
        changed(stem__2__running_var=-torch.ones(D)),
        r"stem\.2\.running_var, a variance, is negative",
    ),
    "integers": (
        changed(head__weight=torch.ones(10, D, dtype=torch.int8)),
        r"head\.weight is 10×12 int8",
    ),
    "vector head": (changed(head__weight=torch.ones(D)), "2 axes"),
    "no pictures": (changed(head__weight=torch.ones(0, D)), "2 axes"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_is_no_convmixer_is_refused_by_its_first_misfit(tmp_path: Path, misfit: str) -> None:
    state, sentence = MISFITS[misfit]
    with pytest.raises(WeightsError, match=sentence):
        checkpoint.read(torch_file(tmp_path, state))


def test_misfits_are_named_as_the_file_names_them(tmp_path: Path) -> None:
    wrong = changed(blocks__2__0__fn__0__weight=torch.ones(D, 1, 7, 7))
    with pytest.raises(WeightsError, match=r"5\.0\.fn\.0\.weight is 12×1×7×7"):
        checkpoint.read(torch_file(tmp_path, as_authors(wrong)))
    with pytest.raises(WeightsError, match=r"backbone\.stages\.2\.0\.fn\.0\.weight is"):
        checkpoint.read(torch_file(tmp_path, as_mmpretrain(wrong)))
