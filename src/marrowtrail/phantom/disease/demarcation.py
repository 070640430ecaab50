"""A demarcation band: the rim of a subchondral segment of dead marrow inside a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.disease.extent import greatest_extent
from marrowtrail.phantom.disease.lesion_shape import (
    SUBCHONDRAL_MM,
    LesionShape,
    offset_from,
)
from marrowtrail.phantom.disease.placement import towards
from marrowtrail.phantom.disease.plan import DemarcationPlan

SEATED = 0.35
"""Depth of the segment's centre under the joint surface, as a share of its radius: the band
opens towards the joint, as osteonecrosis shows it."""


@dataclass(frozen=True, slots=True, eq=False)
class DemarcationShape:
    """A band at rest.

    ``level`` is the distance in mm from its middle, negative towards the segment;
    ``length_mm`` its greatest extent within marrow.
    """

    plan: DemarcationPlan
    level: Volume
    thickness_mm: float
    length_mm: float


def draw_demarcation(
    plan: DemarcationPlan, lesion: LesionShape, rng: np.random.Generator
) -> DemarcationShape:
    """A band about a segment that sits on the joint surface above the lesion's centre."""
    share, thickness = plan.segment.draw(rng), plan.thickness_mm.draw(rng)
    geometry = lesion.bone.surface.geometry
    depth = -lesion.bone.surface.data
    voxel = tuple(np.round(geometry.to_ijk(lesion.centre)).astype(int))
    rise = max(0.0, float(depth[voxel]) - SEATED * share * lesion.radius_mm)
    centre = lesion.centre + rise * towards(lesion.plan.towards, lesion.bone.bone_id.side)
    offset = offset_from(geometry, centre, lesion.spread)
    level = np.asarray(
        (offset - share * (1.0 + 0.6 * lesion.waviness)) * lesion.radius_mm, dtype=np.float32
    )
    band = (np.abs(level) < thickness / 2) & (depth > SUBCHONDRAL_MM)
    length = greatest_extent(geometry.to_lps(np.argwhere(band)))
    return DemarcationShape(plan, Volume(level, geometry), thickness, length)
