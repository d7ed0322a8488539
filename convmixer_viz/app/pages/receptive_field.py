"""Receptive field: how far does it see?"""

from contextlib import suppress
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import canvas, chart, field_controls
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import RECEPTIVE_FIELD
from convmixer_viz.errors import VizError
from convmixer_viz.figures.receptive_field import fields as figures, sentences, sheets

UNTRAINED = "untrained twin"
SKETCH = 320  # px

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
st.title("Receptive field")
st.write(
    f"How far {preset.name} sees: which pixels move one token of a block's output, measured by its "
    "gradient, for every block at once. A larger field is not a better one."
)


def measure(options: dict[str, Any]) -> tuple[Any, bool]:
    """The field, and whether it is whole: where it was stopped, what was measured stays."""
    place = st.empty()

    def sketch(partial: Any) -> None:
        block = min(chosen.block, partial.blocks[-1])
        place.image(sheets.token_view_png(partial, block), width=SKETCH, output_format="PNG",
                    alt="what the token sees, so far")  # fmt: skip

    found = session.run_if(RECEPTIVE_FIELD, sketch=sketch, **options)
    if found is not None:
        return found, True
    standing = None
    with suppress(VizError):  # the line above tells it
        standing = session.bench().standing(
            session.request(session.ask(RECEPTIVE_FIELD, **options))
        )
    if standing is None or standing.partial is None:
        st.caption("The fields of all blocks stand here once they are measured.")
        raise session.Waiting
    count = standing.partial.pictures
    st.caption(f"So far over {count} picture{'s' if count > 1 else ''}.")
    return standing.partial, False


def beside() -> Any:
    """The untrained twin, and the other presets at their own field's resolution."""
    work = {name: session.ask(RECEPTIVE_FIELD, preset=name, **shared)
            for name in chosen.presets[1:]}  # fmt: skip
    if st.toggle("Show the untrained twin", key="untrained", bind=BOUND,
                 help="The same architecture, random, batch norm calibrated: what training did "
                 "not do."):  # fmt: skip
        work[UNTRAINED] = session.ask(RECEPTIVE_FIELD, random=0, **options)
    return session.run_each(work, slot="beside") if work else {}


options = field_controls.choices(preset)
shared = {name: value for name, value in options.items() if name not in ("resolution", "channel")}
shared |= {"scalar": "sum"} if shared["scalar"] == "channel" else {}
picture, field = st.columns([1, 2])
with picture:
    options |= field_controls.token(preset, int(options["resolution"] or preset.field_side))
result, whole = measure(options)
block = min(chosen.block, result.blocks[-1])
with picture:
    canvas.show(
        sheets.token_picker(result, block), key="tokens", into=("token_row", "token_column")
    )
    st.caption(f"What this token sees through {'block ' + str(block) if block else 'the stem'}. "
               "Click a token, or move with the arrow keys.")  # fmt: skip
with field:
    chart.draw(figures.draw_field(result, block), sentences.describe(result, block), "large")
    st.caption(f"{sentences.describe(result, block).capitalize()}. Dotted: one and two σ.")
warning = sentences.describe_cut(result)
if warning:
    st.warning(warning)
canvas.show(sheets.strip(result), key="fields", into=("block",))
st.caption("Each field on its own scale, from dark (none) to yellow; the bar is its σ.")
found = beside()
others = [found[name] for name in chosen.presets[1:] if found.get(name)]
st.subheader("Growth with depth", help=sentences.CAPTION)
twins = (found.get(UNTRAINED),)
growths = figures.compare_growth([result, *others], twins=twins)
chart.draw(growths, "σ by block against its baselines", "growth")
st.caption(sentences.describe_growth(result, found.get(UNTRAINED)))
if others:
    at = [min(block, other.blocks[-1]) for other in (result, *others)]
    words = "the fields of all chosen presets on one scale in pixels"
    chart.draw(figures.compare_fields([result, *others], at), words, "together")
with st.expander("Numbers"):
    st.dataframe(figures.table(result), hide_index=True)
    st.caption(sentences.describe_ratios(result))
if not whole:
    st.caption("The files to take along stand here once all pictures are measured.")
