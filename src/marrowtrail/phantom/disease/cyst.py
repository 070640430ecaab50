"""Subchondral cysts: fluid under the joint surface, in oedema."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.disease.lesion_shape import SUBCHONDRAL_MM, LesionShape
from marrowtrail.phantom.disease.placement import block_about, from_point, surface_point, towards
from marrowtrail.phantom.disease.plan import CystPlan

BELOW_PLATE_MM = 0.6
"""Bone between the plate and a cyst."""

ASIDE_MM = 4.0
"""A cyst lies within this of the middle of its lesion's joint surface."""


@dataclass(frozen=True, slots=True, eq=False)
class CystShape:
    """A cyst at rest: ``level`` is mm inside its wall."""

    plan: CystPlan
    level: Volume
    diameter_mm: float


def draw_cyst(plan: CystPlan, lesion: LesionShape, rng: np.random.Generator) -> CystShape:
    """A round cyst under the joint surface above a lesion's centre."""
    bone, diameter = lesion.bone, plan.diameter_mm.draw(rng)
    way = towards(lesion.plan.towards, bone.bone_id.side)
    at = surface_point(bone, lesion.centre, way)
    aside = rng.uniform(-ASIDE_MM, ASIDE_MM, 2)
    under = SUBCHONDRAL_MM + BELOW_PLATE_MM + diameter / 2
    moved = at.point + aside[0] * at.along + aside[1] * at.aside
    voxel = tuple(np.round(bone.surface.geometry.to_ijk(moved)).astype(int))
    inside = all(0 <= v < n for v, n in zip(voxel, bone.surface.geometry.shape, strict=True))
    depth = float(-bone.surface.data[voxel]) if inside else 0.0
    centre = moved - (under - depth) * at.normal
    start, stop = block_about(bone, centre, diameter / 2 + 4.0)
    away = from_point(bone, start, stop, centre)
    level = np.float32(diameter / 2) - np.linalg.norm(away, axis=0)
    grid = bone.surface.geometry.crop(start, stop)
    return CystShape(plan, Volume(np.asarray(level, dtype=np.float32), grid), diameter)
