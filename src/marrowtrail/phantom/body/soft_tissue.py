"""Skin, muscle, tendons, vessels and joint fluid about the bones, at rest in the limb frame.

All are distance maps on a coarse grid, from the tubes of the joint: their edges are smooth in
life, and nothing is measured of them. Between two muscles lies a septum of fat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.body.appearance import PLAIN, Appearance
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.body.tubes_file import Tube, load_tubes, tube_distance
from marrowtrail.phantom.grids import Field
from marrowtrail.record.sites import Side

STEP_MM = 2.0
"""Grid of the distances to soft tissue, which is smooth; it is read by interpolation."""
_LEG_BOX_MM = ((-90.0, -135.0, -130.0), (90.0, 110.0, 130.0))
BOX_MM = {
    "knee": _LEG_BOX_MM,
    "ankle": _LEG_BOX_MM,
    "hip": ((-130.0, -130.0, -140.0), (120.0, 130.0, 140.0)),
    "foot": ((-80.0, -110.0, -70.0), (80.0, 150.0, 130.0)),
}
"""Lowest and highest corner of what is drawn about a joint. A hip's ends beyond the midline."""

FAR_MM = 30.0
"""Distances are not told apart further from a tube than this."""

REACH_MM = 12.0
"""Distances are computed this far about a tube; nothing is drawn further from its edge."""

SEPTUM_MM = 1.0
"""Height of the ridge between two muscles: where they meet, up to twice this of fat is left."""

SHIFT_MM = 2.5
GIRTH_SD = 0.08
"""Each tube of a patient lies up to this far from its textbook course, and is that much
thicker or thinner than the patient's build makes it."""


FAT_AT_MM, FAT_SHARES = (-50.0, -25.0, 30.0), (0.3, 0.8, 1.25)
"""Little fat lies over kneecap and shin, most behind: its share of the mean by y."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftTissue:
    """Signed distances in mm at rest in the limb frame, negative inside.

    ``dark`` holds tendons, ligaments and arteries, whose flowing blood gives no signal.
    """

    skin: Volume
    muscle: Volume
    dark: Volume
    vein: Volume
    recess: Volume


def build_soft_tissue(limb: Limb, appearance: Appearance = PLAIN) -> SoftTissue:
    """Soft tissue about a limb's bones, mirrored with the limb."""
    tubes = load_tubes(limb.joint)
    geometry = _grid(limb.joint, limb.side)
    maker = _TubeMaker(
        _right_axes(limb.joint, geometry), np.random.default_rng(appearance.build_seed)
    )
    muscle = maker.parted((*tubes.muscles.values(), *tubes.nerves.values()), appearance)
    dark = maker.joined((*tubes.tendons.values(), *tubes.arteries.values()))
    vein = maker.joined(tubes.veins.values())
    recess = maker.joined(tubes.recesses.values())
    bone = np.min([resample(bone.surface, geometry, fill=12.0).data for bone in limb.bones], axis=0)
    within = np.minimum(bone, np.minimum(muscle, dark))
    fat_mm = tubes.fat_under_skin_mm * appearance.fat_scale * _fat_share(maker.axes[1])
    skin = _skin(within, tubes.close_mm, fat_mm)
    return SoftTissue(*(Volume(field, geometry) for field in (skin, muscle, dark, vein, recess)))


@dataclass(frozen=True, slots=True, eq=False)
class _TubeMaker:
    """Distance maps of tubes on one grid, each tube a little off its course."""

    axes: tuple[Field, Field, Field]
    rng: np.random.Generator

    def joined(self, tubes: Iterable[Tube]) -> Field:
        """Distance to the nearest of the tubes."""
        nearest, _ = self._two_nearest(tubes, 1.0)
        return nearest

    def parted(self, tubes: Iterable[Tube], appearance: Appearance) -> Field:
        """The same, raised above zero along the borders between them."""
        nearest, second = self._two_nearest(tubes, appearance.muscle_scale)
        border = (nearest - second) / np.float32(2.0) + np.float32(SEPTUM_MM)
        return np.asarray(np.maximum(nearest, border), dtype=np.float32)

    def _two_nearest(self, tubes: Iterable[Tube], scale: float) -> tuple[Field, Field]:
        shape = tuple(int(axis.size) for axis in self.axes)
        nearest = np.full(shape, FAR_MM, dtype=np.float32)
        second = nearest.copy()
        for tube in tubes:
            placed = self._placed(tube, scale)
            box = self._reach(placed)
            if any(part.start >= part.stop for part in box):
                continue
            x, y, z = self.axes
            near = tube_distance(placed, (x[box[0]], y[:, box[1]], z[:, :, box[2]]))
            second[box] = np.minimum(second[box], np.maximum(nearest[box], near))
            nearest[box] = np.minimum(nearest[box], near)
        return nearest, second

    def _placed(self, tube: Tube, scale: float) -> Tube:
        shift = self.rng.uniform(-SHIFT_MM, SHIFT_MM, 2)
        girth = scale * float(np.exp(self.rng.normal(0.0, GIRTH_SD)))
        points = tuple((x + shift[0], y + shift[1], z, r * girth) for x, y, z, r in tube.points)
        return Tube(points=points, wide=tube.wide)

    def _reach(self, tube: Tube) -> tuple[slice, slice, slice]:
        points = np.asarray(tube.points)
        radius = points[:, 3] + REACH_MM
        parts = []
        for axis, stretch in zip(range(3), (max(tube.wide, 1.0), 1.0, 1.0), strict=True):
            low = (points[:, axis] - radius * stretch).min()
            high = (points[:, axis] + radius * stretch).max()
            first, last = np.searchsorted(self.axes[axis].ravel(), (low, high))
            parts.append(slice(int(first), int(last)))
        return parts[0], parts[1], parts[2]


def _grid(joint: str, side: Side) -> Geometry:
    low, high = (np.array(corner) for corner in BOX_MM[joint])
    shape = np.round((high - low) / STEP_MM).astype(int) + 1
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = low
    if side is Side.LEFT:
        affine = np.diag([-1.0, 1.0, 1.0, 1.0]) @ affine
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)


def _right_axes(joint: str, geometry: Geometry) -> tuple[Field, Field, Field]:
    """x, y and z of the voxels in the limb frame of a right limb, ready to broadcast.

    The grid of a left limb is the mirrored one, so its indices run along the same axes.
    """
    low = np.array(BOX_MM[joint][0])
    x, y, z = (
        (low[axis] + STEP_MM * np.arange(count)).astype(np.float32)
        for axis, count in enumerate(geometry.shape)
    )
    return x[:, None, None], y[None, :, None], z[None, None, :]


def _fat_share(y: Field) -> Field:
    """Thickness of fat against its mean, from front (-y) to back."""
    share = np.interp(y.ravel(), FAT_AT_MM, FAT_SHARES).astype(np.float32)
    return np.asarray(share.reshape(y.shape), dtype=np.float32)


def _skin(inside: Field, close_mm: float, fat_mm: Field) -> Field:
    """A smooth hull of what is inside, ``fat_mm`` away from it."""
    away = ndimage.distance_transform_edt(inside >= 0, sampling=STEP_MM)
    near = away < close_mm
    # The box cuts the limb: beyond its ends it goes on.
    pad = round(50.0 / STEP_MM)
    near = np.pad(near, ((0, 0), (0, 0), (pad, pad)), mode="edge")
    hull = ndimage.distance_transform_edt(near, sampling=STEP_MM)[:, :, pad:-pad]
    closed = close_mm - fat_mm - np.where(near[:, :, pad:-pad], hull, -STEP_MM)
    smooth = ndimage.gaussian_filter(closed.astype(np.float32), 6.0 / STEP_MM, mode="nearest")
    return np.asarray(np.minimum(smooth, inside + np.float32(2.0)), dtype=np.float32)
