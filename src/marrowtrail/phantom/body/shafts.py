"""Carry the shafts of the knee's long bones on, beyond any field of view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Course:
    """How a shaft goes on from its last section that most label maps still show.

    Parameters
    ----------
    way
        +1 if the shaft is at the high end of the third axis of its maps, -1 at the low end.
    kept_mm
        How far from the joint end of the box the maps are kept as they are.
    length_mm
        How long the box becomes.
    taper, taper_mm
        The section becomes thinner by that share, over that length. Widths of the OpenSim
        surfaces (``bone-surfaces``) fall by such shares from 80 to 150 mm from the knee.
    straight_mm
        The drift of the section's centre dies away over that length.
    bow_mm2
        The centre leaves its line to the back by this times the square of the length; a femur's
        radius of curvature is about 1 m.
    """

    way: int
    kept_mm: float
    length_mm: float
    taper: float
    taper_mm: float
    straight_mm: float
    bow_mm2: float = 0.0


COURSES = {
    "femur": Course(1, 86.0, 190.0, 0.16, 45.0, 500.0, 0.0005),
    "tibia": Course(-1, 82.0, 186.0, 0.27, 50.0, 500.0),
    "fibula": Course(-1, 66.0, 164.0, 0.10, 50.0, 30.0),
}


def with_long_shaft(bone: BoneTemplate, kept_mm: float | None = None) -> BoneTemplate:
    """The same bone with a longer box; a bone without a shaft as it is.

    ``kept_mm`` overrules the course's where a source shows less of the bone.
    """
    course = COURSES.get(bone.bone)
    if course is None:
        return bone
    step = bone.geometry.spacing_mm[2]
    count = round(course.length_mm / step) + 1
    kept = round((kept_mm or course.kept_mm) / step)
    if course.way < 0:
        return _turned(_lengthened(_turned(bone), course, kept, count))
    return _lengthened(bone, course, kept, count)


def _turned(bone: BoneTemplate) -> BoneTemplate:
    """The maps with their third axis the other way round."""
    affine = bone.geometry.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (bone.geometry.shape[2] - 1)
    affine[:3, 2] *= -1.0
    return _mapped(bone, Geometry(bone.geometry.shape, affine), lambda one: one[..., ::-1])


def _lengthened(bone: BoneTemplate, course: Course, kept: int, count: int) -> BoneTemplate:
    spacing = np.asarray(bone.geometry.spacing_mm)
    centre, slope = _centre_line(bone, kept, spacing)
    shape = (bone.geometry.shape[0], bone.geometry.shape[1], count)
    index = np.indices(shape).astype(np.float64)
    over = np.maximum(index[2] - kept, 0.0) * spacing[2]
    size = 1.0 - course.taper * (1.0 - np.exp(-over / course.taper_mm))
    along = course.straight_mm * (1.0 - np.exp(-over / course.straight_mm))
    for axis in (0, 1):
        drift = slope[axis] * along + (course.bow_mm2 * over**2 if axis == 1 else 0.0)
        middle = centre[axis] / spacing[axis]
        index[axis] = middle + (index[axis] - middle - drift / spacing[axis]) / size
    index[2] = np.minimum(index[2], kept)

    def read(one: NDArray[Any]) -> NDArray[Any]:
        if one.ndim == 4:
            return np.stack([read(each) for each in one]) if len(one) else one.reshape(0, *shape)
        if one.dtype == np.uint8:
            return _carried(one, count)
        found = ndimage.map_coordinates(one, index, order=1, mode="nearest", output=np.float32)
        return np.asarray(np.clip(found * size, -CLIP_MM, CLIP_MM), dtype=np.float32)

    longer = _mapped(bone, Geometry(shape, bone.geometry.affine), read)
    if bone.scar_mm is None:
        return longer
    return replace(longer, scar_mm=_carried(bone.scar_mm, count))


def _carried(one: NDArray[Any], count: int) -> NDArray[Any]:
    """The map as it is, its last section repeated: regions end where they ended before."""
    count_before = one.shape[2]
    if count <= count_before:
        return one[:, :, :count]
    return np.pad(one, ((0, 0), (0, 0), (0, count - count_before)), mode="edge")


def _centre_line(bone: BoneTemplate, kept: int, spacing: Array) -> tuple[Array, Array]:
    """Centre (x, y) in mm of the last section kept, and its drift over the 16 mm before."""
    rows = range(kept - round(16.0 / spacing[2]), kept + 1)
    middles = np.array(
        [np.argwhere(bone.surface_mm[:, :, k] < 0).mean(axis=0) * spacing[:2] for k in rows]
    )
    along = (np.array(rows) - kept) * spacing[2]
    fits = [np.polyfit(along, middles[:, axis], 1) for axis in (0, 1)]
    return np.array([fit[1] for fit in fits]), np.array([fit[0] for fit in fits])


def _mapped(bone: BoneTemplate, grid: Geometry, change: Callable[[Any], Any]) -> BoneTemplate:
    return replace(
        bone,
        geometry=grid,
        surface_mm=change(bone.surface_mm),
        surface_modes_mm=change(bone.surface_modes_mm),
        outer_mm=None if bone.outer_mm is None else change(bone.outer_mm),
        outer_modes_mm=None if bone.outer_modes_mm is None else change(bone.outer_modes_mm),
        regions=change(bone.regions),
        scar_mm=None if bone.scar_mm is None else change(bone.scar_mm),
    )
