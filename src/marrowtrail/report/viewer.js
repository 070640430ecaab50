/* The viewer: one state, drawn into a pane for every visit. Words stand in the page. */

const root = document.getElementById("viewer");
const data = JSON.parse(document.getElementById("viewer-data").textContent);
const stage = root.querySelector(".viewer-panes");
const panes = [...root.querySelectorAll(".pane")].map((figure) => ({
  figure,
  visit: figure.dataset.visit,
  canvas: figure.querySelector("canvas"),
  caption: figure.querySelector("figcaption"),
  alert: figure.querySelector(".pane-alert"),
  missing: figure.querySelector(".missing"),
}));
const control = (name) => root.querySelector(`[data-control="${name}"]`);
const words = (key, values = {}) =>
  root.querySelector(`[data-word="${key}"]`).textContent.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const state = { place: 0, plane: 0, contrast: "", index: [0, 0, 0], outlines: true, subtract: false, window: {}, pointer: null };

const thePlace = () => data.places[state.place];
const thePlane = () => thePlace().planes[state.plane];
const theRange = () => thePlace().ranges.find((range) => range.contrast === state.contrast);
const theIndex = () => state.index[thePlane().axis];
const lastIndex = () => thePlace().shape[thePlane().axis] - 1;
const stackAt = (visit) =>
  thePlace().stacks.find((stack) => stack.visit === visit && stack.contrast === state.contrast);
const numberOf = (visit) => data.visits.find((one) => one.id === visit).number;

/* Volumes of the place in view; another place's are let go. */
let cache = new Map();
const remembered = (key, make) => {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key);
};
const loading = (stack) => remembered(stack, () => ({ volume: null }));

async function load(stack, place) {
  const entry = loading(stack);
  if (entry.asked) return;
  entry.asked = true;
  try {
    entry.volume = await volumeOf(stack, place);
  } catch {
    entry.failed = true;
  }
  if (place === thePlace()) render();
}

/* Cuts are kept until another slice or plane is asked for. */
let cuts = new Map();
let cutsKey = "";
function cutNow(volume) {
  const key = [state.place, state.plane, theIndex()].join();
  if (key !== cutsKey) [cuts, cutsKey] = [new Map(), key];
  if (!cuts.has(volume)) cuts.set(volume, cutOf(volume, thePlace(), thePlane(), theIndex()));
  return cuts.get(volume);
}

const outlinesOf = (stack, kinds) =>
  thePlace().outlines.filter((one) => one.series.includes(stack.series) && kinds.includes(one.kind));
const filled = (outline) => remembered(outline, () => filledVolume(outline, thePlace()));
const fieldOf = (stack) => {
  const [field] = outlinesOf(stack, ["imaged"]);
  return field ? cutNow(filled(field)) : null;
};

function earlierOf(visit) {
  const before = panes.slice(0, panes.findIndex((pane) => pane.visit === visit)).reverse();
  return before.map((pane) => stackAt(pane.visit)).find(Boolean);
}

const fullDifference = () => (windowNow().white - windowNow().black) / 2;
const windowNow = () => {
  const key = `${state.place} ${state.contrast}`;
  state.window[key] ??= { black: 0, white: theRange().white };
  return state.window[key];
};

function pictureFor(stack, size, earlier) {
  const levels = cutNow(loading(stack).volume);
  if (!earlier) return greyPicture(size, levels, fieldOf(stack), greyScale(windowNow(), theRange().top));
  const fields = [fieldOf(stack), fieldOf(earlier)];
  const scale = differenceScale(fullDifference(), theRange().top);
  return differencePicture(size, levels, cutNow(loading(earlier).volume), fields, scale);
}

function drawOutlines(context, stack, size, zoom, unit, colours) {
  for (const outline of outlinesOf(stack, ["bone", "lesion"])) {
    if (thePlane().is_acquired) {
      const path = outline.paths[theIndex()];
      const stroke = { colour: colours[outline.kind], width: outline.kind === "lesion" ? 1.9 : 1.2 };
      if (path) strokePath(context, path, zoom, unit, stroke);
    } else {
      const rim = rimPicture(size, cutNow(filled(outline)), colours[outline.kind]);
      context.drawImage(rim, 0, 0, context.canvas.width, context.canvas.height);
    }
  }
}

function drawPane(pane, stack, earlier) {
  const size = cutSize(thePlace(), thePlane());
  const unit = window.devicePixelRatio || 1;
  const zoom = Math.max(1, (pane.canvas.clientWidth || size.width) * unit) / size.width;
  pane.canvas.width = Math.round(size.width * zoom);
  pane.canvas.height = Math.round(size.height * zoom);
  const context = pane.canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(pictureFor(stack, size, earlier), 0, 0, pane.canvas.width, pane.canvas.height);
  const colours = earlier ? COLOURS_ON_DIFFERENCE : COLOURS;
  if (state.outlines) drawOutlines(context, stack, size, zoom, unit, colours);
  writeLetters(context, thePlane().letters, unit);
  drawBar(context, zoom / thePlace().spacing_mm[1], unit, (mm) => words("mm", { mm }));
  if (state.pointer) drawCross(context, state.pointer, zoom, unit);
}

/* What must be known before a pane is believed. */
function alertsFor(stack, earlier) {
  const said = [];
  if (!stack.is_verified) said.push(words("unverified"));
  if (earlier && !earlier.is_verified) said.push(words("unverified-earlier", { n: numberOf(earlier.visit) }));
  const weighting = (one) => one.label.split(",")[0];
  if (earlier && weighting(earlier) !== weighting(stack)) {
    said.push(words("weightings", { later: weighting(stack), earlier: weighting(earlier) }));
  }
  return said.join(" ");
}

function captionFor(stack, earlier) {
  const said = [stack.label];
  if (stack.is_reformatted || !thePlane().is_acquired) said.push(words("reformatted"));
  if (stack.visit === thePlace().home_visit) said.push(words("own-frame"));
  else said.push(words("resampled", { n: numberOf(thePlace().home_visit) }));
  if (earlier) said.push(words("minus", { n: numberOf(stack.visit), m: numberOf(earlier.visit) }));
  else if (state.subtract) said.push(words("nothing-earlier"));
  return `${said.join("; ")}.`;
}

function describe(pane, stack, caption) {
  const [left, right, top, bottom] = thePlane().letters;
  const here = outlinesOf(stack, ["lesion"]).filter((one) => !thePlane().is_acquired || one.paths[theIndex()]);
  const names = [...new Set(here.map((one) => one.name))].join(", ");
  const values = { n: numberOf(pane.visit), place: thePlace().name, caption, left, right, top, bottom };
  pane.canvas.setAttribute("aria-label",
    `${words("pane", values)} ${names ? words("outlined", { names }) : words("none-outlined")}`);
}

function fillPane(pane) {
  const stack = stackAt(pane.visit);
  pane.canvas.hidden = !stack;
  pane.missing.hidden = Boolean(stack);
  pane.figure.classList.toggle("doubtful", Boolean(stack && !stack.is_verified));
  if (!stack) return emptyPane(pane);
  const earlier = state.subtract ? earlierOf(pane.visit) : undefined;
  [stack, earlier].filter(Boolean).forEach((one) => load(one, thePlace()));
  const failed = [stack, earlier].filter(Boolean).some((one) => loading(one).failed);
  const alert = failed ? words("not-drawn") : alertsFor(stack, earlier);
  pane.alert.textContent = alert;
  pane.alert.hidden = !alert;
  pane.caption.textContent = captionFor(stack, earlier);
  describe(pane, stack, pane.caption.textContent);
  if (loading(stack).volume && (!earlier || loading(earlier).volume)) drawPane(pane, stack, earlier);
  // What was drawn before belongs to another caption.
  else pane.canvas.getContext("2d").clearRect(0, 0, pane.canvas.width, pane.canvas.height);
}

function emptyPane(pane) {
  const has = thePlace().stacks.some((stack) => stack.visit === pane.visit);
  pane.missing.textContent = has ? words("no-contrast") : thePlace().missing[pane.visit];
  pane.caption.textContent = "";
  pane.alert.hidden = true;
}

function positionText() {
  const plane = thePlane();
  const mm = Math.round(theIndex() * thePlace().spacing_mm[plane.axis]);
  const values = { n: theIndex() + 1, count: lastIndex() + 1, mm, end: plane.ends[0] };
  return words(plane.is_acquired ? "slice" : "cut", values);
}

const inDigits = (value, digits) => value.toFixed(digits).replace(".", words("decimal"));
const showNumber = (value) => inDigits(value, value < 10 ? 1 : 0);
function fillWindow() {
  for (const end of ["black", "white"]) {
    const slider = control(end);
    slider.max = theRange().top;
    slider.step = theRange().top / 250;
    slider.value = windowNow()[end];
    slider.setAttribute("aria-valuetext", words("times-marrow", { x: showNumber(windowNow()[end]) }));
  }
  const range = { black: showNumber(windowNow().black), white: showNumber(windowNow().white) };
  control("window-text").textContent = words("window", range);
}

const press = (button, on) => button.setAttribute("aria-pressed", String(on));
function fillControls() {
  root.querySelectorAll("[data-place]").forEach((one) => press(one, Number(one.dataset.place) === state.place));
  root.querySelectorAll("[data-contrast]").forEach((one) => {
    one.hidden = !thePlace().ranges.some((range) => range.contrast === one.dataset.contrast);
    press(one, one.dataset.contrast === state.contrast);
  });
  root.querySelectorAll("[data-plane]").forEach((one) => {
    const plane = thePlace().planes[Number(one.dataset.plane)];
    one.textContent = words(plane.is_acquired ? "plane" : "plane-reformatted", { name: words(plane.name) });
    press(one, Number(one.dataset.plane) === state.plane);
  });
  press(control("outlines"), state.outlines);
  press(control("subtract"), state.subtract);
  control("subtract").hidden = panes.length < 2;
  fillWindow();
}

function fillPosition() {
  const slider = control("slice");
  slider.max = lastIndex();
  slider.value = theIndex();
  slider.setAttribute("aria-valuetext", positionText());
  control("position").textContent = positionText();
  [control("first").textContent, control("last").textContent] = thePlane().ends;
}

function notesNow() {
  const place = thePlace();
  const said = [words("frame", { n: numberOf(place.home_visit), place: place.name })];
  if (!thePlane().is_acquired) said.push(words("reformatted-note", { mm: inDigits(place.spacing_mm[2], 1) }));
  else if (place.spacing_mm[1] > 1.05 * place.native_pixel_mm) {
    const sizes = { mm: inDigits(place.spacing_mm[1], 2), native: inDigits(place.native_pixel_mm, 2) };
    said.push(words("coarser", sizes));
  }
  if (state.subtract) said.push(words("difference", { x: showNumber(fullDifference()) }));
  return said.join(" ");
}

function render() {
  fillControls();
  fillPosition();
  control("notes").textContent = notesNow();
  control("legend").hidden = !state.subtract;
  panes.forEach(fillPane);
}

let isAsked = false;
function renderSoon() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    render();
  });
}

function choosePlace(number) {
  if (!data.places[number]) return;
  [cache, cuts, cutsKey] = [new Map(), new Map(), ""];
  Object.assign(state, { place: number, plane: 0, pointer: null, index: [...thePlace().start] });
  if (!theRange()) state.contrast = thePlace().ranges[0].contrast;
  renderSoon();
}

function moveTo(index) {
  state.index[thePlane().axis] = clamp(index, 0, lastIndex());
  renderSoon();
}
const moveBy = (count) => moveTo(theIndex() + count);

function nextContrast() {
  const kinds = thePlace().ranges.map((range) => range.contrast);
  chooseContrast(kinds[(kinds.indexOf(state.contrast) + 1) % kinds.length]);
}
function chooseContrast(contrast) {
  state.contrast = contrast;
  renderSoon();
}
function choosePlane(number) {
  Object.assign(state, { plane: number, pointer: null });
  renderSoon();
}
function flip(name) {
  state[name] = !state[name];
  renderSoon();
}
function setWindow(black, white) {
  const { top } = theRange();
  const least = top / 100;
  windowNow().black = clamp(black, 0, top - least);
  windowNow().white = clamp(white, windowNow().black + least, top);
  renderSoon();
}
const resetWindow = () => setWindow(0, theRange().white);
