"""A lesion to lay into a real series: its form as a formula, readable on any grid.

The edge is uneven and soft, the inside patchy. Everything is a function of the point in the
patient (LPS, mm), so that series with other planes and voxels show one and the same lesion.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import expit

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.phantom.ranges import Range

Field = NDArray[np.float64]
Block = tuple[slice, slice, slice]

RADIUS_MM = Range(low=4.0, high=13.0)
"""Mean semi-axis: from the size of the smallest lesion that readers outline to a third of a
sacral wing or a condyle."""

WATER = Range(low=0.2, high=0.7)
"""Share of marrow that water replaces. The oedema that readers outlined comes to 0.38 to 0.48
by the rule of :mod:`marrowtrail.phantom.implants.signal`; half of it less, half as much more."""

EDGE_MM = Range(low=2.0, high=8.0)
"""Width of the edge, 10 to 90 %: real outlines are 1.3 to 3.7 mm wide where they are clear
(see docs/validation.md), and fade over more where they are not."""

UNEVEN = Range(low=0.10, high=0.30)
"""Standard deviation of the edge's place, as a share of the radius."""

PATCHY = Range(low=0.10, high=0.35)
"""Standard deviation of water inside, as a share of it; real oedema varies by 0.2 to 0.5 in all,
noise and marrow's own texture among it."""

UNEVEN_LENGTH = 0.55
"""Unevenness of the edge has this length, as a share of the radius."""

PATCH_MM = Range(low=2.0, high=5.0)
"""Length of the patches inside."""

WAVES = 64
"""A sum of so many random waves looks like a smooth random field."""

DEPTHS = (-1 / 3, 0.0, 1 / 3)
"""A slice is the mean of what lies at these depths, in slice spacings."""

REACH = 1.9
"""Beyond this many radii, plus the edge's width, nothing of a lesion is left."""

TEN_TO_NINETY = 4.394
"""Width of a logistic edge from 10 to 90 %, in units of its scale; 2 ln 9."""

LINEAR_TEN_TO_NINETY = 0.8
"""The same of a ramp, in units of its whole width."""


class Profile(StrEnum):
    """How an edge fades: by a logistic curve, or along a ramp."""

    LOGISTIC = "logistic"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """A smooth random field of mean 0 and deviation 1, readable at any point."""

    numbers: NDArray[np.float64]
    phases: NDArray[np.float64]

    @staticmethod
    def draw(length_mm: float, rng: np.random.Generator) -> Waves:
        """With correlation that falls off like a Gaussian of that length."""
        numbers = rng.standard_normal((WAVES, 3)) / length_mm
        return Waves(numbers, rng.uniform(0.0, 2 * np.pi, WAVES))

    def on(self, geometry: Geometry, block: Block, depth: float) -> Field:
        """Values in a block of a grid, moved through the slices by ``depth`` spacings.

        On a grid a wave is a product of three, one along each axis; summing products is a
        matrix product, which is twenty times faster than a cosine for every voxel.
        """
        along = self.numbers @ geometry.affine[:3, :3]
        start = np.array([part.start for part in block], dtype=np.float64)
        start[geometry.through_plane_axis] += depth
        phases = self.phases + self.numbers @ geometry.to_lps(start)
        i, j, k = (
            np.exp(1j * np.outer(np.arange(part.stop - part.start), along[:, axis]))
            for axis, part in enumerate(block)
        )
        planes = [(i * (np.exp(1j * phases) * one)) @ j.T for one in k]
        return np.asarray(np.sqrt(2.0 / WAVES) * np.stack(planes, axis=-1).real, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class ImplantShape:
    """One lesion. ``spread`` (3, 3) maps mm from ``centre_lps`` to units of the semi-axes."""

    centre_lps: Points
    spread: NDArray[np.float64]
    axes_mm: tuple[float, float, float]
    water: float
    edge_mm: float
    profile: Profile
    uneven: float
    patchy: float
    waviness: Waves
    patches: Waves

    @property
    def radius_mm(self) -> float:
        """Mean semi-axis."""
        return float(np.mean(self.axes_mm))

    def block(self, geometry: Geometry) -> Block:
        """The part of a grid that the lesion may reach; empty where it misses the grid."""
        reach = REACH * max(self.axes_mm) + self.edge_mm
        corners = self.centre_lps + reach * (2.0 * np.array(list(np.ndindex(2, 2, 2))) - 1.0)
        ijk = geometry.to_ijk(corners)
        low = np.clip(np.floor(ijk.min(axis=0)), 0, geometry.shape).astype(int)
        high = np.clip(np.ceil(ijk.max(axis=0)) + 1, 0, geometry.shape).astype(int)
        i, j, k = (slice(int(a), int(max(a, b))) for a, b in zip(low, high, strict=True))
        return i, j, k

    def level(self, geometry: Geometry, block: Block, depth: float = 0.0) -> Field:
        """(i, j, k) about the distance in mm to the edge, positive inside.

        Read in a block of a grid that is moved through the slices by ``depth`` spacings.
        """
        step = np.zeros(3)
        step[geometry.through_plane_axis] = depth
        index = np.stack(
            np.meshgrid(*(np.arange(s.start, s.stop) for s in block), indexing="ij"), -1
        )
        points = geometry.to_lps(index + step)
        offset = np.linalg.norm((points - self.centre_lps) @ self.spread.T, axis=-1)
        waviness = self.waviness.on(geometry, block, depth)
        return np.asarray(self.radius_mm * (1.0 + self.uneven * waviness - offset))

    def faded(self, level: Field) -> Field:
        """Share of the lesion's water at a level, 0 to 1."""
        if self.profile is Profile.RAMP:
            return np.clip(0.5 + level * LINEAR_TEN_TO_NINETY / self.edge_mm, 0.0, 1.0)
        return np.asarray(expit(level * TEN_TO_NINETY / self.edge_mm))


def draw_shape(centre_lps: Points, radius_mm: float, rng: np.random.Generator) -> ImplantShape:
    """A lesion about a point."""
    axes = radius_mm * np.exp(rng.uniform(-0.3, 0.3, 3))
    turn = Rotation.random(random_state=rng).as_matrix()
    return ImplantShape(
        centre_lps=np.asarray(centre_lps, dtype=np.float64),
        spread=(turn / axes) @ turn.T,
        axes_mm=(float(axes[0]), float(axes[1]), float(axes[2])),
        water=WATER.draw(rng),
        edge_mm=EDGE_MM.draw(rng),
        profile=list(Profile)[int(rng.integers(len(Profile)))],
        uneven=UNEVEN.draw(rng),
        patchy=PATCHY.draw(rng),
        waviness=Waves.draw(UNEVEN_LENGTH * radius_mm, rng),
        patches=Waves.draw(PATCH_MM.draw(rng), rng),
    )


def read_on(shape: ImplantShape, geometry: Geometry) -> tuple[Block, Field, Field]:
    """The lesion on a grid: block, share of water and share of lesion in its voxels, 0 to 1."""
    block = shape.block(geometry)
    size = tuple(part.stop - part.start for part in block)
    water, lesion = np.zeros(size), np.zeros(size)
    for depth in DEPTHS if lesion.size else ():
        level = shape.level(geometry, block, depth)
        patchy = 1.0 + shape.patchy * shape.patches.on(geometry, block, depth)
        water += np.clip(shape.water * shape.faded(level) * patchy, 0.0, 1.0) / len(DEPTHS)
        lesion += (level > 0) / len(DEPTHS)
    return block, water, lesion
