"""What a page must be for every eye and hand: axe's rules, and the contrast of figures' text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

CONTRAST = 4.5  # of text with its ground
OF_STREAMLIT = {  # a rule of axe, what of Streamlit's own markup breaks it; may only shrink
    ("presentation-role-conflict", "[data-testid=stFileUploaderDropzone]"),
}
MATCHES = """([targets, selectors]) => targets.map(
    target => selectors.find(s => document.querySelector(target)?.matches(s)) ?? null)"""


def unfold(page: Page) -> None:
    """Open what is folded, and make the window as high as the page: axe sees what is in it."""
    page.evaluate(
        "document.querySelectorAll('details:not([open]) > summary').forEach(s => s.click())"
    )
    page.wait_for_timeout(500)
    settle(page)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})  # type: ignore[index]


def violations(page: Page) -> list[tuple[str, str | None, str]]:
    """What axe finds: the rule, the selector in OF_STREAMLIT that it is of or none, and the place
    with the reason."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    nodes = [(rule["id"], node) for rule in found for node in rule["nodes"]]
    targets = [node["target"][-1] for _, node in nodes]
    own = page.evaluate(MATCHES, [targets, [selector for _, selector in OF_STREAMLIT]])
    return [
        (rule, selector if (rule, selector) in OF_STREAMLIT else None, _words(node))
        for (rule, node), selector in zip(nodes, own, strict=True)
    ]


def _words(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return f"{node['html'][:200]}: {'; '.join(check['message'] for check in checks)}"


def pale_texts(page: Page) -> list[str]:
    """The texts of figures with too little contrast, which axe doesn't look at."""
    texts: list[str] = page.evaluate(PALE, CONTRAST)
    return texts


PALE = """least => {
    const rgba = color => {
        const pen = document.createElement('canvas').getContext('2d');
        pen.fillStyle = color; pen.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
    const light = color => color.map(v => v / 255).map(
        v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce(
        (sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const page = element => {
        const colors = [];
        for (let e = element; e; e = e.parentElement)
            colors.push(rgba(getComputedStyle(e).backgroundColor));
        return colors.reverse().reduce((ground, color) => over(color, ground), [255, 255, 255]); };
    const box = text => text.closest('.annotation-text-g')?.querySelector('rect.bg')
        ?? (text.matches('.bartext-inside') ? text.parentElement.querySelector('path') : null);
    const drawn = (element, below) => {
        const style = getComputedStyle(element), [r, g, b, a] = rgba(style.fill);
        return over([r, g, b, a * style.fillOpacity * style.opacity], below); };
    const pale = [];
    for (const text of document.querySelectorAll('.js-plotly-plot .main-svg text')) {
        if (!text.textContent.trim() || !text.getBoundingClientRect().width) continue;
        const shape = box(text), around = page(text.closest('.js-plotly-plot'));
        const ground = shape ? drawn(shape, around) : around;
        const [dark, bright] = [light(drawn(text, ground)), light(ground)].sort((a, b) => a - b);
        const ratio = (bright + 0.05) / (dark + 0.05);
        if (ratio < least) pale.push(`${ratio.toFixed(2)} ${text.textContent}`);
    }
    return pale; }"""
