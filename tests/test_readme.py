"""The READMEs tell the truth: their Python runs, commands and links exist, tables are generated."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from convmixer_viz import cli
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.training import cards

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ZOO = (ROOT / "pretrained/README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "pretrained/README.md", ".github/CONTRIBUTING.md")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [
    line
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("convmixer-viz ") and "--help" not in line
]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    names["bench"].close()  # type: ignore[attr-defined]
    assert (tmp_path / "out" / "evidence.npz").is_file()


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


def test_every_shipped_preset_has_weights_card_and_log() -> None:
    for path in (ROOT / "pretrained").glob("*.safetensors"):
        name = path.name.removesuffix(".safetensors").removesuffix(".history")
        assert name in PRESETS
        assert path.with_name(f"{name}.md").is_file()
        assert path.with_name(f"{name}.json").is_file()


def test_pictures_are_there_small_and_those_that_the_scripts_make() -> None:
    shown = set(re.findall(r"\.readme/[\w-]+\.(?:webp|png)", README + ZOO))
    there = {f".readme/{path.name}" for path in (ROOT / ".readme").iterdir()}
    assert shown == there and len(there) == 9
    assert sum((ROOT / name).stat().st_size for name in there) < 1_500_000


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)|src=\"([^\"]+)\"", path.read_text(encoding="utf-8"))
    local = {link for pair in links for link in pair if link and not link.startswith("http")}
    assert {link for link in local if not (path.parent / link).exists()} == set()


def test_every_page_has_its_line_in_the_router_and_a_test() -> None:
    router = (ROOT / "convmixer_viz/app/router/main.py").read_text(encoding="utf-8")
    pages = [p.stem for p in (ROOT / "convmixer_viz/app/pages").glob("[!_]*.py")]
    assert len(pages) >= 2
    for page in pages:
        assert f'("{page}"' in router
        assert (ROOT / f"tests/app/test_{page}.py").is_file()
