"""Where the slices of a joint lie: tables by joint, and grids about a centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane
from marrowtrail.phantom.ranges import Range
from marrowtrail.record.sites import Side

ROW_COLUMN: dict[Plane, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    Plane.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
}
"""Directions of rows and columns as viewers show them: front to the left of a sagittal image,
patient's right to the left of the others."""

CENTRE_MM = {
    "knee": (-2.0, 0.0, 2.0),
    "ankle": (0.0, 2.0, -8.0),
    "hip": (0.0, 4.0, -8.0),
    "foot": (-5.0, -2.0, 4.0),
}
"""Middle of the field of view, in the limb frame of a right limb."""

DEPTH_MM = {
    "knee": {Plane.SAGITTAL: 98.0, Plane.CORONAL: 92.0, Plane.AXIAL: 110.0},
    "ankle": {Plane.SAGITTAL: 76.0, Plane.CORONAL: 100.0, Plane.AXIAL: 110.0},
    "hip": {Plane.SAGITTAL: 120.0, Plane.CORONAL: 110.0, Plane.AXIAL: 130.0},
    "foot": {Plane.SAGITTAL: 90.0, Plane.CORONAL: 130.0, Plane.AXIAL: 70.0},
}
"""How far the slices reach: across all bones of the joint that the plane is meant for."""

FOV_MM = {
    "knee": Range(low=140.0, high=180.0),
    "ankle": Range(low=140.0, high=200.0),
    "hip": Range(low=160.0, high=210.0),
    "foot": Range(low=150.0, high=190.0),
}
"""Edge of the field of view. That of a hip holds one hip: what lies beyond the midline is not
drawn."""

ARTERY_MM: dict[str, tuple[tuple[float, float, float], ...]] = {
    "knee": ((4.0, 28.0, 110.0), (0.0, 36.0, 40.0), (0.0, 33.0, 0.0), (-2.0, 36.0, -110.0)),
    "ankle": ((16.0, 26.0, 110.0), (17.0, 26.0, 20.0), (20.0, 22.0, -20.0), (14.0, 0.0, -48.0)),
    "hip": ((34.0, -48.0, 60.0), (12.0, -60.0, 6.0), (10.0, -52.0, -60.0), (16.0, -36.0, -130.0)),
}
"""Course of the artery whose pulsation is seen: popliteal, posterior tibial, femoral."""

ARTERY_STEP_MM = 2.0

SCREW_MM: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "knee": ((-26.0, 4.0, -46.0), (18.0, 6.0, -44.0)),
    "ankle": ((-14.0, 6.0, 44.0), (14.0, 4.0, 42.0)),
}
"""Head and tip of a screw across the shaft of the tibia, away from the joint."""


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


def in_limb(points_mm: object, side: Side) -> NDArray[np.float64]:
    """(n, 3) points of a right limb in the limb frame of either side."""
    points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
    return points * (np.array([-1.0, 1.0, 1.0]) if side is Side.LEFT else 1.0)


def artery(joint: str, side: Side) -> NDArray[np.float64] | None:
    """(n, 3) points every 2 mm along the artery of a joint in the limb frame, if it has one."""
    if joint not in ARTERY_MM:
        return None
    knots = in_limb(ARTERY_MM[joint], side)
    along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1)))
    at = np.arange(0.0, along[-1], ARTERY_STEP_MM)
    return np.column_stack([np.interp(at, along, column) for column in knots.T])
