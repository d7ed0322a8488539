"""Every dialect, wrapping, prefix and dtype gives the same model; what doesn't fit is named."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS, Shape
from convmixer_viz.weights import checkpoint, user_folder
from tests.conftest import TINY, calibrated
from tests.dialects import DIALECTS, as_authors, as_mmpretrain

MODULE = calibrated(TINY)
STATE = {name: tensor.clone() for name, tensor in MODULE.state_dict().items()}
NAMES = tuple("abcdefghij")


def torch_file(folder: Path, content: Any, **options: Any) -> Path:
    torch.save(content, folder / "file.pth", **options)
    return folder / "file.pth"


def same(found: checkpoint.Checkpoint, state: dict[str, Tensor] = STATE) -> bool:
    return list(found.state) == list(state) and all(
        torch.equal(found.state[name], tensor) for name, tensor in state.items()
    )


def test_calibrated_weights_tell_two_pictures_apart(noise: Tensor) -> None:
    logits = MODULE(noise[:2])
    assert (logits[0] - logits[1]).abs().max() > 1e-2 * logits.abs().max()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("legacy", [False, True])
def test_dialects_in_both_of_torchs_formats(tmp_path: Path, dialect: str, legacy: bool) -> None:
    path = torch_file(tmp_path, DIALECTS[dialect](STATE), _use_new_zipfile_serialization=not legacy)
    found = checkpoint.read(path)
    assert same(found) and found.dialect == dialect
    assert (found.shape, found.class_count) == (TINY.shape, 10)
    assert found.sha256 == user_folder.sha256(path)
    assert [sentence.split()[0] for sentence in found.assumed] == ["activation", "a"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects_in_safetensors(tmp_path: Path, dialect: str) -> None:
    safetensors.torch.save_file(DIALECTS[dialect](STATE), tmp_path / "a.safetensors")
    assert same(checkpoint.read(tmp_path / "a.safetensors"))


WRAPPINGS = {
    "state_dict": lambda s: {"epoch": 3, "arch": "convmixer", "state_dict": s},
    "model": lambda s: {"model": s, "optimizer": {"state": {0: torch.ones(3)}}},
    "model_state": lambda s: {"model_state": s},
    "model.state_dict": lambda s: {"model": {"state_dict": s, "step": 1}},
    "ordered": lambda s: OrderedDict(state_dict=OrderedDict(s)),
    "timm's training": lambda s: {"state_dict": s, "args": argparse.Namespace(lr=0.1)},
    "parameters": lambda s: {n: nn.Parameter(t) if t.ndim else t for n, t in s.items()},
    "module.": lambda s: {f"module.{n}": t for n, t in s.items()},
    "_orig_mod.": lambda s: {f"_orig_mod.{n}": t for n, t in s.items()},
    "averaged": lambda s: {f"module.{n}": t for n, t in s.items()} | {"n_averaged": torch.ones(())},
    "old": lambda s: {n: t for n, t in s.items() if not n.endswith("num_batches_tracked")},
}  # fmt: skip


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_wrappings_and_prefixes(tmp_path: Path, dialect: str, wrapping: str) -> None:
    state = {n: t for n, t in STATE.items() if not n.endswith("num_batches_tracked")}
    content = WRAPPINGS[wrapping](DIALECTS[dialect](STATE))
    found = checkpoint.read(torch_file(tmp_path, content))
    assert all(torch.equal(found.state[name], tensor) for name, tensor in state.items())


def test_averaged_weights_come_first_and_this_is_said(tmp_path: Path) -> None:
    plain = {name: tensor + 1 for name, tensor in STATE.items()}
    both = checkpoint.read(torch_file(tmp_path, {"state_dict": plain, "state_dict_ema": STATE}))
    assert same(both) and "averaged weights, which stand beside state_dict" in both.assumed[0]
    prefixed = {f"model.{n}": t for n, t in plain.items()}
    prefixed |= {f"ema_model.{n}": t for n, t in STATE.items()}
    mixed = checkpoint.read(torch_file(tmp_path, prefixed))
    assert same(mixed) and "beside model." in mixed.assumed[0]


def test_two_models_without_an_average_are_refused(tmp_path: Path) -> None:
    both = {f"{p}.{n}": t for p in ("student", "teacher") for n, t in STATE.items()}
    with pytest.raises(WeightsError, match="several models"):
        checkpoint.read(torch_file(tmp_path, both))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {n: t.to(dtype) if t.is_floating_point() else t for n, t in STATE.items()}
    found = checkpoint.read(torch_file(tmp_path, state))
    assert all(t.dtype in (torch.float32, torch.int64) for t in found.state.values())
    assert torch.equal(found.state["head.weight"], state["head.weight"].float())


def test_our_file_round_trips_with_all_that_tensors_do_not_tell(tmp_path: Path) -> None:
    shape = replace(TINY.shape, activation="relu", residual=False)
    preset = replace(TINY, shape=shape)
    path = tmp_path / "ours.safetensors"
    checkpoint.save(path, STATE, preset, NAMES, dtype=torch.float32)
    found = checkpoint.read(path)
    assert same(found) and found.dialect == "ours" and found.assumed == ()
    assert (found.shape, found.class_names, found.preset) == (shape, NAMES, "tiny")
    assert found.transform == TINY.transform
    with pytest.raises(WeightsError, match="says that it is 12/3, kernel 5, patch 2, ReLU, no res"):
        checkpoint.read(path, activation="gelu")


def test_half_precision_is_for_matrices_only(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a.safetensors", STATE, TINY, None)
    stored = safetensors.torch.load_file(tmp_path / "a.safetensors")
    assert stored["head.weight"].dtype == torch.float16
    assert torch.equal(stored["stem.2.running_var"], STATE["stem.2.running_var"])
    found = checkpoint.read(tmp_path / "a.safetensors")
    assert torch.equal(found.state["head.weight"], STATE["head.weight"].half().float())


def test_saving_is_atomic_and_refuses_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"before")
    broken = STATE | {"head.weight": STATE["head.weight"] * 1e9}  # infinite in float16
    with pytest.raises(WeightsError, match=r"head\.weight isn't finite"):
        checkpoint.save(path, broken, TINY, None)
    assert path.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(WeightsError, match="can't be written"):
        checkpoint.save(path / "inside.safetensors", STATE, TINY, None)


def test_the_loaded_state_needs_no_file(tmp_path: Path) -> None:
    path = torch_file(tmp_path, STATE)
    found = checkpoint.read(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert same(found)


def test_module_computes_what_the_state_says(noise: Tensor) -> None:
    built = checkpoint.read(MODULE).module()
    assert torch.equal(built(noise), MODULE(noise))
    assert not built.training and not any(p.requires_grad for p in built.parameters())


def changed(**tensors: Tensor | None) -> dict[str, Tensor]:
    """The state with tensors replaced (none: removed); '__' in a name stands for a dot."""
    state = dict(STATE)
    for name, tensor in tensors.items():
        name = name.replace("__", ".")
        state.pop(name, None)
        if tensor is not None:
            state[name] = tensor
    return state


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
        r"too many, blocks\.9{93}\.$",
    ),
    "the same, the authors'": (
        as_authors(STATE) | {f"{'9' * 5000}.0.fn.0.weight": torch.ones(D, 1, 5, 5)},
        r"too many, 9{100}\.$",
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
    state, words = MISFITS[misfit]
    with pytest.raises(WeightsError, match=words):
        checkpoint.read(torch_file(tmp_path, state))


def test_misfits_are_named_as_the_file_names_them(tmp_path: Path) -> None:
    wrong = changed(blocks__2__0__fn__0__weight=torch.ones(D, 1, 7, 7))
    with pytest.raises(WeightsError, match=r"5\.0\.fn\.0\.weight is 12×1×7×7"):
        checkpoint.read(torch_file(tmp_path, as_authors(wrong)))
    with pytest.raises(WeightsError, match=r"backbone\.stages\.2\.0\.fn\.0\.weight is"):
        checkpoint.read(torch_file(tmp_path, as_mmpretrain(wrong)))


def test_no_state_dict_is_said() -> None:
    for content in ([1, 2], {"model": {"model": {"model": {"model": {"model": STATE}}}}}):
        with pytest.raises(WeightsError, match="holds no state dict"):
            checkpoint.read(content)  # type: ignore[arg-type]


def test_activation_is_likely_said_or_read_off_the_module() -> None:
    assert checkpoint.read(STATE).shape.activation == "gelu"
    assert checkpoint.read(STATE, activation="relu").shape.activation == "relu"
    shape = replace(TINY.shape, activation="relu")
    relu = checkpoint.read(calibrated(replace(TINY, shape=shape)))
    assert relu.shape.activation == "relu" and len(relu.assumed) == 1


def test_a_published_size_brings_the_published_activation() -> None:
    from convmixer_viz.weights.assumptions import ShapeChoices, settle_shape

    sizes = Shape(768, 32, 7, 7)
    shape, assumed = settle_shape(sizes, 1000, ShapeChoices(), None)
    assert shape.activation == "relu" and "ReLU, as in imagenet-768-32" in assumed[0]
    assert settle_shape(sizes, 10, ShapeChoices(), None)[0].activation == "gelu"


def test_read_as_asks_for_the_presets_own_shape() -> None:
    assert checkpoint.read_as(STATE, TINY).shape == TINY.shape
    with pytest.raises(WeightsError, match="don't fit cifar10-256-8: they are 12/3, kernel 5"):
        checkpoint.read_as(STATE, PRESETS["cifar10-256-8"])
    with pytest.raises(WeightsError, match="and 12/3, kernel 5, patch 2, GELU, 11 classes"):
        checkpoint.read_as(STATE, replace(TINY, class_count=11))


def test_adopt_makes_a_preset_of_its_own(tmp_path: Path) -> None:
    preset, found = checkpoint.make_preset("mine", STATE, PRESETS)
    assert (preset.name, preset.shape, preset.class_count) == ("mine", TINY.shape, 10)
    assert preset.transform == table.CIFAR10 and preset.field_side == 128
    assert "preprocessing of cifar10-256-8" in found.assumed[-1] and found.class_names is None
    said, found = checkpoint.make_preset(
        "mine", STATE, PRESETS, activation="relu", residual=False, preprocess="imagenet-768-32",
        classes=NAMES,
    )  # fmt: skip
    assert said.shape == replace(TINY.shape, activation="relu", residual=False)
    assert said.transform == table.IMAGENET and found.assumed == ()
    assert found.class_names == NAMES
    with pytest.raises(ChoiceError, match="no preset 'none'"):
        checkpoint.make_preset("mine", STATE, PRESETS, preprocess="none")


def test_patches_larger_than_the_pictures_are_refused() -> None:
    shape = replace(TINY.shape, patch_size=64)
    state = calibrated(replace(TINY, shape=shape), side=128).state_dict()
    with pytest.raises(WeightsError, match="Patches of 64 pixels don't fit pictures of 32"):
        checkpoint.make_preset("mine", state, PRESETS, preprocess="cifar10-256-8")
    assert checkpoint.make_preset("mine", state, PRESETS)[0].transform.size == 224


def test_adopt_like_a_preset_takes_its_classes_and_checks_its_shape() -> None:
    known = PRESETS | {"tiny": TINY}
    preset, found = checkpoint.make_preset("other", STATE, known, like="tiny")
    assert preset.shape == TINY.shape and preset.name == "other" and preset.published is None
    assert found.class_names is not None and found.class_names[3] == "cat"
    with pytest.raises(WeightsError, match="don't fit"):
        checkpoint.make_preset("other", STATE, known, like="cifar10-256-8")


def test_tensors_in_memory_have_a_sha256_of_their_own() -> None:
    one, two = checkpoint.read(STATE), checkpoint.read(changed(head__bias=STATE["head.bias"] + 1))
    assert one.sha256 == checkpoint.read(dict(STATE)).sha256 != two.sha256
