// One picture made of cells: the strip, the kernel grid and the token picker.
// The canvas is drawn once per content, width and theme; the pick is a box that moves above it.

const HEAD = 22, LINE = 18, GAP = 6, GRID_GAP = 3, NAMES = 92, DEBOUNCE = 120; // px and ms
const FINGER = matchMedia("(pointer: coarse)").matches, TARGET = FINGER ? 24 : 16; // px: the smallest cell
const NARROW = 900; // px of a window whose columns stand below each other
const LAYOUTS = { strip: layStrip, grid: layGrid, overlay: layOverlay };
const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const view = views.get(parentElement) ?? mount(parentElement);
  Object.assign(view, { send: setTriggerValue, reveals: data.reveals });
  if (view.digest !== data.digest) load(view, data);
  else { draw(view); follow(view, data); } // the theme or only the pick has changed
  return () => { clearTimeout(view.timer); view.watcher.disconnect(); views.delete(parentElement); };
}

function mount(parent) {
  const part = (name) => parent.querySelector("." + name);
  const view = { serial: 0, cursor: 0, selected: -1, cells: [], canvas: parent.querySelector("canvas") };
  for (const name of ["sheet", "names", "scroller", "stage", "column", "box", "tip"]) view[name] = part(name);
  listen(view);
  view.watcher = new ResizeObserver(() => requestAnimationFrame(() => resize(view)));
  view.watcher.observe(view.sheet);
  views.set(parent, view);
  return view;
}

// ---- content: the old picture stays until all of the new one is decoded

async function load(view, data) {
  view.digest = data.digest;
  const images = await Promise.all(data.bands.map(picture));
  if (view.digest !== data.digest) return;
  Object.assign(view, { spec: data, images, width: 0 });
  view.stage.setAttribute("aria-label", data.label);
  dress(view);
  resize(view);
  follow(view, data);
}

function dress({ stage, box, spec: { region } }) {
  stage.toggleAttribute("data-region", Boolean(region));
  box.style.backgroundImage = region?.png ? `url(data:image/png;base64,${region.png})` : "";
}

async function picture(band) {
  if (!band.png) return null;
  const image = new Image();
  image.src = "data:image/png;base64," + band.png;
  await image.decode();
  return image;
}

function resize(view) {
  const width = view.sheet.clientWidth;
  if (!view.spec || !width || width === view.width) return;
  Object.assign(view, { width, dense: window.devicePixelRatio || 1 });
  view.sheet.dataset.layout = view.spec.layout;
  LAYOUTS[view.spec.layout](view, width);
  draw(view);
  place(view);
}

// ---- places: a layout makes the cells {x, y, w, h, band, column} and the size of the canvas

function layStrip(view, width) {
  const { bands, heads } = view.spec, n = heads.length;
  const side = Math.max(56, Math.min(132, Math.floor((width - NAMES) / n) - GAP));
  const heights = bands.map((band) => (band.captions.length ? 2 * LINE : side));
  const tops = heights.map((_, b) => heights.slice(0, b).reduce((y, h) => y + h + GAP, HEAD));
  view.cells = bands.flatMap((_, band) => heads.map((_, column) => (
    { x: column * (side + GAP), y: tops[band], w: side, h: heights[band], band, column })));
  view.names.replaceChildren(...bands.map((band, b) => nameOf(band, tops[b], heights[b])));
  size(view, n, n * (side + GAP), tops.at(-1) + heights.at(-1));
}

function nameOf(band, top, height) {
  const name = document.createElement("div");
  name.textContent = band.name;
  Object.assign(name.style, { top: top + "px", height: height + "px" });
  return name;
}

function layGrid(view, width) {
  const { tile: [w, h], texts } = view.spec.bands[0], n = texts.length;
  const roomy = Math.floor(Math.sqrt((width * 460) / n) / (w + 1)); // fills about 460 px of height
  const zoom = Math.max(Math.ceil(TARGET / w), Math.min(16, roomy));
  const stepX = w * zoom + GRID_GAP, stepY = h * zoom + GRID_GAP, across = Math.max(1, Math.floor(width / stepX));
  tile(view, across, [stepX, stepY], [w * zoom, h * zoom]);
  size(view, across, across * stepX, Math.ceil(n / across) * stepY);
}

function layOverlay(view, width) {
  const { across, texts } = view.spec.bands[0], side = Math.min(480, FINGER ? Math.max(width, TARGET * across) : width);
  const step = [side / across, (side / across) * (view.images[0].height / view.images[0].width)
    * (across / Math.ceil(texts.length / across))];
  tile(view, across, step, step);
  size(view, across, side, step[1] * Math.ceil(texts.length / across));
}

function tile(view, across, step, [w, h]) {
  view.cells = view.spec.bands[0].texts.map((_, column) => ({ w, h, band: 0, column,
    x: (column % across) * step[0], y: Math.floor(column / across) * step[1] }));
}

function size(view, across, w, h) {
  view.across = across;
  Object.assign(view.canvas, { width: Math.round(w * view.dense), height: Math.round(h * view.dense) });
  for (const { style } of [view.canvas, view.stage]) Object.assign(style, { width: w + "px", height: h + "px" });
}

// ---- drawing: colours and font are the theme's

function draw(view) {
  if (!view.spec || !view.width) return;
  const css = getComputedStyle(view.sheet), theme = (name) => css.getPropertyValue("--st-" + name).trim();
  const pen = view.canvas.getContext("2d");
  Object.assign(view, { pen, text: theme("text-color"), line: theme("border-color"), bar: theme("primary-color") });
  pen.setTransform(view.dense, 0, 0, view.dense, 0, 0);
  pen.clearRect(0, 0, view.canvas.width, view.canvas.height);
  pen.font = "13px " + theme("font");
  if (view.spec.layout === "overlay") return whole(view);
  view.spec.heads.forEach((word, c) => write(view, word, view.cells[c], 15 - HEAD));
  view.cells.forEach((cell) => fill(view, cell, view.spec.bands[cell.band]));
}

function whole({ pen, canvas, dense, images, spec }) {
  pen.imageSmoothingEnabled = spec.bands[0].smooth;
  pen.drawImage(images[0], 0, 0, canvas.width / dense, canvas.height / dense);
}

function fill(view, cell, band) {
  if (band.texts[cell.column]) return band.png ? stamp(view, cell, band) : say(view, cell, band);
  if (band.texts.some(Boolean)) return rule(view, view.line, [cell.x + cell.w / 2 - 4, cell.y + cell.h / 2, 8, 2]);
  if (cell.column === 0) write(view, band.empty, cell, cell.h / 2 + 4, "left"); // for the whole row
}

function stamp({ pen, images }, cell, band) {
  const [w, h] = band.tile, x = cell.column % band.across, y = Math.floor(cell.column / band.across);
  pen.imageSmoothingEnabled = band.smooth;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(images[cell.band], x * (w + band.gutter), y * (h + band.gutter), w, h, cell.x, cell.y, cell.w, cell.h);
}

function say(view, cell, band) {
  write(view, fit(view.pen, band.captions[cell.column], cell.w), cell, 14);
  rule(view, view.line, [cell.x, cell.y + LINE + 4, cell.w, 8]);
  rule(view, view.bar, [cell.x, cell.y + LINE + 4, cell.w * band.shares[cell.column], 8]);
}

function rule({ pen }, color, rectangle) {
  pen.fillStyle = color;
  pen.fillRect(...rectangle);
}

function write({ pen, text }, word, cell, down, align = "center") {
  pen.fillStyle = text;
  pen.textAlign = align;
  pen.fillText(word, align === "left" ? cell.x : cell.x + cell.w / 2, cell.y + down);
}

function fit(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  while (text && pen.measureText(text + "…").width > width) text = text.slice(0, -1);
  return text + "…";
}

// ---- the pick: painted at once, sent after a pause, never set back by an older run

function follow(view, data) {
  if (!view.spec || data.serial < view.serial) return;
  view.serial = data.serial;
  view.selected = data.values.findIndex((value) => value && String(value) === String(data.selected));
  const cell = view.cells[view.cursor];
  if (view.selected >= 0 && cell?.column !== view.selected) view.cursor = view.selected;
  place(view);
}

function place(view) {
  if (!view.cells.length) return; // not laid out yet
  const cell = view.cells[view.cursor] ?? view.cells[(view.cursor = 0)], picked = view.cells[view.selected];
  const strip = view.spec.layout === "strip", { rows = 1, columns = 1 } = view.spec.region ?? {};
  frame(view.box, { ...cell, w: cell.w * columns, h: cell.h * rows }, true);
  view.stage.toggleAttribute("data-picked", Boolean(picked));
  frame(view.column, { ...picked, y: 0, h: view.canvas.clientHeight }, strip && picked);
  view.stage.setAttribute("aria-valuenow", view.cursor);
  view.stage.setAttribute("aria-valuemax", view.cells.length - 1);
  view.stage.setAttribute("aria-valuetext", textOf(view, cell));
  reveal(view.scroller, cell);
}

function frame(box, { x, y, w, h }, shown) {
  box.hidden = !shown;
  Object.assign(box.style, { left: x + "px", top: y + "px", width: w + "px", height: h + "px" });
}

function reveal(scroller, { x, w }) {
  if (x < scroller.scrollLeft) scroller.scrollLeft = x - w;
  if (x + w > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = x + 2 * w - scroller.clientWidth;
}

function textOf(view, cell) {
  const band = view.spec.bands[cell.band];
  return band.texts[cell.column] || band.empty;
}

function pick(view, index) {
  const column = view.cells[index].column, value = view.spec.values[column];
  view.cursor = index;
  if (value && column !== view.selected) {
    view.selected = column;
    if (!view.grip) clearTimeout(view.timer); // a drag tells where it is all the way
    if (!view.grip || !view.due) view.timer = setTimeout(() => tellPick(view), DEBOUNCE);
    view.due = { value, serial: ++view.serial };
  }
  place(view);
  if (window.innerWidth < NARROW) document.querySelector(`.st-key-${view.reveals}`)?.scrollIntoView({ behavior: "smooth" });
}

function tellPick(view) {
  view.send("pick", view.due);
  view.due = null;
}

function open(view, { band, column }) {
  if (view.spec.opens) view.send("open", { band, value: view.spec.values[column] });
}

// ---- mouse and keys

function listen(view) {
  const { stage } = view;
  stage.onmousemove = (event) => tell(view, under(view, event), event.clientX, event.clientY);
  stage.onmouseleave = stage.onblur = () => { view.tip.hidden = true; };
  stage.onclick = (event) => view.spec?.region || click(view, under(view, event));
  stage.onpointerdown = (event) => view.spec?.region && grab(view, event);
  stage.onpointermove = (event) => view.grip && drag(view, event);
  stage.onpointerup = stage.onpointercancel = () => { view.grip = null; };
  stage.onkeydown = (event) => key(view, event);
}

function under(view, event) {
  const { left, top } = view.canvas.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
  return view.cells.findIndex((cell) => x >= cell.x && x < cell.x + cell.w && y >= cell.y && y < cell.y + cell.h);
}

function click(view, index) {
  if (index < 0) return;
  const picked = view.cells[index].column === view.selected || !view.spec.values[view.cells[index].column];
  if (index === view.cursor && picked) open(view, view.cells[index]);
  else pick(view, index);
}

function grab(view, event) {
  const index = under(view, event), { rows, columns } = view.spec.region, at = view.cursor;
  if (index < 0) return;
  view.stage.setPointerCapture(event.pointerId);
  const row = rowOf(view, index) - rowOf(view, at), column = columnOf(view, index) - columnOf(view, at);
  const inside = row >= 0 && row < rows && column >= 0 && column < columns;
  view.grip = inside ? [row, column] : [Math.floor(rows / 2), Math.floor(columns / 2)];
  drag(view, event);
}

function drag(view, event) {
  const { left, top } = view.canvas.getBoundingClientRect(), [{ w, h }] = view.cells, [row, column] = view.grip;
  const { rows, columns } = view.spec.region, down = view.cells.length / view.across;
  const within = (value, last) => Math.max(0, Math.min(last, value));
  const y = within(Math.floor((event.clientY - top) / h) - row, down - rows);
  const x = within(Math.floor((event.clientX - left) / w) - column, view.across - columns);
  pick(view, y * view.across + x);
}

const rowOf = (view, index) => Math.floor(index / view.across), columnOf = (view, index) => index % view.across;

function tell(view, index, x, y) {
  view.tip.hidden = index < 0;
  if (index < 0) return;
  view.tip.textContent = textOf(view, view.cells[index]);
  const left = Math.min(x + 12, window.innerWidth - view.tip.offsetWidth - 8);
  Object.assign(view.tip.style, { left: left + "px", top: y + 16 + "px" });
}

function key(view, event) {
  const { cursor, across, cells } = view, start = cursor - (cursor % across), last = cells.length - 1;
  const steps = { ArrowRight: cursor + 1, ArrowLeft: cursor - 1, ArrowDown: cursor + across,
    ArrowUp: cursor - across, Home: start, End: Math.min(last, start + across - 1) };
  if (event.key !== "Enter" && !(event.key in steps)) return;
  event.preventDefault();
  if (event.key === "Enter") return open(view, cells[cursor]);
  const index = steps[event.key];
  if (index < 0 || index > last || (view.spec.region && !view.spec.values[index])) return;
  pick(view, index);
  view.box.scrollIntoView({ block: "nearest", inline: "nearest" });
  const { left, bottom } = view.box.getBoundingClientRect();
  tell(view, index, left, bottom - 8);
}
