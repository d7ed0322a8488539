"""The button that copies the address of the view that is on the screen."""

from __future__ import annotations

import streamlit as st

_HTML = '<button type="button">Copy the link to this view</button>'
_CSS = """
button { width: 100%; padding: 0.35rem 0.6rem; font: inherit; font-size: 0.9rem; cursor: pointer;
  color: var(--st-text-color); background: var(--st-secondary-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
button:hover, button:focus-visible { border-color: var(--st-primary-color); outline: none; }
"""
# without https a browser lets nobody write the clipboard: then the address is shown to be copied
_JS = """
export default function ({ parentElement }) {
  const button = parentElement.querySelector("button"), label = button.textContent;
  button.onclick = async () => {
    try { await navigator.clipboard.writeText(window.location.href); }
    catch { return window.prompt("The link to this view", window.location.href); }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };
}
"""


def button() -> None:
    """A button that copies the link: page, picture, presets and every choice stand in it."""
    component = st.components.v2.component("convmixer_share", html=_HTML, css=_CSS, js=_JS)
    component(key="share")
