"""From a series' grid to the grids of the networks, and back.

Along one axis both ways use one kernel: a triangle as wide as the wider of the two spacings,
which is linear interpolation where samples get closer and an average where they get sparser.
It is a sparse matrix, so the same sums are made in the same order on any machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

MULTIPLE = 8
"""The networks halve their input three times: each side is a multiple of this."""

EDGE_VOXELS = 1e-6
"""Rounding of a matrix product must not put the outermost layer of a series outside of it."""


def rescaled_along(data: NDArray[Any], axis: int, count: int) -> NDArray[np.float32]:
    """The same extent along one axis in another number of samples (outer edges kept)."""
    moved = np.moveaxis(np.asarray(data, dtype=np.float32), axis, 0)
    if moved.shape[0] == count:
        return np.moveaxis(moved, 0, axis)
    flat = np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
    fresh = _triangles(moved.shape[0], count) @ flat
    return np.moveaxis(fresh.reshape(count, *moved.shape[1:]), 0, axis)


def _triangles(before: int, after: int) -> sparse.csr_array:
    """(after, before) weights; every row sums to one."""
    step = before / after
    centres = (np.arange(after) + 0.5) * step - 0.5
    width = max(1.0, step)
    taps = np.floor(centres - width).astype(int)[:, None] + np.arange(int(2 * width) + 3)
    weights = np.maximum(0.0, 1.0 - np.abs(taps - centres[:, None]) / width)
    weights[(taps < 0) | (taps >= before)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(after)[:, None], taps.shape)
    used = weights > 0
    entries = (weights[used].astype(np.float32), (rows[used], taps[used]))
    return sparse.csr_array(entries, shape=(after, before))


def aligned_grid(geometry: Geometry, spacing_mm: float) -> Geometry:
    """The smallest grid along x, y and z of the patient that holds a series.

    Array axes run to the patient's left, back and head; every side is a multiple of
    :data:`MULTIPLE` voxels, with the surplus shared by both ends. Centres of voxels lie at
    multiples of the spacing, so that the grids of one frame are parts of one another.
    """
    last = np.asarray(geometry.shape) - 0.5
    outer = np.array(
        [
            [(-0.5, end)[bit] for bit, end in zip(bits, last, strict=True)]
            for bits in np.ndindex(2, 2, 2)
        ]
    )
    corners = geometry.to_lps(outer) / spacing_mm
    first = np.floor(corners.min(axis=0) + 0.5 + EDGE_VOXELS).astype(int)
    needed = np.ceil(corners.max(axis=0) + 0.5 - EDGE_VOXELS).astype(int) - first
    shape = np.maximum(MULTIPLE, -(-needed // MULTIPLE) * MULTIPLE)
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = (first - (shape - needed) // 2) * spacing_mm
    return Geometry(
        (int(shape[0]), int(shape[1]), int(shape[2])), affine, geometry.frame_of_reference
    )


def onto_aligned_grid(image: Volume, spacing_mm: float, outside: float) -> Volume:
    """An image on :func:`aligned_grid`, smoothed along every axis that gets coarser.

    Within the field of view, which ends half a voxel beyond the outermost centres, the
    outermost voxels are continued; beyond it stands ``outside``.
    """
    grid = aligned_grid(image.geometry, spacing_mm)
    data, geometry = image.data, image.geometry
    wanted = [max(one, spacing_mm) for one in geometry.spacing_mm]
    coarser = geometry.rescaled((wanted[0], wanted[1], wanted[2]))
    for axis, count in enumerate(coarser.shape):
        data = rescaled_along(data, axis, count)
    moved = sampled(Volume(data, coarser), grid)
    moved[~within(image.geometry, grid)] = outside
    return Volume(moved, grid)


def sampled(field: Volume, onto: Geometry, *, order: int = 1) -> NDArray[Any]:
    """A field at the voxels of another grid of the same frame; its border is continued."""
    ijk_to_ijk = np.linalg.inv(field.geometry.affine) @ onto.affine
    return np.asarray(
        ndimage.affine_transform(
            field.data,
            ijk_to_ijk[:3, :3],
            ijk_to_ijk[:3, 3],
            output_shape=onto.shape,
            order=order,
            mode="nearest",
            prefilter=False,
        )
    )


def within(field_of_view: Geometry, grid: Geometry) -> NDArray[np.bool_]:
    """Voxels of a grid that lie in the field of view of another one of the same frame."""
    ijk_to_ijk = np.linalg.inv(field_of_view.affine) @ grid.affine
    axes = [np.arange(n, dtype=np.float64) for n in grid.shape]
    inside = np.ones(grid.shape, dtype=bool)
    for axis, count in enumerate(field_of_view.shape):
        i, j, k = (ijk_to_ijk[axis, n] * axes[n] for n in range(3))
        at = i[:, None, None] + j[None, :, None] + k[None, None, :] + ijk_to_ijk[axis, 3]
        inside &= (at >= -0.5 - EDGE_VOXELS) & (at <= count - 0.5 + EDGE_VOXELS)
    return inside
