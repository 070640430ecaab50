"""What is acquired at a visit: planes, timing and grids of the series of one exam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.phantom.pose import Pose
from marrowtrail.phantom.scenario import ImagingPlan
from marrowtrail.phantom.tissue import Timing

ROW_COLUMN: dict[Plane, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    Plane.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}
"""Directions of rows and columns as viewers show them: front to the left of a sagittal image,
patient's right to the left of the others."""

CENTRE_MM = {"knee": (-2.0, 0.0, 2.0), "ankle": (0.0, 2.0, -8.0)}
"""Middle of the field of view, in the limb frame of a right limb."""

DEPTH_MM = {
    "knee": {Plane.SAGITTAL: 98.0, Plane.CORONAL: 92.0},
    "ankle": {Plane.SAGITTAL: 76.0, Plane.CORONAL: 100.0},
}
"""How far the slices reach: across all bones of the joint that the plane is meant for."""


@dataclass(frozen=True, slots=True, eq=False)
class Acquisition:
    """One series to make: its timing, plane, grid and the knobs of its imperfections."""

    timing: Timing
    plane: Plane
    geometry: Geometry
    thickness_mm: float
    snr: float
    shading: float
    echo_train: int
    seed: int
    is_localiser: bool = False


def plan_exam(
    joint: str, pose: Pose, plan: ImagingPlan, field_t: float, rng: np.random.Generator
) -> tuple[Acquisition, ...]:
    """The series of an exam.

    A localiser in three planes, a sagittal fluid-sensitive series with fat suppression, and
    a T1 series, sagittal or coronal.
    """
    centre = pose.limb.apply(np.asarray(CENTRE_MM[joint])) + rng.uniform(-4.0, 4.0, 3)
    tilt = np.radians([plan.plane_tilt_deg.draw(rng) for _ in range(3)])
    turn = Rotation.from_rotvec(tilt).as_matrix() @ _half(pose.limb.matrix[:3, :3])
    t1_plane = Plane.CORONAL if rng.random() < 0.5 else Plane.SAGITTAL
    scouts = tuple(_localiser(plane, centre, field_t, rng) for plane in Plane)
    return (
        *scouts,
        _series(joint, fluid_timing(plan, field_t, rng), Plane.SAGITTAL, centre, turn, plan, rng),
        _series(joint, t1_timing(field_t, rng), t1_plane, centre, turn, plan, rng),
    )


def fluid_timing(plan: ImagingPlan, field_t: float, rng: np.random.Generator) -> Timing:
    """Proton density or T2 with fat saturation, or STIR, in the usual ranges."""
    kind = rng.choice(
        [Weighting.PD.value, Weighting.T2.value, Weighting.STIR.value], p=[0.5, 0.2, 0.3]
    )
    if kind == Weighting.STIR.value:
        null = (245.0 if field_t < 2.0 else 320.0) * np.log(2.0)
        inversion = float(round(null * rng.uniform(0.95, 1.03)))
        times = float(round(rng.uniform(3800, 5200))), float(round(rng.uniform(28, 50)))
        return Timing(Weighting.STIR, *times, inversion, 1.0, field_t)
    low, high = (28, 40) if kind == Weighting.PD.value else (62, 80)
    return Timing(
        Weighting(kind),
        float(round(rng.uniform(2600, 4200))),
        float(round(rng.uniform(low, high))),
        None,
        plan.fat_left.draw(rng),
        field_t,
    )


def t1_timing(field_t: float, rng: np.random.Generator) -> Timing:
    """T1 without fat suppression."""
    repetition, echo = float(round(rng.uniform(480, 720))), float(round(rng.uniform(9, 18)))
    return Timing(Weighting.T1, repetition, echo, None, 1.0, field_t)


def _series(
    joint: str,
    timing: Timing,
    plane: Plane,
    centre: NDArray[np.float64],
    turn: NDArray[np.float64],
    plan: ImagingPlan,
    rng: np.random.Generator,
) -> Acquisition:
    matrix = int(rng.choice(plan.matrix))
    pixel = round(plan.pixel_mm.draw(rng) * 256 / matrix, 4)
    thickness = round(plan.thickness_mm.draw(rng), 1)
    spacing = round(thickness * (1.0 + plan.gap_share.draw(rng)), 2)
    slices = int(np.ceil(DEPTH_MM[joint][plane] / spacing))
    return Acquisition(
        timing=timing,
        plane=plane,
        geometry=grid(plane, centre, turn, (matrix, matrix, slices), (pixel, pixel, spacing)),
        thickness_mm=thickness,
        snr=plan.snr.draw(rng),
        shading=plan.shading.draw(rng),
        echo_train=int(
            rng.integers(3, 5) if timing.weighting is Weighting.T1 else rng.integers(7, 14)
        ),
        seed=int(rng.integers(2**31)),
    )


def _localiser(
    plane: Plane, centre: NDArray[np.float64], field_t: float, rng: np.random.Generator
) -> Acquisition:
    timing = Timing(Weighting.T1, 9.0, 4.0, None, 1.0, field_t)
    geometry = grid(plane, centre, np.eye(3), (128, 128, 3), (2.0, 2.0, 15.0))
    return Acquisition(
        timing, plane, geometry, 6.0, 20.0, 0.3, 1, int(rng.integers(2**31)), is_localiser=True
    )


def grid(
    plane: Plane,
    centre: NDArray[np.float64],
    turn: NDArray[np.float64],
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
) -> Geometry:
    """A grid about a centre; slices follow the normal of rows and columns, as DICOM has it."""
    row, column = (np.asarray(v) for v in ROW_COLUMN[plane])
    axes = turn @ np.column_stack([row, column, np.cross(row, column)])
    affine = np.eye(4)
    affine[:3, :3] = axes * np.asarray(spacing)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return Geometry(shape, affine)


def _half(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half of a rotation: planes follow the limb only in part."""
    return np.asarray(
        Rotation.from_rotvec(0.5 * Rotation.from_matrix(turn).as_rotvec()).as_matrix()
    )
