"""Boxes of a grid, and coordinates of their voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Box = tuple[slice, slice, slice]


def coordinate(row: NDArray[np.float64], box: Box) -> Field:
    """A row of an affine applied to every index of a box.

    Plain sums and no matrix product: the same bytes on any number of threads.
    """
    i, j, k = np.ogrid[box]
    return np.asarray(row[0] * i + row[1] * j + row[2] * k + row[3], dtype=np.float32)


def common_box(a: Box | None, b: Box | None) -> Box | None:
    """Where two boxes overlap; ``None`` if they do not."""
    if a is None or b is None:
        return None
    parts = [slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(a, b, strict=True)]
    if any(part.start >= part.stop for part in parts):
        return None
    return parts[0], parts[1], parts[2]


def within(part: Box, whole: Box) -> Box:
    """A part's box, counted from the start of the whole."""
    i, j, k = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, whole, strict=True))
    return i, j, k
