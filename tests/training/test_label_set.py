from pathlib import Path

import numpy as np
import pytest

from marrowtrail.training.label_set import AIR, FAT, MUSCLE, load_label_set, save_label_set
from marrowtrail.training.placing import marrow_points_mm, surface_points_mm
from marrowtrail.training.samples import read_samples
from tests.training.label_sets import CARTILAGE_MM, RADIUS_MM, TIBIA, ball


def test_what_is_written_is_read(tmp_path: Path) -> None:
    one = ball()
    save_label_set(one, tmp_path / "one.npz")
    other = load_label_set(tmp_path / "one.npz")
    assert np.array_equal(one.packed, other.packed)
    assert np.array_equal(one.origin_mm, other.origin_mm)
    assert (one.joint, one.known_z_mm) == (other.joint, other.known_z_mm)


def test_samples_are_what_lies_there() -> None:
    points = np.array(
        [[0, 0, 0], [15.0, 0, 0], [0, 21.0, 0], [5.0, 30.0, 0], [-5.0, 30.0, 0], [500.0, 0, 0]],
        dtype=np.float32,
    ).T
    samples = read_samples(ball(), points, fine=True)
    assert samples.bone[:2].tolist() == [TIBIA, TIBIA]
    assert samples.distance_mm[1:3] == pytest.approx([15 - RADIUS_MM, 1.0], abs=0.1)
    assert samples.cartilage_mm[2] == pytest.approx(1.0 - CARTILAGE_MM, abs=0.1)
    assert samples.tissue[3:].tolist() == [MUSCLE, FAT, AIR]
    assert samples.distance_mm[5] > 0


def test_linear_reading_is_finer_than_the_grid() -> None:
    rng = np.random.default_rng(1)
    direction = rng.standard_normal((3, 500)).astype(np.float32)
    direction /= np.linalg.norm(direction, axis=0)
    points = direction * rng.uniform(18, 22, 500).astype(np.float32)
    true = np.linalg.norm(points, axis=0) - RADIUS_MM
    fine = read_samples(ball(), points, fine=True).distance_mm - true
    coarse = read_samples(ball(), points, fine=False).distance_mm - true
    assert np.abs(fine).max() < 0.15
    assert np.abs(coarse).max() > 0.5


def test_points_lie_where_they_are_said_to() -> None:
    rng = np.random.default_rng(2)
    surface = surface_points_mm(ball(), 50, rng)
    marrow = marrow_points_mm(ball(), 50, rng)
    assert len(surface) > 5
    assert len(marrow) > 5
    assert np.abs(np.linalg.norm(surface, axis=1) - RADIUS_MM).max() < 1.3
    assert np.linalg.norm(marrow, axis=1).max() < RADIUS_MM - 1.9
