"""Lists of class names; reading them from a file, and finding a class by what a person types."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from convmixer_viz.errors import ChoiceError, WeightsError

CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SYNSETS = {  # the folders of Imagenette
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
IMAGENETTE = tuple(SYNSETS.values())
SYNSET = re.compile(r"n\d{8}")
IMAGENET_CLASSES = 1000
IMAGENET = Path(__file__).with_name("imagenet.txt")
MAX_FILE = 4 * 2**20  # bytes of a file of names


@cache
def names(class_set: str) -> tuple[str, ...]:
    """The names of a known set: "imagenet", "cifar10" or "imagenette"."""
    if class_set == "imagenet":
        return _imagenet()
    return {"cifar10": CIFAR10, "imagenette": IMAGENETTE}[class_set]


def read_names(path: Path, count: int) -> tuple[str, ...]:
    """Names from a file: a line each, or a JSON list, or a JSON object from index to name."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE).decode("utf-8-sig")
        values = json.loads(text) if text.lstrip()[:1] in ("[", "{") else text.splitlines()
        if isinstance(values, dict):
            values = [values[str(index)] for index in range(len(values))]
    except (OSError, ValueError, KeyError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WeightsError(
            f"The class names in {path.name} can't be read ({reason}): a name a line is best."
        ) from error
    return check(values, count, path.name)


def check(values: Sequence[Any], count: int, source: str) -> tuple[str, ...]:
    """Class names, as many as the model has classes; in errors they are called `source`."""
    names = class_list([v.strip() if isinstance(v, str) else v for v in values], source)
    if len(names) != count:
        raise WeightsError(f"{source} names {len(names)} classes, but the model has {count}.")
    return names


def class_list(values: Any, source: str) -> tuple[str, ...]:
    """Class names in the order of their indices; two may be alike, as in ImageNet's own list."""
    names = tuple(values) if isinstance(values, list) else ()
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise WeightsError(f"{source} must list class names, in order, none of them empty.")
    return names


def find(class_names: Sequence[str], text: str) -> int:
    """A class's index from its index, its label, its exact name, or its name in any case."""
    text = text.strip()
    labelled = re.fullmatch(r"(.+) \((\d{1,9})\)", text)
    if labelled and [*class_names[int(labelled[2]) :][:1]] == [labelled[1]]:
        return int(labelled[2])
    if _is_index(text):
        return _by_index(class_names, text)
    for key in (str, str.lower):
        matches = [i for i, name in enumerate(class_names) if key(name) == key(text)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            which = ", ".join(f"{class_names[i]} ({i})" for i in matches)
            sentence = f"{text!r} names {len(matches)} classes: choose {which} by its number."
            raise ChoiceError(sentence)
    raise ChoiceError(f"There is no class {text!r}: {_suggestion(class_names, text)}")


def match(class_names: Sequence[str], folders: Sequence[str]) -> list[int]:
    """For each folder of a data set the index of its class: by name, Imagenette's also by synset;
    in sorted order only where both are ImageNet's whole, or the model's classes have no names."""
    plain = [_plain(name) for name in class_names]
    counts = Counter(plain)  # two of ImageNet's classes may have one name
    indices = {name: index for index, name in enumerate(plain) if counts[name] == 1}
    names = [_plain(SYNSETS.get(folder, folder)) for folder in folders]
    if all(name in indices for name in names):
        return [indices[name] for name in names]
    nameless = all(map(str.isdecimal, class_names))
    synsets = len(class_names) == IMAGENET_CLASSES and all(map(SYNSET.fullmatch, folders))
    if len(folders) == len(class_names) and (synsets or nameless):
        return list(range(len(folders)))
    stranger = min(folder for folder in folders if _plain(folder) not in indices)
    raise ChoiceError(
        f"{stranger!r} is no class of this preset: name the folders as its classes "
        f"({', '.join(class_names[:3])}, …)."
    )


def _plain(name: str) -> str:
    return name.replace("_", " ").casefold()


def label(class_names: Sequence[str], index: int) -> str:
    """A class's name, with its index where another differs from it by case alone or not at all,
    or where it reads as the index of another."""
    name = class_names[index]
    numeral = _is_index(name) and name != str(index)
    return f"{name} ({index})" if numeral or name.lower() in _alike(tuple(class_names)) else name


@cache
def _alike(class_names: tuple[str, ...]) -> frozenset[str]:
    counts = Counter(name.lower() for name in class_names)
    return frozenset(name for name, count in counts.items() if count > 1)


def _is_index(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()


def _by_index(class_names: Sequence[str], text: str) -> int:
    if len(text) > 9 or not 0 <= int(text) < len(class_names):
        last = len(class_names) - 1
        raise ChoiceError(f"There is no class {text[:20]}: the indices are 0 to {last}.")
    return int(text)


def _suggestion(class_names: Sequence[str], text: str) -> str:
    lowered = {name.lower(): name for name in class_names}
    near = difflib.get_close_matches(text.lower(), lowered, 3, 0.7)
    if near:
        return f"did you mean {' or '.join(lowered[name] for name in near)}?"
    shown = ", ".join(class_names[:10])
    return f"this preset knows {shown}{', …' if len(class_names) > 10 else '.'}"


def _imagenet() -> tuple[str, ...]:
    """The list beside this file, whose head says where it is from."""
    lines = IMAGENET.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
