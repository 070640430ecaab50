"""Clean-up on the coarse grid: one piece, groups, outgrowths, strays, holes, two limbs."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.finding.coarse import CoarseBones
from marrowtrail.anatomy.finding.naming import named, without_small_holes
from marrowtrail.anatomy.finding.pieces import Piece, Pieces, cleaned
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from tests.anatomy.finding.made import CLASSES

SHAPE = (120, 40, 40)
GRID = Geometry(SHAPE, np.diag([2.4, 2.4, 2.4, 1.0]), "1.2.3")
WHERE = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)


def ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    return np.asarray(np.linalg.norm(WHERE - centre, axis=-1) < radius)


def seen(*named_masks: tuple[str, np.ndarray], sure: float = 0.9) -> CoarseBones:
    """Later masks cover earlier ones."""
    probabilities = np.zeros((len(CLASSES), *SHAPE), dtype=np.float32)
    classes = np.zeros(SHAPE, dtype=int)
    for name, mask in named_masks:
        classes[mask] = CLASSES.index(name)
    for number in range(len(CLASSES)):
        probabilities[number][classes == number] = sure
    probabilities += (1 - sure) / len(CLASSES)
    return coarse_of(probabilities / probabilities.sum(axis=0))


def coarse_of(probabilities: np.ndarray) -> CoarseBones:
    """Both answers alike."""
    answer = np.argmax(probabilities, axis=0).astype(np.uint8)
    return CoarseBones(probabilities, np.stack([answer, answer]), CLASSES, GRID)


def mask_of(pieces: Pieces, bone: str, limb: int = 0) -> np.ndarray:
    return np.asarray(pieces.labels == 1 + pieces.pieces.index(Piece(bone, limb)))


FEMUR = ball((40, 20, 22), 10)


def test_no_bone_is_no_piece() -> None:
    pieces = cleaned(seen())
    assert pieces.pieces == ()
    assert not pieces.labels.any()


def test_a_stray_of_the_same_name_is_left_out_and_a_crumb_is_no_bone() -> None:
    pieces = cleaned(
        seen(("femur", FEMUR), ("femur", ball((60, 8, 8), 4)), ("talus", ball((90, 20, 20), 1.5)))
    )
    assert pieces.pieces == (Piece("femur", 0),)
    assert np.array_equal(pieces.labels == 1, FEMUR)


def test_what_grows_on_a_bone_by_another_name_is_that_bone() -> None:
    cap = FEMUR & (WHERE[..., 0] >= 47)
    pieces = cleaned(seen(("femur", FEMUR), ("cuboid", cap)))
    assert pieces.pieces == (Piece("femur", 0),)
    assert np.array_equal(pieces.labels == 1, FEMUR)


def test_a_neighbour_that_touches_stays_itself() -> None:
    tibia = ball((40, 20, 3), 9.5)
    pieces = cleaned(seen(("femur", FEMUR), ("tibia", tibia & ~FEMUR)))
    assert set(pieces.pieces) == {Piece("femur", 0), Piece("tibia", 0)}
    assert np.array_equal(mask_of(pieces, "tibia"), tibia & ~FEMUR)


def test_a_muscle_that_hangs_on_a_bone_by_a_neck_is_left_out() -> None:
    neck = np.zeros(SHAPE, dtype=bool)
    neck[48:60, 19:21, 21:23] = True
    muscle = ball((66, 20, 22), 8)
    pieces = cleaned(seen(("femur", FEMUR | neck | muscle)))
    found = pieces.labels == 1
    assert not found[muscle].any()
    assert found[FEMUR].mean() > 0.97


def test_a_thin_bone_is_not_cut_at_its_narrowest() -> None:
    shaft = np.zeros(SHAPE, dtype=bool)
    shaft[20:70, 19:21, 21:23] = True
    fibula = shaft | ball((20, 20, 22), 4) | ball((70, 20, 22), 4)
    pieces = cleaned(seen(("fibula", fibula)))
    assert np.array_equal(pieces.labels == 1, fibula)


def test_a_hole_is_filled() -> None:
    hole = ball((40, 20, 22), 3)
    pieces = cleaned(seen(("femur", FEMUR & ~hole)))
    assert np.array_equal(pieces.labels == 1, FEMUR)


def test_a_group_keeps_what_is_near_and_leaves_out_what_is_far() -> None:
    near = [ball((40 + 9 * n, 20, 20), 3.5) for n in range(3)]
    far = ball((110, 20, 20), 3.5)
    pieces = cleaned(seen(*[("metatarsals", one) for one in (*near, far)]))
    assert pieces.pieces == (Piece("metatarsals", 0),)
    assert np.array_equal(pieces.labels == 1, np.logical_or.reduce(near))


class TestTwoLimbs:
    def test_are_parted_midway(self) -> None:
        right, left = ball((20, 20, 20), 9), ball((100, 20, 20), 8)
        pieces = cleaned(seen(("femur", right | left)))
        assert pieces.limbs == 2
        assert pieces.midline_x_mm == pytest.approx(60 * 2.4, abs=3)
        assert np.array_equal(mask_of(pieces, "femur", 0), right)
        assert np.array_equal(mask_of(pieces, "femur", 1), left)

    def test_a_hip_bone_that_reaches_the_other_is_cut_at_the_midline(self) -> None:
        heads = ball((20, 20, 12), 9) | ball((100, 20, 12), 9)
        bar = np.zeros(SHAPE, dtype=bool)
        bar[20:101, 15:26, 28:36] = True
        pieces = cleaned(seen(("femur", heads), ("hip_bone", bar)))
        first, second = mask_of(pieces, "hip_bone", 0), mask_of(pieces, "hip_bone", 1)
        assert np.array_equal(first | second, bar)
        assert abs(int(first.sum()) - int(second.sum())) < 0.05 * bar.sum()

    def test_a_small_second_piece_is_a_stray(self) -> None:
        pieces = cleaned(seen(("femur", ball((20, 20, 20), 9) | ball((100, 20, 20), 4))))
        assert pieces.limbs == 1
        assert pieces.pieces == (Piece("femur", 0),)

    def test_a_second_fibula_makes_no_second_limb_where_a_tibia_runs_across(self) -> None:
        fibulas = ball((20, 20, 20), 5) | ball((76, 20, 20), 5)
        pieces = cleaned(seen(("tibia", ball((48, 20, 20), 16)), ("fibula", fibulas)))
        assert pieces.limbs == 1
        assert {piece.bone for piece in pieces.pieces} == {"tibia", "fibula"}

    def test_a_crumb_between_two_limbs_leaves_them_two(self) -> None:
        femora = ball((20, 20, 20), 9) | ball((100, 20, 20), 8)
        pieces = cleaned(seen(("femur", femora), ("patella", ball((60, 8, 20), 2))))
        assert pieces.limbs == 2
        assert {piece.bone for piece in pieces.pieces} == {"femur"}

    def test_and_does_where_the_tibia_is_there_twice(self) -> None:
        tibias = ball((30, 20, 20), 12) | ball((90, 20, 20), 12)
        fibulas = ball((8, 20, 20), 5) | ball((112, 20, 20), 5)
        pieces = cleaned(seen(("tibia", tibias), ("fibula", fibulas)))
        assert pieces.limbs == 2
        assert len(pieces.pieces) == 4

    def test_two_pieces_near_each_other_are_one_limb(self) -> None:
        pieces = cleaned(seen(("femur", ball((40, 20, 20), 9) | ball((62, 20, 20), 9))))
        assert pieces.limbs == 1

    def test_two_pieces_above_each_other_are_one_limb(self) -> None:
        coarse = seen(("femur", ball((20, 20, 20), 9) | ball((100, 20, 20), 9)))
        swapped = CoarseBones(
            np.swapaxes(coarse.probabilities, 1, 3),
            np.swapaxes(coarse.answers, 1, 3),
            CLASSES,
            Geometry(SHAPE[::-1], np.diag([2.4, 2.4, 2.4, 1.0])),
        )
        assert cleaned(swapped).limbs == 1


class TestNames:
    def test_of_the_nearest_bone_and_none_outside(self) -> None:
        tibia = ball((70, 20, 20), 8)
        coarse = seen(("femur", FEMUR), ("tibia", tibia))
        pieces = cleaned(coarse)
        bone = Volume(ball((40, 20, 22), 12) | ball((70, 20, 20), 9), GRID)
        names = named(bone, coarse, pieces)
        assert not names[~bone.data].any()
        assert (names[bone.data] > 0).all()
        assert (names[38, 20, 33], names[78, 20, 20]) == (1, 2)

    def test_border_between_two_that_touch_follows_the_probabilities(self) -> None:
        """Finer than the coarse grid: the femur's greater certainty moves the border."""
        block = np.zeros(SHAPE, dtype=bool)
        block[20:80, 10:30, 10:30] = True
        coarse = seen(
            ("femur", block & (WHERE[..., 0] < 50)), ("tibia", block & (WHERE[..., 0] >= 50))
        )
        pieces = cleaned(coarse)
        fine = Geometry((400, 1, 1), np.diag([0.6, 2.4, 2.4, 1.0]), "1.2.3")
        affine = fine.affine.copy()
        affine[1:3, 3] = 20 * 2.4
        line = Volume(np.ones((400, 1, 1), dtype=bool), Geometry(fine.shape, affine, "1.2.3"))
        names = named(line, coarse, pieces)[:, 0, 0]
        border = int(np.flatnonzero(np.diff(names))[0]) * 0.6
        assert border == pytest.approx(49.5 * 2.4, abs=0.7)

    def test_without_pieces_there_are_no_names(self) -> None:
        coarse = seen()
        assert not named(Volume(FEMUR, GRID), coarse, cleaned(coarse)).any()


class TestHoles:
    GRID = Geometry((40, 40, 6), np.diag([1.0, 1.0, 4.0, 1.0]))

    def plate(self, hole: slice) -> Volume:
        data = np.zeros(self.GRID.shape, dtype=bool)
        data[5:35, 5:35, 1:5] = True
        data[hole, hole, 2] = False
        return Volume(data, self.GRID)

    def test_a_small_one_is_filled_in_its_slice(self) -> None:
        assert without_small_holes(self.plate(slice(18, 24)))[20, 20, 2]

    def test_a_large_one_stays(self) -> None:
        assert not without_small_holes(self.plate(slice(12, 26)))[20, 20, 2]

    def test_a_notch_that_is_open_stays(self) -> None:
        assert not without_small_holes(self.plate(slice(0, 8)))[6, 6, 2]

    def test_nothing_is_filled_outside(self) -> None:
        plate = self.plate(slice(18, 24))
        filled = without_small_holes(plate)
        assert np.count_nonzero(filled) == np.count_nonzero(plate.data) + 36
        assert not without_small_holes(Volume(np.zeros(self.GRID.shape, bool), self.GRID)).any()
