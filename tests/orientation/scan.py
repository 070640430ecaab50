"""The grid of a combination, by the standard's own formula, and its files.

The scanner plans slices in its own axes; how the patient lies in it decides what those are in
the patient (PS3.3 C.7.3.1.1.2). Pixels are then placed by PS3.3 C.7.6.2.1.1. All of it is
written out here in a few lines, on arrays: this is the truth that the program is held against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tests.orientation import knee
from tests.orientation.design import Combination

Vector = NDArray[np.float64]

LYING: dict[str, tuple[Vector, Vector]] = {
    position: (np.array(left, dtype=float), np.array(head, dtype=float))
    for position, left, head in (
        ("HFS", (1, 0, 0), (0, 0, 1)),
        ("HFP", (-1, 0, 0), (0, 0, 1)),
        ("FFS", (-1, 0, 0), (0, 0, -1)),
        ("FFP", (1, 0, 0), (0, 0, -1)),
        ("HFDR", (0, -1, 0), (0, 0, 1)),
        ("HFDL", (0, 1, 0), (0, 0, 1)),
        ("FFDR", (0, -1, 0), (0, 0, -1)),
        ("FFDL", (0, 1, 0), (0, 0, -1)),
    )
}
"""Where the patient's left and head point in the scanner: x to the right of who faces it from
the foot of the table (the patient's left in HFS), y to the floor, z into the bore as HFS has
the head. DR lies on the right side: left points away from the floor."""

PLANNED = {
    0: ((0, 1, 0), (0, 0, -1)),
    1: ((1, 0, 0), (0, 0, -1)),
    2: ((1, 0, 0), (0, 1, 0)),
}
"""Row and column directions that a scanner plans, in its own axes, by the axis of the normal."""

NORMAL = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The patient's axis that a plane is perpendicular to."""

TILTS_DEG = {"straight": (0, 0), "single": (21, 0), "double": (18, 14), "steep": (37, 8)}
"""Turns about the planned column and then the planned row."""

THICK = (56, 50, 22)
THICK_MM = (2.7, 3.0, 5.5)
CUBE = (42, 44, 34)
CUBE_MM = (3.6, 3.6, 3.6)
"""Columns, rows and slices, and the distances between them: coarse, to be quick, and unequal
wherever an exchange of axes could hide."""


@dataclass(frozen=True)
class Scan:
    """A series as its headers say it: all vectors in LPS millimetres.

    ``across_mm`` is the distance between columns, ``down_mm`` between rows. ``step`` leads
    from one slice to the next in the order of the planned stack.
    """

    combination: Combination
    lie: knee.Lie
    row: Vector
    column: Vector
    step: Vector
    origin: Vector
    across_mm: float
    down_mm: float
    size: tuple[int, int, int]

    @property
    def normal(self) -> Vector:
        return np.asarray(self.step / np.linalg.norm(self.step))

    @property
    def thickness_mm(self) -> float:
        return float(np.linalg.norm(self.step))

    def lps(self, column: Vector, row: Vector, number: Vector) -> Vector:
        """Centre of a pixel (PS3.3 C.7.6.2.1.1) of slice ``number``, counted from 0."""
        along = np.multiply.outer(column, self.row * self.across_mm)
        down = np.multiply.outer(row, self.column * self.down_mm)
        return np.asarray(self.origin + along + down + np.multiply.outer(number, self.step))

    @cached_property
    def points(self) -> Vector:
        """(columns, rows, slices, 3) centres of all pixels."""
        i, j, k = np.indices(self.size)
        return self.lps(i, j, k)

    @cached_property
    def rest(self) -> Vector:
        """The same points in the limb at rest."""
        return self.lie.to_rest(self.points)

    @cached_property
    def bones(self) -> NDArray[np.int16]:
        """(columns, rows, slices) numbers of the bones."""
        return knee.labels(self.rest)

    def oedema(self, one: knee.Oedema) -> NDArray[np.bool_]:
        """(columns, rows, slices) whether a pixel shows an area of oedema."""
        bone = self.bones == 1 + knee.BONES.index(one.bone)
        return np.asarray(knee.in_oedema(self.rest, one) & bone)

    def in_slice(self, direction: Vector) -> Vector:
        """The unit vector in the slice that is nearest to a direction."""
        flat = direction - (direction @ self.normal) * self.normal
        return np.asarray(flat / np.linalg.norm(flat))


def scan_of(combination: Combination, lie: knee.Lie | None = None, *, finer: float = 1.0) -> Scan:
    """Plan the slices of a combination on a knee; without one, on one that lies as drawn.

    ``finer`` divides all distances between pixels and slices, over the same block.
    """
    rng = np.random.default_rng(combination.seed)
    lie = lie or knee.Lie.drawn(combination.limb, rng)
    row, column = _planned(combination, rng)
    normal = np.cross(row, column)
    thick = combination.acquisition == "2D thick"
    columns, rows, slices = THICK if thick else CUBE
    across, down, between = np.array(THICK_MM if thick else CUBE_MM) / finer
    size = (round(columns * finer), round(rows * finer), round(slices * finer))
    steps = np.stack([row * across, column * down, normal * between])
    half = (np.array(size) - 1) @ steps / 2
    # Off centre, so that no reflection of the grid about the knee is the grid itself.
    middle = lie.to_patient(np.array([1.0, -2.0, 3.0])) + rng.uniform(-2, 2, 3)
    scan = Scan(
        *(combination, lie, row, column, normal * between, middle - half),
        *(across, down, size),
    )
    return _stored(scan)


def _planned(combination: Combination, rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Row and column directions in the patient, tilted, before anything is turned round."""
    left, head = LYING[combination.position]
    to_patient = np.stack([left, np.cross(head, left), head])
    axis = int(np.argmax(np.abs(to_patient[NORMAL[combination.plane]])))
    row, column = (to_patient @ np.array(one, dtype=float) for one in PLANNED[axis])
    about_column, about_row = rng.choice([-1, 1], 2) * TILTS_DEG[combination.obliquity]
    for about, angle in ((column, about_column), (row, about_row)):
        turn = Rotation.from_rotvec(about * np.radians(angle)).as_matrix()
        row, column = turn @ row, turn @ column
    return row, column


def _stored(scan: Scan) -> Scan:
    """Exchange and turn round rows and columns, cosines and pixels alike."""
    how = scan.combination.in_plane
    if "swapped" in how:
        columns, rows, slices = scan.size
        scan = replace(
            scan,
            row=scan.column,
            column=scan.row,
            across_mm=scan.down_mm,
            down_mm=scan.across_mm,
            size=(rows, columns, slices),
        )
    if "rows negated" in how or "both negated" in how:
        last = scan.row * scan.across_mm * (scan.size[0] - 1)
        scan = replace(scan, row=-scan.row, origin=scan.origin + last)
    if "columns negated" in how or "both negated" in how:
        last = scan.column * scan.down_mm * (scan.size[1] - 1)
        scan = replace(scan, column=-scan.column, origin=scan.origin + last)
    return scan
