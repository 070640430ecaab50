"""Outlines of the viewer, slice by slice, as short SVG paths.

Numbers are whole half pixels from the corner of the slice, each point told from the one before
it: a fifth of the bytes of plain points, and half a pixel is finer than a mask is known.
"""

from __future__ import annotations

import contourpy
import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.report.outlines import FEWEST_POINTS, HALF
from marrowtrail.report.viewer_frame import ViewerFrame
from marrowtrail.report.viewer_stack import sampled

HALF_PIXELS = 2
"""Steps in a pixel."""

Voxel = tuple[int, int, int]


def paths_of(share: NDArray[np.float32]) -> tuple[str, ...]:
    """A path for every slice of (rows, columns, slices) shares from 0 to 1; empty without one."""
    # Slices apart in memory are read many times faster than slices interleaved.
    return tuple(_path(page) for page in np.ascontiguousarray(share.transpose(2, 0, 1)))


def mask_share(mask: Volume, frame: ViewerFrame) -> NDArray[np.float32]:
    """A boolean volume on the grid of a place, blended between voxels; 0 where it is not.

    Only the block that the mask reaches is sampled: a lesion is a small part of a bone's grid.
    """
    share = np.zeros(frame.grid.shape, dtype=np.float32)
    block = _reach(mask, frame)
    if block is not None:
        start, stop = block
        part = sampled(mask, frame.grid.crop(start, stop), frame.motion)
        share[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = part
    return share


def _reach(mask: Volume, frame: ViewerFrame) -> tuple[Voxel, Voxel] | None:
    """The block of the grid that a mask may reach, one voxel wider than its corners say."""
    if not mask.data.any():
        return None
    first, last = np.array(bounding_box(np.asarray(mask.data, dtype=bool), (1, 1, 1)))
    corners = first + np.array(list(np.ndindex(2, 2, 2))) * (last - first)
    points_lps = frame.motion.inverse().apply(mask.geometry.to_lps(corners))
    ijk = frame.grid.to_ijk(points_lps)
    start = np.clip(np.floor(ijk.min(axis=0)) - 1, 0, frame.grid.shape).astype(int)
    stop = np.clip(np.ceil(ijk.max(axis=0)) + 2, 0, frame.grid.shape).astype(int)
    if (stop <= start).any():
        return None
    return (int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2]))


def _path(page: NDArray[np.float32]) -> str:
    if page.max(initial=0) <= HALF:
        return ""
    rows, columns = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
    part = page[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    lines = contourpy.contour_generator(z=np.pad(part, 1)).lines(HALF)
    # The pad moves centres by one, and a pixel's centre is half a pixel from its corner.
    corner = np.array([columns[0], rows[0]]) - HALF
    drawn = (path_of(np.asarray(line) + corner) for line in lines if len(line) > FEWEST_POINTS)
    return "".join(drawn)


def path_of(points: NDArray[np.float64]) -> str:
    """A path along (n, 2) points, column and row from the slice's corner; the last is the first."""
    whole = np.rint(points * HALF_PIXELS).astype(int)
    whole = _corners(whole)
    if len(whole) < 3:
        return ""
    steps = np.diff(whole, axis=0)
    start = f"M{whole[0, 0]} {whole[0, 1]}"
    body = "".join(f"l{x} {y}" if y >= 0 else f"l{x}{y}" for x, y in steps)
    return f"{start}{body}z"


def _corners(points: NDArray[np.int_]) -> NDArray[np.int_]:
    """Without repeated points and without those on the way between their neighbours."""
    moved = np.any(np.diff(points, axis=0) != 0, axis=1)
    points = points[np.concatenate([[True], moved])]
    if len(points) < 4:
        return points
    before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    kept: NDArray[np.int_] = points[np.concatenate([[True], turns, [False]])]
    return kept
