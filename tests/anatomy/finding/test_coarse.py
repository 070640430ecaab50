"""The first network over a whole series: tiles, probabilities, what lies outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrail.anatomy.finding.coarse import (
    LONGEST_TILE,
    OVERLAP,
    CoarseAnswer,
    coarse_bones,
    tiles,
    together,
)
from marrowtrail.anatomy.finding.resampling import MULTIPLE
from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from tests.anatomy.finding.made import CLASSES, WEIGHTS, read_levels

KEPT = 1e-3
"""Answers are kept in half precision: eleven bits."""

side = st.integers(1, 40).map(lambda n: MULTIPLE * n)


class TestTiles:
    @settings(max_examples=60, deadline=None)
    @given(shape=st.tuples(side, side, side))
    def test_each_voxel_is_kept_once_and_seen_with_what_surrounds_it(
        self, shape: tuple[int, int, int]
    ) -> None:
        covered = [np.zeros(n, dtype=int) for n in shape]
        blocks = list(tiles(shape))
        for seen, kept in blocks:
            for n, (s, k) in enumerate(zip(seen, kept, strict=True)):
                assert 0 <= s.start <= k.start < k.stop <= s.stop <= shape[n]
                assert (s.stop - s.start) % MULTIPLE == 0
                assert s.stop - s.start <= LONGEST_TILE
                assert k.start == 0 or k.start - s.start >= OVERLAP // 2 - MULTIPLE
                assert k.stop == shape[n] or s.stop - k.stop >= OVERLAP // 2 - MULTIPLE
        for n in range(3):
            for start, stop in {(k[n].start, k[n].stop) for _, k in blocks}:
                covered[n][start:stop] += 1
            assert (covered[n] == 1).all()

    def test_what_fits_is_seen_at_once(self) -> None:
        whole = tuple(slice(0, LONGEST_TILE) for _ in range(3))
        assert list(tiles((LONGEST_TILE,) * 3)) == [(whole, whole)]


GRID = Geometry((80, 60, 20), np.diag([2.4, 2.4, 4.8, 1.0]), "1.2.3")


def test_tiles_change_nothing_where_a_network_looks_at_single_voxels() -> None:
    grid = Geometry((152, 16, 16), np.diag([2.4, 2.4, 2.4, 1.0]), "1.2.3")
    image = Volume(np.random.default_rng(1).uniform(-0.5, 0.5, grid.shape).astype(np.float32), grid)
    shapes = []

    def network(question: np.ndarray) -> np.ndarray:
        shapes.append(question.shape)
        return read_levels(question)

    by_tiles = coarse_bones(image, network, WEIGHTS.coarse)
    assert len(shapes) == 4  # two tiles, of the image and of its mirror image
    assert max(max(shape) for shape in shapes) <= LONGEST_TILE
    assert by_tiles.geometry.same_grid(grid)
    logits = read_levels(np.asarray(image.data)[None, None])[0]
    alone = np.exp(logits) / np.exp(logits).sum(axis=0)
    assert by_tiles.probabilities == pytest.approx(alone, abs=KEPT)
    assert by_tiles.probabilities.sum(axis=0) == pytest.approx(1.0, abs=KEPT)


def test_outside_the_field_of_view_there_is_no_bone() -> None:
    """Even if the network calls everything a femur."""

    def all_femur(question: np.ndarray) -> np.ndarray:
        logits = np.zeros((1, len(CLASSES), *question.shape[2:]), dtype=np.float32)
        logits[:, 1] = 9.0
        return logits

    turned = GRID.affine.copy()
    turned[:3, :3] = turned[:3, :3][:, [1, 0, 2]] * [1, -1, 1]
    found = coarse_bones(
        Volume(np.zeros(GRID.shape, np.float32), Geometry(GRID.shape, turned)),
        all_femur,
        WEIGHTS.coarse,
    )
    volume = float((found.any_bone.data > 0.5).sum()) * found.geometry.voxel_mm3
    assert volume == pytest.approx(np.prod(GRID.shape) * GRID.voxel_mm3, rel=0.05)


def test_an_image_without_contrast_is_all_outside_to_the_network() -> None:
    seen = []

    def network(question: np.ndarray) -> np.ndarray:
        seen.append(question)
        return read_levels(question)

    coarse_bones(Volume(np.full(GRID.shape, OUTSIDE, np.float32), GRID), network, WEIGHTS.coarse)
    assert all((one == OUTSIDE).all() for one in seen)


def left_half_is_femur(question: np.ndarray) -> np.ndarray:
    """Knows left from right, which no answer should."""
    logits = np.zeros((1, len(CLASSES), *question.shape[2:]), dtype=np.float32)
    logits[:, 1, question.shape[2] // 2 :] = 4.0
    return logits


def test_the_answer_is_the_mean_of_those_to_the_image_and_to_its_mirror_image() -> None:
    grid = Geometry((16, 16, 16), np.diag([2.4, 2.4, 2.4, 1.0]), "1.2.3")
    found = coarse_bones(
        Volume(np.zeros(grid.shape, np.float32), grid), left_half_is_femur, WEIGHTS.coarse
    )
    sure, unsure = np.exp(4.0) / (np.exp(4.0) + len(CLASSES) - 1), 1 / len(CLASSES)
    assert found.probabilities[1] == pytest.approx((sure + unsure) / 2, abs=KEPT)
    plain, mirrored = found.answers
    assert (plain[:8] == 0).all()
    assert (plain[8:] == 1).all()
    assert np.array_equal(mirrored, plain[::-1])


def test_a_mirrored_image_is_answered_by_the_mirrored_answer() -> None:
    grid = Geometry((24, 16, 16), np.diag([2.4, 2.4, 2.4, 1.0]), "1.2.3")
    rng = np.random.default_rng(3)
    data = rng.uniform(-0.5, 0.5, grid.shape).astype(np.float32)
    plain = coarse_bones(Volume(data, grid), left_half_is_femur, WEIGHTS.coarse)
    mirrored = coarse_bones(Volume(data[::-1].copy(), grid), left_half_is_femur, WEIGHTS.coarse)
    assert mirrored.probabilities[:, ::-1] == pytest.approx(plain.probabilities, abs=1e-6)


def said(name: str, share: float, first: tuple[int, int, int], size: int = 16) -> CoarseAnswer:
    """An answer that is the same all over a cube whose first voxel lies at ``first``."""
    shape = (size, size, size)
    affine = np.diag([2.4, 2.4, 2.4, 1.0])
    affine[:3, 3] = np.array(first) * 2.4
    one = np.zeros((len(CLASSES), *shape), dtype=np.float16)
    one[CLASSES.index(name)], one[0] = share, 1 - share
    seen = np.ones(shape, dtype=bool)
    return CoarseAnswer(one, one, seen, CLASSES, Geometry(shape, affine, "1.2.3"))


class TestSeriesTogether:
    def test_a_surer_series_helps_where_both_look(self) -> None:
        own, other = said("femur", 0.4, (0, 0, 0)), said("femur", 0.9, (4, -4, 0))
        found = together(own, [other])
        femur = CLASSES.index("femur")
        shared = np.zeros((16, 16, 16), dtype=bool)
        shared[4:, :12] = True
        assert found.probabilities[femur][shared] == pytest.approx(0.65, abs=KEPT)
        assert found.probabilities[femur][~shared] == pytest.approx(0.4, abs=KEPT)
        assert ((found.answers == femur) == shared).all()
        assert found.probabilities.sum(axis=0) == pytest.approx(1.0, abs=KEPT)

    def test_each_series_counts_once(self) -> None:
        own = said("femur", 0.9, (0, 0, 0))
        found = together(own, [said("tibia", 1.0, (0, 0, 0)), said("tibia", 1.0, (-8, 0, 0))])
        assert (found.answers[:, :8] == CLASSES.index("tibia")).all()
        assert (found.answers[:, 8:] == CLASSES.index("tibia")).all(), "0.5 against 0.45"

    def test_beyond_the_other_field_of_view_nothing_is_said(self) -> None:
        own, other = said("femur", 0.4, (0, 0, 0)), said("femur", 1.0, (0, 0, 0))
        other.seen[:8] = False
        found = together(own, [other])
        assert (found.answers[:, :8] == 0).all()
        assert (found.answers[:, 8:] == CLASSES.index("femur")).all()

    def test_series_that_do_not_meet_leave_one_another_alone(self) -> None:
        own = said("femur", 0.4, (0, 0, 0))
        alone, beside = together(own), together(own, [said("femur", 1.0, (16, 0, 40))])
        assert np.array_equal(alone.probabilities, beside.probabilities)
