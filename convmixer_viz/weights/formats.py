"""Open a weights file (safetensors, or either format of torch.save) and take out its tensors.

Hostile files are refused here, before they run anything or take memory.
"""

from __future__ import annotations

import argparse
import json
import math
import pickletools
import threading
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import safetensors
import torch
from torch import Tensor

from convmixer_viz.errors import WeightsError
from convmixer_viz.weights.metadata import short_int, shown

MAX_BYTES = 2**30  # of the file: 1536/20 with optimiser and average in float32 has 0.83 GB
MAX_PARAMETERS = 200_000_000  # 0.8 GB in float32; the largest published has 52 million
MAX_HEADER = 4 * 2**20  # bytes of a safetensors header, twenty times those of 20,000 names
MAX_PICKLE = 16 * 2**20  # bytes of a zip's pickle
MAX_OPCODES = 1_000_000  # of a pickle; 1536/20 with optimiser and average has 44,000
MAX_TENSORS = 20_000
MAX_AXES = 8
LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's magic number before 1.6
SET_OPCODES = ("EMPTY_SET", "FROZENSET", "ADDITEMS")  # torch.save writes none; each takes 216 bytes
ALLOWED_IN_PICKLES = {
    "collections OrderedDict",
    "argparse Namespace",
    "torch Size",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
}
# keys under which files keep a state dict; averaged weights first, as timm's own loader does
WRAPPERS = (
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "params",
    "weights",
)
_one_at_a_time = threading.Lock()  # torch's list of safe globals belongs to the process


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """What a file holds: its tensors as stored (some still on disk), and under which keys."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]  # of a safetensors header
    wrapping: tuple[str, ...]  # the keys that led to the tensors, outermost first
    other_weights: tuple[str, ...]  # keys of further sets of weights, which are ignored


def open_file(path: Path) -> Container:
    """Tensors of a safetensors file or of torch's formats; a WeightsError says why not."""
    start = _first_bytes(path)
    try:
        if start.startswith(b"PK\x03\x04"):
            _check_zip(path)
            return unwrap(_torch_load(path, mmap=True))
        if start.startswith(LEGACY_START):
            with path.open("rb") as file:  # magic number, version, system, the object, its keys
                for _ in range(5):
                    _check_pickle(file, path)
            return unwrap(_torch_load(path, mmap=False))
        if start[8:9] == b"{":
            return Container(*_safetensors(path), wrapping=(), other_weights=())
    except WeightsError:
        raise
    except MemoryError as error:
        raise WeightsError(f"{path.name} takes too much memory to read.") from error
    except Exception as error:  # parsers may raise anything over foreign bytes
        raise WeightsError(f"{path.name} is cut off or damaged: copy or fetch it again.") from error
    raise WeightsError(_why_no_weights(path, start))


def unwrap(content: Any) -> Container:
    """Go down the keys of WRAPPERS until names lead to tensors."""
    wrapping: list[str] = []
    other_weights: list[str] = []
    while isinstance(content, Mapping) and len(wrapping) < 4:
        inner = [k for k in WRAPPERS if isinstance(content.get(k), Mapping) and content[k]]
        if not inner:
            tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
            return Container(tensors, {}, tuple(wrapping), tuple(other_weights))
        wrapping.append(inner[0])
        other_weights += inner[1:]
        content = content[inner[0]]
    raise WeightsError("The file holds no state dict: save model.state_dict() instead.")


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_symlink():
            raise WeightsError(f"{path} is a link: name the file itself ({path.readlink()}).")
        if path.is_dir():
            raise WeightsError(f"{path} is a folder: name a weights file inside it.")
        if not path.is_file():
            raise WeightsError(f"There is no weights file {path}: check the path.")
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(64)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} can't be read ({error}): check its permissions.") from error
    if size > MAX_BYTES:
        raise WeightsError(f"{path.name} has {size / 2**30:.1f} GiB; 1 GiB is the limit.")
    return start


def _why_no_weights(path: Path, start: bytes) -> str:
    if not start:
        return f"{path.name} is empty: copy or fetch it again."
    if start.lstrip().startswith(b"<"):
        return (
            f"{path.name} is a web page, not weights: a proxy or a login page may have come "
            "instead; fetch it again."
        )
    return f"{path.name} is no weights file: a safetensors file or torch.save's is needed."


def _check_zip(path: Path) -> None:
    """torch stores its entries uncompressed, so nothing in it may be larger than the file."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise WeightsError(f"{path.name} unpacks to more than it is: torch writes no such zip.")
        pickles = [e for e in entries if e.filename.endswith("/data.pkl")]
        if len(pickles) != 1 or any(e.filename.endswith("/constants.pkl") for e in entries):
            raise WeightsError(f"{path.name} is a zip, but not one of torch.save's state dicts.")
        if pickles[0].file_size > MAX_PICKLE:
            raise WeightsError(f"{path.name} holds more than names and tensors.")
        with archive.open(pickles[0]) as file:
            _check_pickle(file, path)


def _check_pickle(file: IO[bytes], path: Path) -> None:
    """Read the names of what a pickle would call, without calling anything."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count == MAX_OPCODES or opcode.name in SET_OPCODES:
            raise WeightsError(f"{path.name} holds more than names and tensors.")
        if opcode.name not in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):
            continue
        name = str(argument)
        if opcode.name != "GLOBAL" or not (name in ALLOWED_IN_PICKLES or _is_type(name)):
            called = shown(name.replace(" ", ".")) if argument else "code by a hidden name"
            raise WeightsError(
                f"{path.name} would run {called} when loaded, so it is refused and nothing was "
                "run: save only model.state_dict(), best as safetensors."
            )


def _is_type(name: str) -> bool:
    module, _, kind = name.partition(" ")
    is_dtype = isinstance(getattr(torch, kind, None), torch.dtype)
    return module == "torch" and (kind.endswith("Storage") or is_dtype)


def _torch_load(path: Path, *, mmap: bool) -> Any:
    with _one_at_a_time, torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)


def _safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise WeightsError(f"{path.name} claims a header of {length} bytes: it is no weights.")
        header = json.loads(file.read(length), parse_int=short_int)
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise WeightsError(f"{path.name} claims {len(header):,} tensors: it is no weights.")
    check_claimed_size((tuple(entry["shape"]) for entry in header.values()), path.name)
    with safetensors.safe_open(path, "pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        return tensors, dict(opened.metadata() or {})


def check_claimed_size(shapes: Iterable[tuple[int, ...]], source: str) -> None:
    """Refuse what claims more parameters than any ConvMixer has, before memory is taken."""
    claimed = sum(_product(shape, source) for shape in shapes)
    if claimed > MAX_PARAMETERS:
        limit = MAX_PARAMETERS // 10**6
        raise WeightsError(
            f"{source} claims {claimed:,} parameters; {limit} million are the limit."
        )


def _product(shape: tuple[int, ...], source: str) -> int:
    if len(shape) > MAX_AXES:
        raise WeightsError(f"{source} claims a tensor of {len(shape):,} axes: it is no weights.")
    return math.prod(shape)


def check_expansion(tensors: Iterable[Tensor], stored: int, source: str) -> None:
    """Refuse tensors that become more bytes than their file stores: each value of theirs stands
    for many, or they share their memory."""
    whole = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    if whole > stored:
        raise WeightsError(
            f"{source} holds {stored / 1e6:.1f} MB, but its tensors are {whole / 1e6:.1f} MB "
            "when they are written out: save them contiguous."
        )
