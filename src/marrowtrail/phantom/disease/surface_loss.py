"""Bone that is lost at the joint surface: collapse, and erosions.

Both change the drawn bone's distance maps at a visit, so the image, the mask of the bone and
the lesions beneath follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.phantom.body.limb import PatientBone
from marrowtrail.phantom.disease.lesion_shape import LesionShape
from marrowtrail.phantom.disease.placement import (
    block_about,
    from_point,
    margin_point,
    outward,
    surface_point,
    towards,
)
from marrowtrail.phantom.disease.plan import CollapsePlan, ErosionPlan
from marrowtrail.phantom.grids import Field

STEP_OFF_MM = (2.0, 4.5)
"""The surface falls from its old level to the new one over this: from a step to a dent."""

BREADTH = (0.7, 1.0)

BITE = 0.3
"""The middle of an erosion lies this share of its diameter under the surface."""


@dataclass(frozen=True, slots=True, eq=False)
class CollapseShape:
    """Sunk joint surface: ``share`` (0 to 1) of ``depth_mm`` at each visit, on the bone's grid.

    ``length_mm`` is its width where it has sunk by half.
    """

    plan: CollapsePlan
    bone: str
    share: NDArray[np.float32]
    length_mm: float
    depth_mm: tuple[float, ...]

    def sunk(self, visit: int) -> Field | None:
        """Millimetres that the surface has sunk at a visit (from 1); ``None`` if it has not."""
        depth = self.depth_mm[visit - 1]
        return self.share * np.float32(depth) if depth > 0 else None


@dataclass(frozen=True, slots=True, eq=False)
class ErosionShape:
    """A bite: ``inside`` (mm, block of the bone's grid from ``start``) is positive in it."""

    plan: ErosionPlan
    start: tuple[int, int, int]
    inside: NDArray[np.float32]
    diameter_mm: float
    depth_mm: float


def draw_collapse(
    plan: CollapsePlan, lesion: LesionShape, rng: np.random.Generator
) -> CollapseShape:
    """A segment of the joint surface above a lesion, flattened or stepped."""
    bone = lesion.bone
    way = towards(lesion.plan.towards, bone.bone_id.side)
    at = surface_point(bone, lesion.centre, way, rng.uniform(-0.35, 0.35))
    length, edge = plan.length_mm.draw(rng), rng.uniform(*STEP_OFF_MM)
    away = from_point(bone, (0, 0, 0), bone.surface.geometry.shape, at.point)
    first, second, third = (
        np.tensordot(one.astype(np.float32), away, axes=1)
        for one in (at.along, at.aside, at.normal)
    )
    radius = np.sqrt(first**2 + (second / np.float32(rng.uniform(*BREADTH))) ** 2 + third**2)
    ramp = np.clip(0.5 + (length / 2 - radius) / edge, 0.0, 1.0)
    facing = np.tensordot(way.astype(np.float32), outward(bone), axes=1)
    ramp = np.minimum(ramp, np.clip(4.0 * (facing - 0.1), 0.0, 1.0))
    share = np.asarray(ramp**2 * (3.0 - 2.0 * ramp), dtype=np.float32)
    depths = tuple(depth.draw(rng) for depth in plan.depth_mm)
    return CollapseShape(plan, bone.bone_id.bone, share, length, depths)


def draw_erosion(plan: ErosionPlan, bone: PatientBone, rng: np.random.Generator) -> ErosionShape:
    """A bite at the margin of the joint surface in a region."""
    diameter = plan.diameter_mm.draw(rng)
    point = margin_point(plan, bone, rng)
    start, stop = block_about(bone, point, diameter + 6.0)
    geometry = bone.surface.geometry
    voxel = tuple(np.round(geometry.to_ijk(point)).astype(int))
    normal = outward(bone)[(slice(None), *voxel)]
    away = from_point(bone, start, stop, point - BITE * diameter * normal)
    inside = np.float32(diameter / 2) - np.linalg.norm(away, axis=0)
    return ErosionShape(
        plan,
        start,
        np.asarray(inside, dtype=np.float32),
        diameter,
        (0.5 + BITE) * diameter,
    )


def without_lost(
    bone: PatientBone, sunk: Sequence[Field], erosions: Sequence[ErosionShape]
) -> PatientBone:
    """A bone whose surface has sunk and been eroded; cartilage sinks with it."""
    if not sunk and not erosions:
        return bone
    surface = bone.surface.data.copy()
    outer = None if bone.outer is None else bone.outer.data.copy()
    for one in sunk:
        surface += one
        if outer is not None:
            outer += one
    for erosion in erosions:
        part = tuple(
            slice(a, a + n) for a, n in zip(erosion.start, erosion.inside.shape, strict=True)
        )
        surface[part] = np.maximum(surface[part], erosion.inside)
    return replace(
        bone,
        surface=bone.surface.with_data(surface),
        outer=None if bone.outer is None or outer is None else bone.outer.with_data(outer),
    )
