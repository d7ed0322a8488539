"""One family of errors, by which every door knows what a person can mend."""

from __future__ import annotations

import inspect

import pytest

from convmixer_viz import cli, errors
from convmixer_viz.commands import models

FAMILY = [kind for kind in vars(errors).values() if inspect.isclass(kind)]


@pytest.mark.parametrize("kind", FAMILY)
def test_the_command_line_prints_any_of_the_family_and_ends_with_2(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert issubclass(kind, errors.VizError) and kind.__doc__

    def fail(*_: object) -> None:
        raise kind("This is wrong: do that.")

    monkeypatch.setattr(models, "_list", fail)
    assert cli.main(["models"]) == 2
    assert capsys.readouterr().err == "error: This is wrong: do that.\n"


def test_what_is_no_mistake_of_the_person_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(models, "_list", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["models"])
