"""Where one slice lies in the patient, as its header says and only if that makes sense.

PS3.3 C.7.6.2.1.1: Image Position is the centre of the first pixel; rows run along the first
direction cosine and columns along the second. Pixel Spacing gives the distance *between
rows* first, so its first value belongs to the second cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

COSINE_TOLERANCE = 0.01
"""Direction cosines may miss unit length and a right angle by this much: old files give them
with three decimals. They are brought back to unit length."""

MIN_SPACING_MM = 0.01
"""Finer pixels do not exist in MR; such a spacing is a placeholder."""


@dataclass(frozen=True, slots=True, eq=False)
class SlicePlace:
    """A slice in LPS millimetres.

    Parameters
    ----------
    row, column
        (3,) unit vectors along a row and down a column.
    position
        (3,) centre of the first pixel.
    spacing_mm
        Between pixels along a row, and down a column.
    size
        Pixels along a row, and down a column.
    """

    row: Vector
    column: Vector
    position: Vector
    spacing_mm: tuple[float, float]
    size: tuple[int, int]

    @property
    def normal(self) -> Vector:
        """(3,) unit vector that completes row and column to a right-handed system."""
        (a, b, c), (x, y, z) = self.row.tolist(), self.column.tolist()
        # np.cross of two vectors takes ten times as long, and sorting asks for every slice.
        normal = np.array([b * z - c * y, c * x - a * z, a * y - b * x])
        return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)

    @property
    def corners_lps(self) -> NDArray[np.float64]:
        """(3, 3) centres of the first pixel, of the last of its row and the last of all."""
        along = self.row * self.spacing_mm[0] * (self.size[0] - 1)
        down = self.column * self.spacing_mm[1] * (self.size[1] - 1)
        return np.stack([self.position, self.position + along, self.position + along + down])


def slice_place(
    *,
    orientation: Sequence[float],
    position: Sequence[float],
    pixel_spacing: Sequence[float],
    size: Sequence[float],
) -> SlicePlace | None:
    """The place that a header's finite numbers describe, or ``None`` if they describe none.

    ``size`` is (columns, rows); the others are as DICOM has them.
    """
    if (len(orientation), len(position), len(pixel_spacing), len(size)) != (6, 3, 2, 2):
        return None
    between_rows, between_columns = pixel_spacing
    if min(pixel_spacing) < MIN_SPACING_MM or min(size) < 1:
        return None
    row, column = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > COSINE_TOLERANCE:
        return None
    if abs(row @ column) > COSINE_TOLERANCE:
        return None
    return SlicePlace(
        row / lengths[0],
        column / lengths[1],
        np.asarray(position, dtype=np.float64),
        (between_columns, between_rows),
        (int(size[0]), int(size[1])),
    )
