"""Compare: how do these presets differ?"""

from typing import Any

import streamlit as st

from convmixer_viz import catalog
from convmixer_viz.app import picture_list, session
from convmixer_viz.app.components import columns, maps
from convmixer_viz.app.link import BOUND
from convmixer_viz.comparison import html, rows
from convmixer_viz.errors import VizError
from convmixer_viz.presets.table import SIDE_BY_SIDE

ON = ("the picture", "gallery and uploads")
TITLES = {row.name: row.title for row in rows.ROWS}

chosen = session.choices()
presets = chosen.presets if len(chosen.presets) > 1 else SIDE_BY_SIDE
st.title("Compare")
st.write("How these presets differ: a column a preset, a row a question, one scale a row. "
         "Differences and agreement are with the first column.")  # fmt: skip
if presets is SIDE_BY_SIDE:
    st.caption("Pick two to four presets in the sidebar to compare others.")


def ask(row: rows.Row) -> dict[str, session.Ask[Any]]:
    """The row's question for every preset."""
    analysis = catalog.find(row.analysis)
    explains = row.name in rows.EXPLAINS
    several = analysis.images == "many"
    given = {"pictures": pictures} if several else {}
    return {
        name: session.ask(
            analysis,
            **dict(row.options),
            **given,
            **(maps.aim(name) if explains else {"preset": name}),
        )
        for name in presets
    }


def show(row: rows.Row) -> list[Any]:
    """One row: its figures, the differences, the agreement; its results where all are there."""
    st.subheader(row.title)
    found = session.run_each(ask(row), slot=f"row-{row.name}", together=True)
    results = [found[name] for name in presets if found[name]]
    if len(results) < len(presets):
        missing = [name for name in presets if not found[name]]
        st.caption(f"This row stands here once all columns are computed; without "
                   f"{', '.join(missing)} so far.")  # fmt: skip
        return []
    figures, numbers = row.figures(results), row.numbers(results)
    words = columns.captions(row.title, numbers)
    names = presets if len(figures) == len(presets) else ()
    columns.plot(figures, f"figure-{row.name}", words, names)
    against = list(html.against_first(row, results))
    if row.name in html.MAPS:
        st.caption(rows.READING)
        against.insert(0, ("", None))  # the first has no difference
    heads = [head for head, _ in against]
    columns.plot([figure for _, figure in against], f"against-{row.name}",
                  [f"{row.title}: {head}" for head in heads], heads)  # fmt: skip
    st.dataframe(numbers, hide_index=True, key=f"numbers-{row.name}", placeholder="–")
    if row.sentence:
        st.caption(row.sentence(results))
    sections.append((row, results))
    return results


wanted = st.multiselect("Rows", list(TITLES), list(TITLES), key="rows", bind=BOUND,
                        help="Switch off what you don't need.")  # fmt: skip
on = st.selectbox("Pictures", ON, key="on", bind=BOUND, width=240,
                  help="Several give agreement of answers, disagreements, and CKA.")  # fmt: skip
others = [name for name in picture_list.names() if name != chosen.picture] if on == ON[1] else []
pictures = picture_list.find_all([chosen.picture, *others])
columns.heads(presets)
sections: list[Any] = []
for row in [row for row in rows.ROWS if row.name in wanted]:
    if len(pictures) < row.pictures:
        st.subheader(row.title)
        st.caption(f"Needs {row.pictures} pictures or more: choose {ON[1]}.")
        continue
    try:
        results = show(row)
    except VizError as error:
        st.error(str(error))
        continue
    if row.name == "prediction" and results:
        columns.disagreements(presets, results)
if sections:
    st.download_button("Report of this comparison (html)", key="take-comparison",
                       data=lambda: html.page(" · ".join(presets), sections),
                       file_name="comparison.html", on_click="ignore")  # fmt: skip
