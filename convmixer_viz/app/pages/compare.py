"""Compare: how do these presets differ?"""

from collections.abc import Sequence

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import compare, missing_weights, opening
from convmixer_viz.app.link import BOUND
from convmixer_viz.comparison import html
from convmixer_viz.comparison.columns import Column, beside
from convmixer_viz.comparison.rows import ROWS
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.pictures.edits import edited_all
from convmixer_viz.presets.table import SIDE_BY_SIDE

PICTURES = ("the picture", compare.SEVERAL)


def choose_columns() -> tuple[Column, ...]:
    """The sidebar's presets, where they are several; the first before its edited self. Those whose
    weights aren't here are offered above."""
    chosen = session.choices()
    several = len(chosen.presets) > 1 or chosen.edits
    columns = beside(chosen.presets, chosen.edits) if several else beside(SIDE_BY_SIDE)
    here, missing = missing_weights.split(dict.fromkeys(column.preset for column in columns))
    for name in missing:
        missing_weights.offer(session.bench().presets[name])
    return tuple(column for column in columns if column.preset in here)


def choose_rows() -> list[str]:
    """The rows' names, as they stand in the link."""
    names = [row.name for row in ROWS]
    return st.multiselect("Rows", names, names, key="rows", bind=BOUND, help=glossary.ROWS)


def choose_pictures() -> list[Picture]:
    """The sidebar's picture, alone or with all others after it."""
    several = glossary.SEVERAL_PICTURES
    on = st.selectbox("Pictures", PICTURES, key="on", bind=BOUND, width=240, help=several)
    first = session.choices().picture
    others = [name for name in picture_list.names() if name != first]
    pictures = picture_list.find_all([first, *others] if on == compare.SEVERAL else [first])
    edits = session.choices().picture_edits
    return list(edited_all(pictures, edits, picture_list.find))


def offer_report(columns: Sequence[Column], sections: Sequence[html.Section]) -> None:
    """The whole rows as one file."""
    if sections:
        st.download_button(
            "Report of this comparison (html)",
            data=lambda: html.page(" · ".join(column.title for column in columns), sections),
            file_name="comparison.html",
            key="take-comparison",
            on_click="ignore",
        )


opening.draw(
    "Compare",
    "How these presets differ: a column a preset, a row a question, one scale a row. "
    "Differences and agreement are with the first column.",
)
columns = choose_columns()
if columns == beside(SIDE_BY_SIDE):
    st.caption("Pick two to four presets in the sidebar to compare others.")
names = choose_rows()
pictures = choose_pictures()
if columns:
    compare.show_heads(columns)
rows = [row for row in ROWS if row.name in names and columns]
place = st.container()
chosen = len(names) < len(ROWS)  # what a person picked is open, else the first row
folds = [
    (row, compare.show_row(row, columns, pictures, opened=chosen or row is rows[0])) for row in rows
]
sections = [(row, results) for row, results in folds if results]
with place:
    compare.show_summary(sections)
offer_report(columns, sections)
