"""Voxels with their place in the patient, and moving them from grid to grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform


class GridMismatchError(ValueError):
    """A volume was used in another's grid."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A read-only (i, j, k) array and its geometry.

    Raises
    ------
    ValueError
        If array and geometry disagree on the shape.
    """

    data: NDArray[Any]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.data.shape != self.geometry.shape:
            raise ValueError(
                f"The array has shape {self.data.shape}, its geometry {self.geometry.shape}."
            )
        data = self.data.view()
        data.setflags(write=False)
        object.__setattr__(self, "data", data)

    def on_grid_of(self, other: Volume | Geometry) -> NDArray[Any]:
        """The array, for use beside another one, once their grids are known to be the same.

        Raises
        ------
        GridMismatchError
            If the grids differ. Resample first; nothing is aligned by accident.
        """
        geometry = other if isinstance(other, Geometry) else other.geometry
        if not self.geometry.same_grid(geometry):
            raise GridMismatchError(
                f"Expected the grid {geometry.in_words}, got {self.geometry.in_words}."
            )
        return self.data

    def crop(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Volume:
        """A view of the block from ``start`` up to ``stop``, with its place kept."""
        block = self.data[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]
        return Volume(block, self.geometry.crop(start, stop))

    def with_data(self, data: NDArray[Any]) -> Volume:
        """Another array on the same grid."""
        return Volume(data, self.geometry)


def resample(
    volume: Volume,
    onto: Geometry,
    transform: RigidTransform | None = None,
    *,
    order: int = 1,
    fill: float = 0.0,
) -> Volume:
    """Bring a volume onto another grid.

    Parameters
    ----------
    volume
        What to move. Label maps need ``order=0``.
    onto
        The target grid.
    transform
        Maps a point of the target's patient frame to the same tissue in the volume's;
        ``None`` when both lie in one frame.
    order
        0 nearest, 1 linear.
    fill
        Value outside the volume's field of view, which ends half a voxel beyond the centres of
        its outermost voxels; within that half, ``order=1`` blends into it.
    """
    from scipy import ndimage  # noqa: PLC0415 (half a second that inspecting a folder saves)

    motion = np.eye(4) if transform is None else transform.matrix
    ijk_to_ijk = np.linalg.inv(volume.geometry.affine) @ motion @ onto.affine
    data = volume.data
    source = data.astype(np.float32) if order > 0 and data.dtype.kind in "biu" else data
    moved = ndimage.affine_transform(
        source,
        ijk_to_ijk[:3, :3],
        ijk_to_ijk[:3, 3],
        output_shape=onto.shape,
        order=order,
        mode="grid-constant",
        cval=fill,
        prefilter=False,
    )
    return Volume(moved, onto)


def bounding_box(
    mask: NDArray[np.bool_], margin: tuple[int, int, int] = (0, 0, 0)
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Start and stop of the smallest block that holds a mask, widened by a margin in voxels.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    if not mask.any():
        raise ValueError("An empty mask has no bounding box.")
    start, stop = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        start.append(max(0, int(filled[0]) - margin[axis]))
        stop.append(min(mask.shape[axis], int(filled[-1]) + 1 + margin[axis]))
    return (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])
