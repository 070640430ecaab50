"""Regions and axes of bones whose anatomy is known by construction."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marrowtrail.anatomy.axes import bone_axes
from marrowtrail.anatomy.bones import Bone, BoneVerdict
from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import vocabulary
from tests.anatomy.made_knee import bone, grid

SIDES = [Side.RIGHT, Side.LEFT]


@cache
def described(name: str, side: Side, **kwargs: object) -> Bone:
    geometry = grid()
    return describe_bone(BoneId(name, side), bone(name, side, geometry, **kwargs), "test")  # type: ignore[arg-type]


def region_at(one: Bone, point_lps: tuple[float, float, float]) -> str | None:
    ijk = np.rint(one.regions.geometry.to_ijk(np.array(point_lps))).astype(int)
    index = int(one.regions.data[tuple(ijk)])
    return one.region_names[index - 1] if index else None


def mirrored(point: tuple[float, float, float], side: Side) -> tuple[float, float, float]:
    return point if side is Side.RIGHT else (-point[0], point[1], point[2])


@pytest.mark.parametrize("side", SIDES)
class TestRegionsOfTheKnee:
    @pytest.mark.parametrize(
        ("point", "region"),
        [
            ((22, 10, 12), "medial_condyle"),
            ((-22, 10, 12), "lateral_condyle"),
            ((0, -18, 25), "trochlea"),
            ((-22, -18, 25), "trochlea"),
            ((18, -18, 25), "medial_condyle"),
            ((0, 0, 50), "distal_metaphysis"),
        ],
    )
    def test_femur(self, side: Side, point: tuple[float, float, float], region: str) -> None:
        assert region_at(described("femur", side), mirrored(point, side)) == region

    def test_femoral_shaft(self, side: Side) -> None:
        geometry = grid(extent_mm=(120.0, 100.0, 230.0))
        femur = describe_bone(BoneId("femur", side), bone("femur", side, geometry), "test")
        assert region_at(femur, (0, 0, 100)) == "shaft"

    @pytest.mark.parametrize(
        ("point", "region"),
        [
            ((22, 0, -8), "medial_plateau"),
            ((-22, 0, -8), "lateral_plateau"),
            ((0, 0, -6), "subspinous"),
            ((0, 0, -40), "proximal_metaphysis"),
            ((0, 0, -70), "shaft"),
        ],
    )
    def test_tibia(self, side: Side, point: tuple[float, float, float], region: str) -> None:
        assert region_at(described("tibia", side), mirrored(point, side)) == region

    def test_fibular_head(self, side: Side) -> None:
        one = described("fibula", side)
        assert region_at(one, mirrored((-34, 18, -24), side)) == "proximal_epiphysis"
        assert region_at(one, mirrored((-32, 18, -50), side)) == "proximal_metaphysis"
        assert region_at(one, mirrored((-32, 18, -65), side)) == "shaft"

    def test_a_bent_fibula_is_measured_along_itself(self, side: Side) -> None:
        motion = RigidTransform.about(
            np.array([0, 18.0, -24.0]), np.radians([-55, 0, 0]), np.zeros(3)
        )
        one = described("fibula", side, motion=motion)
        for depth, region in (
            (12, "proximal_epiphysis"),
            (35, "proximal_metaphysis"),
            (60, "shaft"),
        ):
            moved = motion.apply(np.array(mirrored((-32.0, 18.0, -15.0 - depth), side)))
            assert region_at(one, tuple(moved)) == region

    def test_lateral_points_away_from_the_midline(self, side: Side) -> None:
        axes = described("femur", side).axes
        assert axes.lateral[0] * (-1 if side is Side.RIGHT else 1) > 0.95
        assert axes.anterior[1] < -0.95
        assert axes.proximal[2] > 0.95


class TestTheSideDecides:
    def test_the_same_mask_read_as_the_other_side_swaps_medial_and_lateral(self) -> None:
        mask = bone("tibia", Side.RIGHT, grid())
        as_left = describe_bone(BoneId("tibia", Side.LEFT), mask, "test")
        assert region_at(as_left, (22, 0, -8)) == "lateral_plateau"


class TestRobustness:
    @settings(max_examples=12, deadline=None)
    @given(
        tilt=st.tuples(*[st.floats(-12, 12) for _ in range(3)]),
        side=st.sampled_from(SIDES),
    )
    def test_a_tilted_limb_keeps_its_condyles(
        self, tilt: tuple[float, float, float], side: Side
    ) -> None:
        motion = RigidTransform.about(np.zeros(3), np.radians(tilt), np.array([3.0, -4.0, 2.0]))
        femur = described("femur", side, motion=motion)
        for point, region in (
            ((22.0, 10.0, 12.0), "medial_condyle"),
            ((-22.0, 10.0, 12.0), "lateral_condyle"),
        ):
            moved = motion.apply(np.array(mirrored(point, side)))
            assert region_at(femur, tuple(moved)) == region

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
    @pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
    def test_axis_order_and_mirrored_storage_change_nothing(
        self, order: tuple[int, int, int], flips: tuple[int, int, int]
    ) -> None:
        directions = np.eye(3)[:, list(order)] * np.asarray(flips)
        extent = np.asarray((120.0, 100.0, 150.0))[list(order)]
        geometry = grid((1.5, 1.5, 1.5), (extent[0], extent[1], extent[2]), directions=directions)
        tibia = describe_bone(
            BoneId("tibia", Side.RIGHT), bone("tibia", Side.RIGHT, geometry), "test"
        )
        assert region_at(tibia, (22, 0, -8)) == "medial_plateau"
        assert region_at(tibia, (-22, 0, -8)) == "lateral_plateau"

    def test_a_piece_of_shaft_has_no_regions(self) -> None:
        geometry = grid(extent_mm=(60.0, 60.0, 60.0))
        ijk = np.stack(np.meshgrid(*(np.arange(60),) * 3, indexing="ij"), axis=-1)
        points = geometry.to_lps(ijk)
        mask = Volume(np.hypot(points[..., 0], points[..., 1]) < 15, geometry)
        shaft = describe_bone(BoneId("tibia", Side.LEFT), mask, "test")
        assert shaft.region_names == ()
        assert not shaft.regions.data.any()
        assert shaft.touches_edge

    def test_every_region_is_a_word_of_the_vocabulary(self) -> None:
        for name in ("femur", "tibia", "fibula"):
            known = {region.key for region in vocabulary().bone(name).regions}
            assert set(described(name, Side.LEFT).region_names) <= known

    def test_an_empty_mask_has_no_axes(self) -> None:
        geometry = grid((5.0, 5.0, 5.0))
        with pytest.raises(ValueError, match="empty"):
            bone_axes(BoneId("femur", Side.LEFT), Volume(np.zeros(geometry.shape, bool), geometry))


class TestVerdict:
    def test_two_equal_pieces_are_unsure(self) -> None:
        geometry = grid((2.0, 2.0, 2.0))
        data = np.zeros(geometry.shape, dtype=bool)
        data[5:15, 10:20, 10:20] = True
        data[30:40, 10:20, 10:20] = True
        one = describe_bone(BoneId("patella", Side.LEFT), Volume(data, geometry), "test")
        assert one.verdict is BoneVerdict.UNSURE
        assert "2 pieces" in one.reason

    def test_crumbs_are_dropped_and_the_bone_accepted(self) -> None:
        geometry = grid((2.0, 2.0, 2.0))
        data = np.zeros(geometry.shape, dtype=bool)
        data[5:15, 10:20, 10:20] = True
        data[40, 30, 30] = True
        one = describe_bone(BoneId("patella", Side.LEFT), Volume(data, geometry), "test")
        assert one.verdict is BoneVerdict.ACCEPTED
        assert not one.mask.data[40, 30, 30]

    def test_bones_that_are_a_group_may_be_in_pieces(self) -> None:
        geometry = grid((2.0, 2.0, 2.0))
        data = np.zeros(geometry.shape, dtype=bool)
        data[5:15, 10:20, 10:20] = True
        data[30:40, 10:20, 10:20] = True
        one = describe_bone(BoneId("metatarsals", Side.LEFT), Volume(data, geometry), "test")
        assert one.verdict is BoneVerdict.ACCEPTED
        assert one.mask.data[35, 15, 15]
