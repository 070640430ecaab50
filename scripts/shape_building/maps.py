"""Signed distance maps on grids of the limb frame, and what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.variation import Deformation, Mode, Variation, displacement_of

Array = NDArray[np.float64]
FAR_MM = 15.0


@dataclass(frozen=True)
class Map:
    """A signed distance map in mm, negative inside, and its grid."""

    grid: Geometry
    values: NDArray[np.float32]

    def at(self, points: Array) -> NDArray[np.float32]:
        """Distances at (..., 3) points; far outside beyond the grid."""
        ijk = np.moveaxis(self.grid.to_ijk(points), -1, 0)
        return ndimage.map_coordinates(
            self.values, ijk, order=1, mode="constant", cval=FAR_MM, output=np.float32
        )

    def shifted(self, shift: Array) -> Map:
        """The same bone elsewhere."""
        affine = self.grid.affine.copy()
        affine[:3, 3] += shift
        return Map(Geometry(self.grid.shape, affine), self.values)

    def with_values(self, values: NDArray[np.floating]) -> Map:
        """Other distances on the same grid."""
        return Map(self.grid, values.astype(np.float32))


def grid_over(low: Array, high: Array, step_mm: float) -> Geometry:
    """A grid from corner to corner."""
    shape = np.ceil((high - low) / step_mm).astype(int) + 1
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = low
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def points_of(grid: Geometry) -> Array:
    """(i, j, k, 3) points of a grid."""
    return grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))


def smooth_union(a: NDArray[np.floating], b: NDArray[np.floating], blend_mm: float) -> Array:
    """Distances of the union of two bodies, with a fillet of about that radius."""
    share = np.clip(0.5 + 0.5 * (b - a) / blend_mm, 0.0, 1.0)
    return np.asarray(b + share * (a - b) - blend_mm * share * (1.0 - share), dtype=np.float64)


def smooth_cut(a: NDArray[np.floating], b: NDArray[np.floating], blend_mm: float) -> Array:
    """Distances of what two bodies share, its edge rounded with about that radius."""
    return -smooth_union(-a, -b, blend_mm)


def smooth_step(x: NDArray[np.floating], low: float, high: float) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between; ``low > high`` turns it round."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float64)


def capsule(points: Array, ends: Array, radii: tuple[float, float]) -> Array:
    """Distance from a tapered capsule between two (2, 3) ends."""
    way = ends[1] - ends[0]
    along = np.clip((points - ends[0]) @ way / (way @ way), 0.0, 1.0)
    off = np.linalg.norm(points - ends[0] - along[..., None] * way, axis=-1)
    return np.asarray(off - (radii[0] + along * (radii[1] - radii[0])))


def congruent(one: Map, other: Map, gap_mm: float, reach_mm: float) -> tuple[Map, Map]:
    """Two bones whose facing surfaces are moved, half each, to one gap.

    Where they are further apart than ``reach_mm`` they stay as they are.
    """
    return _facing(one, other, gap_mm, reach_mm), _facing(other, one, gap_mm, reach_mm)


def _facing(bone: Map, opposite: Map, gap_mm: float, reach_mm: float) -> Map:
    gap = bone.values + opposite.at(points_of(bone.grid))
    share = 1.0 - smooth_step(gap, gap_mm + 0.3 * (reach_mm - gap_mm), reach_mm)
    change = ndimage.gaussian_filter((gap - gap_mm) * share, 1.0)
    return bone.with_values(bone.values - 0.5 * change)


def redistanced(bone: Map, blur_mm: float) -> Map:
    """Blurred, and made a distance again: what was cut and joined is none any more."""
    step = bone.grid.spacing_mm[0]
    values = ndimage.gaussian_filter(bone.values, blur_mm / step)
    slope = np.linalg.norm(np.gradient(values, step), axis=0)
    near = values / np.clip(slope, 0.3, 3.0)
    crossings = [_crossings(values, axis) for axis in range(3)]
    points = np.concatenate(crossings) * step
    ijk = np.moveaxis(np.indices(values.shape), 0, -1) * step
    away = cKDTree(points).query(ijk.reshape(-1, 3), distance_upper_bound=FAR_MM, workers=-1)[0]
    away = np.minimum(away, FAR_MM).reshape(values.shape)
    share = smooth_step(np.abs(near), 0.5 * step, 1.5 * step)
    distance = (1 - share) * np.abs(near) + share * away
    return bone.with_values(np.sign(values) * distance)


def _crossings(values: NDArray[np.floating], axis: int) -> Array:
    """(n, 3) indices where the surface crosses grid lines along an axis."""
    first = np.moveaxis(values, axis, 0)[:-1]
    second = np.moveaxis(values, axis, 0)[1:]
    at = np.argwhere((first < 0) != (second < 0))
    a, b = first[tuple(at.T)], second[tuple(at.T)]
    found = at.astype(np.float64)
    found[:, 0] += a / (a - b)
    return np.asarray(np.insert(found[:, 1:], axis, found[:, 0], axis=1))


def warped(bone: Map, modes: tuple[Mode, ...], noise_mm: float, seed: int) -> Map:
    """A bone under one fixed deformation: modes at the size of their ``sd``, and smooth noise.

    This is how the evaluation family gets other bones from a source that the building family
    uses too: the modes are larger than any patient's.
    """
    points = np.moveaxis(points_of(bone.grid), -1, 0)
    noise = Variation(knot_mm=45.0, warp_mm=noise_mm)
    moved = Deformation.draw(noise, np.random.default_rng(seed)).at(bone.grid).astype(np.float64)
    for mode in modes:
        moved += displacement_of(mode, points)
    return redistanced(bone.with_values(bone.at(np.moveaxis(points + moved, 0, -1))), 0.5)
