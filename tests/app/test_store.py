"""Results on disk: a restarted server shows them; those of uploads stay off the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from convmixer_viz.app import session
from convmixer_viz.app.picture_list import KEEP
from tests.app.conftest import Visit
from tests.app.test_pictures import captions, png, upload


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CONVMIXER_VIZ_CACHE", str(tmp_path))
    monkeypatch.setenv("CONVMIXER_VIZ_STORE", "1")
    session.bench.clear()
    yield
    session.bench.clear()


def kept() -> dict[str, int]:
    return {kind: count for kind, count, _ in session.bench().store.holdings()}


def test_a_restarted_server_computes_nothing_again(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = visit("prediction", picture="dot")
    assert kept()["prediction"]
    session.bench.clear()
    monkeypatch.setattr("convmixer_viz.analyses.prediction.compute", None)
    after = visit("prediction", picture="dot")
    assert not after.exception and not after.error
    assert [each.value for each in after.metric] == [each.value for each in before.metric]


def test_results_of_uploads_are_kept_only_where_the_person_says_so(visit: Visit) -> None:
    app = visit("prediction", picture="dot")
    before = kept()["prediction"]
    app = upload(app, png("blue.png"))
    assert app.selectbox(key="picture").value == "blue.png"
    assert kept()["prediction"] == before
    session.bench().forget_results()
    app.checkbox(key=KEEP).check().run()
    assert kept()["prediction"] == before + 1


def test_a_store_that_fails_is_told_in_the_sidebar(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "results").write_bytes(b"")
    app = visit("prediction", picture="dot")
    assert not app.exception and not app.error
    assert "Results are no longer kept in" in captions(app)
