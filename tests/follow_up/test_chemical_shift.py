"""What all bones of a joint moved in common with their fat is taken back, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from marrowtrail.follow_up.chemical_shift import common_shift_mm, shifted_back, shows_fat
from marrowtrail.imaging.series import Contrast, Series, Weighting
from marrowtrail.imaging.transform import RigidTransform

CENTRES = [
    np.array([60.0, -5.0, 30.0]),
    np.array([62.0, 4.0, -35.0]),
    np.array([58.0, -50.0, 20.0]),
]
POINTS = [900, 700, 150]


def motions(seed: int) -> list[RigidTransform]:
    rng = np.random.default_rng(seed)
    return [
        RigidTransform.about(centre, rng.normal(0, 0.1, 3), rng.normal(0, 5, 3))
        for centre in CENTRES
    ]


def moved(transform: RigidTransform, shift: np.ndarray) -> RigidTransform:
    return RigidTransform.about(np.zeros(3), np.zeros(3), shift) @ transform


@pytest.mark.parametrize("seed", range(4))
def test_a_common_shift_is_found_and_taken_back(seed: int) -> None:
    truth, fat = motions(seed), np.array([0.9, -0.3, 0.5])
    seen = [moved(one, fat) for one in truth]
    found = common_shift_mm(truth, seen, CENTRES, POINTS)
    assert found == pytest.approx(fat)
    for one, before in zip(seen, truth, strict=True):
        assert np.allclose(shifted_back(one, found).matrix, before.matrix)


def test_what_a_bone_moved_by_itself_and_its_rotation_stay() -> None:
    masks = motions(1)
    own = RigidTransform.about(CENTRES[2], np.array([0.0, 0.02, 0.0]), np.array([0.6, 0.0, 0.0]))
    seen = [masks[0], masks[1], masks[2] @ own]
    found = common_shift_mm(masks, seen, CENTRES, POINTS)
    assert np.linalg.norm(found) < 0.1
    kept = shifted_back(seen[2], found)
    assert kept.angle_deg == pytest.approx(seen[2].angle_deg)


def test_without_bones_there_is_no_shift() -> None:
    assert np.array_equal(common_shift_mm([], [], [], []), np.zeros(3))


@pytest.mark.parametrize(("suppressed", "shows"), [(True, False), (False, True), (None, True)])
def test_marrow_shows_its_fat_unless_it_is_suppressed(suppressed: bool | None, shows: bool) -> None:
    contrast = Contrast(Weighting.T1, suppressed, "test")
    assert shows_fat(cast("Series", SimpleNamespace(contrast=contrast))) is shows
