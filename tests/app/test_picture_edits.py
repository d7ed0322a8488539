"""What if, its picture half: sliders and links, tokens and regions, on every page."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz.app import session
from convmixer_viz.app.components import picture_edits
from convmixer_viz.app.components.picture_edits import SLIDERS
from convmixer_viz.catalog import EFFECT, EVIDENCE, FAITHFULNESS, PREDICTION
from convmixer_viz.figures.attribution import faithfulness
from convmixer_viz.questions.picture_edits import PICTURE_EDITS, parse
from tests.app.conftest import Visit
from tests.app.elements import array, figures, sheets, tables, texts, traces

K3 = "cifar10-128-8-k3"
PASTE = "paste:from=coffee:tokens=1-2+17-18:at=100:grid=16"


def test_every_page_shows_the_edited_picture(visit: Visit) -> None:
    """The numbers of Python, and the edits in the picture's name."""
    edits = ["noise:sd=40", "shift:x=2", PASTE]
    app = visit("prediction", preset=[K3], **{"picture-edit": edits})
    assert not app.exception and app.multiselect(key="picture-edit").value == edits
    edited = session.bench().predict("gallery:cat", K3, picture_edits=edits)
    assert np.allclose(max(array(traces(app, 0)[0]["x"])), edited.probabilities.max())
    assert "cat, noise:sd=40 shift:x=2" in texts(app).replace("\\", "")
    asked = {"rows": ["evidence"], "picture-edit": "blur"}
    app = visit("compare", preset=[K3, "cifar10-128-8-k5"], **asked)
    assert not app.exception
    result = session.bench().run(EVIDENCE, ["gallery:cat"], preset=K3, picture_edits=["blur"])
    maps = [
        array(trace["z"])
        for i in range(len(figures(app)))
        for trace in traces(app, i)
        if "z" in trace
    ]
    assert any(np.array_equal(each, result.exact) for each in maps)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("blurr", "did you mean blur"),
        ("remove:tokens=300", "no token 300"),
        ("remove:tokens=3:grid=8", "names tokens of a 8×8 grid"),
        ("paste:from=/etc/passwd", "/etc/passwd is gone"),
    ],
)
def test_an_edit_of_a_link_that_cannot_be_is_told(visit: Visit, bad: str, sentence: str) -> None:
    app = visit("overview", preset=[K3], **{"picture-edit": [bad, "grey"]})
    assert not app.exception and app.multiselect(key="picture-edit").value == ["grey"]
    assert "picture-edit" in " ".join(each.value for each in app.warning)


def test_a_token_edit_ends_with_a_preset_of_another_grid(visit: Visit) -> None:
    app = visit("overview", preset=[K3], **{"picture-edit": "remove:tokens=3:grid=16"})
    app.multiselect(key="preset").set_value(["cifar10-128-8-k5-p4"]).run()
    warning = " ".join(each.value for each in app.warning).replace("\\", "")
    assert "has ended: remove names tokens of a 16×16 grid" in warning
    assert app.multiselect(key="picture-edit").value == []


def test_what_is_moved_is_made_and_what_is_moved_back_ends(visit: Visit) -> None:
    app = visit("what_if", preset=[K3], half="The picture")
    assert not app.exception
    for slider in SLIDERS:
        key = f"amount-{slider.edit}-{slider.key}"
        nothing = dict(PICTURE_EDITS[slider.edit].NOTHING)[slider.key]
        assert app.slider(key=key).value == nothing
        app.slider(key=key).set_value(app.slider(key=key).max).run()
        assert not app.exception
        (edit,) = app.multiselect(key="picture-edit").value
        assert edit.split(":")[0] == slider.edit
        app.slider(key=key).set_value(nothing).run()
        assert app.multiselect(key="picture-edit").value == []
    app.select_slider(key="amount-jpeg-quality").set_value(10).run()
    app.checkbox(key="amount-mirror").check().run()
    assert app.multiselect(key="picture-edit").value == ["jpeg:quality=10", "mirror"]
    result = session.bench().predict("gallery:cat", K3, picture_edits=["jpeg:quality=10", "mirror"])
    assert f"to {result.probabilities[0, 3]:.1%}" in texts(app).replace("\\", "")
    app.button(key="end-0").click().run()
    assert app.select_slider(key="amount-jpeg-quality").value == picture_edits.AS_IT_IS


def test_a_links_edits_stand_in_the_sliders(visit: Visit) -> None:
    edits = ["shift:x=-3:unit=patch", "blur:sigma=0.5", "jpeg:quality=33", "noise:sd=500"]
    app = visit("what_if", preset=[K3], half="The picture", **{"picture-edit": edits})
    assert not app.exception
    assert app.slider(key="amount-shift-x").value == -3
    assert app.radio(key="amount-shift-unit").value == "patch"
    assert app.slider(key="amount-blur-sigma").value == 0.5
    assert app.select_slider(key="amount-jpeg-quality").value == 33
    app.radio(key="amount-shift-unit").set_value("pixel").run()
    assert app.multiselect(key="picture-edit").value == ["shift:x=-3", *edits[1:3]]
    assert "One pixel of cifar10-128-8-k3 is 9.4 pixels of the original" in texts(app)


def test_tokens_are_shown_where_they_are_gone(visit: Visit) -> None:
    edit = "remove:tokens=3+20:grid=16"
    app = visit("what_if", preset=[K3], half="Its tokens", **{"picture-edit": edit})
    assert not app.exception and "2 of 256 tokens removed" in texts(app)
    (sheet,) = (each for each in sheets(app) if each["layout"] == "overlay")
    removed = [n for n, text in enumerate(sheet["bands"][0]["texts"]) if text.endswith("removed")]
    assert removed == [3, 20] and len(sheet["values"]) == 256
    app.selectbox(key="amount-fill").select("black").run()
    (edit,) = app.multiselect(key="picture-edit").value
    assert edit == "remove:tokens=3+20:fill=black:grid=16"


def test_a_region_is_proposed_by_evidence(visit: Visit) -> None:
    app = visit("what_if", preset=[K3], half="A region pasted")
    assert not app.exception and app.multiselect(key="picture-edit").value == []
    app.selectbox(key="amount-source").select("coffee").run()
    app.slider(key="amount-side").set_value(3).run()
    app.button(key="paste").click().run()
    assert not app.exception
    theirs, ours = (
        session.bench().run(EVIDENCE, [f"gallery:{name}"], preset=K3) for name in ("coffee", "cat")
    )
    (edit,) = app.multiselect(key="picture-edit").value
    corner, at = theirs.strongest(3, 3), ours.strongest(3, 3)
    assert edit.startswith(f"paste:from=coffee:tokens={corner}-{corner + 2}+")
    assert edit.endswith(f":at={at}:grid=16")
    onto, source = (each for each in sheets(app) if each["region"])
    assert (onto["region"]["rows"], onto["selected"], source["selected"]) == (3, [at], [corner])
    assert onto["region"]["png"] and onto["values"][255] is None
    app.button(key="unpaste").click().run()
    assert app.multiselect(key="picture-edit").value == []


def test_both_at_once(visit: Visit) -> None:
    app = visit("what_if", preset=[K3], edit="off:blocks=2", **{"picture-edit": "blur:sigma=2"})
    assert not app.exception
    both = session.bench().run(
        PREDICTION,
        ["gallery:cat"],
        preset=K3,
        edits=["off:blocks=2"],
        picture_edits=["blur:sigma=2"],
    )
    words = texts(app).replace("\\", "")
    assert "The edited model says" in words and "of the edited picture" in words
    assert f"to {both.probabilities[0, 3]:.1%}" in words


def test_curves_of_two_presets_are_those_of_python(visit: Visit) -> None:
    presets, edit = [K3, "cifar10-128-8-k5-p4"], {"picture-edit": "shift:x=1"}
    app = visit("what_if", preset=presets, over="the picture", **edit)
    for slot in ("sweep", f"sweep-{presets[1]}"):
        app.button(key=f"go-{slot}").click().run()
        assert not app.exception and not app.error
    asked = {"picture_edits": ["shift:x=1"], "sweep": "amount"}
    results = [session.bench().run(EFFECT, ["gallery:cat"], preset=p, **asked) for p in presets]
    assert tables(app) == [result.rows() for result in results]
    drawn = figures(app)[-1]["data"]
    assert [trace["name"] for trace in drawn] == [presets[0]] * 3 + [presets[1]] * 3
    logit = results[1].logit
    assert logit is not None and np.array_equal(array(drawn[5]["y"]), logit)
    assert "17 values of x" in texts(app)


def test_the_smallest_set_is_cut_out_and_can_be_taken_over(visit: Visit) -> None:
    app = visit("what_if", preset=[K3], half="Its tokens", **{"picture-edit": "blur:sigma=0.5"})
    app.button(key="go-smallest").click().run()
    assert not app.exception and not app.error
    asked = {"method": "hirescam", "measures": ("smallest-set",)}
    result = session.bench().run(
        FAITHFULNESS, ["gallery:cat"], preset=K3, picture_edits=["blur:sigma=0.5"], **asked
    )
    assert faithfulness.describe_smallest(result) in texts(app).replace("\\", "")
    app.button(key="Leave what keeps it").click().run()
    blurred, removed = app.multiselect(key="picture-edit").value
    tokens = parse(removed).tokens  # type: ignore[attr-defined]
    assert len(tokens) == 256 - result.keeps.sum()
    kept = session.bench().predict("gallery:cat", K3, picture_edits=[blurred, removed])
    assert kept.classes[kept.top[0, 0]] == result.answer
