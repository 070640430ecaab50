import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.training.coarse_view import COARSE_MM, DEEP, WIDE, draw_coarse
from marrowtrail.training.contrast import CORTEX, MARROW, draw_levels
from marrowtrail.training.fine_view import PATCH, draw_fine
from marrowtrail.training.label_set import AIR, FAT, MUSCLE
from marrowtrail.training.picture import draw_look, signal_of
from marrowtrail.training.placing import draw_placing
from marrowtrail.training.samples import read_samples
from tests.training.label_sets import RADIUS_MM, TIBIA, ball


@pytest.mark.parametrize("seed", range(6))
def test_a_coarse_example_shows_its_bone(seed: int) -> None:
    example = draw_coarse(ball(), seed % 3, np.random.default_rng(seed))
    assert example.image.shape[seed % 3] == DEEP
    assert sorted(example.image.shape) == sorted((DEEP, WIDE, WIDE))
    assert example.image.min() >= -0.5
    assert example.image.max() <= 0.5
    assert set(np.unique(example.label)) <= {0, TIBIA}
    # The field of view may cut the ball, and a patient is up to a third smaller or larger.
    whole = 4 / 3 * np.pi * (RADIUS_MM / COARSE_MM) ** 3
    assert np.count_nonzero(example.label) < 3 * whole


def test_the_same_seed_draws_the_same_example() -> None:
    first, second = (draw_coarse(ball(), 1, np.random.default_rng(5)) for _ in range(2))
    other = draw_coarse(ball(), 1, np.random.default_rng(6))
    assert np.array_equal(first.image, second.image)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


def test_the_image_has_its_edges_where_the_label_has() -> None:
    """Cortex is dark about bone: edges lie on the label's border, not on that of a moved label."""
    ratios = []
    for seed in range(12):
        example = draw_coarse(ball(), 1, np.random.default_rng(seed))
        steep = ndimage.gaussian_gradient_magnitude(example.image, 0.7)
        seen = ndimage.binary_erosion(example.image > -0.5, iterations=2)
        there, moved = (_border(example.label > 0, shift) & seen for shift in (0, 5))
        if there.sum() > 100 and moved.sum() > 100:
            ratios.append(steep[there].mean() / steep[moved].mean())
    assert len(ratios) > 4
    assert np.median(ratios) > 1.2


def _border(bone: NDArray[np.bool_], shift: int) -> NDArray[np.bool_]:
    moved = np.roll(bone, (shift, shift, shift), axis=(0, 1, 2))
    return moved ^ ndimage.binary_erosion(moved)


@pytest.mark.parametrize("seed", range(6))
def test_a_fine_example_is_about_an_edge(seed: int) -> None:
    example = draw_fine(ball(), np.random.default_rng(seed))
    assert example.image.shape == (4, PATCH, PATCH)
    assert example.share.shape == (PATCH, PATCH)
    assert example.share.min() >= 0.0
    assert example.share.max() <= 1.0
    assert 0.02 < (example.share > 0.5).mean() < 0.98


def test_the_coarse_answer_is_near_the_truth_and_not_the_truth() -> None:
    agree = []
    for seed in range(10):
        example = draw_fine(ball(), np.random.default_rng(seed))
        agree.append(((example.image[3] > 0.5) == (example.share > 0.5)).mean())
    assert 0.8 < np.mean(agree) < 0.999


def test_mirrored_and_turned_patients_keep_distances() -> None:
    rng = np.random.default_rng(3)
    handed = set()
    for _ in range(12):
        placing = draw_placing(np.zeros(3, dtype=np.float32), rng)
        matrix = placing.matrix.astype(np.float64)
        handed.add(np.sign(np.linalg.det(matrix)))
        scale = np.abs(np.linalg.det(matrix)) ** (1 / 3)
        assert 0.6 < scale < 1.6
    assert handed == {-1.0, 1.0}


def test_air_is_dark_and_cortex_darker_than_the_brightest_tissue() -> None:
    rng = np.random.default_rng(4)
    for _ in range(40):
        level = draw_levels(rng).material
        assert level[AIR] == 0.0
        assert level[CORTEX] < max(level[FAT], level[MUSCLE], level[MARROW])


def test_marrow_without_lesions_is_one_level_within_its_grain() -> None:
    rng = np.random.default_rng(8)
    look = draw_look(rng, np.zeros((0, 3), dtype=np.float32))
    assert look.blobs == ()
    inside = rng.uniform(-6, 6, (3, 4000)).astype(np.float32)
    marrow = signal_of(read_samples(ball(), inside, fine=False), look)
    spread = look.grain + look.patchiness + 0.05
    assert marrow.std() < 2.5 * spread * marrow.mean() + 1e-6
