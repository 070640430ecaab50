"""A knee made of simple solids with known sides: enough anatomy to tell regions apart.

Coordinates are LPS millimetres around the joint line of a right knee (lateral is -x); a left
knee is its mirror image.
"""

from __future__ import annotations

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import Side


def grid(
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    extent_mm: tuple[float, float, float] = (120.0, 100.0, 150.0),
    *,
    directions: np.ndarray | None = None,
) -> Geometry:
    """A grid centred on the joint."""
    turn = np.eye(3) if directions is None else directions
    shape = np.round(np.asarray(extent_mm) / spacing_mm).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = turn * np.asarray(spacing_mm)
    affine[:3, 3] = -affine[:3, :3] @ ((shape - 1) / 2)
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine, "1.2.3")


def bone(name: str, side: Side, geometry: Geometry, motion: RigidTransform | None = None) -> Volume:
    """The mask of ``femur``, ``tibia`` or ``fibula``, moved by a rigid motion."""
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape), indexing="ij"), axis=-1)
    points = geometry.to_lps(ijk)
    if motion is not None:
        points = motion.inverse().apply(points)
    x = points[..., 0] * (1 if side is Side.RIGHT else -1)
    inside = {"femur": _femur, "tibia": _tibia, "fibula": _fibula}[name]
    return Volume(inside(x, points[..., 1], points[..., 2]), geometry)


def _ball(x, y, z, centre, radii):  # type: ignore[no-untyped-def]
    return sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii, strict=True)) < 1


def _femur(x, y, z):  # type: ignore[no-untyped-def]
    medial = _ball(x, y, z, (22, 4, 26), (18, 30, 24))
    lateral = _ball(x, y, z, (-22, 4, 26), (18, 30, 24))
    front = (abs(x) < 24) & (y < -4) & (y > -24) & (z > 20) & (z < 45)
    flare = (abs(x) < 36 - 0.5 * (z - 30)) & (abs(y) < 22) & (z >= 30) & (z < 70)
    shaft = (x**2 + y**2 < 16**2) & (z >= 60)
    return medial | lateral | front | flare | shaft


def _tibia(x, y, z):  # type: ignore[no-untyped-def]
    plateau = (x / 37) ** 2 + (y / 25) ** 2 < 1
    plateau &= (z < -1) & (z > -20)
    spines = (abs(x) < 6) & (abs(y) < 6) & (z >= -1) & (z < 7)
    flare = ((x / (37 - 0.5 * (-20 - z))) ** 2 + (y / 22) ** 2 < 1) & (z <= -20) & (z > -60)
    shaft = (x**2 + y**2 < 15**2) & (z <= -50)
    return plateau | spines | flare | shaft


def _fibula(x, y, z):  # type: ignore[no-untyped-def]
    head = _ball(x, y, z, (-34, 18, -24), (8, 8, 9))
    return head | (((x + 32) ** 2 + (y - 18) ** 2 < 5**2) & (z < -24))
