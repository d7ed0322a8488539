"""The READMEs tell the truth: their Python runs, commands and links exist, tables are generated."""

from __future__ import annotations

import ast
import re
import shlex
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import EVIDENCE, STRUCTURE, Workbench, cli
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import cards
from tests.findings import kernels

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ZOO = (ROOT / "pretrained/README.md").read_text(encoding="utf-8")
PAGES = (
    "README.md",
    "pretrained/README.md",
    ".github/CONTRIBUTING.md",
    ".github/CHANGELOG.md",
    ".github/SERVING.md",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [
    line
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("convmixer-viz ") and "--help" not in line
]


def test_python_does_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    bench, evidence, explanation = (names[n] for n in ("bench", "evidence", "explanation"))
    answer, shape, sigma, sums, *steps = capsys.readouterr().out.splitlines()
    says = ast.literal_eval(answer)
    assert says["class"] == "cat" and says["probability"] > 0.5
    preset = PRESETS["cifar10-256-8"]
    assert "(depth + 1, H, W)" in code and ast.literal_eval(shape) == (
        preset.shape.depth + 1,
        *[preset.shape.grid(preset.transform.size)] * 2,
    )
    maps = explanation.evidence.maps
    assert maps[-1].sum() + explanation.evidence.bias == pytest.approx(
        explanation.evidence.logit, rel=1e-5
    )
    assert float(sigma.rstrip(")").split("(")[-1]) == explanation.field.sigma[-1] > 1
    total, logit = map(float, re.findall(r"-?\d+\.\d+", sums.replace("np.float32", "")))
    assert "# equal, to rounding" in code and total == pytest.approx(logit, rel=1e-5)
    assert evidence.target_name == "cat rather than dog"
    assert len(bench.draw(evidence).data) > 0
    for suffix in ("npz", "json", "csv", "html"):
        assert (tmp_path / "out" / f"evidence.{suffix}").is_file()
    np.testing.assert_array_equal(bench.load("out/", EVIDENCE).maps, evidence.maps)
    assert all(re.fullmatch(r"\d+ of \d+(, .+ left)?", step) for step in steps)
    done, total_steps = map(int, re.findall(r"\d+", steps[-1])[:2])
    assert len(steps) > 3 and done == total_steps
    bench.close()


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_parse(line: str) -> None:
    arguments = shlex.split(line)[1:]
    assert callable(cli._parser(arguments).parse_args(arguments).run)


def test_a_command_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), "orange").save("cat.jpg")
    assert cli.main(shlex.split(COMMANDS[0])[1:]) == 0


def test_the_table_of_weights_is_the_cards() -> None:
    table = ZOO.split("<!-- zoo -->")[1].split("<!-- /zoo -->")[0].strip()
    assert table == cards.table(ROOT / "pretrained").strip()


@pytest.mark.parametrize("kind", ["k9", "k5-plain"])
def test_shares_of_kernels_with_a_class_are_those_of_the_arrays(kind: str) -> None:
    (row,) = (line for line in ZOO.splitlines() if line.startswith(f"| `{kind}`"))
    with closing(Workbench("cpu")) as bench:
        structure = bench.run(STRUCTURE, preset=f"cifar10-128-8-{kind}")
    assert row.endswith(f"| {kernels.with_a_class(structure)} |")


def test_every_shipped_preset_has_weights_card_and_log() -> None:
    for path in (ROOT / "pretrained").glob("*.safetensors"):
        name = path.name.removesuffix(".safetensors").removesuffix(".history")
        assert name in PRESETS
        assert path.with_name(f"{name}.md").is_file()
        assert path.with_name(f"{name}.json").is_file()


def test_pictures_are_there_small_and_those_that_the_scripts_make() -> None:
    shown = set(re.findall(r"\.readme/[\w-]+\.(?:webp|png)", README + ZOO))
    there = {f".readme/{path.name}" for path in (ROOT / ".readme").iterdir()}
    assert shown == there and len(there) == 12
    assert sum((ROOT / name).stat().st_size for name in there) < 1_500_000


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)|src=\"([^\"]+)\"", path.read_text(encoding="utf-8"))
    local = {link for pair in links for link in pair if link and not link.startswith("http")}
    assert {link for link in local if not (path.parent / link).exists()} == set()


def test_the_walk_through_the_code_names_files_that_are_there() -> None:
    text = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`([\w/.]+(?:\.py|\.md|/))`", text))
    roots = (ROOT, ROOT / "convmixer_viz")
    assert len(paths) > 40
    missing = {path for path in paths if not any((root / path).exists() for root in roots)}
    assert missing == {"checkpoints/"}  # of the data's folder


def test_every_page_has_its_line_in_the_router_and_a_test() -> None:
    router = (ROOT / "convmixer_viz/app/router/main.py").read_text(encoding="utf-8")
    pages = [p.stem for p in (ROOT / "convmixer_viz/app/pages").glob("[!_]*.py")]
    assert len(pages) >= 2
    for page in pages:
        assert f'("{page}"' in router
        assert (ROOT / f"tests/app/test_{page}.py").is_file()
