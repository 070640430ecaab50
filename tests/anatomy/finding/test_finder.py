"""Bones found on whole series: place, name, side, in any orientation, and when there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrail.anatomy.finding.finder import FoundBone, find_bones, find_in_visit
from marrowtrail.anatomy.finding.sides import SideFrom
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from tests.anatomy.finding.made import NETWORKS, painted, read_levels, series_of
from tests.anatomy.made_knee import bone, grid

L, R, NONE = Side.LEFT, Side.RIGHT, Side.UNKNOWN
BONES = ("femur", "tibia", "fibula")


def dice(first: np.ndarray, second: np.ndarray) -> float:
    both = np.count_nonzero(first & second)
    return 2 * both / (np.count_nonzero(first) + np.count_nonzero(second))


def at(x_mm: float) -> RigidTransform:
    matrix = np.eye(4)
    matrix[0, 3] = x_mm
    return RigidTransform(matrix)


def knees(geometry: Geometry, *limbs: tuple[Side, float]) -> dict[str, np.ndarray]:
    """Masks of knees of the given sides at the given places from left to right."""
    return {
        f"{name}-{side.value}": np.asarray(bone(name, side, geometry, at(x_mm)).data)
        for side, x_mm in limbs
        for name in BONES
    }


def found_on(
    geometry: Geometry, header: Side, *limbs: tuple[Side, float]
) -> dict[BoneId, FoundBone]:
    image = painted(knees(geometry, *limbs), geometry)
    return {one.id: one for one in find_bones(series_of(image, header), NETWORKS)}


THICK = grid((0.8, 0.8, 4.0), (120.0, 100.0, 150.0))
SAGITTAL = grid((4.0, 0.6, 0.6))
OBLIQUE = grid(
    (0.9, 3.5, 0.9),
    directions=np.linalg.qr(np.array([[1.0, 0.12, 0.0], [-0.12, 1.0, 0.2], [0.0, -0.2, 1.0]]))[0]
    * [1, -1, 1],
)
WIDE = grid((1.6, 1.6, 5.0), (360.0, 100.0, 150.0))


@pytest.mark.parametrize("geometry", [THICK, SAGITTAL, OBLIQUE, grid((1.5, 1.5, 1.5))])
def test_each_bone_is_found_where_it_is(geometry: Geometry) -> None:
    found = found_on(geometry, R, (R, 0.0))
    assert set(found) == {BoneId(name, R) for name in BONES}
    for name in BONES:
        one = found[BoneId(name, R)]
        truth = np.asarray(bone(name, R, geometry, at(0.0)).data)
        assert one.mask.geometry.same_grid(geometry)
        assert one.side_from is SideFrom.HEADER
        assert dice(np.asarray(one.mask.data), truth) > (0.95 if name != "fibula" else 0.85)


@pytest.mark.parametrize("flips", [(-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0)])
def test_the_order_in_which_voxels_are_stored_changes_nothing(
    flips: tuple[int, int, int], order: tuple[int, int, int]
) -> None:
    """The same voxels, stored otherwise, give the same bones up to rounding."""
    plain = grid((1.0, 1.0, 3.0))
    image = painted(knees(plain, (R, 0.0)), plain)
    ends = [0 if flip == 1 else n - 1 for flip, n in zip(flips, plain.shape, strict=True)]
    affine = plain.affine.copy()
    affine[:3, 3] = plain.to_lps(np.array(ends))
    affine[:3, :3] = affine[:3, :3] * flips
    affine = affine[:, [*order, 3]]
    data = np.transpose(np.asarray(image.data)[tuple(slice(None, None, f) for f in flips)], order)
    stored = Volume(data, Geometry((data.shape[0], data.shape[1], data.shape[2]), affine, "1.2.3"))
    usual = find_bones(series_of(image), NETWORKS)
    other = find_bones(series_of(stored), NETWORKS)
    assert [one.id for one in usual] == [one.id for one in other]
    for first, second in zip(usual, other, strict=True):
        back = np.transpose(np.asarray(second.mask.data), np.argsort(order))
        back = back[tuple(slice(None, None, f) for f in flips)]
        assert dice(back, np.asarray(first.mask.data)) > 0.999


class TestSides:
    @pytest.mark.parametrize("side", [L, R])
    def test_a_silent_header_leaves_it_to_the_fibula(self, side: Side) -> None:
        found = found_on(THICK, NONE, (side, 0.0))
        assert set(found) == {BoneId(name, side) for name in BONES}
        assert {one.side_from for one in found.values()} == {SideFrom.ANATOMY}

    def test_without_a_fibula_it_stays_unknown(self) -> None:
        masks = knees(THICK, (R, 0.0))
        del masks["fibula-right"]
        found = find_bones(series_of(painted(masks, THICK), NONE), NETWORKS)
        assert {one.id.side for one in found} == {NONE}
        assert {one.side_from for one in found} == {SideFrom.NOTHING}

    @pytest.mark.parametrize("side", [L, R])
    def test_the_header_is_not_overruled(self, side: Side) -> None:
        found = found_on(THICK, side.opposite, (side, 0.0))
        assert {one.side for one in found} == {side.opposite}

    @pytest.mark.parametrize("header", [NONE, L, R])
    def test_two_limbs_are_two_sets_of_bones(self, header: Side) -> None:
        found = found_on(WIDE, header, (R, -90.0), (L, 90.0))
        assert set(found) == {BoneId(name, side) for name in BONES for side in (L, R)}
        assert {one.side_from for one in found.values()} == {SideFrom.PLACE}
        for bone_id, one in found.items():
            x_mm = WIDE.to_lps(np.argwhere(one.mask.data))[:, 0]
            assert (x_mm > 0).all() if bone_id.side is L else (x_mm < 0).all()

    def test_a_limb_that_the_image_grazes_makes_no_second_limb(self) -> None:
        masks = knees(WIDE, (R, -60.0))
        sliver = np.asarray(bone("femur", L, WIDE, at(150.0)).data).copy()
        sliver[: int(0.97 * WIDE.shape[0])] = False
        masks["femur-left"] = sliver
        found = find_bones(series_of(painted(masks, WIDE), R), NETWORKS)
        assert {one.id.side for one in found} == {R}
        femur = next(one for one in found if one.id.bone == "femur")
        assert not (np.asarray(femur.mask.data) & sliver).any()


class TestNothingThere:
    @pytest.mark.parametrize(
        "data",
        [
            np.zeros((40, 40, 20), np.float32),
            np.full((40, 40, 20), 7.0, np.float32),
        ],
        ids=["empty", "even"],
    )
    def test_no_bone_in_an_image_without_any(self, data: np.ndarray) -> None:
        volume = Volume(data, Geometry((40, 40, 20), np.diag([3.0, 3.0, 4.0, 1.0])))
        assert find_bones(series_of(volume), NETWORKS) == ()

    def test_what_noise_looks_like_is_never_sure(self) -> None:
        """These networks see bone in noise; the verdict does not believe them."""
        rng = np.random.default_rng(5)
        data = rng.normal(10.0, 1.0, (60, 60, 30)).astype(np.float32)
        volume = Volume(data, Geometry((60, 60, 30), np.diag([2.4, 2.4, 4.0, 1.0])))
        found = find_bones(series_of(volume), NETWORKS)
        assert found
        assert all(one.doubts for one in found)

    def test_one_slice_is_no_error(self) -> None:
        geometry = grid((1.0, 1.0, 4.0), (120.0, 100.0, 4.0))
        found = found_on(geometry, R, (R, 0.0))
        assert all(one.mask.data.any() for one in found.values())

    def test_five_slices_hold_what_is_in_them(self) -> None:
        geometry = grid((3.0, 0.8, 0.8), (15.0, 100.0, 150.0))
        found = found_on(geometry, R, (R, 20.0))
        assert {"femur", "tibia"} <= {one.bone for one in found}


def test_a_lesion_inside_a_bone_makes_no_hole() -> None:
    geometry = grid((1.0, 1.0, 3.0))
    masks = knees(geometry, (R, 0.0))
    image = painted(masks, geometry)
    ijk = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    away = np.linalg.norm(geometry.to_lps(ijk) - [20.0, 4.0, 26.0], axis=-1)
    data = np.where(away < 7.0, 10.0, np.asarray(image.data)).astype(np.float32)
    found = find_bones(series_of(image.with_data(data)), NETWORKS)
    femur = next(one for one in found if one.id.bone == "femur")
    assert np.asarray(femur.mask.data)[away < 7.0].all()


def test_a_stray_island_is_left_out() -> None:
    geometry = grid((1.2, 1.2, 3.0), (200.0, 100.0, 150.0))
    masks = knees(geometry, (R, 30.0))
    ijk = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    island = np.linalg.norm(geometry.to_lps(ijk) - [-70.0, 0.0, 30.0], axis=-1) < 9.0
    found = find_bones(series_of(painted({**masks, "femur-stray": island}, geometry)), NETWORKS)
    femur = next(one for one in found if one.id.bone == "femur")
    assert not np.asarray(femur.mask.data)[island].any()


def test_the_same_again_to_the_last_bit() -> None:
    image = painted(knees(THICK, (R, 0.0)), THICK)
    noisy = image.with_data(
        np.asarray(image.data) + np.random.default_rng(2).normal(0, 3, THICK.shape)
    )
    runs = [find_bones(series_of(noisy), NETWORKS) for _ in range(2)]
    for first, second in zip(*runs, strict=True):
        assert first.id == second.id
        assert np.array_equal(first.mask.data, second.mask.data)
        assert first.evidence == second.evidence


def test_memory_of_a_large_volume_is_bounded() -> None:
    """What the networks are asked at once, for a 3-D series of 24 million voxels."""
    asked = []

    def counted(network):  # type: ignore[no-untyped-def]
        def ask(question: np.ndarray) -> np.ndarray:
            asked.append(question.nbytes)
            return np.asarray(network(question))

        return ask

    geometry = Geometry((384, 384, 160), np.diag([0.4, 0.4, 0.8, 1.0]), "1.2.3")
    shifted = replace(geometry)
    affine = geometry.affine.copy()
    affine[:3, 3] = -geometry.centre_lps
    shifted = Geometry(geometry.shape, affine, "1.2.3")
    femur = np.zeros(geometry.shape, dtype=bool)
    femur[100:250, 120:260, 40:120] = True
    networks = replace(NETWORKS, coarse=counted(NETWORKS.coarse), fine=counted(NETWORKS.fine))
    found = find_bones(series_of(painted({"femur": femur}, shifted)), networks)
    assert [one.id.bone for one in found] == ["femur"]
    assert max(asked) < 10_000_000
    assert all(one.mask.data.nbytes == geometry.shape[0] * 384 * 160 for one in found)


class TestSeriesOfAVisit:
    """A series on which nothing can be told, beside one that shows the bones."""

    @pytest.mark.parametrize("same_frame", [True, False])
    def test_one_helps_the_other_in_its_frame_only(self, same_frame: bool) -> None:
        clear = painted(knees(THICK, (R, 0.0)), THICK)
        frame = "1.2.3" if same_frame else "9.9.9"
        grey = painted(knees(SAGITTAL, (R, 0.0)), SAGITTAL)
        vague = Volume(np.asarray(grey.data), replace(SAGITTAL, frame_of_reference=frame))
        asked = list[int]()

        def knows_nothing_of_the_first(question: np.ndarray) -> np.ndarray:
            asked.append(1)
            logits = read_levels(question)
            if len(asked) > 2:  # the image and its mirror image
                return logits
            logits[:] = 0.0
            logits[:, 0] = 0.1
            return logits

        networks = replace(NETWORKS, coarse=knows_nothing_of_the_first)
        found, _ = find_in_visit([series_of(vague), series_of(clear)], networks)
        assert {one.id.bone for one in found} == (set(BONES) if same_frame else set())
        for one in found:
            truth = np.asarray(bone(one.id.bone, R, SAGITTAL, at(0.0)).data)
            assert dice(np.asarray(one.mask.data), truth) > 0.8
