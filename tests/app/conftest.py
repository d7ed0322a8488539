"""The app as AppTest runs it: over the real core, the shipped presets and the whole router."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import convmixer_viz

PACKAGE = Path(convmixer_viz.__file__).parent
Visit = Callable[..., AppTest]


@pytest.fixture
def visit() -> Visit:
    """Open a page by its file's name, with a link's parameters."""

    def open_page(page: str, **parameters: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(PACKAGE / "app/router/start.py"), default_timeout=500)
        for name, value in parameters.items():
            app.query_params[name] = value
        app.switch_page(str(PACKAGE / "app/pages" / f"{page}.py"))
        return app.run()

    return open_page
