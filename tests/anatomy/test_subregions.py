"""Subregions nest in regions, and depth is counted from the joint surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from pydicom.sr.codedict import codes

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.anatomy.mapping import describe_bone
from marrowtrail.anatomy.subchondral import joint_distance_mm
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import Subregion, Uncoded, vocabulary
from tests.anatomy.made_knee import bone, grid

GRID = grid((1.5, 1.5, 1.5))
SIDES = [Side.RIGHT, Side.LEFT]
PS3_16 = {
    "HeadOfFemur": ("femur", "head"),
    "ShaftOfFemur": ("femur", "shaft"),
    "ShaftOfTibia": ("tibia", "shaft"),
    "Acetabulum": ("hip_bone", "acetabulum"),
    "Ilium": ("hip_bone", "ilium"),
    "Ischium": ("hip_bone", "ischium"),
}


def described(name: str, side: Side) -> Bone:
    return describe_bone(BoneId(name, side), bone(name, side, GRID), "test")


def subregion_at(one: Bone, point: tuple[float, float, float], side: Side) -> str | None:
    x, y, z = point
    lps = np.array([x if side is Side.RIGHT else -x, y, z])
    assert one.subregions is not None
    number = int(one.subregions.data[tuple(np.rint(GRID.to_ijk(lps)).astype(int))])
    return one.subregion_names[number - 1] if number else None


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("name", "point", "expected"),
    [
        ("femur", (22, 2, 8), "central_medial_femur"),
        ("femur", (-22, 2, 8), "central_lateral_femur"),
        ("femur", (22, 26, 26), "posterior_medial_femur"),
        ("femur", (-22, 26, 26), "posterior_lateral_femur"),
        ("femur", (8, -20, 28), "medial_trochlea"),
        ("femur", (-8, -20, 28), "lateral_trochlea"),
        ("femur", (0, -20, 28), "medial_trochlea"),
        ("femur", (-3, -20, 28), "medial_trochlea"),
        ("femur", (0, 0, 60), None),
        ("tibia", (22, -14, -8), "anterior_medial_tibia"),
        ("tibia", (22, 0, -8), "central_medial_tibia"),
        ("tibia", (-22, 14, -8), "posterior_lateral_tibia"),
        ("tibia", (0, 0, -6), "subspinous_tibia"),
        ("tibia", (0, 0, -60), None),
    ],
)
def test_each_place_has_its_subregion(
    side: Side, name: str, point: tuple[float, float, float], expected: str | None
) -> None:
    assert subregion_at(described(name, side), point, side) == expected


@pytest.mark.parametrize("name", ["femur", "tibia"])
def test_subregions_nest_in_regions_and_fill_the_joint_end(name: str) -> None:
    one = described(name, Side.LEFT)
    assert one.subregions is not None
    for region in vocabulary().bone(name).regions:
        if region.key not in one.region_names:
            continue
        here = one.regions.data == one.region_names.index(region.key) + 1
        keys = {one.subregion_names[n - 1] for n in np.unique(one.subregions.data[here]) if n}
        assert keys <= {sub.key for sub in region.subregions}
        if region.subregions:
            assert one.subregions.data[here].all()


def test_a_bone_without_subregions_has_none() -> None:
    fibula = described("fibula", Side.RIGHT)
    assert fibula.subregion_names == ()
    assert fibula.subregions is not None
    assert not fibula.subregions.data.any()


def test_moaks_has_fifteen_subregions_at_the_knee() -> None:
    words = vocabulary()
    keys = [
        sub.key
        for name in ("femur", "tibia", "patella")
        for region in words.bone(name).regions
        if region.joint == "knee"
        for sub in region.subregions
    ]
    assert len(keys) == len(set(keys)) == 15


def test_every_part_has_a_code_that_was_looked_up_or_says_why_it_has_none() -> None:
    for term in vocabulary().bones:
        for part in (part for region in term.regions for part in (region, *region.subregions)):
            assert bool(part.codes) != bool(part.uncoded), (term.key, part.key)
            assert all(code.verified for code in part.codes), (term.key, part.key)


def test_only_subregions_of_the_score_are_its_own() -> None:
    """MOAKS divides the joint ends of the knee; everything else is anatomy."""
    words = vocabulary()
    of_score = {
        (term.key, part.key)
        for term in words.bones
        for region in term.regions
        for part in (region, *region.subregions)
        if part.uncoded is Uncoded.OF_A_SCORE
    }
    assert of_score == {
        (name, sub.key)
        for name in ("femur", "tibia", "patella")
        for region in words.bone(name).regions
        if region.joint == "knee"
        for sub in region.subregions
    }


@pytest.mark.parametrize("keyword", PS3_16)
def test_codes_of_snomed_are_those_of_dicom(keyword: str) -> None:
    """Where DICOM PS3.16 names the part too, its code is the same."""
    bone_key, key = PS3_16[keyword]
    (code,) = [one for one in vocabulary().bone(bone_key).region(key).codes if one.scheme == "SCT"]
    assert getattr(codes.SCT, keyword).value == code.value


def test_a_part_with_codes_that_says_it_has_none_is_refused() -> None:
    code = {"scheme": "SCT", "value": "1", "meaning": "x", "verified": True}
    given = {"key": "x", "label": "x", "codes": [code]}
    assert Subregion.model_validate(given).codes
    with pytest.raises(ValidationError, match="x has codes and says that it is uncoded"):
        Subregion.model_validate({**given, "uncoded": "not_found"})


class TestDepthUnderTheJoint:
    def knee(self) -> BoneMap:
        bones = tuple(described(name, Side.RIGHT) for name in ("femur", "tibia"))
        return BoneMap("s", "v", GRID, bones)

    def at(self, distance: np.ndarray, point: tuple[float, float, float]) -> float:
        return float(distance[tuple(np.rint(GRID.to_ijk(np.array(point))).astype(int))])

    def test_it_grows_from_the_plateau_down(self) -> None:
        knee = self.knee()
        distance = joint_distance_mm(knee, knee.bones[1])
        assert distance is not None
        near, deep = (self.at(distance, (22.0, 0.0, z)) for z in (-2.0, -14.0))
        assert near < 3.0
        assert 10.0 < deep < 15.0

    def test_outside_the_bone_there_is_none(self) -> None:
        knee = self.knee()
        distance = joint_distance_mm(knee, knee.bones[1])
        assert distance is not None
        assert not np.isfinite(self.at(distance, (22.0, 0.0, 20.0)))

    def test_without_a_neighbour_the_surface_is_unknown(self) -> None:
        knee = self.knee()
        alone = replace(knee, bones=(knee.bones[1],))
        assert joint_distance_mm(alone, knee.bones[1]) is None

    def test_a_bone_of_the_other_side_is_no_neighbour(self) -> None:
        tibia = described("tibia", Side.RIGHT)
        femur = described("femur", Side.RIGHT)
        other = replace(femur, id=BoneId("femur", Side.LEFT))
        assert joint_distance_mm(BoneMap("s", "v", GRID, (other, tibia)), tibia) is None
