/* What a pane shows: grey or difference, outlines, letters, a bar of millimetres, a cross. */

/* A colour as the canvas stores it: red in the lowest byte. */
const packed = (red, green, blue) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

const INSIDE = 128;
const NOT_IMAGED = packed(38, 44, 54);
const COLOURS = { bone: "#52c3ff", lesion: "#ffb000" };
/* Blue and orange mean darker and brighter on a difference, so outlines are white there. */
const COLOURS_ON_DIFFERENCE = { bone: "#bdbdbd", lesion: "#ffffff" };
const BARS_MM = [50, 20, 10, 5];

const greyScale = (window, top) => {
  const width = Math.max(1e-6, window.white - window.black);
  return Uint32Array.from({ length: 256 }, (_, level) => {
    const share = Math.min(1, Math.max(0, ((level / 255) * top - window.black) / width));
    const grey = Math.round(255 * share);
    return packed(grey, grey, grey);
  });
};

/* Brighter than before runs to orange, darker to blue; 511 steps from -255 to 255. */
const differenceScale = (full, top) =>
  Uint32Array.from({ length: 511 }, (_, n) => {
    const share = Math.max(-1, Math.min(1, (((n - 255) / 255) * top) / full));
    const size = Math.abs(share);
    const [strong, middle, weak] = [26 + 229 * size, 26 + 155 * size, 26 + 55 * size * size];
    return share > 0 ? packed(strong, middle, weak) : packed(weak, middle, strong);
  });

function pictureOf(size, colourAt) {
  const canvas = canvasOf(size.width, size.height);
  const context = canvas.getContext("2d");
  const picture = context.createImageData(size.width, size.height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (let n = 0; n < pixels.length; n += 1) pixels[n] = colourAt(n);
  context.putImageData(picture, 0, 0);
  return canvas;
}

const isImaged = (field, n) => !field || field[n] >= INSIDE;

const greyPicture = (size, levels, field, scale) =>
  pictureOf(size, (n) => (isImaged(field, n) ? scale[levels[n]] : NOT_IMAGED));

const differencePicture = (size, later, earlier, fields, scale) =>
  pictureOf(size, (n) =>
    fields.every((field) => isImaged(field, n)) ? scale[later[n] - earlier[n] + 255] : NOT_IMAGED);

/* A filled outline's rim, for planes in which there is no path. */
function rimPicture(size, levels, colour) {
  const canvas = canvasOf(size.width, size.height);
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  const inside = (x, y) => x >= 0 && y >= 0 && x < size.width && y < size.height && levels[y * size.width + x] >= INSIDE;
  for (let y = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const isRim = inside(x, y) && !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1));
      if (isRim) context.fillRect(x, y, 1, 1);
    }
  }
  return canvas;
}

function strokePath(context, path, zoom, unit, stroke) {
  context.save();
  context.scale(zoom / 2, zoom / 2);
  context.lineJoin = "round";
  for (const [colour, width] of [["#000000", 3.2], [stroke.colour, stroke.width]]) {
    context.strokeStyle = colour;
    context.globalAlpha = colour === "#000000" ? 0.45 : 1;
    context.lineWidth = (width * unit * 2) / zoom;
    context.stroke(new Path2D(path));
  }
  context.restore();
}

function write(context, text, x, y, unit, align = "center") {
  context.font = `700 ${13 * unit}px system-ui, "DejaVu Sans", sans-serif`;
  context.textAlign = align;
  context.lineWidth = 3 * unit;
  context.strokeStyle = "#000000";
  context.fillStyle = "#ffffff";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

function writeLetters(context, letters, unit) {
  const { width, height } = context.canvas;
  const [left, right, top, bottom] = letters;
  write(context, left, 6 * unit, height / 2, unit, "left");
  write(context, right, width - 6 * unit, height / 2, unit, "right");
  write(context, top, width / 2, 15 * unit, unit);
  write(context, bottom, width / 2, height - 6 * unit, unit);
}

function drawBar(context, pixelsPerMm, unit, label) {
  const { width, height } = context.canvas;
  const mm = BARS_MM.find((length) => length * pixelsPerMm < width / 3) ?? BARS_MM[BARS_MM.length - 1];
  const long = mm * pixelsPerMm;
  const [x, y] = [8 * unit, height - 10 * unit];
  for (const [colour, thick] of [["#000000", 5], ["#ffffff", 2.5]]) {
    context.fillStyle = colour;
    const more = ((thick - 2.5) / 2) * unit;
    context.fillRect(x - more, y - more, long + 2 * more, thick * unit);
  }
  write(context, label(mm), x, y - 5 * unit, unit * 0.85, "left");
}

function drawCross(context, point, zoom, unit) {
  const [x, y] = [point.x * zoom, point.y * zoom];
  context.strokeStyle = "#ffffff";
  context.lineWidth = unit;
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + 4 * dx * unit, y + 4 * dy * unit);
    context.lineTo(x + 12 * dx * unit, y + 12 * dy * unit);
  }
  context.stroke();
}
