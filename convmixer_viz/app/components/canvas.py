"""One clickable picture for the strip, the kernel grid and the token picker (with canvas.js)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from convmixer_viz.app.state import state

if TYPE_CHECKING:
    from convmixer_viz.figures.sheet import Band, Region, Sheet, Value

_HTML = """
<div class="sheet">
  <div class="names"></div>
  <div class="scroller">
    <div class="stage" role="slider" tabindex="0" aria-valuemin="0">
      <canvas></canvas><div class="column" hidden></div><div class="box" hidden></div>
    </div>
  </div>
  <div class="tip" hidden></div>
</div>
"""
_CSS = """
.sheet { display: flex; color: var(--st-text-color); font-family: var(--st-font); }
.names { position: relative; flex: 0 0 92px; font-size: 14px; }
.names div { position: absolute; display: flex; align-items: center; }
.scroller { flex: 1 1 auto; min-width: 0; overflow: auto hidden; padding: 3px; }
.stage { position: relative; cursor: pointer; outline: none; }
canvas { display: block; }
.box, .column { position: absolute; pointer-events: none; box-sizing: border-box; }
.box, .column { outline: 2px solid #fff; box-shadow: 0 0 0 3px #111; }
.column { outline-width: 1px; box-shadow: 0 0 0 2px #1119; }
.sheet:not([data-layout=strip]) .names { display: none; }
[data-layout=strip] .stage:not(:focus) .box { display: none; }
.stage:not(:focus, [data-picked], [data-region]) .box { display: none; }
.stage[data-region] { cursor: grab; touch-action: none; }
.stage[data-region] .box { background-size: 100% 100%; image-rendering: pixelated; }
.stage:focus-visible .box { outline: 3px solid var(--st-primary-color); }
.tip { position: fixed; z-index: 99; max-width: 260px; padding: 4px 8px; font-size: 14px;
  pointer-events: none; white-space: pre-line; background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
[hidden] { display: none !important; }
"""
_JS = Path(__file__).with_suffix(".js").read_text("utf-8")


def show(
    sheet: Sheet,
    *,
    key: str,
    into: tuple[str, ...] = (),
    opens: bool = False,
    then: Callable[..., None] | None = None,
    reveals: str = "",
) -> tuple[int, Value | None] | None:
    """Draw a sheet; a pick sets the session-state keys `into`, one for each number of its value,
    and calls `then` with them; a click on what is picked does, too. On a narrow window it brings
    the container with the key `reveals` into view.

    Returns the band and the value of a cell that was opened (Enter, or a click on the picked
    cell) in this run, where `opens`; else None.
    """
    current = {
        "selected": [st.session_state.get(name) for name in into],
        "serial": state().picks.get(key, 0),  # of the last pick that Python knows
        "opens": opens or then is not None,
        "reveals": reveals,
    }
    result = _component()(
        key=key,
        data=_content(sheet) | current,
        on_pick_change=lambda: _pick(key, into, then),
        on_open_change=lambda: _again(key, then),
    )
    opened = result.open
    return (opened["band"], _value(opened["value"])) if opened else None


def _component() -> Any:
    # registered in every run: a registry lives as long as its runtime, a module longer
    return st.components.v2.component("convmixer_canvas", html=_HTML, css=_CSS, js=_JS)


def _pick(key: str, into: tuple[str, ...], then: Callable[..., None] | None) -> None:
    pick = st.session_state[key].pick
    if pick is None:
        return
    state().picks[key] = pick["serial"]
    st.session_state.update(zip(into, pick["value"], strict=True))
    if then:
        then(*pick["value"])


def _again(key: str, then: Callable[..., None] | None) -> None:
    opened = st.session_state[key].open
    if then and opened and opened["value"]:
        then(*opened["value"])


def _value(numbers: list[int] | None) -> Value | None:
    return None if numbers is None else tuple(numbers)


def _content(sheet: Sheet) -> dict[str, Any]:
    content = {
        "layout": sheet.layout,
        "label": sheet.label,
        "values": sheet.values,
        "heads": sheet.heads,
        "bands": [_band(band) for band in sheet.bands],
        "region": sheet.region and _region(sheet.region),
    }
    text = json.dumps(content, sort_keys=True)
    return content | {"digest": sha256(text.encode()).hexdigest()}


def _region(region: Region) -> dict[str, Any]:
    png = b64encode(region.png).decode()
    return {"rows": region.rows, "columns": region.columns, "png": png}


def _band(band: Band) -> dict[str, Any]:
    return {
        "name": band.name,
        "texts": band.texts,
        "empty": band.empty,
        "png": b64encode(band.png).decode(),
        "tile": band.tile,
        "gutter": band.gutter,
        "across": band.across,
        "smooth": band.smooth,
        "captions": band.captions,
        "shares": band.shares,
    }
