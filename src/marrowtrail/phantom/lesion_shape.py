"""Oedema drawn in a bone: a blob with an uneven, soft edge, under the joint surface.

A lesion is a level in millimetres on its bone's grid, positive inside, about the distance
to its edge. Truth is level > 0 within marrow; the image shows a soft edge about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.phantom.grids import coordinate
from marrowtrail.phantom.limb import STEP_MM, PatientBone
from marrowtrail.phantom.scenario import Direction, LesionPlan

EDGE_SOFT_MM = 1.0
"""Oedema fades over about four times this."""

FADED_MM = 8.0 * EDGE_SOFT_MM
"""Oedema is below a thousandth this far outside its edge."""

SMALLEST_SHARE = 0.005
"""Regions that hold less of a lesion are not named."""

BORDER_SLOPE = 2.0
"""Past its region's border a lesion thins by this much for every millimetre: oedema does not
stop at a painted border, and a hard cut would give it a corner."""

SUBCHONDRAL_MM = 1.2
"""Marrow begins here: depth of cortex and subchondral plate under the bone's surface."""

TOWARDS: dict[Direction, tuple[float, float, float]] = {
    "inferior": (0.0, 0.0, -1.0),
    "superior": (0.0, 0.0, 1.0),
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
}


@dataclass(frozen=True, slots=True, eq=False)
class LesionShape:
    """A lesion's place and form at ``size`` 1; :meth:`level` gives it at any size.

    ``centre`` is a point of the limb frame; ``spread`` (3, 3) maps millimetres from it to
    units of the semi-axes and ``offset`` is the distance in those units. ``waviness`` makes
    the edge uneven, ``region_level`` is the distance to the region's border in mm.
    """

    plan: LesionPlan
    bone: PatientBone
    radius_mm: float
    water: float
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    offset: NDArray[np.float32]
    waviness: NDArray[np.float32]
    region_level: NDArray[np.float32]

    def level(self, size: float) -> NDArray[np.float32]:
        """Millimetres inside the edge, at a size that scales the radius."""
        radius = np.float32(self.radius_mm * size)
        blob = radius * (np.float32(1.0) + self.waviness) - self.offset * self.radius_mm
        inside = blob + np.float32(BORDER_SLOPE) * np.minimum(self.region_level, 0.0)
        marrow = -self.bone.surface.data - np.float32(SUBCHONDRAL_MM)
        return np.asarray(np.minimum(inside, marrow), dtype=np.float32)


def volume_of(level: NDArray[np.float32]) -> float:
    """Volume in mm3 where a level on a bone's grid is positive, edge voxels counted in part."""
    return float(soft(level, STEP_MM).sum()) * STEP_MM**3


def region_shares(level: NDArray[np.float32], bone: PatientBone) -> tuple[tuple[str, float], ...]:
    """(region, share of where the level is positive), largest first."""
    weight = soft(level, STEP_MM).ravel()
    names = ("unspecified", *bone.region_names)
    totals = np.bincount(bone.regions.data.ravel(), weight, minlength=len(names))
    shares = [(name, float(t / totals.sum())) for name, t in zip(names, totals, strict=True)]
    return tuple(sorted((s for s in shares if s[1] >= SMALLEST_SHARE), key=lambda s: -s[1]))


def soft(level: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Share of a voxel of that width on the positive side of an edge."""
    return np.asarray(np.clip(0.5 + level / np.float32(width), 0.0, 1.0), dtype=np.float32)


def draw_lesion(plan: LesionPlan, bone: PatientBone, rng: np.random.Generator) -> LesionShape:
    """A lesion of that plan in that bone."""
    radius = plan.radius_mm.draw(rng)
    region = bone.regions.data == bone.region_names.index(plan.region) + 1
    region_level = _signed_distance(region)
    centre = _centre(plan, bone, region_level, radius, rng)
    axes = radius * np.exp(rng.uniform(-0.22, 0.22, 3))
    turn = Rotation.random(random_state=rng).as_matrix()
    spread = (turn / axes) @ turn.T
    geometry = bone.surface.geometry
    waviness = ndimage.gaussian_filter(
        rng.standard_normal(geometry.shape, dtype=np.float32), 4.0 / STEP_MM
    )
    waviness *= np.float32(0.14) / waviness.std()
    return LesionShape(
        plan=plan,
        bone=bone,
        radius_mm=radius,
        water=plan.water.draw(rng),
        centre=centre,
        spread=spread,
        offset=offset_from(geometry, centre, spread),
        waviness=waviness,
        region_level=region_level,
    )


def offset_from(
    geometry: Geometry, centre: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(i, j, k) distance of every voxel from a centre, in units of an ellipsoid's semi-axes.

    ``spread`` (3, 3) maps millimetres to those units.
    """
    whole = tuple(slice(0, n) for n in geometry.shape)
    to_units = spread @ geometry.affine[:3, :3]
    shift = spread @ (geometry.affine[:3, 3] - centre)
    total = np.zeros(geometry.shape, dtype=np.float32)
    for row, start in zip(to_units, shift, strict=True):
        total += coordinate(np.append(row, start), (whole[0], whole[1], whole[2])) ** 2
    return np.asarray(np.sqrt(total), dtype=np.float32)


def _centre(
    plan: LesionPlan,
    bone: PatientBone,
    region_level: NDArray[np.float32],
    radius: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """A point of the region about half a radius under the surface that faces the joint."""
    depth = -bone.surface.data
    aim = 0.55 * radius
    fits = (region_level > min(0.5 * radius, 0.6 * region_level.max())) & (depth > 1.0)
    candidates = np.argwhere(fits)
    points = bone.surface.geometry.to_lps(candidates)
    towards = points @ np.asarray(TOWARDS[plan.towards])
    at = tuple(candidates.T)
    inside = bone.inside_points() @ np.asarray(TOWARDS[plan.towards])
    below = np.percentile(inside, 99.5) - towards
    score = np.abs(below - aim - 2.0) + 0.5 * np.maximum(0.0, aim - depth[at])
    good = np.flatnonzero(score <= np.percentile(score, 8.0))
    return np.asarray(points[rng.choice(good)])


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Millimetres to the border of a mask, positive inside."""
    inside = ndimage.distance_transform_edt(mask, sampling=STEP_MM)
    outside = ndimage.distance_transform_edt(~mask, sampling=STEP_MM)
    return np.asarray(inside - outside, dtype=np.float32)


def cut_out(level: NDArray[np.float32], bone: PatientBone) -> Volume:
    """A level on a bone's grid as a volume at rest, cut to where it shows."""
    start, stop = bounding_box(level > -FADED_MM, (1, 1, 1))
    return Volume(level, bone.surface.geometry).crop(start, stop)
