"""The data flows one way: who may import whom, read off the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchvision", "captum", "skimage", "scipy"}
MUST_NOT = [  # files, and what they must not import
    (
        ["errors.py", "contract.py", "images.py", "gallery.py", "presets.py", "preprocessing.py",
         "comparison.py", "classes.py", "flags.py", "caches.py", "turns.py", "records.py",
         "assumptions.py", "architecture.py", "store.py", "hub.py", "processes.py",
         "memory.py"],
        {"torch", "torchvision", "captum", "plotly", "streamlit"},
    ),
    (
        ["model.py", "fused.py", "checkpoints.py", "weights.py", "machine.py", "runtime.py",
         "shelf.py",
         "containers.py", "dialects.py", "download.py"],
        {"captum", "plotly", "streamlit"},
    ),
    (["analyses/*.py"], {"plotly", "streamlit", "convmixer_viz.figures", "convmixer_viz.pages"}),
    (["figures/*.py"], {"torch", "torchvision", "captum", "streamlit", "convmixer_viz.pages"}),
    (
        ["catalog.py", "workbench.py", "report.py", "cli.py", "commands/*.py", "training/*.py"],
        {"streamlit", "convmixer_viz.pages"},
    ),
    (
        ["pages/*.py", "../streamlit_app.py"],
        {"torch", "torchvision", "captum", "numpy", "plotly", "scipy", "skimage"},
    ),
]  # fmt: skip
# a lazily loaded name stands in sys.modules before anything of it was read: look for a part
LOADED = {"torch": "torch._C", "torchvision": "torchvision.models", "captum": "captum.attr",
          "skimage": "skimage.util", "streamlit": "streamlit.runtime", "numpy": "numpy.linalg",
          "plotly": "plotly.basedatatypes"}  # fmt: skip
NOT_AT_ONCE = ["__init__.py", "cli.py", "catalog.py", "analyses/*.py", "comparison.py",
               "images.py", "flags.py", "processes.py", "commands/*.py"]  # fmt: skip


def files(patterns: list[str]) -> list[Path]:
    return [path for pattern in patterns for path in (ROOT / "convmixer_viz").glob(pattern)]


def imported(nodes: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def statements(path: Path) -> list[ast.stmt]:
    """All but what stands under TYPE_CHECKING: a name for an annotation is no dependency."""
    kept: list[ast.stmt] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            kept += node.orelse
        else:
            kept.append(node)
    return kept


def clashes(names: set[str], banned: set[str]) -> set[str]:
    return {name for name in names for ban in banned if name == ban or name.startswith(f"{ban}.")}


@pytest.mark.parametrize(("patterns", "banned"), MUST_NOT, ids=[row[0][0] for row in MUST_NOT])
def test_each_layer_knows_only_what_stands_to_its_left(
    patterns: list[str], banned: set[str]
) -> None:
    found = {str(path): clashes(imported(statements(path)), banned) for path in files(patterns)}
    assert found
    assert {path: names for path, names in found.items() if names} == {}


def test_heavy_libraries_come_lazily() -> None:
    found = {}
    for path in files(NOT_AT_ONCE):
        top = [n for n in statements(path) if isinstance(n, ast.Import | ast.ImportFrom)]
        found[str(path)] = clashes(imported(top), HEAVY)
    assert {path: names for path, names in found.items() if names} == {}


def test_the_rules_would_see_a_breach() -> None:
    nodes = ast.parse("import torch.nn\nfrom plotly import graph_objects").body
    assert clashes(imported(nodes), {"torch", "plotly"}) == {
        "torch.nn", "plotly", "plotly.graph_objects",
    }  # fmt: skip


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('and', *sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "and sys" in done.stderr, done.stderr
    modules = set(done.stderr.split())
    return {name for name, part in LOADED.items() if part in modules}


@pytest.mark.parametrize(
    "line",
    ["--help", "prediction --help", "receptive-field --help", "attribution --help", "models",
     "prediction --target nobody", "evidence --target nobody", "kernels --blocks 99", "no-such"],
)  # fmt: skip
def test_help_and_wrong_arguments_never_wait_for_torch(line: str) -> None:
    code = f"""
import contextlib, os
from convmixer_viz import cli
with contextlib.redirect_stdout(open(os.devnull, "w")), contextlib.suppress(SystemExit):
    cli.main({line.split()!r})"""
    assert not {"torch", "torchvision", "captum", "skimage", "streamlit"} & loaded_after(code)


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded_after("import convmixer_viz") == set()


def test_a_first_prediction_loads_neither_torchvision_nor_captum() -> None:
    loaded = loaded_after(
        "from convmixer_viz import Workbench\n"
        "bench = Workbench('cpu')\nbench.predict('gallery:cat', random=0)\nbench.close()"
    )
    assert "torch" in loaded
    assert not {"torchvision", "captum", "streamlit", "plotly"} & loaded
