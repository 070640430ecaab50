"""Oedema and lines anywhere in the bones of a limb, to try the bone finder with.

Unlike those of a scenario they need no painted regions, which label maps lack: a ball with an
uneven edge about any point near the joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Points
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.phantom.body.limb import Limb, PatientBone
from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.disease.edge_profile import draw_edge
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.painting.scene import Band, Oedema
from marrowtrail.phantom.ranges import Range

RADIUS_MM = Range(low=6.0, high=26.0)
WATER = Range(low=0.4, high=0.85)
BAND_RADIUS_MM = Range(low=6.0, high=15.0)
BAND_MM = Range(low=1.2, high=3.0)
MOST_LESIONS = 3

NEAR_JOINT_MM = 45.0
"""Lesions lie within this of the joint along the limb, where fields of view are."""

UNEVEN_MM, UNEVEN_SCALE_MM = 2.0, 6.0
"""How far the edge of a lesion wanders from its ball, over which length."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """A ball in a bone: mm inside its edge on a part of the bone's grid, and an even noise."""

    bone: str
    depth: Volume
    noise: NDArray[np.float32]


def draw_oedema(limb: Limb, rng: np.random.Generator) -> tuple[Oedema, ...]:
    """One to three areas of oedema."""
    found = []
    for number in range(int(rng.integers(1, MOST_LESIONS + 1))):
        ball = _ball(limb, RADIUS_MM, rng)
        uneven = ball.depth.data + np.float32(UNEVEN_MM) * ball.noise
        found.append(
            Oedema(
                f"oedema-{number}",
                ball.bone,
                ball.depth.with_data(uneven),
                WATER.draw(rng),
                draw_edge("any", Family.EVALUATION, rng),
                ball.depth.with_data(np.float32(1.0) + np.float32(0.15) * ball.noise),
            )
        )
    return tuple(found)


def draw_bands(limb: Limb, rng: np.random.Generator) -> tuple[Band, ...]:
    """The demarcation of one dead segment."""
    ball = _ball(limb, BAND_RADIUS_MM, rng)
    level = ball.depth.with_data(-ball.depth.data + np.float32(UNEVEN_MM / 2) * ball.noise)
    return (Band(ball.bone, level, BAND_MM.draw(rng), bool(rng.random() < 0.5)),)


def _ball(limb: Limb, radii: Range, rng: np.random.Generator) -> _Ball:
    bone = limb.bones[int(rng.integers(len(limb.bones)))]
    radius = radii.draw(rng)
    centre = _point(bone, rng)
    grid = bone.surface.geometry
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    depth = (radius - np.linalg.norm(points - centre, axis=-1)).astype(np.float32)
    start, stop = bounding_box(depth > -CLIP_MM)
    part = Volume(depth, grid).crop(start, stop)
    noise = ndimage.gaussian_filter(
        rng.standard_normal(part.geometry.shape).astype(np.float32),
        UNEVEN_SCALE_MM / grid.spacing_mm[0],
    )
    return _Ball(bone.bone_id.bone, part, (noise / noise.std()).astype(np.float32))


def _point(bone: PatientBone, rng: np.random.Generator) -> Points:
    """A point in the bone, near its joint end where it has one."""
    points = bone.inside_points()
    if bone.shaft is not None:
        along = bone.shaft.way * (points[:, 2] - bone.shaft.joint_end_z)
        points = points[along < NEAR_JOINT_MM]
    return np.asarray(points[int(rng.integers(len(points)))])
