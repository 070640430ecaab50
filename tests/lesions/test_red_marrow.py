"""Red marrow is told from oedema by its place and its brightness, and only by both."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import RegionShare
from marrowtrail.lesions.red_marrow import HOME, is_red_marrow
from marrowtrail.lesions.surroundings import soft_tissue_level
from marrowtrail.record.vocabulary import vocabulary

METAPHYSIS = (RegionShare("distal_metaphysis", 0.95, 0.2), RegionShare("trochlea", 0.05, 0.1))
CONDYLE = (RegionShare("medial_condyle", 1.0, 0.2),)
ACROSS = (RegionShare("distal_metaphysis", 0.7, 0.2), RegionShare("medial_condyle", 0.3, 0.1))


def test_a_faint_area_in_the_metaphysis_is_red_marrow() -> None:
    assert is_red_marrow("femur", METAPHYSIS, signal=120.0, contrast=1.6, muscle=100.0)
    assert is_red_marrow("femur", METAPHYSIS, signal=120.0, contrast=1.6, muscle=None)


def test_what_is_darker_than_muscle_is_red_marrow_at_a_higher_contrast() -> None:
    assert is_red_marrow("femur", METAPHYSIS, signal=80.0, contrast=2.6, muscle=100.0)
    assert not is_red_marrow("femur", METAPHYSIS, signal=120.0, contrast=2.6, muscle=100.0)
    assert not is_red_marrow("femur", METAPHYSIS, signal=80.0, contrast=3.5, muscle=100.0)


@pytest.mark.parametrize("shares", [CONDYLE, ACROSS])
def test_an_area_elsewhere_is_oedema(shares: tuple[RegionShare, ...]) -> None:
    assert not is_red_marrow("femur", shares, signal=120.0, contrast=1.6, muscle=100.0)


def test_beyond_the_named_regions_of_a_long_bone_lies_shaft_and_of_a_short_one_it_does_not() -> (
    None
):
    assert is_red_marrow("fibula", (), signal=120.0, contrast=1.6, muscle=100.0)
    assert not is_red_marrow("talus", (), signal=120.0, contrast=1.6, muscle=100.0)


@pytest.mark.parametrize(("signal", "contrast"), [(250.0, 1.6), (120.0, 3.0)])
def test_a_bright_area_is_oedema(signal: float, contrast: float) -> None:
    assert not is_red_marrow("femur", METAPHYSIS, signal, contrast, muscle=100.0)


def test_the_regions_are_words_of_the_vocabulary() -> None:
    known = {region.key for bone in vocabulary().bones for region in bone.regions}
    assert known >= HOME


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


def test_there_is_no_level_without_bone_or_without_soft_tissue() -> None:
    volume, bone = scene(muscle=210.0, fat=90.0)
    assert level(volume) is None
    assert level(volume, np.zeros(GRID.shape, dtype=bool)) is None
    only_bone = Volume(np.where(bone, volume.data, 0.0).astype(np.float32), GRID)
    assert level(only_bone, bone) is None
