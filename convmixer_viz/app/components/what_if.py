"""Parts of the page What if: the change, before and after, effect and sweep over many pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import (
    canvas,
    chart,
    picture_edits,
    prediction,
    sidebar,
    target,
)
from convmixer_viz.app.link import BOUND
from convmixer_viz.app.state import Choices
from convmixer_viz.catalog import (
    ACTIVATIONS,
    COST,
    EFFECT,
    EVIDENCE,
    KERNELS,
    PREDICTION,
    RECEPTIVE_FIELD,
)
from convmixer_viz.contract import Analysis, OptionField, clock, option_fields
from convmixer_viz.errors import VizError
from convmixer_viz.figures import (
    effect as figures,
    evidence,
    overlays,
    overview,
    prediction as bars,
    style,
)
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions import effect as question
from convmixer_viz.questions.edits import EDITS, LIMITS, SETS, Edit, parse_all
from convmixer_viz.questions.effect import Effect
from convmixer_viz.questions.picture_edits import parse_all as parse_pictures
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.request import fit_edits
from convmixer_viz.weights import history

PLACES = ("blocks", "kernels")  # the keys that all edits have: where it is made
SEVERAL, ONE = "gallery and uploads", "the picture"
AMOUNT = "amount"  # the sweep that goes over a picture's edit
OPENING_SIZE = 1000  # pictures of a data set that the page offers first
TIMED_CALLS = 2
VIEW = 160  # px of the picture as the model saw it
WHY = "evidence"
SHOWN: dict[str, Analysis[Any]] = {  # of the unedited and of the edited model
    "prediction": PREDICTION,
    WHY: EVIDENCE,
    "activations": ACTIVATIONS,
    "atlas": KERNELS,
    "field": RECEPTIVE_FIELD,
}
Results = dict[str, Any]  # of one model, by the names above
Measurement = dict[str, Any]  # the options of an effect that the page's widgets say


HALVES: dict[str, Callable[[Preset], None]] = {
    "The model": lambda preset: choose_change(preset),
    "The picture": picture_edits.choose_amounts,
    "Its tokens": picture_edits.choose_tokens,
    "A region pasted": picture_edits.choose_region,
}


def choose_change(preset: Preset) -> None:
    """One edit, built from the table of edits, and the button that makes it."""
    name = st.selectbox("Change", list(EDITS), key="change", help=glossary.CHANGE)
    st.caption(f"{EDITS[name].SENTENCE}.")
    keys = sorted(option_fields(EDITS[name]), key=lambda field: field.name in PLACES)
    values = {key.name: _choose(key, name, preset) for key in keys}
    written, problem = "", ""
    try:
        edits: list[str | Edit] = [*session.choices().edits, EDITS[name](**values)]
        written = str(fit_edits(edits, preset, session.bench().presets)[-1])
    except VizError as error:
        problem = str(error)
    st.button("Make this change", key="make", on_click=_make, args=(written,), disabled=not written)
    st.caption(escape(problem or f"On the command line: --edit {written}"))


def _choose(key: OptionField, name: str, preset: Preset) -> Any:
    """A widget for a key of an edit."""
    label, place, sentence = key.name.rstrip("_"), f"change-{name}-{key.name}", key.sentence
    choices = _choices(key, preset)
    if key.many:
        return st.multiselect(label, choices, key=place, placeholder="all", help=sentence)
    if choices:
        free = key.name == "kernels"
        return st.selectbox(label, choices, key=place, accept_new_options=free, help=sentence)
    if key.kind is str:
        return key.default
    lowest, highest = LIMITS[key.name]
    if key.name == "rank":
        highest = preset.shape.kernel_size
    low, high, default = map(key.kind, (lowest, highest, key.default))
    return st.number_input(label, low, high, default, key=place, help=sentence)


def _choices(key: OptionField, preset: Preset) -> Sequence[Any]:
    """What a key can be asked, where it is a choice among few."""
    if key.name == "blocks":
        return range(1, preset.shape.depth + 1)
    if key.name == "kernels":
        return list(SETS)
    if key.name == "from_":
        others = session.bench().presets.values()
        return [o.name for o in others if o.shape.dim == preset.shape.dim and o != preset]
    if key.name == "epoch":
        return _epochs(preset)
    if key.name == "data":
        return list(session.bench().data)
    return key.choices or ()


def _epochs(preset: Preset) -> list[int]:
    """Those of the history that came with the weights."""
    return history.read(preset)["epochs"].tolist() if history.find(preset) else []


def _make(written: str) -> None:
    edits = session.choices().edits
    st.session_state[sidebar.EDITS] = [*(each for each in edits if each != written), written]


def choose_half() -> str:
    """What is changed by the widgets below."""
    return st.segmented_control(
        "Change",
        list(HALVES),
        default=next(iter(HALVES)),
        key="half",
        bind=BOUND,
        help=glossary.CHANGED,
    ) or next(iter(HALVES))


def show_in_force(chosen: Choices) -> None:
    """The edits in their order, each with a button that ends it."""
    edits = [(sidebar.EDITS, edit) for edit in chosen.edits]
    edits += [(sidebar.PICTURE_EDITS, edit) for edit in chosen.picture_edits]
    if not edits:
        st.caption("No change is in force: what you make stands here, in its order.")
    for number, (key, edit) in enumerate(edits):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{number + 1}. **{escape(edit)}**", width="stretch")
            st.button(
                "",
                icon=":material/close:",
                type="tertiary",
                key=f"end-{number}",
                help=f"Ends {escape(edit)}.",
                on_click=_end,
                args=(key, edit),
            )


def _end(key: str, edit: str) -> None:
    st.session_state[key] = [each for each in st.session_state[key] if each != edit]


def compute_both(chosen: Choices) -> tuple[Results, Results]:
    """What the unedited model makes of the unedited picture, and the edited one of the edited;
    nothing of the latter where there is no edit. Both explain the same class: what the former
    predicts, unless the sidebar names one."""
    classes, unedited = target.question(), {"edits": (), "picture_edits": ()}
    first = session.ask(PREDICTION, **unedited)
    if classes["target"] is None:
        classes["target"] = _first_class(first)
    sides: dict[str, dict[str, Any]] = {"before": unedited}
    if chosen.edits or chosen.picture_edits:
        sides["after"] = {}  # as the sidebar says
    asks: dict[tuple[str, str], session.Ask[Any]] = {("before", "prediction"): first}
    if classes["target"] is not None:  # known once the unedited model's prediction is there
        asks |= {
            (side, name): session.ask(analysis, **made, **(classes if name == WHY else {}))
            for side, made in sides.items()
            for name, analysis in SHOWN.items()
        }
    if "after" in sides:
        asks[("before", "cost")] = _timed()
    results = session.run_each(asks, slot="both")
    before, after = (
        {name: results.get((side, name)) for name in SHOWN} for side in ("before", "after")
    )
    return before | {"cost": results.get(("before", "cost"))}, after


def _timed() -> session.Ask[Any]:
    """A few calls of the unedited model on its own opening picture: timed once."""
    preset = session.bench().presets[session.choices().preset]
    opening = [picture_list.find(preset.opening)]
    return session.ask(COST, pictures=opening, calls=TIMED_CALLS, edits=())


def pace(before: Results) -> float | None:
    """Seconds that a picture takes in a call on this device."""
    cost = before["cost"]
    return float(cost.call_seconds.min()) / cost.batch if cost else None


def _first_class(question: session.Ask[Prediction]) -> str | None:
    """What a model predicts, by its index, where that is at hand."""
    try:
        answer = session.bench().result(session.request(question))
    except VizError:
        return None  # the progress line tells it
    return str(answer.top[0, 0]) if answer else None


def show_answers(before: Results, after: Results) -> None:
    """Prediction and evidence of both models, on one scale, and the change in a sentence."""
    sides = {"Unedited": before, "Edited": after}
    maps = [r["evidence"].exact for r in sides.values() if r["evidence"]]
    limit = overlays.shared_limit(maps)
    for place, (title, results) in zip(st.columns(2), sides.items(), strict=True):
        with place:
            st.markdown(f"**{title}**")
            show_side(results, limit, title)
    if before["prediction"] and after["prediction"]:
        st.caption(escape(bars.describe_change(before["prediction"], after["prediction"])))
        for note in after["prediction"].origin.edit_notes:
            st.caption(escape(note))


def show_side(results: Results, limit: float, title: str) -> None:
    """One model's bars and evidence, or what would stand there."""
    answer, why = results["prediction"], results[WHY]
    if answer is None:
        st.caption("Make a change on the left: what the changed model says stands here.")
        return
    chart.draw(bars.draw(answer), bars.describe(answer), f"bars-{title}")
    if session.choices().picture_edits:
        with st.container(key=f"pixelated-view-{title}"):
            view, name = style.png(answer.views[0]), answer.names[0]
            st.image(view, width=VIEW, output_format="PNG", alt=f"What the model saw of {name}")
            st.caption(escape(f"What the model saw of {name}."))
    if why:
        picture, caption = evidence.still(why, limit=limit)
        with st.container(key=f"pixelated-{title}"):
            alt = f"Evidence, {title.lower()}. {caption}"
            st.image(picture, width=prediction.WIDTH, output_format="PNG", alt=alt)
            st.caption(escape(caption), help=glossary.EVIDENCE)


def show_strips(preset: Preset, before: Results, after: Results) -> None:
    """Both models block by block, one strip below the other."""
    st.header("Depth runs from left to right", help=glossary.DEPTH)
    rows = ("atlas", "field", "activations", "evidence")
    for title, results in {"Unedited": before, "Edited": after}.items():
        if any(results.values()):
            st.markdown(f"**{title}**")
            strip = overview.filmstrip(preset.shape.depth, **{row: results[row] for row in rows})
            canvas.show(strip, key=f"strip-{title}", into=("block",))
    st.caption(escape(overview.strip_caption(before["evidence"])))


def choose_measurement() -> Measurement:
    """Over which pictures, and with how many controls."""
    first, second, third, fourth = st.columns(4)
    names = [SEVERAL, ONE, *session.bench().data]
    with first:
        name = st.selectbox("Over", names, key="over", bind=BOUND, help=glossary.OVER)
    with second:
        default = question.Options().seeds
        seeds = st.number_input(
            "Draws of each control",
            0,
            question.MOST_SEEDS,
            default,
            key="draws",
            bind=BOUND,
            help=glossary.CONTROLS,
        )
    if names[-1] == ONE:
        st.caption(glossary.NO_DATA)
    if name in (SEVERAL, ONE):
        some = picture_list.names() if name == SEVERAL else [session.choices().picture]
        pictures: Sequence[Picture] = picture_list.find_all(some)
    else:
        data = session.data_set(name)
        size = third.number_input(
            "Pictures", 1, len(data), min(OPENING_SIZE, len(data)), key="size", bind=BOUND
        )
        seed = fourth.number_input("Drawn by seed", 0, 10**6, 0, key="drawn_by", bind=BOUND)
        pictures = Drawn(data, None if size == len(data) else int(size), int(seed))
    edits = session.choices().picture_edits
    return {"pictures": pictures, "seeds": int(seeds), "picture_edits": edits}


def choose_sweep() -> str:
    """Over what the edits sweep."""
    sweep = next(key for key in option_fields(question.Options) if key.name == "sweep")
    _, *names = sweep.choices or ()
    chosen = session.choices()
    of_picture = [AMOUNT] if chosen.picture_edits else []
    names = of_picture + [name for name in names if name != AMOUNT] * bool(chosen.edits)
    return st.selectbox("Sweep over", names, key="sweep", bind=BOUND, width=240)


def show_effect(preset: Preset, asked: Measurement, pace: float | None) -> None:
    """The effect of all edits over many pictures, beside its controls, and by class."""
    result = measure("effect", preset, asked, pace)
    if result is None:
        return
    left, right = st.columns([1, 2])
    with left:
        chart.draw(figures.draw(result), figures.describe(result), "effect")
    with right:
        chart.draw(figures.draw_classes(result), "by class, unedited and edited", "effect-classes")
    st.caption(escape(figures.describe(result)))
    show_numbers(result)


def show_sweep(preset: Preset, asked: Measurement, pace: float | None) -> None:
    """The curve over a sweep, with its controls; over an amount of the picture, all presets'."""
    asked = asked | {"sweep": choose_sweep()}
    if asked["sweep"] == AMOUNT:
        show_curves(asked, pace)
        return
    result = measure("sweep", preset, asked, pace)
    if result is None:
        return
    sentence = f"{len(result.points)} points. The last: {figures.describe(result)}"
    chart.draw(figures.draw(result), sentence, "sweep-curve")
    st.caption(escape(sentence))
    show_numbers(result)


def show_curves(asked: Measurement, pace: float | None) -> None:
    """What the sidebar's presets make of a picture's edit, against its amount, on one scale."""
    bench, (first, *others) = session.bench(), session.choices().presets
    results = [measure("sweep", bench.presets[first], asked, pace)]
    for name in others:
        other = asked | {"preset": name}
        results.append(measure(f"sweep-{name}", bench.presets[name], other, None))
    measured = [result for result in results if result and result.points]
    if not measured:
        return
    sentence = " ".join(map(figures.describe_curve, measured))
    chart.draw(figures.draw_curves(measured), sentence, "curves")
    st.caption(escape(sentence))
    for result in measured:
        show_numbers(result)


def show_numbers(result: Effect) -> None:
    """A row a point."""
    with st.expander(escape(f"Numbers of {result.origin.preset}")):
        st.dataframe(result.rows(), hide_index=True)


def measure(slot: str, preset: Preset, asked: Measurement, pace: float | None) -> Effect | None:
    """An effect, behind a button that says about how long it takes; where it was stopped, the
    points that are done stay."""
    try:
        tried = _points(preset, asked.get("sweep", "none"))
        needed = session.request(session.ask(EFFECT, **asked))
    except VizError as error:
        st.caption(escape(error))
        return None
    runs, count = len(question.models(tried, asked["seeds"])), len(needed.images)
    seconds = None if pace is None else pace * runs * count
    start = "Start" if seconds is None else f"Start, ≈ {_short(seconds)}"
    result = session.run_if(EFFECT, slot=slot, start=start, **asked)
    if result is not None:
        return result
    duration = "" if seconds is None else f", about {clock(seconds)} on this device"
    st.caption(f"{runs:,} models over {count:,} pictures{duration}: what they say stands here.")
    standing = session.bench().standing(needed)
    if standing is None or standing.partial is None:
        return None
    st.caption(f"So far {len(standing.partial.points)} of {len(tried)} points.")
    return standing.partial


def _points(preset: Preset, sweep: str) -> list[question.Point]:
    chosen = session.choices()
    edits = parse_all(chosen.edits) if preset.name == chosen.preset else ()
    variant = edits, parse_pictures(chosen.picture_edits)
    return question.points(variant, sweep, preset.shape, _epochs(preset))


def _short(seconds: float) -> str:
    """A duration in a button: 40 s, 19 min, 3 h."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} s"
