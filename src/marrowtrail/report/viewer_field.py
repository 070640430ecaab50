"""What a series' field of view holds of the grid of a place, slice by slice.

A box cut by a plane is a polygon: the slice's rectangle, clipped by the six sides of the box.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.report.outlines import HALF
from marrowtrail.report.viewer_outlines import path_of

Point = tuple[float, float]
Side = tuple[float, float, float]
"""``a * row + b * column + c`` is not negative inside."""


def field_paths(source: Geometry, grid: Geometry, motion: RigidTransform) -> tuple[str, ...]:
    """A path for every slice of the grid; empty where the series has no voxel.

    ``motion`` maps a point of the grid's frame into the series'. A voxel reaches half its size
    beyond its centre.
    """
    to_source = np.linalg.inv(source.affine) @ motion.matrix @ grid.affine
    rows, columns = grid.shape[0] - HALF, grid.shape[1] - HALF
    page = [(-HALF, -HALF), (-HALF, columns), (rows, columns), (rows, -HALF)]
    return tuple(
        _path(_clipped(page, _sides(to_source, source.shape, number)))
        for number in range(grid.shape[2])
    )


def _sides(
    to_source: NDArray[np.float64], shape: tuple[int, int, int], number: int
) -> Iterable[Side]:
    for axis in range(3):
        row, column, slice_, start = (float(value) for value in to_source[axis])
        start += slice_ * number
        yield row, column, start + HALF
        yield -row, -column, shape[axis] - HALF - start


def _clipped(polygon: Sequence[Point], sides: Iterable[Side]) -> list[Point]:
    """A convex polygon without what lies beyond any side (Sutherland and Hodgman)."""
    points = list(polygon)
    for a, b, c in sides:
        depths = [a * row + b * column + c for row, column in points]
        kept: list[Point] = []
        for n, here in enumerate(points):
            before, depth, depth_before = points[n - 1], depths[n], depths[n - 1]
            if (depth >= 0) != (depth_before >= 0):
                part = depth_before / (depth_before - depth)
                kept.append(
                    (
                        before[0] + part * (here[0] - before[0]),
                        before[1] + part * (here[1] - before[1]),
                    )
                )
            if depth >= 0:
                kept.append(here)
        points = kept
    return points


def _path(polygon: list[Point]) -> str:
    if len(polygon) < 3:
        return ""
    closed = [*polygon, polygon[0]]
    return path_of(np.array([(column + HALF, row + HALF) for row, column in closed]))
