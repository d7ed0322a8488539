// For the whole window, as long as the app is open: what a screen reader is told, where the focus
// goes with a new page, which buttons the tabulator passes by, the sidebar of a phone.

const PHONE = 768; // px: narrower, Streamlit lays its sidebar over the page
const TOOLS = ".modebar-btn, [data-testid=stFullScreenFrame]:has(img, .js-plotly-plot) [data-testid=stElementToolbar] button";
const place = { path: location.pathname, title: "", moved: false };
const watcher = new MutationObserver(() => requestAnimationFrame(tidy));

export default function ({ data, parentElement }) {
  const region = parentElement.querySelector("[role=status]");
  if (region.textContent !== data.message) region.textContent = data.message;
  watcher.observe(document.body, { childList: true, subtree: true });
  tidy();
}

function tidy() {
  for (const button of document.querySelectorAll(TOOLS)) if (button.tabIndex >= 0) button.tabIndex = -1;
  if (place.path !== location.pathname) leave();
  if (place.moved) arrive();
  place.title = document.querySelector("h1")?.textContent ?? "";
}

function leave() {
  Object.assign(place, { path: location.pathname, moved: true });
  const fold = document.querySelector("[data-testid=stSidebarCollapseButton] button[aria-expanded=true]");
  if (window.innerWidth < PHONE) fold?.click();
}

function arrive() { // at the new page's title, where the focus went with what had it
  const title = document.querySelector("h1");
  if (!title || title.textContent === place.title) return;
  place.moved = false;
  if (document.activeElement !== document.body) return;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}
