"""A knee of simple solids without any symmetry, known at every point of the patient.

Coordinates are those of a limb at rest: millimetres about the joint line of a *right* knee, x to
the patient's left (so lateral is -x), y to the back, z to the head. A left knee is the mirror
image. Nothing here knows of grids, and nothing comes from the program under test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Points = NDArray[np.float64]
Where = NDArray[np.bool_]

BONES = ("femur", "tibia", "fibula", "patella")
AIR, MUSCLE, MARROW, OEDEMA = 6.0, 40.0, 100.0, 190.0
"""Signal of a fat-suppressed, fluid-sensitive image."""

GRAIN = 0.08
"""Relative size of marrow's texture, which registration holds on to."""

REACH_MM = 78.0
"""Radius of the leg; beyond it there is air."""


@dataclass(frozen=True)
class Oedema:
    """An ellipsoid of oedema, and the words for where it lies."""

    bone: str
    region: str
    words: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]

    @property
    def mm3(self) -> float:
        return float(4 / 3 * np.pi * np.prod(self.radii))


OEDEMAS = (
    Oedema(
        "femur",
        "medial_condyle",
        "medial femoral condyle",
        (23.0, 12.0, 16.0),
        (10.0, 12.0, 9.5),
    ),
    Oedema(
        "tibia",
        "lateral_plateau",
        "lateral tibial plateau",
        (-22.0, -6.0, -11.0),
        (10.5, 11.0, 7.0),
    ),
)


@dataclass(frozen=True)
class Lie:
    """How a limb lies in the patient's coordinates: turned about its joint, then moved."""

    limb: str
    turn: NDArray[np.float64]
    shift: Points

    @classmethod
    def drawn(cls, limb: str, rng: np.random.Generator) -> Lie:
        """A limb beside the midline, turned by a few degrees as legs lie on a table."""
        turn = Rotation.from_euler("xyz", rng.uniform(-7, 7, 3), degrees=True).as_matrix()
        beside = -95.0 if limb == "right" else 95.0
        return cls(limb, turn, np.array([beside, 0, 0]) + rng.uniform(-25, 25, 3) * (1, 1, 12))

    @property
    def mirror(self) -> Points:
        return np.array([1.0 if self.limb == "right" else -1.0, 1.0, 1.0])

    def to_patient(self, rest: Points) -> Points:
        """(..., 3) points of the right knee at rest to LPS millimetres."""
        return np.asarray((np.asarray(rest) * self.mirror) @ self.turn.T + self.shift)

    def to_rest(self, lps: Points) -> Points:
        return np.asarray(((lps - self.shift) @ self.turn) * self.mirror)


def labels(rest: Points) -> NDArray[np.int16]:
    """(...) number of the bone at (..., 3) points: 1 + its place in BONES, 0 outside."""
    x, y, z = np.moveaxis(rest, -1, 0)
    found = np.zeros(x.shape, dtype=np.int16)
    for number, inside in enumerate((_femur, _tibia, _fibula, _patella), start=1):
        found[inside(x, y, z) & (found == 0)] = number
    return found


def in_oedema(rest: Points, one: Oedema, *, grown: float = 1.0) -> Where:
    """(...) whether (..., 3) points lie in an area of oedema, or in one so many times as wide."""
    scaled = (rest - one.centre) / (grown * np.asarray(one.radii))
    return np.asarray((scaled**2).sum(axis=-1) < 1)


def signal(rest: Points, rng: np.random.Generator) -> NDArray[np.float64]:
    """(...) signal at (..., 3) points, with noise."""
    x, y, _ = np.moveaxis(rest, -1, 0)
    bone = labels(rest) > 0
    marrow = MARROW * (1 + GRAIN * _grain(rest))
    for one in OEDEMAS:
        marrow = np.where(in_oedema(rest, one), OEDEMA, marrow)
    soft = np.where(np.hypot(x, y - 5) < REACH_MM, MUSCLE, AIR)
    return np.asarray(np.where(bone, marrow, soft) + rng.normal(0, 2.0, bone.shape))


def _grain(rest: Points) -> NDArray[np.float64]:
    """Waves of some 18 to 25 mm that cross each other: texture without a period in the bone."""
    waves = np.array([[0.22, 0.12, -0.08], [-0.1, 0.26, 0.15], [0.14, -0.09, 0.3]])
    return np.asarray(np.sin(rest @ waves.T + (0.3, 1.1, 2.3)).sum(axis=-1) / 1.2)


def _ball(x, y, z, centre, radii):
    return sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii, strict=True)) < 1


def _femur(x, y, z):
    medial = _ball(x, y, z, (23, 7, 25), (17, 31, 25))
    lateral = _ball(x, y, z, (-22, 5, 26), (18, 28, 25))
    front = (abs(x + 3) < 24) & (y < -4) & (y > -25) & (z > 20) & (z < 45)
    flare = (abs(x - 2) < 37 - 0.55 * (z - 30)) & (abs(y + 2) < 22) & (z >= 30) & (z < 66)
    shaft = ((x - 1 + 0.12 * (z - 66)) ** 2 + (y + 3) ** 2 < 15**2) & (z >= 60)
    return medial | lateral | front | flare | shaft


def _tibia(x, y, z):
    plateau = ((x / 38) ** 2 + (y / 26) ** 2 < 1) & (z < -1) & (z > -20)
    spines = (abs(x) < 6) & (abs(y) < 6) & (z >= -1) & (z < 7)
    flare = ((x / (37 - 0.5 * (-20 - z))) ** 2 + (y / 22) ** 2 < 1) & (z <= -20) & (z > -58)
    tubercle = _ball(x, y, z, (-5, -22, -42), (8, 9, 14))
    shaft = ((x - 2) ** 2 + (y - 1) ** 2 < 15**2) & (z <= -50)
    return plateau | spines | flare | tubercle | shaft


def _fibula(x, y, z):
    head = _ball(x, y, z, (-34, 22, -26), (8, 8, 9))
    return head | (((x + 33) ** 2 + (y - 24) ** 2 < 6**2) & (z < -26))


def _patella(x, y, z):
    return _ball(x, y, z, (-4, -40, 24), (21, 10, 20)) & (y < -33 - 0.15 * (x + 8))
