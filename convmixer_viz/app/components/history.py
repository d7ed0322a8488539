"""One entry in the browser's history for one step of the person's, however many Streamlit makes."""

from __future__ import annotations

import streamlit as st

# a change of page pushes an entry that clears the link, one for the page and one for each choice
# that comes back into the link: what follows without an act of the person takes the first's place
_JS = """
export default function () {
  if (window.history.oneEntry) return;
  window.history.oneEntry = true;
  const push = window.history.pushState.bind(window.history);
  let acted = true;
  for (const act of ["pointerdown", "keydown"])
    window.addEventListener(act, () => { acted = true; }, true);
  window.history.pushState = (state, title, url) => {
    if (acted) push(state, title, url);
    else window.history.replaceState(state, title, url);
    acted = false;
  };
}
"""


def keep_short() -> None:
    """Let what follows at once, and comes back into the link, take the place of the first."""
    st.components.v2.component("convmixer_history", js=_JS)(key="history")
