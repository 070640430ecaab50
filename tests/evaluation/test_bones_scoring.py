"""Scores of found bones: overlap, distances, names of the wrong side, verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.evaluation.bones_figures import (
    ExamScore,
    ImageScore,
    PairScore,
    figures_of,
    upper_bound,
)
from marrowtrail.evaluation.bones_scoring import (
    BoneScore,
    FoundMask,
    Mask,
    Outcome,
    Truth,
    score_bones_of,
)
from marrowtrail.evaluation.bones_surfaces import faces_of, surface_distance
from marrowtrail.evaluation.bones_visits import VisitScore
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.record.sites import BoneId, Side

GRID = Geometry((40, 36, 20), np.diag([1.0, 1.5, 4.0, 1.0]))
LEFT_FEMUR, LEFT_TIBIA = BoneId("femur", Side.LEFT), BoneId("tibia", Side.LEFT)
RIGHT_FEMUR = BoneId("femur", Side.RIGHT)


def ball(i: float, j: float, k: float, radius_mm: float) -> Mask:
    points = GRID.to_lps(np.moveaxis(np.indices(GRID.shape), 0, -1))
    centre = GRID.to_lps(np.array([i, j, k]))
    return np.asarray(np.linalg.norm(points - centre, axis=-1) < radius_mm)


FEMUR, TIBIA = ball(12, 12, 10, 11.0), ball(28, 22, 9, 10.0)
TRUTH = Truth({LEFT_FEMUR: FEMUR, LEFT_TIBIA: TIBIA})


def found(bone: BoneId, mask: Mask, *, accepted: bool = True) -> FoundMask:
    return FoundMask(bone, mask, accepted)


def by_bone(scores: tuple[BoneScore, ...]) -> dict[str, BoneScore]:
    assert len({one.bone for one in scores}) == len(scores)
    return {one.bone: one for one in scores}


def shifted(mask: Mask, i: int, j: int = 0) -> Mask:
    return np.roll(mask, (i, j), (0, 1))


class TestSurfaces:
    def brute_force(self, one: Mask, other: Mask, geometry: Geometry) -> tuple[float, float]:
        """Every face against every other, found voxel by voxel."""
        faces = [self.faces(mask, geometry) for mask in (one, other)]
        both = [
            (area, min(float(np.linalg.norm(at - far)) for far, _ in faces[1 - side]))
            for side in (0, 1)
            for at, area in faces[side]
        ]
        both.sort(key=lambda pair: pair[1])
        total, held = sum(area for area, _ in both), 0.0
        mean = sum(area * distance for area, distance in both) / total
        for area, distance in both:
            held += area
            if held >= 0.95 * total:
                return mean, distance
        raise AssertionError("unreachable")

    def faces(self, mask: Mask, geometry: Geometry) -> list[tuple[NDArray[np.float64], float]]:
        found_faces = []
        for index in np.ndindex(*mask.shape):
            for axis in range(3):
                beyond = list(index)
                beyond[axis] += 1
                if beyond[axis] < mask.shape[axis] and mask[index] != mask[tuple(beyond)]:
                    middle = geometry.to_lps((np.array(index) + np.array(beyond)) / 2)
                    others = [s for a, s in enumerate(geometry.spacing_mm) if a != axis]
                    found_faces.append((middle, others[0] * others[1]))
        return found_faces

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_same_as_by_brute_force(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        geometry = Geometry((9, 8, 6), np.diag([-0.7, 1.1, 3.0, 1.0]))
        one, other = (
            ndimage.gaussian_filter(rng.standard_normal(geometry.shape), 1.2) > 0.05
            for _ in range(2)
        )
        measured = surface_distance(one, other, geometry)
        assert measured is not None
        mean, far = self.brute_force(one, other, geometry)
        assert measured.mean_mm == pytest.approx(mean)
        assert measured.far_mm == pytest.approx(far)

    def test_area_of_a_box(self) -> None:
        mask = np.zeros(GRID.shape, dtype=bool)
        mask[5:15, 5:11, 4:7] = True  # 10 x 9 x 12 mm
        assert faces_of(mask, GRID).areas_mm2.sum() == pytest.approx(2 * (90 + 108 + 120))

    def test_no_surface_where_the_field_of_view_cuts(self) -> None:
        mask = np.zeros(GRID.shape, dtype=bool)
        mask[:20] = True
        faces = faces_of(mask, GRID)
        assert np.allclose(faces.centres_lps[:, 0], 19.5)
        assert faces.areas_mm2.sum() == pytest.approx(36 * 1.5 * 20 * 4.0)

    def test_none_without_a_surface(self) -> None:
        nothing = np.zeros(GRID.shape, dtype=bool)
        assert surface_distance(FEMUR, nothing, GRID) is None
        assert surface_distance(nothing, FEMUR, GRID) is None
        assert surface_distance(FEMUR, ~nothing, GRID) is None

    def test_a_pixel_too_wide_is_a_pixel_off_in_thick_slices(self) -> None:
        mask = np.zeros(GRID.shape, dtype=bool)
        mask[10:30, 8:28] = True
        wide = np.zeros(GRID.shape, dtype=bool)
        wide[9:31, 8:28] = True
        apart = surface_distance(mask, wide, GRID)
        assert apart is not None
        assert apart.mean_mm == pytest.approx(0.6, abs=0.02)  # i faces: 0.6 of the area
        assert apart.far_mm == pytest.approx(1.0)
        same = surface_distance(mask, mask, GRID)
        assert same is not None
        assert (same.mean_mm, same.far_mm) == (0.0, 0.0)


class TestOneImage:
    def test_truth_found_is_perfect(self) -> None:
        given = [found(LEFT_FEMUR, FEMUR), found(LEFT_TIBIA, TIBIA)]
        for one in score_bones_of(TRUTH, given, GRID):
            assert (one.dice, one.surface_mm, one.surface_95_mm) == (1.0, 0.0, 0.0)
            assert one.outcome is Outcome.ACCEPTED
            assert one.asked
            assert one.true_mm3 == one.found_mm3 > 1000.0
            assert not one.is_side_error
            assert not one.side_open
            assert not one.is_accepted_bad
            assert not one.is_refused_good

    def test_eroded_truth_accepted_is_noticed(self) -> None:
        less = ndimage.binary_erosion(FEMUR, np.ones((5, 5, 1)))
        given = [found(LEFT_FEMUR, less), found(LEFT_TIBIA, TIBIA, accepted=False)]
        scores = by_bone(score_bones_of(TRUTH, given, GRID))
        both = int(less.sum()), int(FEMUR.sum())
        assert scores["femur"].dice == pytest.approx(2 * both[0] / sum(both))
        assert scores["femur"].is_accepted_bad
        assert not scores["femur"].is_refused_good
        assert scores["tibia"].is_refused_good
        assert not scores["tibia"].is_accepted_bad

    def test_a_bad_mask_held_back_is_no_error(self) -> None:
        given = [found(LEFT_FEMUR, shifted(FEMUR, 9), accepted=False)]
        femur = by_bone(score_bones_of(TRUTH, given, GRID))["femur"]
        assert femur.dice < 0.85
        assert femur.outcome is Outcome.UNSURE
        assert not femur.is_accepted_bad
        assert not femur.is_refused_good

    def test_nothing_found_is_missed(self) -> None:
        scores = score_bones_of(TRUTH, [], GRID)
        assert [one.outcome for one in scores] == [Outcome.MISSED] * 2
        assert all(one.dice == 0.0 and one.surface_mm is None for one in scores)
        assert score_bones_of(TRUTH, [found(LEFT_FEMUR, np.zeros_like(FEMUR))], GRID) == scores

    def test_the_wrong_side_is_no_match_and_a_side_error(self) -> None:
        given = [found(RIGHT_FEMUR, FEMUR), found(LEFT_TIBIA, TIBIA)]
        scores = score_bones_of(TRUTH, given, GRID)
        assert [(one.bone, one.outcome, one.wrong_side) for one in scores] == [
            ("femur", Outcome.MISSED, False),
            ("tibia", Outcome.ACCEPTED, False),
            ("femur", Outcome.ACCEPTED, True),
        ]
        assert scores[2].is_accepted_bad
        assert not scores[2].swapped

    def test_two_limbs_exchanged_are_side_errors(self) -> None:
        two = Truth({LEFT_FEMUR: TIBIA, RIGHT_FEMUR: FEMUR})
        given = [found(LEFT_FEMUR, FEMUR), found(RIGHT_FEMUR, TIBIA)]
        assert [one.wrong_side for one in score_bones_of(two, given, GRID)] == [True, True]
        right = [found(LEFT_FEMUR, TIBIA), found(RIGHT_FEMUR, FEMUR)]
        assert not any(one.is_side_error for one in score_bones_of(two, right, GRID))

    def test_bones_swapped_are_noticed(self) -> None:
        given = [found(LEFT_FEMUR, TIBIA), found(LEFT_TIBIA, FEMUR)]
        scores = score_bones_of(TRUTH, given, GRID)
        assert [(one.swapped, one.wrong_side, one.dice) for one in scores] == [
            (True, False, 0.0),
            (True, False, 0.0),
        ]

    def test_a_side_left_open_is_matched_and_no_error(self) -> None:
        given = [found(BoneId("femur", Side.UNKNOWN), FEMUR), found(LEFT_TIBIA, TIBIA)]
        scores = by_bone(score_bones_of(TRUTH, given, GRID))
        assert scores["femur"].dice == 1.0
        assert scores["femur"].side_open
        assert not scores["femur"].is_side_error
        assert not scores["tibia"].side_open

    def test_a_false_bone_accepted_is_bad(self) -> None:
        patella = found(BoneId("patella", Side.LEFT), ball(5, 30, 15, 6.0))
        given = [found(LEFT_FEMUR, FEMUR), found(LEFT_TIBIA, TIBIA), patella]
        false = by_bone(score_bones_of(TRUTH, given, GRID))["patella"]
        assert false.is_accepted_bad
        assert not false.asked
        assert not false.is_side_error
        assert false.true_mm3 == 0.0

    def test_bones_that_the_labels_do_not_name_are_not_judged(self) -> None:
        named = Truth({LEFT_FEMUR: FEMUR}, frozenset({"femur"}))
        given = [found(LEFT_FEMUR, FEMUR), found(LEFT_TIBIA, TIBIA)]
        assert [one.bone for one in score_bones_of(named, given, GRID)] == ["femur"]

    def test_a_sliver_is_not_asked_for_but_judged_if_found(self) -> None:
        sliver = ball(0, 20, 10, 5.0)
        truth = Truth({LEFT_FEMUR: FEMUR, LEFT_TIBIA: sliver})
        assert sliver.sum() * GRID.voxel_mm3 < 1000.0
        assert [one.bone for one in score_bones_of(truth, [], GRID)] == ["femur"]
        given = [found(LEFT_FEMUR, FEMUR), found(LEFT_TIBIA, shifted(sliver, 4))]
        tibia = by_bone(score_bones_of(truth, given, GRID))["tibia"]
        assert tibia.is_accepted_bad
        assert not tibia.asked
        assert tibia.cut
        assert not by_bone(score_bones_of(truth, given, GRID))["femur"].cut


def exam(bones: tuple[BoneScore, ...], *, thin: bool = False, seconds: float = 2.0) -> ExamScore:
    image = ImageScore(
        joint="knee",
        plane="sagittal",
        contrast="PD FS",
        thin=thin,
        side_in_header=True,
        bones=bones,
    )
    return ExamScore(key="k", seed=1, seconds=seconds, peak_mb=300.0, images=(image,))


class TestFigures:
    def test_of_good_bad_missed_and_swapped(self) -> None:
        good = score_bones_of(
            TRUTH, [found(LEFT_FEMUR, FEMUR), found(LEFT_TIBIA, TIBIA, accepted=False)], GRID
        )
        missed = score_bones_of(TRUTH, [found(LEFT_FEMUR, shifted(FEMUR, 8))], GRID)
        swapped = score_bones_of(TRUTH, [found(LEFT_FEMUR, TIBIA), found(RIGHT_FEMUR, FEMUR)], GRID)
        all_of_them = figures_of(
            [exam(good), exam(missed, thin=True, seconds=6.0), exam(swapped)], []
        )
        assert all_of_them.images == all_of_them.exams == 3
        assert all_of_them.accepted == 4
        assert all_of_them.accepted_bad == 3
        assert all_of_them.accepted_bad_share == pytest.approx(0.75)
        assert all_of_them.accepted_bad_upper == pytest.approx(upper_bound(3, 4))
        assert all_of_them.refused_good == 1
        assert all_of_them.missed == 2
        assert all_of_them.false == 1
        assert (all_of_them.side_errors, all_of_them.swapped) == (2, 1)
        assert all_of_them.seconds_per_series == pytest.approx(10.0 / 3)
        assert (all_of_them.seconds_thick, all_of_them.seconds_thin) == (2.0, 6.0)
        assert all_of_them.peak_memory_mb == 300.0
        femur = all_of_them.bones["femur"]
        assert femur.n == 3
        assert femur.dice == pytest.approx((1.0 + missed[0].dice + 0.0) / 3)
        assert (femur.accepted, femur.unsure, femur.missed, femur.false) == (3, 0, 0, 1)
        tibia = all_of_them.bones["tibia"]
        assert (tibia.n, tibia.accepted, tibia.unsure, tibia.missed) == (3, 0, 1, 2)
        assert tibia.dice_accepted is None
        assert all_of_them.kinds["thin slices"]["femur"].n == 1
        assert all_of_them.kinds["thick slices"]["femur"].n == 2
        assert all_of_them.kinds["contrast PD FS"]["tibia"].n == 3
        assert all_of_them.kinds["bone whole"]["tibia"].n == 3
        assert "bone cut" not in all_of_them.kinds

    def test_of_nothing(self) -> None:
        none = figures_of([], [])
        assert (none.images, none.bones, none.visits) == (0, {}, {})
        assert none.accepted_bad_upper is none.seconds_per_series is none.peak_memory_mb is None

    def test_visits_count_accepted_bones_beyond_the_labels(self) -> None:
        change = VisitScore(bone="femur", accepted=True, true_change=0.02, found_change=0.05)
        same = VisitScore(bone="femur", accepted=True, true_change=-0.01, found_change=-0.02)
        held = VisitScore(bone="tibia", accepted=False, true_change=0.0, found_change=0.5)
        pair = PairScore(key="p", seed=1, bones=(change, same, held))
        visits = figures_of([], [pair]).visits
        assert visits.keys() == {"femur"}
        assert visits["femur"].n == 2
        assert visits["femur"].mean_percent == pytest.approx(2.0)
        assert visits["femur"].worst_percent == pytest.approx(3.0)

    def test_upper_bounds_of_clopper_and_pearson(self) -> None:
        """None of n: 1 - 0.05^(1/n), the rule of three; all of n: everything."""
        assert upper_bound(0, 600) == pytest.approx(1 - 0.05 ** (1 / 600))
        assert upper_bound(3, 600) == pytest.approx(0.01286, abs=2e-4)
        assert upper_bound(4, 4) == 1.0
