"""The data flows one way: who may load whom, a line a folder, read off the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "convmixer_viz"
TORCH = {"torch", "torchvision", "captum"}
SCREEN = {"plotly", "streamlit"}
# from the bottom up: rooms, and what they never load, at their top or later. A room loads what
# stands below it, and its own
FLOORS: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    (("errors", "contract", "agreement", "disk", "foreign_text"), TORCH | SCREEN),
    (("presets",), TORCH | SCREEN),
    (("questions",), TORCH | SCREEN),
    (("catalog",), TORCH | SCREEN),
    (("pictures",), TORCH | SCREEN),
    (("model",), SCREEN | {"captum"}),
    (("weights",), SCREEN | {"captum"}),
    (("engine",), SCREEN | {"captum"}),
    (("analyses",), SCREEN),
    (("figures",), TORCH | {"streamlit", "convmixer_viz.analyses"}),
    (("export",), TORCH | {"streamlit"}),
    (("workbench", "request", "training"), {"streamlit"}),
    (("comparison",), {"streamlit"}),
    (("cli", "commands"), {"streamlit"}),
    (("app",), TORCH | {"plotly", "scipy", "skimage", "numpy"}),
)
HEIGHT = {room: floor for floor, (rooms, _) in enumerate(FLOORS) for room in rooms}
NEVER = {room: never for rooms, never in FLOORS for room in rooms}
# the rooms that command line and pages load at once
TORCH_FREE = (
    "errors",
    "contract",
    "agreement",
    "disk",
    "foreign_text",
    "presets",
    "questions",
    "catalog",
    "pictures",
)
EVERYWHERE = {"__init__", "py"}  # py.typed
# what is looked up by name, on use: a row's computation and its figures, and a notebook's page
BY_NAME = {"convmixer_viz.contract": ("analyses", "figures", "export")}
# a lazily loaded name stands in sys.modules before anything of it was read: look for a part
LOADED = {
    "torch": "torch._C",
    "torchvision": "torchvision.models",
    "captum": "captum.attr",
    "skimage": "skimage.util",
    "streamlit": "streamlit.runtime",
    "numpy": "numpy.linalg",
    "plotly": "plotly.basedatatypes",
}


def module_name(path: Path) -> str:
    """convmixer_viz/figures/style.py → convmixer_viz.figures.style"""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str | None:
    """convmixer_viz.figures.style → figures"""
    package, *inner = module.split(".")
    return inner[0] if package == PACKAGE.name and inner else None


def dependencies(node: ast.AST) -> Iterator[str]:
    """Dotted names that code loads, at its top or later; `if TYPE_CHECKING:` aside, since a name
    for an annotation is no dependency."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        yield from dependencies(child)


def names_resolved(node: ast.AST) -> Iterator[str]:
    """What code looks up by contract.resolve, as far as its text tells."""
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call) and n.args):
        if ast.unparse(call.func) == "resolve":
            place = call.args[0]
            part = place.values[0] if isinstance(place, ast.JoinedStr) else place
            if isinstance(part, ast.Constant):  # else a constant's name: what it says isn't read
                yield f"{PACKAGE.name}.{part.value!s}".rstrip(".")


SOURCES = {module_name(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
LOADS = {name: sorted(set(dependencies(tree))) for name, tree in SOURCES.items()}
RESOLVED = {name: sorted(set(names_resolved(tree))) for name, tree in SOURCES.items()}


def breaches(module: str, loads: list[str]) -> list[str]:
    """What a module loads and must not."""
    here = room(module)
    if here is None:
        return []
    foreign = [n for n in loads for bad in NEVER[here] if f"{n}.".startswith(f"{bad}.")]
    above = [n for n in loads if (there := room(n)) in HEIGHT and HEIGHT[there] > HEIGHT[here]]
    return foreign + above


def circle(start: str, graph: dict[str, set[str]]) -> list[str]:
    """The shortest way from a module back to itself, empty where there is none."""
    ways, seen = [[start]], {start}
    while ways:
        way = ways.pop(0)
        for following in sorted(graph[way[-1]]):
            if following == start:
                return [*way, start]
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def targets(loads: list[str]) -> set[str]:
    """The package's own modules among dotted names of modules and of what is in them."""
    owners = (name if name in SOURCES else name.rpartition(".")[0] for name in loads)
    return {owner for owner in owners if owner in SOURCES}


def test_every_module_stands_in_a_room_of_the_table() -> None:
    entries = {path.name.partition(".")[0] for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert entries - EVERYWHERE == HEIGHT.keys()


@pytest.mark.parametrize("here", HEIGHT)
def test_each_room_loads_only_what_stands_below_it(here: str) -> None:
    modules = [module for module in SOURCES if room(module) == here]
    assert modules
    rows = {module: breaches(module, LOADS[module]) for module in modules}
    for module in modules:
        resolved = [n for n in RESOLVED[module] if room(n) not in BY_NAME.get(module, ())]
        rows[module] += breaches(module, resolved)
    assert {module: names for module, names in rows.items() if names} == {}


def test_no_module_comes_back_to_itself() -> None:
    graph = {name: targets(loads) - {name} for name, loads in LOADS.items()}
    assert [way for name in graph if (way := circle(name, graph))] == []


def test_the_rules_would_see_a_breach() -> None:
    tree = ast.parse("def late():\n    import torch.nn\nfrom convmixer_viz.figures import style")
    names = sorted(dependencies(tree))
    assert names == ["convmixer_viz.figures.style", "torch.nn"]
    assert breaches("convmixer_viz.questions.cost", names) == ["torch.nn", names[0]]
    tree = ast.parse('resolve("export.notebook.page")\nresolve(f"figures.{place}.draw")')
    names = sorted(names_resolved(tree))
    assert names == ["convmixer_viz.export.notebook.page", "convmixer_viz.figures"]
    assert breaches("convmixer_viz.catalog", names) == names
    assert circle("a", {"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    with pytest.raises(KeyError):  # a folder that no line of the table names
        breaches("convmixer_viz.utils.misc", names)


def test_every_module_says_what_its_part_is() -> None:
    silent = [name for name, tree in SOURCES.items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('and', *sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "and sys" in done.stderr, done.stderr
    modules = set(done.stderr.split())
    return {name for name, part in LOADED.items() if part in modules}


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "prediction --help",
        "receptive-field --help",
        "attribution --help",
        "models",
        "prediction --target nobody",
        "evidence --target nobody",
        "kernels --blocks 99",
        "no-such",
    ],
)
def test_help_and_wrong_arguments_never_wait_for_torch(line: str) -> None:
    code = f"""
import contextlib, os
from convmixer_viz import cli
with contextlib.redirect_stdout(open(os.devnull, "w")), contextlib.suppress(SystemExit):
    cli.main({line.split()!r})"""
    assert not {"torch", "torchvision", "captum", "skimage", "streamlit"} & loaded_after(code)


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded_after("import convmixer_viz") == set()


def test_questions_and_answers_are_free_of_torch() -> None:
    modules = (name for name in SOURCES if room(name) in TORCH_FREE)
    loaded = loaded_after("\n".join(f"import {name}" for name in modules))
    assert not {"torch", "torchvision", "captum", "skimage", "streamlit", "plotly"} & loaded


def test_a_first_prediction_loads_neither_torchvision_nor_captum() -> None:
    loaded = loaded_after(
        "from convmixer_viz import Workbench\n"
        "bench = Workbench('cpu')\nbench.predict('gallery:cat', random=0)\nbench.close()"
    )
    assert "torch" in loaded
    assert not {"torchvision", "captum", "streamlit", "plotly"} & loaded
