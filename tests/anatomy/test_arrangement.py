"""Bones that lie as in a body are believed; those of a mirrored or turned image are doubted."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.arrangement import arrangement_cautions, lateral_by_bones
from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.anatomy.cautions import fibula_offset_mm
from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

KNEE = {
    "femur": (0, 0, 60),
    "tibia": (0, 0, -20),
    "fibula": (-32, 22, -30),
    "patella": (-3, -42, 40),
}
ANKLE = {
    "tibia": (0, 0, 60),
    "fibula": (-28, 8, 45),
    "talus": (0, -6, 0),
    "calcaneus": (-4, 18, -36),
    "navicular": (8, -40, -10),
    "metatarsals": (-4, -70, -40),
}
HIP = {"hip_bone": (30, 0, 50), "femur": (-20, 0, -30)}
"""Middles of the bones of a right limb, LPS millimetres."""

MIRRORS = {"x": (-1, 1, 1), "y": (1, -1, 1), "z": (1, 1, -1)}


def bone_map(
    middles: dict[str, tuple[int, int, int]],
    side: Side = Side.RIGHT,
    *,
    without: tuple[str, ...] = (),
    mirror: tuple[int, int, int] = (1, 1, 1),
    turn_deg: float = 0.0,
) -> BoneMap:
    """Bones as balls, in a limb that is turned about its length and then mirrored."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -118
    grid = Geometry((60, 60, 60), affine, "1")
    points = grid.to_lps(np.moveaxis(np.indices(grid.shape), 0, -1))
    turn = RigidTransform.about(np.zeros(3), np.radians([0, 0, turn_deg]), np.zeros(3))
    sided = np.array([1.0 if side is Side.RIGHT else -1.0, 1.0, 1.0])
    bones = []
    for name, middle in middles.items():
        if name not in without:
            at = turn.apply(np.array(middle) * sided) * mirror
            mask = ((points - at) ** 2).sum(axis=-1) < 11**2
            bones.append(describe_bone(BoneId(name, side), Volume(mask, grid), "test"))
    return BoneMap("v1-s1", "v1", grid, tuple(bones))


def bone(found: BoneMap, name: str) -> Bone:
    return next(one for one in found.bones if one.id.bone == name)


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
@pytest.mark.parametrize("middles", [KNEE, ANKLE, HIP], ids=["knee", "ankle", "hip"])
class TestArrangement:
    @pytest.mark.parametrize("turn_deg", [-35, 0, 35])
    def test_a_limb_is_as_it_is(self, middles, side: Side, turn_deg: float) -> None:
        assert arrangement_cautions(bone_map(middles, side, turn_deg=turn_deg), "here") == []

    def test_upside_down_it_is_not(self, middles, side: Side) -> None:
        (one,) = arrangement_cautions(bone_map(middles, side, mirror=MIRRORS["z"]), "here")
        assert one.code == "bones-out-of-place"
        assert f"mm below the {side.value}" in one.what
        assert one.where == "here"


@pytest.mark.parametrize("middles", [KNEE, ANKLE], ids=["knee", "ankle"])
def test_back_to_front_is_doubted(middles) -> None:
    (one,) = arrangement_cautions(bone_map(middles, mirror=MIRRORS["y"]), "here")
    assert "mm behind the right" in one.what


def test_the_other_limb_s_bones_are_not_compared() -> None:
    right, left = bone_map(KNEE), bone_map(KNEE, Side.LEFT, mirror=MIRRORS["z"])
    mixed = (bone(right, "femur"), bone(left, "tibia"), bone(left, "patella"))
    assert arrangement_cautions(BoneMap("v1-s1", "v1", right.geometry, mixed), "here") == []


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
@pytest.mark.parametrize("turn_deg", [-60, 0, 42, 90])
@pytest.mark.parametrize(
    ("middles", "without"),
    [(KNEE, ()), (ANKLE, ()), (ANKLE, ("metatarsals",)), (ANKLE, ("metatarsals", "navicular"))],
)
class TestLateralByBones:
    def test_the_fibula_is_lateral_however_the_limb_is_turned(
        self, middles, without, turn_deg: float, side: Side
    ) -> None:
        assert self.offset(bone_map(middles, side, without=without, turn_deg=turn_deg)) > 10

    @pytest.mark.parametrize("axis", "xyz")
    def test_in_a_mirror_it_is_not(
        self, middles, without, turn_deg: float, side: Side, axis: str
    ) -> None:
        mirror = MIRRORS[axis]
        turned = bone_map(middles, side, without=without, turn_deg=turn_deg, mirror=mirror)
        assert self.offset(turned) < -10

    @staticmethod
    def offset(found: BoneMap) -> float:
        tibia = bone(found, "tibia")
        lateral = lateral_by_bones(found, tibia)
        assert lateral is not None
        return fibula_offset_mm(tibia, bone(found, "fibula"), lateral)


@pytest.mark.parametrize("missing", ["patella", "femur"])
def test_with_too_few_bones_nothing_is_said(missing: str) -> None:
    found = bone_map(KNEE, without=(missing,))
    assert lateral_by_bones(found, bone(found, "tibia")) is None
