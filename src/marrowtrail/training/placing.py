"""Where an image lies on the limb: turned, scaled, bent and mirrored at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from marrowtrail.training.label_set import STEP_MM, LabelSet, distances_mm
from marrowtrail.training.samples import Field

TURN_DEG = 22.0
SCALE_LOG_SD = 0.1
STRETCH_LOG_SD = 0.06
BEND_MM, BEND_KNOTS_MM = 3.0, 40.0
"""Smooth displacement: up to about twice this, between knots this far apart. Joints keep their
gaps, since all bones move with one field."""


@dataclass(frozen=True, slots=True, eq=False)
class Placing:
    """Patient LPS (mm about the image's centre) to the limb frame of a label set."""

    matrix: NDArray[np.float32]
    centre_mm: NDArray[np.float32]
    bend: NDArray[np.float32]

    def to_limb(self, place_mm: Field) -> Field:
        """(3, ...) LPS points to the limb frame."""
        flat = self.matrix @ place_mm.reshape(3, -1)
        flat += self.centre_mm[:, None]
        return (flat + self._bent(flat)).reshape(place_mm.shape)

    def _bent(self, flat: Field) -> Field:
        """A sum of three waves along each axis: smooth, cheap, and never the same."""
        moved = np.zeros_like(flat)
        for wave in self.bend:
            phase = wave[:3] @ flat + wave[3]
            moved += wave[4:7, None] * np.sin(phase)[None]
        return moved


def draw_placing(about_mm: Field, rng: np.random.Generator) -> Placing:
    """A patient of either side lying about straight; ``about_mm`` is imaged at the centre."""
    turn = Rotation.from_euler("xyz", rng.normal(0, TURN_DEG / 2, 3), degrees=True).as_matrix()
    scale = np.exp(rng.normal(0.0, SCALE_LOG_SD)) * np.exp(rng.normal(0.0, STRETCH_LOG_SD, 3))
    matrix = np.diag(1.0 / scale) @ turn
    if rng.random() < 0.5:
        matrix = matrix @ np.diag([-1.0, 1.0, 1.0])
    waves = np.zeros((4, 7))
    for wave in waves:
        direction = rng.standard_normal(3)
        length = BEND_KNOTS_MM * rng.uniform(1.0, 3.0)
        wave[:3] = direction / np.linalg.norm(direction) * np.pi / length
        wave[3] = rng.uniform(0, 2 * np.pi)
        wave[4:7] = rng.normal(0.0, BEND_MM / 4, 3) * length / BEND_KNOTS_MM
    return Placing(matrix.astype(np.float32), about_mm.astype(np.float32), waves.astype(np.float32))


def surface_points_mm(one: LabelSet, count: int, rng: np.random.Generator) -> Field:
    """(n, 3) places within a voxel of a bone's surface, up to ``count``."""
    index, distance = _looked_at(one, count, rng)
    return _places(one, index[np.abs(distance) < STEP_MM][:count])


def marrow_points_mm(one: LabelSet, count: int, rng: np.random.Generator) -> Field:
    """(n, 3) places well within bone, up to ``count``."""
    index, distance = _looked_at(one, count, rng)
    return _places(one, index[distance < -2.0][:count])


def _looked_at(
    one: LabelSet, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Field]:
    """Random voxels, sixty for each that is wanted, with their distance to bone."""
    index = rng.integers(0, one.packed.shape, (count * 60, 3))
    return index, distances_mm(one.packed[tuple(index.T)], 1)


def _places(one: LabelSet, index: NDArray[np.int64]) -> Field:
    return (index * STEP_MM + one.origin_mm).astype(np.float32)
