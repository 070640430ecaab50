"""What headers, masks and anatomy say of sides, in both directions; two limbs in one image."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.anatomy.cautions import anatomy_cautions
from marrowtrail.anatomy.mapping import map_bones
from marrowtrail.errors import Caution, Severity
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import (
    BoneLabels,
    Contrast,
    Plane,
    Series,
    Study,
    Visit,
    Weighting,
)
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from tests.anatomy.made_knee import bone, grid

L, R, NONE = Side.LEFT, Side.RIGHT, Side.UNKNOWN
BONES = ("femur", "tibia", "fibula")
WIDE = grid((2.0, 2.0, 2.0), (360.0, 100.0, 150.0))
"""A field of view with room for two knees."""


def at(x_mm: float) -> RigidTransform:
    matrix = np.eye(4)
    matrix[0, 3] = x_mm
    return RigidTransform(matrix)


def drawn(*limbs: tuple[Side, float, Side], geometry: Geometry = WIDE) -> BoneLabels:
    """Knees: the side that each is called, where it lies, and of which side its shape is."""
    data = np.zeros(geometry.shape, dtype=np.int16)
    names: list[tuple[int, BoneId]] = []
    for called, x_mm, shape in limbs:
        for name in BONES:
            value = len(names) + 1
            data[bone(name, shape, geometry, at(x_mm)).data] = value
            names.append((value, BoneId(name, called)))
    return BoneLabels(Volume(data, geometry), tuple(names), "test", "s")


def series(side: Side, geometry: Geometry = WIDE) -> Series:
    volume = Volume(np.zeros(geometry.shape, dtype=np.float32), geometry)
    contrast = Contrast(Weighting.STIR, True, "")
    return Series("v1-s1", "v1", "s", volume, contrast, Plane.CORONAL, "knee", side)


def cautions(one: Series, *masks: BoneLabels) -> tuple[BoneMap, list[Caution]]:
    bone_map = map_bones(one, masks)
    study = Study((Visit("v1", date(2024, 1, 5), (one,), masks),), (), ())
    said = list(anatomy_cautions(study, [bone_map]))
    assert all(one.severity is Severity.UNVERIFIED for one in said)
    assert all(one.where == "v1, series v1-s1" for one in said)
    return bone_map, said


def codes(said: list[Caution]) -> list[str]:
    return [one.code for one in said]


class TestOneLimb:
    @pytest.mark.parametrize("side", [L, R])
    def test_what_agrees_is_no_caution(self, side: Side) -> None:
        for header in (side, NONE):
            _, said = cautions(series(header), drawn((side, 0, side)))
            assert said == []

    @pytest.mark.parametrize("side", [L, R])
    def test_header_against_mask(self, side: Side) -> None:
        _, said = cautions(series(side.opposite), drawn((side, 0, side)))
        assert codes(said) == ["side-disagrees"]
        assert "femur, fibula, tibia" in said[0].what
        assert f"header says {side.opposite.value}, the mask says {side.value}" in said[0].what

    @pytest.mark.parametrize("side", [L, R])
    def test_a_fibula_on_the_medial_side(self, side: Side) -> None:
        """A mirrored image, or a knee called by the other side: header and mask agree."""
        _, said = cautions(series(side), drawn((side, 0, side.opposite)))
        assert codes(said) == ["fibula-medial"]
        assert f"The {side.value} fibula lies" in said[0].what

    def test_without_a_fibula_nothing_is_concluded(self) -> None:
        mask = drawn((R, 0, L))
        names = tuple((value, one) for value, one in mask.names if one.bone != "fibula")
        assert cautions(series(R), replace(mask, names=names))[1] == []

    def test_one_bone_called_by_the_other_side(self) -> None:
        mask = drawn((R, 0, R))
        names = tuple((v, BoneId(b.bone, L if b.bone == "femur" else R)) for v, b in mask.names)
        _, said = cautions(series(NONE), replace(mask, names=names))
        assert codes(said) == ["sides-exchanged"]
        assert "femur" in said[0].what


class TestBothLimbsInOneImage:
    BOTH = ((R, -90.0, R), (L, 90.0, L))

    @pytest.mark.parametrize("header", [NONE, L, R])
    def test_are_two_sets_of_bones_without_complaint(self, header: Side) -> None:
        bone_map, said = cautions(series(header), drawn(*self.BOTH))
        assert said == []
        assert {one.id.side for one in bone_map.bones} == {L, R}
        assert len(bone_map.bones) == 6
        assert all(one.verdict is BoneVerdict.ACCEPTED for one in bone_map.bones)
        for one in bone_map.bones:
            x = WIDE.to_lps(np.argwhere(one.mask.data))[:, 0]
            assert (x > 0).all() if one.id.side is L else (x < 0).all()

    @pytest.mark.parametrize("axis", [0, 2])
    def test_however_the_image_is_stored(self, axis: int) -> None:
        """Reversed axes: what counts is the patient's left, not the order of voxels."""
        affine = WIDE.affine.copy()
        affine[:3, 3] = WIDE.to_lps(np.eye(3)[axis] * (WIDE.shape[axis] - 1))
        affine[:3, axis] *= -1
        geometry = Geometry(WIDE.shape, affine, WIDE.frame_of_reference)
        _, said = cautions(series(NONE, geometry), drawn(*self.BOTH, geometry=geometry))
        assert said == []

    def test_exchanged_sides(self) -> None:
        _, said = cautions(series(NONE), drawn((L, -90.0, R), (R, 90.0, L)))
        assert codes(said) == ["fibula-medial", "fibula-medial", "sides-exchanged"]
        assert "femur, fibula, tibia" in said[-1].what

    def test_a_mirrored_image(self) -> None:
        """Sides exchanged without a fibula to tell: the place alone does."""
        mask = drawn((L, -90.0, L), (R, 90.0, R))
        names = tuple((value, one) for value, one in mask.names if one.bone != "fibula")
        _, said = cautions(series(NONE), replace(mask, names=names))
        assert codes(said) == ["sides-exchanged"]

    def test_a_mask_for_each_limb(self) -> None:
        """None is lost because another came first."""
        masks = [drawn(limb) for limb in self.BOTH]
        bone_map, said = cautions(series(NONE), *masks)
        assert said == []
        assert {(one.id.bone, one.id.side) for one in bone_map.bones} == {
            (name, side) for name in BONES for side in (L, R)
        }

    def test_a_bone_in_two_masks_is_taken_from_the_first(self) -> None:
        first, second = drawn((R, 0.0, R)), drawn((R, 20.0, R))
        bone_map, _ = cautions(series(NONE), first, second)
        alone, _ = cautions(series(NONE), first)
        assert [one.volume_mm3 for one in bone_map.bones] == [o.volume_mm3 for o in alone.bones]

    def test_one_name_for_both_femora_is_not_measured(self) -> None:
        mask = drawn(*self.BOTH)
        data = np.where(mask.labels.data == 4, 1, mask.labels.data)
        names = ((1, BoneId("femur", NONE)),)
        both = replace(mask, labels=mask.labels.with_data(data), names=names)
        bone_map, said = cautions(series(NONE), both)
        assert [one.verdict for one in bone_map.bones] == [BoneVerdict.UNSURE]
        assert codes(said) == ["unsure-bone"]


class TestUnsureBones:
    def said_of(self, unsure: int, *, found: bool) -> list[Caution]:
        one = series(R)
        bone_map = map_bones(one, (drawn((R, 0.0, R)),))
        bones = tuple(
            replace(bone, verdict=BoneVerdict.UNSURE, reason="it is vague", is_found=found)
            if number < unsure
            else bone
            for number, bone in enumerate(bone_map.bones)
        )
        study = Study((Visit("v1", date(2024, 1, 5), (one,), ()),), (), ())
        return list(anatomy_cautions(study, [replace(bone_map, bones=bones)]))

    def test_sure_ones_are_no_caution(self) -> None:
        assert self.said_of(0, found=True) == []

    def test_one_found_bone_is_named_with_the_reason(self) -> None:
        (said,) = self.said_of(1, found=True)
        assert said.code == "unsure-bone"
        assert "right femur is not sure: it is vague. Not measured here." in said.what

    def test_several_found_on_a_series_are_one_caution(self) -> None:
        (said,) = self.said_of(3, found=True)
        assert "3 bones are not sure: right femur, right tibia, right fibula. Not" in said.what

    def test_each_mask_that_was_handed_in_is_said_with_its_reason(self) -> None:
        said = self.said_of(2, found=False)
        assert len(said) == 2
        assert all("it is vague" in one.what and "mask" in one.remedy for one in said)
