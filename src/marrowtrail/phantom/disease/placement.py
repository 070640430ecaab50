"""Where in a bone disease sits: directions, joint surfaces, points under them.

Points and vectors are LPS-like millimetres of the limb frame at rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Points
from marrowtrail.phantom.body.limb import PatientBone
from marrowtrail.phantom.disease.plan import Direction, LesionPlan, OfRegion
from marrowtrail.phantom.grids import Field
from marrowtrail.record.sites import Side

Vector = NDArray[np.float64]

_TOWARDS: dict[Direction, tuple[float, float, float]] = {
    "inferior": (0.0, 0.0, -1.0),
    "superior": (0.0, 0.0, 1.0),
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "medial": (1.0, 0.0, 0.0),
    "lateral": (-1.0, 0.0, 0.0),
}
"""In a right limb."""

FACING = 0.5
"""A surface faces a direction where the cosine of its normal with it is above this."""

SQUARE_MM = 15.0
"""A point of the surface that bears load squarely is preferred to one that faces aside, as if it
were this much nearer."""

SIDEWAYS_SHARE = 0.35
"""A lesion off the middle of its region lies in this share of it, furthest along ``also``."""


def towards(direction: Direction, side: Side) -> Vector:
    """Unit vector of a direction in a limb of that side."""
    x, y, z = _TOWARDS[direction]
    return np.array([-x if side is Side.LEFT else x, y, z])


def outward(bone: PatientBone) -> NDArray[np.float32]:
    """(3, i, j, k) outward unit normals of a bone's surface map."""
    steps = np.stack(np.gradient(bone.surface.data))
    turn = np.linalg.inv(bone.surface.geometry.affine[:3, :3]).T.astype(np.float32)
    slope = np.einsum("ab,bijk->aijk", turn, steps)
    length = np.maximum(np.linalg.norm(slope, axis=0), np.float32(1e-6))
    return np.asarray(slope / length, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoint:
    """A point under a joint surface: where, its outward normal, two tangents (unit)."""

    point: Vector
    normal: Vector
    along: Vector
    aside: Vector


def surface_point(
    bone: PatientBone, below: Vector, way: Vector, turn_rad: float = 0.0
) -> SurfacePoint:
    """The point of the surface that faces a way, above a point of the bone.

    The first tangent runs from front to back, turned by an angle about the normal.
    """
    depth, normals = -bone.surface.data, outward(bone)
    cosine = np.tensordot(way.astype(np.float32), normals, axes=1)
    near = (depth > 0) & (depth < 2.0)
    faces = near & (cosine > FACING)
    candidates = np.argwhere(faces if faces.any() else near)
    points = bone.surface.geometry.to_lps(candidates)
    away = points - below
    aside = np.linalg.norm(away - np.outer(away @ way, way), axis=1)
    turned_away = 1.0 - cosine[tuple(candidates.T)]
    best = int(np.argmin(aside + 0.2 * np.linalg.norm(away, axis=1) + SQUARE_MM * turned_away))
    normal = normals[(slice(None), *candidates[best])].astype(np.float64)
    normal /= np.linalg.norm(normal)
    axis = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.8 else np.array([0.0, 0.0, 1.0])
    along = axis - normal * (axis @ normal)
    along /= np.linalg.norm(along)
    aside_of = np.cross(normal, along)
    turned = np.cos(turn_rad) * along + np.sin(turn_rad) * aside_of
    return SurfacePoint(points[best], normal, turned, np.cross(normal, turned))


def lesion_centre(
    plan: LesionPlan,
    bone: PatientBone,
    region_level: Field,
    radius: float,
    rng: np.random.Generator,
) -> Vector:
    """A point of the region for a lesion's centre.

    At a ``joint`` it lies about half a radius (a cap: less) under the surface that faces the
    joint; in the ``core`` it lies deep in the region.
    """
    depth = -bone.surface.data
    way = towards(plan.towards, bone.bone_id.side)
    fits = (region_level > min(0.5 * radius, 0.6 * region_level.max())) & (depth > 1.0)
    if not fits.any():
        fits = (region_level > 0) & (depth > 0.5 * depth.max())
    candidates = np.argwhere(fits)
    points = bone.surface.geometry.to_lps(candidates)
    at = tuple(candidates.T)
    if plan.place == "core":
        score = -np.minimum(depth[at], region_level[at]).astype(np.float64)
    else:
        aim = (0.2 if plan.form == "cap" else 0.55) * radius
        below = np.percentile(bone.inside_points() @ way, 99.5) - points @ way
        score = np.abs(below - aim - 2.0) + 0.5 * np.maximum(0.0, aim - depth[at])
    good = np.flatnonzero(score <= np.percentile(score, 8.0 if plan.also is None else 20.0))
    if plan.also is not None:
        far = points[good] @ towards(plan.also, bone.bone_id.side)
        good = good[far >= np.quantile(far, 1.0 - SIDEWAYS_SHARE)]
    return np.asarray(points[rng.choice(good)])


def margin_point(plan: OfRegion, bone: PatientBone, rng: np.random.Generator) -> Points:
    """A point of the surface where it turns away from the joint, in the region."""
    way = towards(plan.towards, bone.bone_id.side)
    cosine = np.tensordot(way.astype(np.float32), outward(bone), axes=1)
    region = bone.regions.data == bone.region_names.index(plan.region) + 1
    skin = region & (np.abs(bone.surface.data) < 1.0)
    turning = skin & (cosine > 0.1) & (cosine < FACING)
    points = bone.surface.geometry.to_lps(np.argwhere(turning if turning.any() else skin))
    high = points @ way
    good = points[high >= np.quantile(high, 0.75)]
    return np.asarray(good[int(rng.integers(len(good)))])


def from_point(
    bone: PatientBone, start: tuple[int, int, int], stop: tuple[int, int, int], point: Vector
) -> NDArray[np.float32]:
    """(3, i, j, k) vectors in mm from a point to every voxel of a block of a bone's grid."""
    geometry = bone.surface.geometry.crop(start, stop)
    i, j, k = np.indices(geometry.shape, dtype=np.float32)
    matrix = geometry.affine
    return np.stack(
        [
            np.float32(matrix[row, 0]) * i
            + np.float32(matrix[row, 1]) * j
            + np.float32(matrix[row, 2]) * k
            + np.float32(matrix[row, 3] - point[row])
            for row in range(3)
        ]
    )


def block_about(
    bone: PatientBone, point: Vector, reach_mm: float
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Start and stop of the block of a bone's grid within a distance of a point."""
    geometry = bone.surface.geometry
    middle = geometry.to_ijk(point)
    steps = np.ceil(reach_mm / np.asarray(geometry.spacing_mm))
    low = np.clip(np.floor(middle - steps), 0, np.asarray(geometry.shape) - 2).astype(int)
    high = np.minimum(np.ceil(middle + steps) + 1, geometry.shape).astype(int)
    high = np.maximum(high, low + 2)
    return (int(low[0]), int(low[1]), int(low[2])), (int(high[0]), int(high[1]), int(high[2]))
