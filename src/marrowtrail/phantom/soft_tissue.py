"""Skin, muscle, tendons and joint fluid about the bones, in the limb frame of a right limb.

Muscles and tendons are tapered tubes along polylines. Skin encloses bones and muscles with
a layer of fat. All are distance maps on a coarse grid: their edges are soft in life, and
nothing is measured of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.limb import Limb
from marrowtrail.record.sites import Side

STEP_MM = 2.5
BOX_MM = ((-90.0, -135.0, -130.0), (90.0, 110.0, 130.0))
FAT_UNDER_SKIN_MM = {"knee": 9.0, "ankle": 6.0}

CLOSE_MM = {"knee": 34.0, "ankle": 22.0}
"""Hollows between bones and muscles narrower than about twice this are filled by fat."""


@dataclass(frozen=True, slots=True)
class Tube:
    """A tapered tube along (x, y, z, radius) points.

    It is ``stretch`` times as wide from side to side as from front to back.
    """

    points: tuple[tuple[float, float, float, float], ...]
    stretch: float = 1.0


MUSCLES: dict[str, tuple[Tube, ...]] = {
    "knee": (
        Tube(((22, -22, 60, 16), (26, -20, 90, 24), (28, -12, 140, 32))),
        Tube(((-28, -22, 50, 12), (-32, -18, 90, 24), (-32, -10, 140, 32))),
        Tube(((0, -36, 78, 6), (0, -34, 140, 14)), stretch=2.0),
        Tube(((30, 44, 140, 24), (30, 48, 60, 17), (34, 42, 10, 9), (30, 24, -40, 4))),
        Tube(((-34, 48, 140, 22), (-36, 46, 60, 13), (-40, 34, 10, 6))),
        Tube(((20, 32, 26, 6), (20, 46, -6, 15), (22, 50, -60, 20), (20, 50, -140, 24))),
        Tube(((-20, 32, 26, 6), (-20, 46, -6, 14), (-20, 50, -60, 18), (-18, 50, -140, 22))),
        Tube(((0, 32, -20, 11), (2, 34, -60, 15), (0, 32, -140, 20))),
        Tube(((-28, -8, -34, 6), (-30, -4, -66, 12), (-30, -2, -140, 16))),
    ),
    "ankle": (
        Tube(((0, 40, 140, 26), (0, 38, 80, 16), (0, 34, 34, 5))),
        Tube(((-20, -12, 140, 14), (-12, -22, 60, 5))),
        Tube(((12, 24, 140, 12), (16, 22, 50, 7))),
        Tube(((5, 20, -66, 6), (8, -30, -62, 8), (10, -70, -60, 7))),
        Tube(((-16, 20, -64, 6), (-24, -40, -60, 8))),
    ),
}
TENDONS: dict[str, tuple[Tube, ...]] = {
    "knee": (
        Tube(((-4, -51, 44, 2.6), (-3, -46, 70, 2.8), (0, -38, 105, 2.6)), stretch=4.0),
        Tube(((-5, -50, 16, 2.4), (-5, -43, -12, 2.3), (-5, -32, -38, 2.6)), stretch=4.5),
        Tube(((-9, 12, 12, 2.6), (-2, 2, 2, 2.6), (3, -8, -6, 2.8))),
        Tube(((8, -4, 8, 3.2), (3, 14, 2, 3.2), (0, 24, -14, 3.2))),
        Tube(((41, 4, 18, 1.6), (38, 2, -34, 1.5)), stretch=0.8),
        Tube(((-39, 6, 18, 1.6), (-38, 24, -16, 1.8))),
    ),
    "ankle": (
        Tube(
            ((0, 44, 110, 2.6), (0, 47, 40, 2.7), (0, 56, -20, 2.9), (-2, 60, -42, 3.0)),
            stretch=2.6,
        ),
        Tube(((14, -26, 70, 2.0), (16, -32, 6, 2.2), (24, -44, -26, 2.0))),
        Tube(((-4, -26, 60, 1.8), (-4, -34, 2, 2.0), (-6, -70, -22, 1.8))),
        Tube(((-28, 26, 50, 2.2), (-30, 24, -10, 2.2), (-28, -4, -46, 2.2))),
        Tube(((24, 22, 40, 2.2), (27, 12, -10, 2.2), (30, -16, -32, 2.0))),
        Tube(((0, 34, -72, 1.8), (4, -20, -72, 1.6), (6, -80, -66, 1.4)), stretch=3.0),
    ),
}
RECESSES: dict[str, tuple[Tube, ...]] = {
    "knee": (Tube(((-2, -38, 48, 1.0), (0, -35, 62, 1.5), (0, -33, 78, 1.0)), stretch=6.0),),
    "ankle": (
        Tube(((2, -24, 4, 1.5), (0, -21, -4, 1.3)), stretch=2.0),
        Tube(((0, 24, 2, 1.5), (0, 22, -8, 1.2)), stretch=2.0),
    ),
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
    axes = _right_axes(geometry)
    muscle, tendon, recess = (
        np.min([tube_distance(tube, axes) for tube in tubes[limb.joint]], axis=0)
        for tubes in (MUSCLES, TENDONS, RECESSES)
    )
    bone = np.min([resample(bone.surface, geometry, fill=12.0).data for bone in limb.bones], axis=0)
    inside = np.minimum(bone, np.minimum(muscle, tendon))
    skin = _skin(inside, CLOSE_MM[limb.joint], FAT_UNDER_SKIN_MM[limb.joint])
    return SoftTissue(*(Volume(field, geometry) for field in (skin, muscle, tendon, recess)))


def _grid(side: Side) -> Geometry:
    low, high = np.array(BOX_MM[0]), np.array(BOX_MM[1])
    shape = np.round((high - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    if side is Side.LEFT:
        affine = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def _right_axes(geometry: Geometry) -> tuple[Field, Field, Field]:
    """x, y and z of the voxels in the limb frame of a right limb, ready to broadcast.

    The grid of a left limb is the mirrored one, so its indices run along the same axes.
    """
    low = np.array(BOX_MM[0])
    x, y, z = (
        (low[axis] + STEP_MM * np.arange(count)).astype(np.float32)
        for axis, count in enumerate(geometry.shape)
    )
    return x[:, None, None], y[None, :, None], z[None, None, :]


def tube_distance(tube: Tube, axes: tuple[Field, Field, Field]) -> Field:
    """Distance to a tapered tube: to its nearest section, less the radius there.

    ``axes`` are x, y and z of a grid's voxels, each broadcast along its own axis.
    """
    squeeze = np.array([1.0 / tube.stretch, 1.0, 1.0], dtype=np.float32)
    knots = np.asarray(tube.points, dtype=np.float32)
    nearest = None
    for start, end in pairwise(knots):
        a, step = start[:3] * squeeze, (end - start)[:3] * squeeze
        away = [axis * s - x for axis, s, x in zip(axes, squeeze, a, strict=True)]
        length2 = float(step @ step)
        forward = away[0] * step[0] + away[1] * step[1] + away[2] * step[2]
        along = np.clip(forward / length2, 0.0, 1.0)
        square = away[0] ** 2 + away[1] ** 2 + away[2] ** 2
        square = square - along * (2.0 * forward - along * length2)
        section = np.sqrt(np.maximum(square, 0.0)) - (start[3] + along * (end[3] - start[3]))
        nearest = section if nearest is None else np.minimum(nearest, section)
    return np.asarray(nearest, dtype=np.float32)


def _skin(inside: NDArray[np.float32], close_mm: float, fat_mm: float) -> NDArray[np.float32]:
    """A smooth hull of what is inside, ``fat_mm`` away from it."""
    away = ndimage.distance_transform_edt(inside >= 0, sampling=STEP_MM)
    near = away < close_mm
    # The box cuts the limb: beyond its ends it goes on.
    near = np.pad(near, ((0, 0), (0, 0), (20, 20)), mode="edge")
    hull = ndimage.distance_transform_edt(near, sampling=STEP_MM)[:, :, 20:-20]
    closed = close_mm - fat_mm - np.where(near[:, :, 20:-20], hull, -STEP_MM)
    smooth = ndimage.gaussian_filter(closed.astype(np.float32), 6.0 / STEP_MM, mode="nearest")
    return np.asarray(np.minimum(smooth, inside + np.float32(2.0)), dtype=np.float32)
