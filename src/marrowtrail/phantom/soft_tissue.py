"""Skin, muscle, tendons and joint fluid about the bones, in the limb frame of a right limb.

Muscles and tendons are tapered tubes along polylines. Skin encloses bones and muscles with
a layer of fat. All are distance maps on a coarse grid: their edges are soft in life, and
nothing is measured of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.limb import Limb
from marrowtrail.record.sites import Side

STEP_MM = 2.5
BOX_MM = ((-90.0, -135.0, -130.0), (90.0, 110.0, 130.0))
FAT_UNDER_SKIN_MM = {"knee": 9.0, "ankle": 6.0}

Tube = tuple[tuple[float, float, float, float], ...]
"""Points (x, y, z, radius) along it."""

MUSCLES: dict[str, tuple[Tube, ...]] = {
    "knee": (
        ((22, -22, 60, 16), (26, -20, 90, 24), (28, -12, 140, 32)),
        ((-28, -22, 50, 12), (-32, -18, 90, 24), (-32, -10, 140, 32)),
        ((0, -36, 75, 8), (0, -36, 140, 14)),
        ((30, 44, 140, 24), (30, 48, 60, 17), (34, 40, 10, 9), (30, 24, -40, 4)),
        ((-34, 48, 140, 22), (-36, 46, 60, 13), (-40, 34, 10, 6)),
        ((17, 34, 22, 6), (18, 50, -10, 16), (20, 54, -60, 22), (18, 54, -140, 26)),
        ((-19, 32, 22, 6), (-18, 50, -10, 15), (-18, 54, -60, 20), (-16, 54, -140, 24)),
        ((0, 34, -20, 12), (2, 36, -60, 15), (0, 34, -140, 20)),
        ((-28, -8, -30, 7), (-30, -4, -60, 13), (-30, -2, -140, 16)),
    ),
    "ankle": (
        ((0, 38, 140, 26), (0, 36, 70, 17), (0, 34, 30, 6)),
        ((-22, -14, 140, 15), (-14, -26, 50, 6)),
        ((12, 24, 140, 12), (16, 22, 50, 7)),
        ((5, -10, -62, 7), (8, -55, -60, 7)),
        ((-14, -10, -58, 8), (-20, -50, -58, 7)),
    ),
}
TENDONS: dict[str, tuple[Tube, ...]] = {
    "knee": (
        ((-3, -50, 42, 3.2), (-2, -44, 75, 3.4), (0, -36, 110, 3.0)),
        ((-5, -49, 14, 2.8), (-5, -40, -12, 2.7), (-5, -29, -38, 3.2)),
        ((-8, 12, 10, 3.0), (2, -4, -7, 3.2)),
        ((8, -4, 6, 3.6), (2, 14, -2, 3.4), (0, 24, -14, 3.6)),
        ((40, 4, 14, 1.8), (36, 2, -30, 1.6)),
        ((-38, 6, 14, 1.8), (-38, 24, -14, 2.0)),
    ),
    "ankle": (
        ((0, 40, 110, 3.0), (0, 44, 40, 3.2), (0, 52, -10, 3.4), (-2, 55, -30, 3.6)),
        ((14, -28, 70, 2.2), (16, -34, 0, 2.4), (22, -40, -30, 2.2)),
        ((-4, -26, 60, 2.0), (-4, -36, -4, 2.2), (-6, -70, -26, 1.8)),
        ((-26, 22, 50, 2.4), (-26, 20, -10, 2.4), (-24, -6, -42, 2.4)),
        ((24, 20, 40, 2.4), (26, 10, -10, 2.4), (26, -14, -30, 2.2)),
        ((0, 30, -62, 2.0), (4, -20, -66, 1.8), (6, -80, -64, 1.6)),
    ),
}
RECESSES: dict[str, tuple[Tube, ...]] = {
    "knee": (((-2, -36, 44, 2.0), (0, -33, 62, 2.4), (0, -30, 80, 1.4)),),
    "ankle": (((2, -22, 2, 1.6), (0, -20, -6, 1.4)), ((0, 22, 2, 1.6), (0, 20, -6, 1.2))),
}
"""Where a joint's own little fluid gathers: the suprapatellar recess; before and behind the
ankle."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftTissue:
    """Signed distances in mm at rest in the limb frame, negative inside."""

    skin: Volume
    muscle: Volume
    tendon: Volume
    recess: Volume


def build_soft_tissue(limb: Limb) -> SoftTissue:
    """Soft tissue about a limb's bones, mirrored with the limb."""
    geometry = _grid(limb.side)
    points = geometry.to_lps(np.moveaxis(np.indices(geometry.shape), 0, -1))
    if limb.side is Side.LEFT:
        points = points * np.array([-1.0, 1.0, 1.0])
    points = points.astype(np.float32)
    muscle, tendon, recess = (
        np.min([_tube(points, tube) for tube in tubes[limb.joint]], axis=0)
        for tubes in (MUSCLES, TENDONS, RECESSES)
    )
    bone = np.min([resample(bone.surface, geometry, fill=12.0).data for bone in limb.bones], axis=0)
    skin = _skin(np.minimum(bone, muscle), FAT_UNDER_SKIN_MM[limb.joint])
    return SoftTissue(*(Volume(field, geometry) for field in (skin, muscle, tendon, recess)))


def _grid(side: Side) -> Geometry:
    low, high = np.array(BOX_MM[0]), np.array(BOX_MM[1])
    shape = np.round((high - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    if side is Side.LEFT:
        affine = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def _tube(points: NDArray[np.float32], tube: Tube) -> NDArray[np.float32]:
    """Distance to a tapered tube: to its nearest section, less the radius there."""
    nearest = np.full(points.shape[:-1], np.inf, dtype=np.float32)
    for start, end in zip(tube[:-1], tube[1:], strict=True):
        a = np.asarray(start, dtype=np.float32)
        step = np.asarray(end, dtype=np.float32) - a
        along = np.clip((points - a[:3]) @ step[:3] / (step[:3] @ step[:3]), 0.0, 1.0)
        away = np.linalg.norm(points - a[:3] - along[..., None] * step[:3], axis=-1)
        nearest = np.minimum(nearest, away - (a[3] + along * step[3]))
    return nearest


def _skin(inside: NDArray[np.float32], fat_mm: float) -> NDArray[np.float32]:
    """A smooth hull of what is inside, ``fat_mm`` away from it."""
    core = inside < 0
    reach = 14.0
    near = ndimage.distance_transform_edt(~core, sampling=STEP_MM) < reach
    hull = ndimage.distance_transform_edt(near, sampling=STEP_MM)
    outside = ndimage.distance_transform_edt(~near, sampling=STEP_MM)
    closed = outside - hull + reach - fat_mm
    return ndimage.gaussian_filter(closed.astype(np.float32), 8.0 / STEP_MM, mode="nearest")
