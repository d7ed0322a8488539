"""What holds for every page."""

from __future__ import annotations

import pytest

from tests.app.conftest import PACKAGE, Visit

PAGES = sorted(path.stem for path in (PACKAGE / "pages").glob("[a-z]*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_weights_that_are_not_here_are_told_without_a_traceback(visit: Visit, page: str) -> None:
    app = visit(page, preset=["imagenet-1024-20", "cifar10-128-8-k3"], rows=["prediction"])
    assert not app.exception
    told = [each.value for each in (*app.error, *app.info)]
    assert any("imagenet-1024-20" in each for each in told)
