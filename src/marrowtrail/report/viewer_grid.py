"""The grid that every visit of a place is brought onto: one bone in today's frame.

Axes are those of the page (:mod:`marrowtrail.report.display`): rows down, columns to the right,
slices from right to left, from front to back or from head to feet. So no picture is turned or
mirrored later, and letters come from the directions of the very grid that holds the pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.report.display import NORMAL_AXIS, DisplayedSlice, direction_letters, slice_axis
from marrowtrail.result.viewer_rows import ViewerPlaneRow

MARGIN_MM = 14.0
"""Tissue shown about a bone: the joint space, its fluid and the rim of the neighbour."""

SLICE_MARGIN = 1
"""Slices shown beyond the first and the last one that hold the bone."""

MOST_SLICES = 48
"""Slices of a stack. 2-D series have 20 to 40; a 3-D block of a hundred is cut less often."""

ROWS, COLUMNS, SLICES = 0, 1, 2

ACROSS_THE_PAGE = np.array([1.0, 1.0, -1.0])
"""Slices run to L, P and F (LPS), as they are read."""


def place_grid(home: Series, mask: Volume) -> Geometry:
    """Rows, columns and slices of the block of ``home`` that holds a bone, in its own voxels.

    Raises
    ------
    ValueError
        If the mask, which must be on the grid of the series, is empty.
    """
    geometry = home.volume.geometry
    mask.on_grid_of(geometry)
    axis = slice_axis(geometry, home.plane)
    margins = [round(MARGIN_MM / spacing) for spacing in geometry.spacing_mm]
    margins[axis] = SLICE_MARGIN
    block = bounding_box(np.asarray(mask.data, dtype=bool), (margins[0], margins[1], margins[2]))
    return as_paged(geometry.crop(*block), axis)


def as_paged(geometry: Geometry, axis: int) -> Geometry:
    """The same voxels, counted down the page, to its right and through the slices."""
    cut = DisplayedSlice.of(geometry, axis, 0)
    order = (cut.down, cut.across, axis)
    through = geometry.directions[:, axis]
    main = int(np.argmax(np.abs(through)))
    backwards = bool(through[main] * ACROSS_THE_PAGE[main] < 0)
    reverse = (cut.reverse_down, cut.reverse_across, backwards)
    affine = np.eye(4)
    start = np.zeros(3)
    for column, (stored, turned) in enumerate(zip(order, reverse, strict=True)):
        affine[:3, column] = geometry.affine[:3, stored] * (-1 if turned else 1)
        start[stored] = geometry.shape[stored] - 1 if turned else 0
    affine[:3, 3] = geometry.to_lps(start)
    shape = tuple(geometry.shape[stored] for stored in order)
    return Geometry((shape[0], shape[1], shape[2]), affine, geometry.frame_of_reference)


def with_pixels(grid: Geometry, coarser: float) -> Geometry:
    """Square pixels, ``coarser`` times the finer side of the native ones; few enough slices."""
    pixel = coarser * min(grid.spacing_mm[ROWS], grid.spacing_mm[COLUMNS])
    through = grid.spacing_mm[SLICES] * max(1.0, grid.shape[SLICES] / MOST_SLICES)
    return grid.rescaled((pixel, pixel, through))


SAME_SLICES = 1.01
"""Slices further apart than acquired by more than this are cuts between them; less is rounding."""


def planes_of(grid: Geometry, acquired_mm: float) -> tuple[ViewerPlaneRow, ...]:
    """The plane of a grid's slices, then the two that are calculated from it.

    ``acquired_mm`` is how far apart the slices were acquired. Where the grid has fewer, its slices
    are calculated as well.
    """
    is_whole = grid.spacing_mm[SLICES] <= SAME_SLICES * acquired_mm
    return tuple(
        _plane(grid, axis, is_acquired=is_whole and axis == SLICES)
        for axis in (SLICES, COLUMNS, ROWS)
    )


def _plane(grid: Geometry, axis: int, *, is_acquired: bool) -> ViewerPlaneRow:
    cut = DisplayedSlice.of(grid, axis, 0)
    along = grid.directions[:, axis]
    nearest = int(np.argmax(np.abs(along)))
    name = next(plane for plane, normal in NORMAL_AXIS.items() if normal == nearest)
    return ViewerPlaneRow(
        name=name.value,
        axis=axis,
        across=cut.across,
        down=cut.down,
        reverse_across=cut.reverse_across,
        reverse_down=cut.reverse_down,
        letters=cut.letters,
        ends=(direction_letters(-along), direction_letters(along)),
        is_acquired=is_acquired,
    )


def voxel_at(grid: Geometry, point_lps: NDArray[np.float64]) -> tuple[int, int, int]:
    """The voxel nearest to a (3,) LPS point."""
    last = np.asarray(grid.shape) - 1
    row, column, slice_ = np.clip(np.rint(grid.to_ijk(point_lps)), 0, last).astype(int)
    return int(row), int(column), int(slice_)


def is_reformatted(series: Series, grid: Geometry) -> bool:
    """Whether a series was acquired in another plane than the slices of the grid."""
    geometry = series.volume.geometry
    through = geometry.directions[:, slice_axis(geometry, series.plane)]
    nearest = int(np.argmax(np.abs(through)))
    return nearest != int(np.argmax(np.abs(grid.directions[:, SLICES])))
