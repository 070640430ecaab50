"""Bones of drawn limbs as an image would hold them: masks and painted regions on a grid.

No image is made: what is tested is the naming of a true mask, under the fields of view and poses
in which bones are met.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane
from marrowtrail.imaging.volume import Volume, bounding_box, resample
from marrowtrail.phantom.body.bones import draw_limb
from marrowtrail.phantom.body.limb import SHAFT_WAY, Limb, PatientBone
from marrowtrail.phantom.body.pose import draw_pose
from marrowtrail.phantom.drawn_patient import STREAM
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.field_of_view import CENTRE_MM, DEPTH_MM, grid, in_limb
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.record.sites import BoneId, Side

PIXEL_MM = 1.0
SLICE_MM = 3.8
"""Slices of 3.3 mm with their gap."""

FIELD_MM = 180.0

MARGIN_VOXELS = 3
"""Kept about a bone that the field of view does not cut, so that it does not touch the border."""

SMALLEST_MM3 = 1000.0
"""Of a bone less than this is not scored: a corner of it in the image."""


class View(StrEnum):
    """How a bone is met.

    ``ORDINARY``: as protocols have it. ``OBLIQUE``: slices 20 to 30 degrees off. ``FLEXED``: the
    joint bent by 40 to 60 degrees. ``SHORT``: 70 mm of a long bone from its joint end, which is
    30 mm of shaft and flare beyond the growth plate. ``STUB``: 45 mm, no shaft. ``CUT``: one side
    of the bone, 8 to 14 mm of it, outside the image.
    """

    ORDINARY = "ordinary"
    OBLIQUE = "oblique"
    FLEXED = "flexed"
    SHORT = "short"
    STUB = "stub"
    CUT = "cut"


LENGTH_MM = {View.SHORT: 70.0, View.STUB: 45.0}
FLEXION_DEG = Range(low=40.0, high=60.0)
OBLIQUE_DEG = (20.0, 30.0)
TILT_DEG = (0.0, 6.0)
CUT_MM = (8.0, 14.0)


@dataclass(frozen=True, slots=True, eq=False)
class ViewedBone:
    """A true mask and, on its grid, the painted regions (``names[n - 1]`` for *n*, 0 for none)."""

    id: BoneId
    joint: str
    view: View
    mask: Volume
    painted: NDArray[np.uint8]
    names: tuple[str, ...]


def views_of(joint: str, family: Family, seed: int) -> Iterator[ViewedBone]:
    """Every bone with painted regions of one drawn limb in every view; left for even seeds."""
    side = Side.LEFT if seed % 2 == 0 else Side.RIGHT
    limb = draw_limb(joint, side, np.random.default_rng([seed, STREAM[joint]]), family)
    for number, view in enumerate(View):
        rng = np.random.default_rng([seed, STREAM[joint], number])
        yield from _viewed(limb, view, rng)


def _viewed(limb: Limb, view: View, rng: np.random.Generator) -> Iterator[ViewedBone]:
    plan = ImagingPlan(flexion_deg=FLEXION_DEG) if view is View.FLEXED else ImagingPlan()
    pose = draw_pose(limb, plan, rng)
    plane = list(Plane)[int(rng.integers(3))]
    tilt = OBLIQUE_DEG if view is View.OBLIQUE else TILT_DEG
    axis = rng.standard_normal(3)
    turn = Rotation.from_rotvec(np.radians(rng.uniform(*tilt)) * axis / np.linalg.norm(axis))
    centre = pose.limb.apply(in_limb(CENTRE_MM[limb.joint], limb.side)[0])
    size = round(FIELD_MM / PIXEL_MM)
    count = int(np.ceil(DEPTH_MM[limb.joint][plane] / SLICE_MM))
    shape, steps = (size, size, count), (PIXEL_MM, PIXEL_MM, SLICE_MM)
    image = grid(plane, centre, turn.as_matrix(), shape, steps)
    for bone in limb.bones:
        if not bone.region_names:
            continue
        seen = _seen(bone, pose.bones[bone.bone_id.bone].matrix, image)
        cut = _cut(bone, limb.joint, view, seen, rng)
        if cut is not None:
            mask, painted = cut
            yield ViewedBone(bone.bone_id, limb.joint, view, mask, painted.data, bone.region_names)


def _seen(bone: PatientBone, matrix: NDArray[np.float64], image: Geometry) -> tuple[Volume, Volume]:
    """Mask and painted regions of a posed bone on the image's grid."""
    moved = bone.moved(matrix)
    surface = resample(moved.surface, image, order=1, fill=9.0)
    mask = np.asarray(surface.data < 0)
    regions = resample(moved.regions, image, order=0)
    return Volume(mask, image), Volume(np.where(mask, regions.data, 0).astype(np.uint8), image)


def _cut(
    bone: PatientBone,
    joint: str,
    view: View,
    seen: tuple[Volume, Volume],
    rng: np.random.Generator,
) -> tuple[Volume, Volume] | None:
    """Both volumes cropped to what the view leaves; ``None`` where that is too little."""
    mask, painted = seen
    if not mask.data.any():
        return None
    start, stop = bounding_box(np.asarray(mask.data), (MARGIN_VOXELS,) * 3)
    way = SHAFT_WAY.get((joint, bone.bone_id.bone))
    if view in LENGTH_MM:
        if way is None:
            return None
        start, stop = _shortened(mask, start, stop, way, LENGTH_MM[view])
    elif view is View.CUT:
        is_long = bone.bone_id.bone in ("femur", "tibia", "fibula")
        start, stop = _without_a_side(mask, start, stop, is_long, rng)
    mask, painted = mask.crop(start, stop), painted.crop(start, stop)
    volume = float(np.count_nonzero(mask.data)) * mask.geometry.voxel_mm3
    return (mask, painted) if volume >= SMALLEST_MM3 else None


Corner = tuple[int, int, int]


def _shortened(
    mask: Volume, start: Corner, stop: Corner, way: int, length_mm: float
) -> tuple[Corner, Corner]:
    """Crop along the array axis nearest to the shaft, a length from the joint end."""
    geometry = mask.geometry
    axis = int(np.argmax(np.abs(geometry.directions[2])))
    to_shaft = way * np.sign(geometry.directions[2, axis])
    filled = np.flatnonzero(mask.data.any(axis=tuple(a for a in range(3) if a != axis)))
    steps = round(length_mm / geometry.spacing_mm[axis])
    low, high = list(start), list(stop)
    if to_shaft > 0:
        high[axis] = min(high[axis], int(filled[0]) + steps)
    else:
        low[axis] = max(low[axis], int(filled[-1]) + 1 - steps)
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _without_a_side(
    mask: Volume, start: Corner, stop: Corner, is_long: bool, rng: np.random.Generator
) -> tuple[Corner, Corner]:
    """Crop one side away; of a long bone none of its ends."""
    geometry = mask.geometry
    along = int(np.argmax(np.abs(geometry.directions[2])))
    axes = [axis for axis in range(3) if not (is_long and axis == along)]
    axis = int(rng.choice(axes))
    filled = np.flatnonzero(mask.data.any(axis=tuple(a for a in range(3) if a != axis)))
    steps = max(1, round(rng.uniform(*CUT_MM) / geometry.spacing_mm[axis]))
    low, high = list(start), list(stop)
    if rng.random() < 0.5:
        low[axis] = int(filled[0]) + steps
    else:
        high[axis] = int(filled[-1]) + 1 - steps
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])
