"""A demarcation band: the rim of a subchondral segment of dead marrow inside a lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.lesion_shape import SUBCHONDRAL_MM, LesionShape
from marrowtrail.phantom.scenario import DemarcationPlan


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
    """A band about a segment that shares the lesion's centre and form."""
    share, thickness = plan.segment.draw(rng), plan.thickness_mm.draw(rng)
    distance = (lesion.offset - share * (1.0 + 0.6 * lesion.waviness)) * lesion.radius_mm
    level = distance.astype(np.float32)
    depth = -lesion.bone.surface.data
    band = (np.abs(level) < thickness / 2) & (depth > SUBCHONDRAL_MM)
    points = lesion.bone.surface.geometry.to_lps(np.argwhere(band))
    chosen = points[:: max(1, len(points) // 400)]
    length = float(pdist(chosen).max()) if len(chosen) > 1 else 0.0
    return DemarcationShape(plan, Volume(level, lesion.bone.surface.geometry), thickness, length)
