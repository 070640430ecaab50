"""Outlines of masks on a displayed slice.

A mask of another series' grid is brought onto the slice's own grid first. Contours run half
way between the centres of pixels inside and outside (marching squares at 0.5).
"""

from __future__ import annotations

import contourpy
import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.report.display import DisplayedSlice

HALF = 0.5
"""Level between outside (0) and inside (1)."""

FEWEST_POINTS = 4
"""A closed contour of one pixel has five points; less is no outline."""


def mask_on_page(mask: Volume, cut: DisplayedSlice) -> NDArray[np.bool_]:
    """A boolean volume as it lies on the page of a slice, whatever grid it was drawn on.

    Both grids must lie in one frame.
    """
    if mask.geometry.same_grid(cut.geometry):
        return np.asarray(cut.page(mask.data), dtype=bool)
    start = [0, 0, 0]
    stop = list(cut.geometry.shape)
    start[cut.axis], stop[cut.axis] = cut.index, cut.index + 1
    slab = cut.geometry.crop((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
    moved = resample(mask, slab, order=1)
    layout = DisplayedSlice(
        slab, cut.axis, 0, cut.across, cut.down, cut.reverse_across, cut.reverse_down
    )
    return np.asarray(layout.page(moved.data) > HALF, dtype=bool)


def contours(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Closed (n, 2) outlines, column and row, of a (rows, columns) mask; holes included."""
    if not mask.any():
        return ()
    padded = np.pad(mask.astype(np.float64), 1)
    lines = contourpy.contour_generator(z=padded).lines(HALF)
    return tuple(
        np.asarray(line, dtype=np.float64) - 1 for line in lines if len(line) > FEWEST_POINTS
    )
