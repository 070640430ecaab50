"""The level of muscle about bones, whatever fat does."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.surroundings import soft_tissue_level

GRID = Geometry((80, 80, 12), np.diag([1.0, 1.0, 4.0, 1.0]), None)


def scene(muscle: float, fat: float) -> tuple[Volume, np.ndarray]:
    """A bone of 100 in fat, beside muscle; air about the limb, a bright vessel in it."""
    x, y, _ = np.indices(GRID.shape)
    rng = np.random.default_rng(0)
    signal = np.full(GRID.shape, 4.0)
    signal[(x > 4) & (x < 76) & (y > 4) & (y < 76)] = fat
    signal[(x > 48) & (x < 74) & (y > 8) & (y < 72)] = muscle
    signal[(x > 60) & (x < 64) & (y > 30) & (y < 34)] = 900.0
    bone = (x > 14) & (x < 42) & (y > 20) & (y < 60)
    signal[bone] = 100.0
    signal *= np.exp(rng.normal(0, 0.06, signal.shape))
    return Volume(signal.astype(np.float32), GRID), bone


class Drawn:
    """A bone of which only the mask is asked."""

    def __init__(self, mask: np.ndarray) -> None:
        self.mask = Volume(mask, GRID)


def level(volume: Volume, *masks: np.ndarray) -> float | None:
    bones: list[Bone] = [Drawn(mask) for mask in masks]  # type: ignore[misc]
    return soft_tissue_level(volume, bones)


def test_muscle_is_found_beside_suppressed_fat() -> None:
    volume, bone = scene(muscle=210.0, fat=90.0)
    assert level(volume, bone) == pytest.approx(210.0, rel=0.05)


def test_without_two_classes_all_soft_tissue_counts() -> None:
    volume, bone = scene(muscle=104.0, fat=100.0)
    assert level(volume, bone) == pytest.approx(102.0, rel=0.05)


def test_an_effusion_is_not_taken_for_muscle() -> None:
    volume, bone = scene(muscle=104.0, fat=100.0)
    x, y, _ = np.indices(GRID.shape)
    fluid = (x > 48) & (x < 56) & (y > 30) & (y < 50)
    flooded = volume.with_data(np.where(fluid, 700.0, volume.data).astype(np.float32))
    assert level(flooded, bone) == pytest.approx(102.0, rel=0.05)


def test_there_is_no_level_without_bone_or_without_soft_tissue() -> None:
    volume, bone = scene(muscle=210.0, fat=90.0)
    assert level(volume) is None
    assert level(volume, np.zeros(GRID.shape, dtype=bool)) is None
    only_bone = Volume(np.where(bone, volume.data, 0.0).astype(np.float32), GRID)
    assert level(only_bone, bone) is None
