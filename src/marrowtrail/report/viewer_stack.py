"""Pixels of the viewer: brought onto the grid of a place, in units of normal marrow, encoded.

Signal of MR has no unit and another scale at every visit. Divided by that of normal marrow of
the same bone, visits can be drawn with one window and subtracted. Normal marrow is the median
inside the bone, :data:`RIM_MM` below its surface and outside of outlined oedema. Shading by the
coil and differences between weightings stay.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.report.figures import MARROW_GREY
from marrowtrail.report.outlines import HALF
from marrowtrail.result.viewer_rows import ViewerContrast, ViewerRangeRow

RIM_MM = 2.0
"""Cortex and the partial volume beside it, as where oedema is measured."""

FEWEST_MARROW = 200
"""Voxels that a median of normal marrow stands on; with less, the next best choice is used."""

EVERY = 2
"""Percentiles of every second row and column are those of all."""

BRIGHTEST = 99.8
"""Percentile stored as white: single voxels of fluid or a vessel do not set the scale."""

WHITE = {ViewerContrast.FLUID: 98.0, ViewerContrast.T1: 99.5}
"""Percentile drawn white at first at least, as on the still pictures."""

WEBP_QUALITY, WEBP_METHOD = 85, 1
"""About a third of the size of lossless; the quickest methods cost a few per cent more bytes."""

TILE = 16
"""Tiles are whole macroblocks of WebP, so that no slice bleeds into its neighbour."""

SMALLEST_SHARE = np.float32(HALF**3)
"""Of a sample at a corner of the field of view, half a voxel beyond its centre in each axis."""

EXACT = 1e-3
"""Parts of a voxel by which two grids may differ and be one: a micrometre."""

Stack = NDArray[np.float32]


def sampled(volume: Volume, grid: Geometry, motion: RigidTransform) -> Stack:
    """(rows, columns, slices) of a volume on a grid, linear; taken as they are where they fit.

    Today's series on its own grid is only cut and turned, which is exact and takes no time.
    """
    to_source = np.linalg.inv(volume.geometry.affine) @ motion.matrix @ grid.affine
    taken = _taken(volume, to_source, grid.shape)
    if taken is not None:
        return taken.astype(np.float32)
    return np.asarray(resample(volume, grid, motion, order=1).data, dtype=np.float32)


def _taken(
    volume: Volume, to_source: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[Any] | None:
    """Voxels of a block whose axes are those of the volume, in any order; else ``None``."""
    whole = np.rint(to_source)
    if not np.allclose(to_source, whole, atol=EXACT):
        return None
    order = np.argmax(np.abs(whole[:3, :3]), axis=0)
    ends = whole[:3, :3] @ (np.asarray(shape) - 1) + whole[:3, 3]
    inside = (whole[:3, 3] >= 0) & (ends >= 0)
    size = np.asarray(volume.data.shape)
    inside &= (whole[:3, 3] < size) & (ends < size)
    if sorted(order) != [0, 1, 2] or not inside.all():
        return None
    picks = [
        np.linspace(whole[axis, 3], ends[axis], shape[int(np.flatnonzero(order == axis)[0])])
        for axis in range(3)
    ]
    block = volume.data[np.ix_(*(np.rint(pick).astype(int) for pick in picks))]
    return np.asarray(block.transpose(order))


def coverage(source: Geometry, grid: Geometry, motion: RigidTransform) -> Stack:
    """Which part of a blended sample comes from voxels of a series, 0 to 1; 0 beyond its edge.

    Within half a voxel of the edge, linear sampling blends into nothing.
    """
    to_source = np.linalg.inv(source.affine) @ motion.matrix @ grid.affine
    share = np.ones(grid.shape, dtype=np.float32)
    steps = [np.arange(n, dtype=np.float32) for n in grid.shape]
    for axis in range(3):
        corners = source.to_ijk(motion.apply(grid.corners_lps()))[:, axis]
        if corners.min() >= -EXACT and corners.max() <= source.shape[axis] - 1 + EXACT:
            continue
        i, j, k = to_source[axis, :3].astype(np.float32)
        place = (i * steps[0])[:, None, None] + (j * steps[1])[:, None] + k * steps[2]
        place = place + np.float32(to_source[axis, 3])
        to_edge = np.minimum(place, source.shape[axis] - 1 - place) + 1
        share *= np.where(to_edge >= HALF, np.minimum(to_edge, 1), 0)
    return share


def brought_onto(volume: Volume, grid: Geometry, motion: RigidTransform, share: Stack) -> Stack:
    """Signal of another visit at the same spots; 0 outside of it and where it is not known.

    ``share`` is its :func:`coverage`: what was blended with nothing at the edge is made whole.
    """
    stack = np.nan_to_num(sampled(volume, grid, motion))
    if share.all():
        return stack if (share == 1).all() else stack / share
    return np.where(share > 0, stack / np.maximum(share, SMALLEST_SHARE), 0).astype(np.float32)


def inner(bone: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """A bone without its rim, within slices: a square of twice :data:`RIM_MM` lies inside."""
    size = 2 * max(1, round(RIM_MM / spacing_mm[0])) + 1
    shrunk = bone.view(np.uint8)
    for axis in (0, 1):
        shrunk = ndimage.minimum_filter1d(shrunk, size, axis=axis, mode="nearest")
    return np.asarray(shrunk, dtype=bool)


def normal_marrow(stack: Stack, choices: Sequence[NDArray[np.bool_]]) -> float:
    """Median signal of the first choice of marrow that is large enough.

    Where none is, that of all that is not black; 1 where all is.
    """
    for choice in (*choices, stack > 0):
        if np.count_nonzero(choice) >= FEWEST_MARROW:
            middle = float(np.median(stack[choice]))
            if middle > 0:
                return middle
    return 1.0


def range_of(contrast: ViewerContrast, stacks: list[Stack]) -> ViewerRangeRow:
    """One scale for every visit, of stacks in units of normal marrow."""
    bright = [[0.0, 0.0]]
    for stack in stacks:
        part = stack[::EVERY, ::EVERY]
        known = part[part > 0]
        if known.size:
            bright.append([float(v) for v in np.percentile(known, (WHITE[contrast], BRIGHTEST))])
    white, top = np.max(np.asarray(bright), axis=0)
    if contrast is ViewerContrast.FLUID:
        white = max(float(white), 1.0 / MARROW_GREY)
    top = max(float(top), float(white), 1e-3)
    return ViewerRangeRow(contrast=contrast, top=round(top, 3), white=round(min(white, top), 3))


def tile_size(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of the tile of a slice."""
    return math.ceil(shape[1] / TILE) * TILE, math.ceil(shape[0] / TILE) * TILE


def tiles_across(shape: tuple[int, int, int]) -> int:
    """Tiles in a row of a picture that is about square."""
    width, height = tile_size(shape)
    return max(1, round(math.sqrt(shape[2] * height / width)))


def encoded(stack: Stack, top: float) -> bytes:
    """All slices of a stack side by side, as WebP."""
    rows, columns, slices = stack.shape
    width, height = tile_size(stack.shape)
    pages = np.ascontiguousarray(stack.transpose(2, 0, 1))
    level = (np.clip(pages * np.float32(255 / top), 0, 255) + np.float32(0.5)).astype(np.uint8)
    padded = np.pad(level, ((0, 0), (0, height - rows), (0, width - columns)), mode="edge")
    across = tiles_across(stack.shape)
    lines = math.ceil(slices / across)
    sheet = np.zeros((lines * height, across * width), dtype=np.uint8)
    for number in range(slices):
        line, place = divmod(number, across)
        sheet[line * height :, place * width :][:height, :width] = padded[number]
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return buffer.getvalue()
