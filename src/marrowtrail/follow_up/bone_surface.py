"""The surface of a bone as points with normals, and how far other points lie from it.

A mask drawn on thick slices is a staircase. It is blurred a little and cut at its half
level on isotropic voxels, which puts the surface between slices midway between the outlines
of both. Where the field of view cuts a bone there is no surface: a cut is not bone. Points
carry the field of view with them, so that two visits are compared only where both looked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, bounding_box, resample

GRID_MM = 1.5
"""Voxels on which the surface is cut. Crossings are interpolated between voxels, so that
their error is a tenth of this."""

BLUR_MM = 0.8
BLUR_VOXELS = 0.5
"""Blur of the mask before it is cut: about a millimetre in the slice, half a slice across.
It rounds the staircase off and moves a surface of 20 mm radius by less than 0.1 mm."""

TARGET_POINTS = 6000
SOURCE_POINTS = 1200
"""Points that are measured against, and points that are measured. Six thousand lie about
2 mm apart on a distal femur; distances go to the tangent plane, so that no more are needed."""

EDGE_IN_PLANE_MM = 2.0
EDGE_SLICES = 1.0
"""Closer than this to the border of a field of view nothing is compared: the blur of the
mask has no partner there, and slices at the end are often incomplete."""

TANGENT_REACH_MM = 4.0
"""Up to this distance the distance to the nearest point's tangent plane is the distance to
the surface; beyond, that to the point itself is the safer one."""

SAME_FACING = 0.5
"""Cosine between normals below which two points are not on the same face of the bone."""

FlatPoints = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BoneSurface:
    """Surface of the imaged part of one bone.

    Parameters
    ----------
    points_lps, normals
        (n, 3) points to measure against and their outward unit normals.
    probe_lps, probe_normals
        (m, 3) an even choice of them, to measure with.
    field_of_view
        The grid of the series.
    tree
        Finds the nearest of ``points_lps``.
    count
        Points before the choice: the size of the surface, in squares of about a grid voxel.
    """

    points_lps: FlatPoints
    normals: FlatPoints
    probe_lps: FlatPoints
    probe_normals: FlatPoints
    field_of_view: Geometry
    tree: cKDTree
    count: int

    def is_imaged(self, points_lps: FlatPoints) -> NDArray[np.bool_]:
        """(n,) whether points lie inside the field of view and clear of its border."""
        grid = self.field_of_view
        spacing = np.asarray(grid.spacing_mm)
        margin = EDGE_IN_PLANE_MM / spacing
        margin[grid.through_plane_axis] = EDGE_SLICES
        ijk = grid.to_ijk(points_lps)
        last = np.asarray(grid.shape) - 1
        return np.asarray(np.all((ijk >= margin) & (ijk <= last - margin), axis=-1))

    def nearest(self, points_lps: FlatPoints) -> tuple[FlatPoints, FlatPoints]:
        """(n, 3) nearest surface points and their normals."""
        _, index = self.tree.query(points_lps)
        return self.points_lps[index], self.normals[index]

    def distance_mm(self, points_lps: FlatPoints) -> NDArray[np.float64]:
        """(n,) unsigned distance from points to the surface."""
        closest, normals = self.nearest(points_lps)
        away = points_lps - closest
        straight = np.linalg.norm(away, axis=-1)
        to_plane = np.abs(np.einsum("ij,ij->i", away, normals))
        return np.asarray(np.where(straight <= TANGENT_REACH_MM, to_plane, straight))


def surface_of(bone: Bone) -> BoneSurface | None:
    """The surface of a bone's mask, or ``None`` where the mask has too little of one."""
    if not bone.mask.data.any():
        return None
    points, normals = _half_level(_smooth_occupancy(bone.mask))
    if len(points) < 100:
        return None
    target = _even_choice(len(points), TARGET_POINTS)
    probe = _even_choice(len(points), SOURCE_POINTS)
    tree = cKDTree(points[target])
    return BoneSurface(
        points[target],
        normals[target],
        points[probe],
        normals[probe],
        bone.mask.geometry,
        tree,
        len(points),
    )


def _even_choice(count: int, wanted: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(np.int64))


def _smooth_occupancy(mask: Volume) -> Volume:
    """Share of bone, 0 to 1, on isotropic voxels; the field of view's border is not padded."""
    geometry = mask.geometry
    spacing = np.asarray(geometry.spacing_mm)
    blur = np.maximum(BLUR_MM / spacing, BLUR_VOXELS)
    reach = np.ceil(3 * blur + 2).astype(int)
    start, stop = bounding_box(mask.data, (int(reach[0]), int(reach[1]), int(reach[2])))
    block = mask.crop(start, stop)
    soft = ndimage.gaussian_filter(block.data.astype(np.float32), blur, mode="nearest")
    return resample(block.with_data(soft), _isotropic_inside(block.geometry))


def _isotropic_inside(geometry: Geometry) -> Geometry:
    """Isotropic voxels whose centres stay between the first and last voxel centre."""
    last = np.asarray(geometry.shape) - 1
    spacing = np.asarray(geometry.spacing_mm)
    shape = np.maximum(np.floor(last * spacing / GRID_MM).astype(int), 0) + 1
    affine = geometry.affine.copy()
    affine[:3, :3] = geometry.directions * GRID_MM
    slack = (last * spacing - (shape - 1) * GRID_MM) / 2
    affine[:3, 3] = geometry.to_lps(slack / spacing)
    i, j, k = (int(n) for n in shape)
    return Geometry((i, j, k), affine, geometry.frame_of_reference)


def _half_level(occupancy: Volume) -> tuple[FlatPoints, FlatPoints]:
    """Points where occupancy crosses one half along the grid's lines, and outward normals."""
    if min(occupancy.geometry.shape) < 2:
        return np.zeros((0, 3)), np.zeros((0, 3))
    level = np.asarray(occupancy.data, dtype=np.float64) - 0.5
    ijk = np.concatenate([_crossings(level, axis) for axis in range(3)])
    ijk = ijk[np.lexsort(ijk.T)]
    slopes = np.stack(
        [ndimage.map_coordinates(slope, ijk.T, order=1) for slope in np.gradient(level)], axis=-1
    )
    steep = np.linalg.norm(slopes, axis=-1)
    clear = steep > 1e-3
    outward = -(slopes[clear] / steep[clear, None]) @ occupancy.geometry.directions.T
    return occupancy.geometry.to_lps(ijk[clear]), outward


def _crossings(level: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """(n, 3) fractional indices of sign changes between neighbours along one axis."""
    before = np.take(level, np.arange(level.shape[axis] - 1), axis=axis)
    after = np.take(level, np.arange(1, level.shape[axis]), axis=axis)
    found = np.argwhere((before < 0) != (after < 0)).astype(np.float64)
    at = tuple(found.astype(int).T)
    found[:, axis] += before[at] / (before[at] - after[at])
    return found
