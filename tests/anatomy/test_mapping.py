"""Masks win, networks fill in, series of a visit check one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marrowtrail.anatomy.agreement import compared
from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.anatomy.cautions import anatomy_cautions, require_bones
from marrowtrail.anatomy.finding.networks import BoneNetworks
from marrowtrail.anatomy.mapping import describe_bone, lacks_bones, map_bones, map_visit
from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import BoneLabels, Plane, Series, Study, Visit
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side
from tests.anatomy.finding.made import NETWORKS, painted, series_of
from tests.anatomy.made_knee import bone, grid

L, R, NONE = Side.LEFT, Side.RIGHT, Side.UNKNOWN
BONES = ("femur", "tibia", "fibula")
CORONAL = grid((1.2, 4.0, 1.2))
SAGITTAL = grid((4.0, 1.2, 1.2))


def image_of(geometry: Geometry, *names: str, side: Side = R) -> Volume:
    return painted({name: np.asarray(bone(name, side, geometry).data) for name in names}, geometry)


def knee(geometry: Geometry = CORONAL, side: Side = R, *, number: int = 1) -> Series:
    one = series_of(image_of(geometry, *BONES), side)
    return replace(one, id=f"v1-s{number}", source_uid=f"s{number}")


def masks(*names: str, geometry: Geometry = CORONAL, called: str | None = None) -> BoneLabels:
    data = np.zeros(geometry.shape, dtype=np.int16)
    for value, name in enumerate(names, start=1):
        data[bone(name, R, geometry).data] = value
    ids = tuple((value, BoneId(called or name, R)) for value, name in enumerate(names, start=1))
    return BoneLabels(Volume(data, geometry), ids, "DICOM SEG", "s1")


def never(_: np.ndarray) -> np.ndarray:
    raise AssertionError("the networks were asked")


SILENT = BoneNetworks(never, never, NETWORKS.weights)


def kept(bone_map: BoneMap) -> dict[str, Bone]:
    return {one.id.bone: one for one in bone_map.bones}


class TestWhoTellsTheBones:
    def test_masks_of_all_bones_of_the_joint_ask_no_network(self) -> None:
        data = masks(*BONES)
        labels = replace(data, names=(*data.names, (9, BoneId("patella", R))))
        drawn = np.asarray(labels.labels.data).copy()
        drawn[2:14, 2:6, 2:14] = 9
        labels = replace(labels, labels=labels.labels.with_data(drawn))
        (one,) = map_visit([knee()], (labels,), SILENT)
        assert set(kept(one)) == {*BONES, "patella"}
        assert one.network is None
        assert not any(b.is_found for b in one.bones)

    def test_without_masks_the_networks_find_them(self) -> None:
        (one,) = map_visit([knee()], (), NETWORKS)
        assert set(kept(one)) == set(BONES)
        assert one.network is NETWORKS.weights
        for found in one.bones:
            assert found.is_found
            assert found.source == "found by bone network test, side from the image header"

    def test_a_bone_that_the_masks_lack_is_filled_in(self) -> None:
        (one,) = map_visit([knee()], (masks("femur", "tibia"),), NETWORKS)
        assert {name for name, b in kept(one).items() if b.is_found} == {"fibula"}
        assert kept(one)["femur"].source == "DICOM SEG"

    def test_the_mask_wins_wherever_it_lies(self) -> None:
        """A femur drawn where the image shows none: it is not moved, nor drawn twice."""
        drawn = masks("femur")
        moved = drawn.labels.with_data(np.roll(np.asarray(drawn.labels.data), 8, axis=0))
        (one,) = map_visit([knee()], (replace(drawn, labels=moved),), NETWORKS)
        assert np.array_equal(kept(one)["femur"].mask.data, moved.data == 1)

    def test_what_masks_call_by_another_name_is_not_found_again(self) -> None:
        (one,) = map_visit([knee()], (masks("femur", called="hip_bone"),), NETWORKS)
        assert set(kept(one)) == {"hip_bone", "tibia", "fibula"}

    @pytest.mark.parametrize(
        ("part", "drawn", "lacking"),
        [
            ("knee", BONES, True),
            ("knee", (*BONES, "patella"), False),
            ("unknown", ("femur",), False),
            ("sacroiliac", ("femur",), False),
            ("ankle", ("tibia",), True),
            ("knee", (), True),
            ("unknown", (), True),
        ],
    )
    def test_when_the_networks_have_something_to_add(
        self, part: str, drawn: tuple[str, ...], lacking: bool
    ) -> None:
        full = map_bones(knee(), (masks(*BONES),))
        bones = tuple(replace(full.bones[0], id=BoneId(name, R)) for name in drawn)
        series = replace(knee(), body_part=part)
        assert lacks_bones(series, replace(full, bones=bones)) is lacking


class TestSidesWithinAnExam:
    def test_a_series_without_a_side_takes_that_of_the_others(self) -> None:
        silent = replace(series_of(image_of(SAGITTAL, "femur", "tibia"), NONE), id="v1-s2")
        maps = map_visit([knee(), silent], (), NETWORKS)
        assert {b.id.side for b in maps[1].bones} == {R}
        assert all("another series" in b.source for b in maps[1].bones)

    def test_another_frame_of_reference_tells_nothing(self) -> None:
        elsewhere = Geometry(SAGITTAL.shape, SAGITTAL.affine, "9.9")
        silent = replace(series_of(image_of(elsewhere, "femur", "tibia"), NONE), id="v1-s2")
        maps = map_visit([knee(), silent], (), NETWORKS)
        assert {b.id.side for b in maps[1].bones} == {NONE}


def found(name: str, geometry: Geometry, shift: int = 0, side: Side = R) -> Bone:
    data = np.roll(np.asarray(bone(name, side, geometry).data), shift, axis=2)
    one = describe_bone(BoneId(name, side), Volume(data, geometry), "found")
    return replace(one, is_found=True)


def map_of(*bones: Bone, number: int = 1) -> BoneMap:
    return BoneMap(f"v1-s{number}", "v1", bones[0].mask.geometry, bones)


class TestSeriesOfAVisitAgree:
    def verdicts(self, *maps: BoneMap) -> list[list[BoneVerdict]]:
        return [[b.verdict for b in one.bones] for one in compared(maps)]

    def test_the_same_bone_in_two_planes_is_sure(self) -> None:
        """Slices of 4 mm, coronal and sagittal."""
        maps = [map_of(found(name, CORONAL), found("tibia", CORONAL)) for name in ("femur",)]
        maps.append(map_of(found("femur", SAGITTAL), found("tibia", SAGITTAL), number=2))
        assert self.verdicts(*maps) == [[BoneVerdict.ACCEPTED] * 2] * 2

    def test_drawn_elsewhere_neither_of_two_is_believed(self) -> None:
        maps = map_of(found("tibia", CORONAL)), map_of(found("tibia", SAGITTAL, shift=30), number=2)
        first, second = compared(maps)
        assert first.bones[0].verdict is second.bones[0].verdict is BoneVerdict.UNSURE
        assert "1 of 1 other series of the visit disagree" in first.bones[0].reason

    def test_one_of_three_is_outvoted(self) -> None:
        maps = [
            map_of(found("tibia", CORONAL)),
            map_of(found("tibia", SAGITTAL), number=2),
            map_of(found("tibia", CORONAL, shift=30), number=3),
        ]
        assert self.verdicts(*maps) == [
            [BoneVerdict.ACCEPTED],
            [BoneVerdict.ACCEPTED],
            [BoneVerdict.UNSURE],
        ]

    def test_a_bone_that_the_other_does_not_see_is_unsure(self) -> None:
        maps = [
            map_of(found("tibia", CORONAL), found("femur", CORONAL)),
            map_of(found("femur", SAGITTAL), number=2),
        ]
        assert self.verdicts(*maps)[0] == [BoneVerdict.UNSURE, BoneVerdict.ACCEPTED]

    def test_one_that_the_other_does_not_show_is_not_blamed(self) -> None:
        tall = grid((4.0, 1.2, 1.2), (120.0, 100.0, 30.0))
        above = Geometry(tall.shape, tall.affine + np.outer([0, 0, 52.0, 0], [0, 0, 0, 1]), "1.2.3")
        maps = [map_of(found("tibia", CORONAL)), map_of(found("femur", above), number=2)]
        assert self.verdicts(*maps)[0] == [BoneVerdict.ACCEPTED]

    def test_another_frame_or_side_is_not_compared(self) -> None:
        elsewhere = Geometry(CORONAL.shape, CORONAL.affine, "9.9")
        maps = [
            map_of(found("tibia", CORONAL)),
            map_of(found("tibia", elsewhere, shift=30), number=2),
        ]
        assert self.verdicts(*maps) == [[BoneVerdict.ACCEPTED]] * 2

    def test_a_mask_is_compared_with_and_never_judged(self) -> None:
        mask = replace(found("tibia", CORONAL), is_found=False)
        maps = [map_of(mask), map_of(found("tibia", SAGITTAL, shift=30), number=2)]
        assert self.verdicts(*maps) == [[BoneVerdict.ACCEPTED], [BoneVerdict.UNSURE]]


class TestWhatAReaderIsTold:
    def said(self, *series: Series) -> dict[str, Severity]:
        from datetime import date

        study = Study((Visit("v1", date(2024, 1, 5), series, ()),), (), ())
        maps = map_visit(series, (), NETWORKS)
        return {one.code: one.severity for one in anatomy_cautions(study, maps)}

    def test_a_sure_knee_gives_no_caution(self) -> None:
        assert "side-unknown" not in self.said(knee())
        assert "no-bones" not in self.said(knee())

    def test_no_bone(self) -> None:
        empty = series_of(Volume(np.zeros(CORONAL.shape, np.float32), CORONAL))
        assert self.said(empty)["no-bones"] is Severity.NOTE

    def test_no_side(self) -> None:
        unsided = series_of(image_of(CORONAL, "femur", "tibia"), NONE)
        assert self.said(unsided)["side-unknown"] is Severity.UNVERIFIED

    def test_the_wrong_side(self) -> None:
        assert self.said(knee(side=L))["fibula-medial"] is Severity.UNVERIFIED

    def test_a_study_without_any_bone_is_refused(self) -> None:
        from datetime import date

        empty = series_of(Volume(np.zeros(CORONAL.shape, np.float32), CORONAL))
        study = Study((Visit("v1", date(2024, 1, 5), (empty,), ()),), (), ())
        with pytest.raises(InputError, match="no bone of those was recognised"):
            require_bones(study, map_visit([empty], (), NETWORKS))
        require_bones(study, map_visit([knee()], (), NETWORKS))


@pytest.mark.parametrize("plane", list(Plane))
def test_a_mask_of_any_shape_can_be_described(plane: Plane) -> None:
    """What networks draw on a wrong image has no shape of a bone, and must end in no error."""
    rng = np.random.default_rng(list(Plane).index(plane))
    spacing = [1.5, 1.5, 1.5]
    spacing[list(Plane).index(plane)] = 4.0
    geometry = grid((spacing[0], spacing[1], spacing[2]), (60.0, 60.0, 60.0))
    for name in ("femur", "tibia", "patella", "talus", "calcaneus", "hip_bone", "metatarsals"):
        for share in (0.001, 0.02, 0.4):
            data = rng.random(geometry.shape) < share
            one = describe_bone(BoneId(name, NONE), Volume(data, geometry), "found")
            assert one.mask.data.any()
