"""What is acquired at a visit: the series of one exam, their grids and their flaws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.phantom.body.pose import Pose
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.scanner.acquisition import Acquisition, Flaws, Sampling, Screw
from marrowtrail.phantom.scanner.field_of_view import (
    CENTRE_MM,
    DEPTH_MM,
    FOV_MM,
    SCREW_MM,
    artery,
    grid,
    in_limb,
)
from marrowtrail.phantom.scanner.plan import ImagingPlan, Kind
from marrowtrail.phantom.scanner.sequences import (
    echo_train,
    fluid_kind,
    images_of,
    timing_of,
)
from marrowtrail.phantom.scanner.strength import evenly_graded, graded, happens, sometimes
from marrowtrail.phantom.scanner.tissue import Timing
from marrowtrail.record.sites import Side

PHASE_ALONG_COLUMNS = {Plane.SAGITTAL: 0.6, Plane.CORONAL: 0.4, Plane.AXIAL: 0.5}
"""How often phase runs down the columns. In sagittal knees it mostly runs along the limb, which
keeps the artery's ghosts off the joint."""

READ_SHARE = 0.6
"""The read-out loses less resolution than the phase direction, which costs time."""

VOID_MM = 6.0
"""Radius of the void about a screw in a turbo spin echo at 1.5 T."""

ASIDE_CHANCE = 0.3
"""How often fat suppression fails on one side of the image and not near the skin."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all series of one exam share.

    ``off_centre_mm`` is how far the planes are centred beside the joint, along the axes of a
    right limb.
    """

    joint: str
    side: Side
    field_t: float
    difficulty: float = 0.0
    family: Family = Family.BUILDING
    off_centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """A posed joint on the table: where planes are centred and how they are turned."""

    pose: Pose
    plan: ImagingPlan
    conditions: Conditions
    centre: NDArray[np.float64]
    turn: NDArray[np.float64]


def plan_exam(
    pose: Pose, plan: ImagingPlan, conditions: Conditions, rng: np.random.Generator
) -> tuple[Acquisition, ...]:
    """The series of an exam: a localiser in three planes, then what the plan lists."""
    difficulty = conditions.difficulty
    aim = np.add(CENTRE_MM[conditions.joint], conditions.off_centre_mm)
    middle = in_limb(aim, conditions.side)[0]
    reach = graded(plan.off_centre_mm, difficulty, rng)
    centre = pose.limb.apply(middle) + rng.uniform(-reach, reach, 3)
    tilted = graded(plan.tilt_deg, difficulty, rng)
    tilt = Rotation.from_rotvec(np.radians(rng.uniform(-tilted, tilted, 3))).as_matrix()
    table = _Table(pose, plan, conditions, centre, tilt @ _half(pose.limb.matrix[:3, :3]))
    fluid = fluid_kind(plan, rng)
    scouts = tuple(_localiser(plane, centre, conditions.field_t, rng) for plane in Plane)
    return (*scouts, *(_series(word, fluid, table, rng) for word in plan.series))


def _series(word: str, fluid: Kind, table: _Table, rng: np.random.Generator) -> Acquisition:
    plan, conditions = table.plan, table.conditions
    kind, plane = _parsed(word, fluid, rng)
    timing = timing_of(kind, plan, conditions.field_t, rng)
    is_3d = kind is Kind.PD_3D
    geometry, thickness = _slab(plane, table, rng) if is_3d else _slices(plane, table, rng)
    course = artery(conditions.joint, conditions.side)
    sampling = _sampling(plane, plan, conditions.difficulty, is_3d, rng)
    return Acquisition(
        timing=timing,
        plane=plane,
        geometry=geometry,
        thickness_mm=thickness,
        snr=evenly_graded(plan.snr, conditions.difficulty, rng),
        shading=graded(plan.shading, conditions.difficulty, rng),
        echo_train=echo_train(kind, timing.weighting, rng),
        seed=int(rng.integers(2**31)),
        sampling=sampling,
        flaws=_flaws(table, timing, rng),
        images=images_of(kind),
        family=conditions.family,
        artery_lps=None if course is None else table.pose.limb.apply(course),
    )


def _parsed(word: str, fluid: Kind, rng: np.random.Generator) -> tuple[Kind, Plane]:
    """Kind and plane of a word of the menu; an open plane is drawn."""
    is_coronal = rng.random() < 0.5
    plane = next((one for one in Plane if word.endswith(f"_{one.value}")), None)
    kind = Kind(word if plane is None else word.removesuffix(f"_{plane.value}"))
    if plane is None:
        is_open = kind not in (Kind.PD_3D, Kind.DIXON, Kind.DIXON_T1, Kind.DIXON_GRE)
        plane = Plane.CORONAL if is_open and is_coronal else Plane.SAGITTAL
    return (fluid if kind is Kind.FLUID else kind), plane


def _slices(plane: Plane, table: _Table, rng: np.random.Generator) -> tuple[Geometry, float]:
    """Thick slices with gaps, and their thickness."""
    plan = table.plan
    matrix = int(rng.choice(plan.matrix))
    pixel = round(_fov_mm(table, rng) / matrix, 4)
    thickness = round(plan.thickness_mm.draw(rng), 1)
    spacing = round(thickness * (1.0 + plan.gap_share.draw(rng)), 2)
    count = int(np.ceil(DEPTH_MM[table.conditions.joint][plane] / spacing))
    shape, steps = (matrix, matrix, count), (pixel, pixel, spacing)
    return grid(plane, table.centre, table.turn, shape, steps), thickness


def _slab(plane: Plane, table: _Table, rng: np.random.Generator) -> tuple[Geometry, float]:
    """Cubic voxels without gaps, straight along the table, and their edge."""
    edge = round(table.plan.voxel_3d_mm.draw(rng), 2)
    matrix = 2 * round(_fov_mm(table, rng) / edge / 2)
    count = int(np.ceil(DEPTH_MM[table.conditions.joint][plane] / edge))
    shape = (matrix, matrix, count)
    return grid(plane, table.centre, np.eye(3), shape, (edge, edge, edge)), edge


def _fov_mm(table: _Table, rng: np.random.Generator) -> float:
    return (table.plan.fov_mm or FOV_MM[table.conditions.joint]).draw(rng)


def _sampling(
    plane: Plane, plan: ImagingPlan, difficulty: float, is_3d: bool, rng: np.random.Generator
) -> Sampling:
    phase = evenly_graded(plan.acquired, 0.4 + 0.6 * difficulty, rng)
    return Sampling(
        read_axis=0 if rng.random() < PHASE_ALONG_COLUMNS[plane] else 1,
        acquired=(phase**READ_SHARE, phase),
        fat_shift_px=evenly_graded(plan.fat_shift_px, 0.4 + 0.6 * difficulty, rng),
        softened=1.0 - graded(plan.ringing, difficulty, rng),
        is_3d=is_3d,
    )


def _flaws(table: _Table, timing: Timing, rng: np.random.Generator) -> Flaws:
    plan, difficulty = table.plan, table.conditions.difficulty
    failing = sometimes(plan.fat_failing, difficulty, rng)
    return Flaws(
        fat_failing=1.0 if happens(plan.wholly_failed, difficulty, rng) else failing,
        fails_aside=bool(rng.random() < ASIDE_CHANCE),
        motion_px=sometimes(plan.motion_px, difficulty, rng),
        pulsation=sometimes(plan.pulsation, difficulty, rng),
        wrap=sometimes(plan.wrap, difficulty, rng),
        coil=graded(plan.coil, difficulty, rng),
        screw=None if plan.metal == "none" else _screw(table, timing),
    )


def _screw(table: _Table, timing: Timing) -> Screw | None:
    """The screw of the joint, where the bone that it sits in lies; none in hip and foot.

    The void grows with the field, and a gradient echo does not refocus what is lost.
    """
    conditions = table.conditions
    if conditions.joint not in SCREW_MM:
        return None
    ends = in_limb(SCREW_MM[conditions.joint], conditions.side)
    head, tip = table.pose.bones["tibia"].apply(ends)
    void_mm = (
        VOID_MM * (conditions.field_t / 1.5) ** 0.5 * (1.0 if timing.flip_deg is None else 1.6)
    )
    return Screw((head[0], head[1], head[2]), (tip[0], tip[1], tip[2]), void_mm)


def _localiser(
    plane: Plane, centre: NDArray[np.float64], field_t: float, rng: np.random.Generator
) -> Acquisition:
    timing = Timing(Weighting.T1, 9.0, 4.0, None, 1.0, field_t)
    geometry = grid(plane, centre, np.eye(3), (128, 128, 3), (2.0, 2.0, 15.0))
    return Acquisition(
        timing, plane, geometry, 6.0, 20.0, 0.3, 1, int(rng.integers(2**31)), is_localiser=True
    )


def _half(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of a rotation: planes follow the limb only in part."""
    return np.asarray(
        Rotation.from_rotvec(0.5 * Rotation.from_matrix(turn).as_rotvec()).as_matrix()
    )
