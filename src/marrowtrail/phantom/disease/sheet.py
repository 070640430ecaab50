"""Thin flat signs in marrow: fracture lines, the low-signal area, the crescent.

A sheet is kept as two smooth maps, distance across it and distance inside its outline, so
that a line of less than a millimetre survives on a bone's coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.limb import STEP_MM, PatientBone
from marrowtrail.phantom.disease.extent import greatest_extent
from marrowtrail.phantom.disease.lesion_shape import SUBCHONDRAL_MM, LesionShape
from marrowtrail.phantom.disease.lesion_texture import smooth_noise
from marrowtrail.phantom.disease.placement import (
    Vector,
    block_about,
    from_point,
    outward,
    surface_point,
    towards,
)
from marrowtrail.phantom.disease.plan import SheetPlan
from marrowtrail.phantom.grids import Field

WAVES_MM = 0.4
WAVES_SCALE_MM = 3.0
"""A fracture line wanders by this much, over this length; a low-signal area follows the plate."""

OUTLINE_WAVES = 0.07
"""The outline is uneven by this share of half the length."""

BREADTH = (0.6, 1.0)
"""Shorter axis of a sheet as a share of its longer one."""

TURN_RAD = 0.35
TILT_RAD = 0.15
"""A subchondral sheet's longer axis lies within this of front to back; a fracture line lies
within this of a right angle to its bone."""

FACING, FACING_SLOPE_MM = 0.4, 12.0
"""A subchondral sheet ends where the cosine of the surface's normal with the way to the joint
falls to this, and begins to a few mm before."""

FINE_MM = 0.5
"""Extents are measured on a grid this fine."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetShape:
    """A sheet at rest, in a block of its bone's grid that begins at ``start``.

    ``across`` is the distance in mm from its middle and ``outline`` that inside its outline.
    """

    plan: SheetPlan
    bone: PatientBone
    start: tuple[int, int, int]
    across: NDArray[np.float32]
    outline: NDArray[np.float32]
    thickness_mm: float

    @property
    def block(self) -> tuple[slice, slice, slice]:
        """The block of the bone's grid."""
        i, j, k = (slice(a, a + n) for a, n in zip(self.start, self.across.shape, strict=True))
        return i, j, k

    @property
    def follows_surface(self) -> bool:
        """Whether it sinks with the joint surface."""
        return self.plan.kind != "fracture_line"

    def outside(self) -> Field:
        """(block) mm outside the sheet."""
        half = np.float32(self.thickness_mm / 2)
        return np.asarray(np.maximum(np.abs(self.across) - half, -self.outline))


@dataclass(frozen=True, slots=True, eq=False)
class SheetAtVisit:
    """A sheet as it is at one visit: its maps at rest, and its greatest extent in marrow."""

    shape: SheetShape
    across: Volume
    outline: Volume
    length_mm: float


def draw_sheet(plan: SheetPlan, lesion: LesionShape, rng: np.random.Generator) -> SheetShape:
    """A sheet in a lesion: under its joint surface, or through its centre."""
    length, thickness = plan.length_mm.draw(rng), plan.thickness_mm.draw(rng)
    if plan.kind == "fracture_line":
        return _fracture(plan, lesion, length, thickness, rng)
    bone = lesion.bone
    way = towards(lesion.plan.towards, bone.bone_id.side)
    at = surface_point(bone, lesion.centre, way, rng.uniform(-TURN_RAD, TURN_RAD))
    start, stop = block_about(bone, at.point, length / 2 + 8.0)
    away = from_point(bone, start, stop, at.point)
    block = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    depth = -bone.surface.data[block]
    on_plate = plan.kind == "low_signal_area"
    below = 0.0 if on_plate else plan.depth_mm.draw(rng)
    middle = np.float32(SUBCHONDRAL_MM + below + thickness / 2)
    across = depth - middle
    if not on_plate:
        across = across + np.float32(WAVES_MM) * smooth_noise(across.shape, WAVES_SCALE_MM, rng)
    facing = np.tensordot(way.astype(np.float32), outward(bone)[(slice(None), *block)], axes=1)
    outline = _outline(away, at.along, at.aside, length, rng)
    outline = np.minimum(outline, np.float32(FACING_SLOPE_MM) * (facing - np.float32(FACING)))
    return _shape(plan, bone, start, across, outline, thickness)


def _fracture(
    plan: SheetPlan,
    lesion: LesionShape,
    length: float,
    thickness: float,
    rng: np.random.Generator,
) -> SheetShape:
    bone = lesion.bone
    normal = towards(plan.across, bone.bone_id.side)
    normal = Rotation.from_rotvec(rng.uniform(-TILT_RAD, TILT_RAD, 3)).apply(normal)
    way = towards(lesion.plan.towards, bone.bone_id.side)
    along = way - normal * (normal @ way)
    if np.linalg.norm(along) < 0.3:
        along = np.roll(normal, 1) - normal * (normal @ np.roll(normal, 1))
    along /= np.linalg.norm(along)
    start, stop = block_about(bone, lesion.centre, length / 2 + 8.0)
    away = from_point(bone, start, stop, lesion.centre)
    across = np.tensordot(normal.astype(np.float32), away, axes=1)
    across = across + np.float32(2 * WAVES_MM) * smooth_noise(across.shape, WAVES_SCALE_MM, rng)
    outline = _outline(away, along, np.cross(normal, along), length, rng)
    return _shape(plan, bone, start, across, outline, thickness)


def _shape(
    plan: SheetPlan,
    bone: PatientBone,
    start: tuple[int, int, int],
    across: Field,
    outline: Field,
    thickness: float,
) -> SheetShape:
    return SheetShape(
        plan,
        bone,
        start,
        np.asarray(across, dtype=np.float32),
        np.asarray(outline, dtype=np.float32),
        thickness,
    )


def _outline(
    away: Field, along: Vector, aside: Vector, length: float, rng: np.random.Generator
) -> Field:
    """Millimetres inside an uneven ellipse about the point that ``away`` starts from.

    What lies off the plane of the two axes is further away: a sheet ends at an edge of the bone
    and does not come back on its wall.
    """
    half, breadth = length / 2, rng.uniform(*BREADTH)
    first = np.tensordot(along.astype(np.float32), away, axes=1)
    second = np.tensordot(aside.astype(np.float32), away, axes=1) / np.float32(breadth)
    uneven = np.float32(OUTLINE_WAVES) * smooth_noise(first.shape, 4.0, rng)
    third = np.tensordot(np.cross(along, aside).astype(np.float32), away, axes=1)
    radius = np.sqrt(first**2 + second**2 + third**2)
    return np.asarray(np.float32(half) * (1 + uneven) - radius, dtype=np.float32)


def at_visit(
    shape: SheetShape, bone: PatientBone, lesion_level: Field, sunk: Field | None
) -> SheetAtVisit:
    """A sheet within a lesion as large as it is at a visit.

    ``bone`` is the bone and ``lesion_level`` (its grid) the lesion of that visit; ``sunk``
    is how far the joint surface has sunk, in mm.
    """
    across = shape.across
    if sunk is not None and shape.follows_surface:
        across = across - sunk[shape.block]
    marrow = -bone.surface.data[shape.block] - np.float32(SUBCHONDRAL_MM)
    outline = np.minimum(shape.outline, lesion_level[shape.block])
    grid = bone.surface.geometry.crop(
        shape.start,
        (
            shape.start[0] + across.shape[0],
            shape.start[1] + across.shape[1],
            shape.start[2] + across.shape[2],
        ),
    )
    half = np.float32(shape.thickness_mm / 2)
    finer = STEP_MM / FINE_MM
    maps = [ndimage.zoom(one, finer, order=1) for one in (across, outline, marrow)]
    there = (np.abs(maps[0]) < half) & (maps[1] > 0) & (maps[2] > 0)
    # zoom keeps the outermost voxels in place, so a step is a little finer than asked for.
    steps = (np.asarray(across.shape) - 1) / (np.asarray(there.shape) - 1) * STEP_MM
    length = greatest_extent(np.argwhere(there) * steps)
    return SheetAtVisit(shape, Volume(across, grid), Volume(outline, grid), length)
