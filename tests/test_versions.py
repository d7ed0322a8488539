"""The version stands in three places, and the hooks are those of CI."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import convmixer_viz

ROOT = Path(__file__).parents[1]
VERSION = convmixer_viz.__version__


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_change_log_and_citation_have_the_version_of_the_package() -> None:
    headings = re.findall(r"^## (.+)$", text(".github/CHANGELOG.md"), re.MULTILINE)
    assert headings[headings[0] == "Unreleased"] == VERSION
    citation = yaml.safe_load(text(".github/CITATION.cff"))
    assert citation["version"] == VERSION
    required = {"cff-version", "message", "title", "authors", "license"}
    assert required <= citation.keys()


def test_a_hook_is_a_command_of_ci() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    commands = [hook["entry"].split(" --")[0] for hook in repository["hooks"]]
    assert commands == ["ruff check", "ruff format", "mypy"]
    assert all(re.search(f"^{command}", text(".ci/run"), re.MULTILINE) for command in commands)
