/* Hands on the viewer: keys, buttons, sliders, mouse and fingers. */

const SWIPE_PIXELS = 14;
const WHEEL_PIXELS = 40;

const KEYS = {
  ArrowUp: () => moveBy(-1),
  ArrowLeft: () => moveBy(-1),
  ArrowDown: () => moveBy(1),
  ArrowRight: () => moveBy(1),
  PageUp: () => moveBy(-5),
  PageDown: () => moveBy(5),
  Home: () => moveTo(0),
  End: () => moveTo(lastIndex()),
  o: () => flip("outlines"),
  s: () => panes.length > 1 && flip("subtract"),
  c: () => nextContrast(),
  p: () => choosePlane((state.plane + 1) % thePlace().planes.length),
  r: () => resetWindow(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isSlider = event.target.matches("input[type=range]");
  if (isSlider && event.key.length > 1) return;
  const digit = Number(event.key);
  const act = KEYS[event.key] ?? (digit >= 1 && digit <= data.places.length ? () => choosePlace(digit - 1) : null);
  if (!act) return;
  event.preventDefault();
  act();
}

function onButton(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const { place, contrast, plane, control: name } = button.dataset;
  if (place !== undefined) choosePlace(Number(place));
  else if (contrast !== undefined) chooseContrast(contrast);
  else if (plane !== undefined) choosePlane(Number(plane));
  else if (name === "outlines" || name === "subtract") flip(name);
  else if (name === "back") moveBy(-1);
  else if (name === "on") moveBy(1);
  else if (name === "reset") resetWindow();
}

function onSlider(event) {
  const name = event.target.dataset.control;
  const value = Number(event.target.value);
  if (name === "slice") moveTo(value);
  if (name === "black") setWindow(Math.min(value, windowNow().white - theRange().top / 100), windowNow().white);
  if (name === "white") setWindow(windowNow().black, value);
}

/* The wheel turns slices only once the viewer is in use, so that it never traps the page. */
let wheeled = 0;
function onWheel(event) {
  if (!stage.contains(document.activeElement)) return;
  event.preventDefault();
  wheeled += event.deltaY;
  const count = Math.trunc(wheeled / WHEEL_PIXELS);
  if (!count) return;
  wheeled -= count * WHEEL_PIXELS;
  moveBy(count);
}

function pointOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const size = cutSize(thePlace(), thePlane());
  return {
    x: ((event.clientX - box.left) / box.width) * size.width,
    y: ((event.clientY - box.top) / box.height) * size.height,
  };
}

/* A dragged mouse changes the window as in a PACS; a finger that goes sideways turns slices. */
function drag(start, event) {
  const [right, down] = [event.clientX - start.x, event.clientY - start.y];
  if (start.isTouch) {
    moveTo(start.index + Math.trunc(right / SWIPE_PIXELS));
    return;
  }
  const perPixel = theRange().top / 400;
  const [centre, width] = [start.centre + down * perPixel, Math.max(0, start.width + right * perPixel)];
  setWindow(centre - width / 2, centre + width / 2);
}

function listenTo(pane) {
  const { canvas } = pane;
  let start = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    stage.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const { black, white } = windowNow();
    start = {
      x: event.clientX, y: event.clientY, index: theIndex(), isTouch: event.pointerType === "touch",
      centre: (black + white) / 2, width: white - black,
    };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (start) drag(start, event);
    else if (event.pointerType !== "touch") {
      state.pointer = pointOn(canvas, event);
      renderSoon();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { start = null; });
  canvas.addEventListener("pointerleave", () => {
    state.pointer = null;
    renderSoon();
  });
}

/* Only the width matters: pictures set the height themselves. */
let seenWidth = 0;
function onResize() {
  if (stage.clientWidth === seenWidth) return;
  seenWidth = stage.clientWidth;
  renderSoon();
}

function begin() {
  root.hidden = false;
  document.querySelectorAll("[data-viewer-link]").forEach((link) => { link.hidden = false; });
  root.addEventListener("keydown", onKey);
  root.addEventListener("click", onButton);
  root.addEventListener("input", onSlider);
  stage.addEventListener("wheel", onWheel, { passive: false });
  panes.forEach(listenTo);
  new ResizeObserver(onResize).observe(stage);
  state.contrast = data.places[0].ranges[0].contrast;
  choosePlace(0);
}

begin();
