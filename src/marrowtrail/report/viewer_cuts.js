/* Pixels of the viewer: sheets of slices become volumes, and volumes are cut along any plane.

   A volume counts slices, then rows, then columns, one byte each. Axes are numbered as in the
   result: 0 rows, 1 columns, 2 slices. A cut has square pixels of the size of a slice's own. */

const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

const plainContext = (canvas) => canvas.getContext("2d", { willReadFrequently: true });

const stridesOf = ([rows, columns]) => [columns, 1, rows * columns];

async function volumeOf(stack, place) {
  const image = new Image();
  image.src = stack.data;
  await image.decode();
  const context = plainContext(canvasOf(image.naturalWidth, image.naturalHeight));
  context.drawImage(image, 0, 0);
  return untiled(context.getImageData(0, 0, image.naturalWidth, image.naturalHeight), place);
}

function untiled(sheet, place) {
  const [rows, columns, slices] = place.shape;
  const [width, height] = place.tile;
  const volume = new Uint8Array(rows * columns * slices);
  let to = 0;
  for (let slice = 0; slice < slices; slice += 1) {
    const left = (slice % place.tiles_across) * width;
    const top = Math.floor(slice / place.tiles_across) * height;
    for (let row = 0; row < rows; row += 1) {
      let from = 4 * ((top + row) * sheet.width + left);
      for (let column = 0; column < columns; column += 1, from += 4) volume[to++] = sheet.data[from];
    }
  }
  return volume;
}

/* An outline filled: 255 inside, 0 outside, softer on the edge. */
function filledVolume(outline, place) {
  const [rows, columns, slices] = place.shape;
  const volume = new Uint8Array(rows * columns * slices);
  const context = plainContext(canvasOf(columns, rows));
  context.scale(0.5, 0.5);
  outline.paths.forEach((path, slice) => {
    if (!path) return;
    context.clearRect(0, 0, 2 * columns, 2 * rows);
    context.fill(new Path2D(path), "evenodd");
    const { data } = context.getImageData(0, 0, columns, rows);
    for (let n = 0; n < rows * columns; n += 1) volume[slice * rows * columns + n] = data[4 * n + 3];
  });
  return volume;
}

function cutSize(place, plane) {
  const along = (axis) => Math.round((place.shape[axis] * place.spacing_mm[axis]) / place.spacing_mm[1]);
  return { width: along(plane.across), height: along(plane.down) };
}

/* For each pixel of a cut along one axis: its two neighbours in the volume, and how near the second is. */
function steps(count, length, stride, reversed) {
  const found = [];
  for (let n = 0; n < count; n += 1) {
    const exact = Math.min(length - 1, Math.max(0, ((n + 0.5) * length) / count - 0.5));
    const place = reversed ? length - 1 - exact : exact;
    const first = Math.floor(place);
    found.push([first * stride, Math.min(length - 1, first + 1) * stride, place - first]);
  }
  return found;
}

/* Levels of one cut, row by row down the page. */
function cutOf(volume, place, plane, index) {
  const { width, height } = cutSize(place, plane);
  const stride = stridesOf(place.shape);
  const across = steps(width, place.shape[plane.across], stride[plane.across], plane.reverse_across);
  const down = steps(height, place.shape[plane.down], stride[plane.down], plane.reverse_down);
  const start = index * stride[plane.axis];
  const levels = new Uint8ClampedArray(width * height);
  let to = 0;
  for (const [top, below, v] of down) {
    for (const [left, right, u] of across) {
      const upper = volume[start + top + left] * (1 - u) + volume[start + top + right] * u;
      const lower = volume[start + below + left] * (1 - u) + volume[start + below + right] * u;
      levels[to++] = upper * (1 - v) + lower * v;
    }
  }
  return levels;
}
