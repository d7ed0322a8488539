"""convmixer-viz models: list presets and where their weights are; show, fetch, add, remove one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from convmixer_viz.commands import console, verify
from convmixer_viz.errors import ChoiceError
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets import architecture, classes, table
from convmixer_viz.presets.table import Preset
from convmixer_viz.request import fit_edits
from convmixer_viz.weights import collection, locate, user_folder
from convmixer_viz.weights.facts import preset_facts


def register(subparsers: Any) -> None:
    """Add the subparser."""
    summary = "list presets; show, fetch, add or remove one"
    command = subparsers.add_parser("models", help=summary, description=summary)
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=_list)
    actions = command.add_subparsers(metavar="ACTION")
    show = actions.add_parser("show", help="everything about one preset")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
    show.set_defaults(run=_show)
    fetch = actions.add_parser("fetch", help="bring published weights from the Hugging Face hub")
    fetch.add_argument("name", metavar="NAME")
    fetch.set_defaults(run=_fetch)
    _register_add(actions)
    save = actions.add_parser("save", help="write a preset's weights, edited, as a file")
    save.add_argument("name", metavar="NAME")
    edit = "NAME[:KEY=VALUE…], once for each edit, in their order"
    save.add_argument(
        "--edit", action="append", default=[], dest="edits", metavar="EDIT", help=edit
    )
    save.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .safetensors")
    save.set_defaults(run=_save)
    verify.register(actions)
    remove = actions.add_parser("remove", help="delete weights that were added or fetched")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_remove)


def _register_add(actions: Any) -> None:
    add = actions.add_parser("add", help="verify a weights file of your own and keep it")
    option = add.add_argument
    option("file", type=Path, metavar="FILE", help="safetensors, or a state dict by torch.save")
    name = add.add_mutually_exclusive_group()
    name.add_argument("--as", dest="replaces", metavar="PRESET", help="as this preset's weights")
    name.add_argument("--name", metavar="N", help="as a preset of its own (default: the file's)")
    option("--activation", choices=("gelu", "relu"), help="which the file doesn't say")
    option("--preprocess", metavar="PRESET", help="prepare pictures as this preset does")
    option("--classes", type=Path, metavar="FILE", help="class names, a line each, or JSON")
    option("--no-residual", action="store_true", help="no skip around the depthwise step")
    add.set_defaults(run=_add)


def _list(arguments: argparse.Namespace) -> None:
    presets = locate.all_presets().values()
    if arguments.json:
        print(json.dumps([preset_facts(preset) for preset in presets], indent=1))
    else:
        print(console.as_table([_line(preset) for preset in presets]))
    for name in user_folder.damaged_entries():
        print(
            f"{escape(name, 'terminal')} can't be read: convmixer-viz models remove {name}",
            file=sys.stderr,
        )


def _line(preset: Preset) -> dict[str, Any]:
    facts = preset_facts(preset)
    top1, published = facts["top1"], facts["published_multiply_adds"]
    return {
        "preset": preset.name,
        "parameters": f"{preset.parameters:,}",
        "GMACs": f"{facts['multiply_adds'] / 1e9:.2f}",
        "published": f"{published / 1e9:.2f}" if published else "–",
        "top-1 %": f"{top1:.2f}" if top1 else "–",
        "MB": f"{facts['bytes'] / 1e6:.1f}",
        "weights": facts["weights"],
        "sha256": facts["sha256"][:8] or "–",
        "licence": preset.licence,
    }


def _show(arguments: argparse.Namespace) -> None:
    preset = table.find(arguments.name, locate.all_presets())
    layers = [asdict(layer) for layer in architecture.layers(preset)]
    names = locate.class_names(preset)
    facts = preset_facts(preset) | {
        "shape": asdict(preset.shape),
        "transform": asdict(preset.transform),
        "multiply_adds_by_part": preset.shape.multiply_adds(
            preset.transform.size, preset.class_count
        ),
    }
    if arguments.json:
        print(json.dumps(facts | {"layers": layers, "classes": names}, indent=1))
        return
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):24}{escape(_text(value), 'terminal')}")
    print(f"{'classes':24}{escape(_shortened(preset, names), 'terminal')}\n")
    print(console.as_table([layer | {"output": _product(layer["output"])} for layer in layers]))
    if preset.published:
        print(f"\n{architecture.NOT_COUNTED}")


def _fetch(arguments: argparse.Namespace) -> None:
    collection.sweep()
    progress = console.ProgressLine()
    with closing(collection.fetch(arguments.name)) as steps, console.interruptible():
        for step in steps:
            megabytes = f"{step.done / 1e6:.1f} of {step.total / 1e6:.1f} MB"
            progress.show(f"fetching {arguments.name}: {megabytes}")
    progress.clear()
    print(f"{arguments.name}: {step.partial}")


def _add(arguments: argparse.Namespace) -> None:
    collection.sweep()
    added = collection.add(
        arguments.file,
        replaces=arguments.replaces,
        name=arguments.name,
        preprocess=arguments.preprocess,
        class_file=arguments.classes,
        activation=arguments.activation,
        residual=False if arguments.no_residual else None,
    )
    for sentence in added.assumed:
        console.tell(f"assumed: {sentence}")
    print(f"{added.preset.name}: {locate.require_file(added.preset)}")


def _save(arguments: argparse.Namespace) -> None:
    presets = locate.all_presets()
    fit_edits(arguments.edits, table.find(arguments.name, presets), presets)
    if arguments.out.suffix != ".safetensors":
        raise ChoiceError(f"{arguments.out} must end in .safetensors.")
    from convmixer_viz.workbench import Workbench  # not before: torch takes seconds

    with closing(Workbench("cpu")) as bench:
        print(bench.save_model(arguments.out, arguments.name, edits=arguments.edits))


def _remove(arguments: argparse.Namespace) -> None:
    collection.remove(arguments.name)
    print(f"{arguments.name}: removed")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_text(v)}" for name, v in value.items())
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value in (None, "") else str(value)


def _shortened(preset: Preset, names: Sequence[str]) -> str:
    shown = ", ".join(classes.label(names, index) for index in range(min(10, len(names))))
    return f"{shown}, … ({preset.class_count})" if len(names) > 10 else shown


def _product(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))
