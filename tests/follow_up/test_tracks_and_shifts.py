"""Identity and migration on lesions whose story is known."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.follow_up.change import compare
from marrowtrail.follow_up.matching import shared_fraction
from marrowtrail.follow_up.shifts import find_shifts, shift_kind
from marrowtrail.follow_up.track import Change, ShiftKind, Verification
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.lesions.lesion import BoneReading, Lesion, VolumeEstimate
from marrowtrail.record.sites import BoneId, Side
from tests.follow_up.made_visits import (
    FEMUR,
    TIBIA,
    atlas,
    bone_map,
    dates,
    edges,
    lesion,
    reading,
    registration,
)


def told(readings: list[BoneReading], maps: list, registrations: list, visits: tuple[str, ...]):  # type: ignore[no-untyped-def, type-arg]
    lesions = {one.id: one for r in readings for one in r.lesions}
    known = atlas(readings, maps, registrations)
    matches = edges(readings, registrations, known)
    tracks = build_tracks(lesions, matches, visits, known)
    return tracks, find_shifts(lesions, tracks, dates(*visits), known)


def two_visits(first: list[Lesion], second: list[Lesion], **kwargs):  # type: ignore[no-untyped-def]
    """Femur and tibia, both imaged and read at both visits."""
    readings = [
        reading(visit, bone, *(one for one in lesions if one.bone == bone))
        for visit, lesions in (("v1", first), ("v2", second))
        for bone in (FEMUR, TIBIA)
    ]
    maps = [bone_map("v1", FEMUR, TIBIA), bone_map("v2", FEMUR, TIBIA)]
    registrations = [registration("v1", "v2", bone, **kwargs) for bone in (FEMUR, TIBIA)]
    return told(readings, maps, registrations, ("v1", "v2"))


class TestMatching:
    def test_the_same_place_is_one_lesion(self) -> None:
        a, b = lesion("v1", FEMUR, "medial_condyle"), lesion("v2", FEMUR, "medial_condyle")
        tracks, _ = two_visits([a], [b])
        assert [track.lesions for track in tracks] == [(a.id, b.id)]
        assert tracks[0].change is Change.WITHIN_NOISE
        assert tracks[0].verified

    def test_another_place_is_another_lesion(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        b = lesion("v2", FEMUR, "medial_condyle", start=(25, 25, 12))
        tracks, _ = two_visits([a], [b])
        assert [track.lesions for track in tracks] == [(a.id,), (b.id,)]

    def test_the_motion_of_the_bone_is_followed(self) -> None:
        motion = RigidTransform.about(np.zeros(3), np.zeros(3), np.array([20.0, 0.0, 0.0]))
        a = lesion("v1", FEMUR, "medial_condyle")
        b = lesion("v2", FEMUR, "medial_condyle", start=(20, 10, 5))
        assert shared_fraction(a, b, motion) == 1.0
        assert shared_fraction(a, b, RigidTransform.identity()) == 0.0
        assert shared_fraction(a, b, motion.inverse()) == 0.0

    def test_an_unverified_pair_matches_by_region_and_says_so(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        far = lesion("v2", FEMUR, "medial_condyle", start=(25, 25, 12))
        tracks, _ = two_visits([a], [far], verification=Verification.UNVERIFIED)
        assert tracks[0].lesions == (a.id, far.id)
        assert not tracks[0].verified

    def test_an_impossible_pair_matches_nothing(self) -> None:
        a, b = lesion("v1", FEMUR, "medial_condyle"), lesion("v2", FEMUR, "medial_condyle")
        tracks, _ = two_visits([a], [b], verification=Verification.IMPOSSIBLE)
        assert len(tracks) == 2

    def test_what_cannot_be_compared_is_neither_clear_nor_left(self) -> None:
        a, b = lesion("v1", FEMUR, "medial_condyle"), lesion("v2", TIBIA, "medial_plateau")
        tracks, shifts = two_visits([a], [b], verification=Verification.IMPOSSIBLE)
        assert [track.clear_at for track in tracks] == [(), ()]
        assert shifts == ()

    def test_by_region_a_shift_is_seen_and_not_verified(self) -> None:
        a, b = lesion("v1", FEMUR, "medial_condyle"), lesion("v2", TIBIA, "medial_plateau")
        _, shifts = two_visits([a], [b], verification=Verification.UNVERIFIED)
        assert [shift.verified for shift in shifts] == [False]

    def test_a_split_is_seen(self) -> None:
        whole = lesion("v1", FEMUR, "medial_condyle", size=8)
        parts = [
            lesion("v2", FEMUR, "medial_condyle", start=(10, 10, 5), size=3, number=1),
            lesion("v2", FEMUR, "medial_condyle", start=(15, 15, 10), size=3, number=2),
        ]
        tracks, _ = two_visits([whole], parts)
        assert len(tracks) == 1
        assert tracks[0].change is Change.SPLIT


class TestChange:
    @pytest.mark.parametrize(
        ("before", "after", "change"),
        [
            (1000, 1100, Change.WITHIN_NOISE),
            (1000, 1600, Change.GROWING),
            (1000, 500, Change.SHRINKING),
            (300, 400, Change.WITHIN_NOISE),
            (300, 600, Change.GROWING),
        ],
    )
    def test_more_than_noise(self, before: float, after: float, change: Change) -> None:
        def volume(v: float) -> VolumeEstimate:
            return VolumeEstimate(v, 0.95 * v, 1.05 * v)

        assert compare(volume(before), volume(after)) is change

    def test_overlapping_intervals_are_no_change(self) -> None:
        wide = VolumeEstimate(1000, 500, 1700)
        assert compare(wide, VolumeEstimate(1600, 1500, 1700)) is Change.WITHIN_NOISE


class TestCourse:
    def test_resolved_needs_a_visit_that_read_the_bone(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        tracks, _ = two_visits([a], [])
        assert tracks[0].change is Change.RESOLVED
        assert tracks[0].clear_at == ("v2",)

    def test_not_imaged_is_not_resolved(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        tracks, _ = told([reading("v1", FEMUR, a)], [bone_map("v1", FEMUR)], [], ("v1", "v2"))
        assert tracks[0].change is Change.SINGLE
        assert tracks[0].clear_at == ()

    def test_not_read_is_not_resolved(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        readings = [reading("v1", FEMUR, a), reading("v2", FEMUR, is_read=False)]
        maps = [bone_map("v1", FEMUR), bone_map("v2", FEMUR)]
        tracks, _ = told(readings, maps, [registration("v1", "v2", FEMUR)], ("v1", "v2"))
        assert tracks[0].change is Change.SINGLE

    def test_a_field_of_view_that_leaves_the_lesion_out_is_not_clear(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle", start=(30, 10, 5))
        readings = [reading("v1", FEMUR, a), reading("v2", FEMUR)]
        maps = [bone_map("v1", FEMUR), bone_map("v2", FEMUR, cut=20)]
        tracks, _ = told(readings, maps, [registration("v1", "v2", FEMUR)], ("v1", "v2"))
        assert tracks[0].change is Change.SINGLE

    def test_back_after_a_clear_visit_is_recurred(self) -> None:
        first, last = lesion("v1", FEMUR, "medial_condyle"), lesion("v3", FEMUR, "medial_condyle")
        readings = [reading("v1", FEMUR, first), reading("v2", FEMUR), reading("v3", FEMUR, last)]
        maps = [bone_map(visit, FEMUR) for visit in ("v1", "v2", "v3")]
        pairs = [("v1", "v2"), ("v1", "v3"), ("v2", "v3")]
        registrations = [registration(a, b, FEMUR) for a, b in pairs]
        tracks, shifts = told(readings, maps, registrations, ("v1", "v2", "v3"))
        assert [track.change for track in tracks] == [Change.RECURRED]
        assert shifts == ()


class TestShifts:
    def test_gone_here_and_new_there_is_a_shift(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        b = lesion("v2", TIBIA, "lateral_plateau")
        _, shifts = two_visits([a], [b])
        assert [(s.from_lesion, s.to_lesion, s.kind, s.days) for s in shifts] == [
            (a.id, b.id, ShiftKind.WITHIN_JOINT, 60)
        ]
        assert shifts[0].verified

    def test_new_without_anything_fading_is_none(self) -> None:
        a, still = lesion("v1", FEMUR, "medial_condyle"), lesion("v2", FEMUR, "medial_condyle")
        _, shifts = two_visits([a], [still, lesion("v2", TIBIA, "lateral_plateau")])
        assert shifts == ()

    def test_fading_without_anything_new_is_none(self) -> None:
        _, shifts = two_visits([lesion("v1", FEMUR, "medial_condyle")], [])
        assert shifts == ()

    @pytest.mark.parametrize(("read_between", "shifts"), [(False, 1), (True, 0)])
    def test_a_visit_that_was_not_read_does_not_part_a_shift(
        self, read_between: bool, shifts: int
    ) -> None:
        a, b = lesion("v1", FEMUR, "medial_condyle"), lesion("v3", TIBIA, "lateral_plateau")
        readings = [
            reading("v1", FEMUR, a),
            reading("v1", TIBIA),
            reading("v2", FEMUR, is_read=read_between),
            reading("v3", FEMUR),
            reading("v3", TIBIA, b),
        ]
        visits = ("v1", "v2", "v3")
        maps = [bone_map(visit, FEMUR, TIBIA) for visit in visits]
        pairs = [("v1", "v2"), ("v1", "v3"), ("v2", "v3")]
        registrations = [registration(*pair, bone) for pair in pairs for bone in (FEMUR, TIBIA)]
        _, found = told(readings, maps, registrations, visits)
        assert len(found) == shifts
        assert [shift.days for shift in found] == [120] * shifts

    @pytest.mark.parametrize("over", [Verification.VERIFIED, Verification.UNVERIFIED])
    def test_a_pair_that_could_not_be_aligned_hides_no_shift(self, over: Verification) -> None:
        """v1 and v3 only fit by region; v2, aligned with both, shows where oedema went."""
        a = lesion("v1", FEMUR, "medial_condyle")
        b = [lesion(visit, FEMUR, "medial_condyle", start=(25, 25, 12)) for visit in ("v2", "v3")]
        visits = ("v1", "v2", "v3")
        readings = [
            reading(visit, FEMUR, *one)
            for visit, one in zip(visits, ([a], [b[0]], [b[1]]), strict=True)
        ]
        links = [
            registration("v1", "v2", FEMUR),
            registration("v1", "v3", FEMUR, over),
            registration("v2", "v3", FEMUR),
        ]
        tracks, shifts = told(readings, [bone_map(one, FEMUR) for one in visits], links, visits)
        assert [track.lesions for track in tracks] == [(a.id,), (b[0].id, b[1].id)]
        assert [(one.from_lesion, one.to_lesion) for one in shifts] == [(a.id, b[0].id)]
        assert shifts[0].verified

    def test_a_residue_does_not_stop_a_shift(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle", size=8)
        residue = lesion("v2", FEMUR, "medial_condyle", start=(12, 12, 6), size=4)
        _, shifts = two_visits([a], [residue, lesion("v2", TIBIA, "lateral_plateau")])
        assert len(shifts) == 1

    def test_specks_do_not_shift(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle", size=2)
        _, shifts = two_visits([a], [lesion("v2", TIBIA, "lateral_plateau")])
        assert shifts == ()

    def test_a_place_not_imaged_before_is_said(self) -> None:
        a = lesion("v1", FEMUR, "medial_condyle")
        b = lesion("v2", TIBIA, "distal_epiphysis")
        readings = [reading("v1", FEMUR, a), reading("v2", FEMUR), reading("v2", TIBIA, b)]
        maps = [bone_map("v1", FEMUR), bone_map("v2", FEMUR, TIBIA)]
        _, shifts = told(readings, maps, [registration("v1", "v2", FEMUR)], ("v1", "v2"))
        assert shifts[0].kind is ShiftKind.BETWEEN_JOINTS
        assert "had not been imaged" in shifts[0].explanation

    @pytest.mark.parametrize(
        ("here", "there", "kind"),
        [
            ((FEMUR, "medial_condyle"), (FEMUR, "lateral_condyle"), ShiftKind.WITHIN_BONE),
            ((FEMUR, "medial_condyle"), (TIBIA, "lateral_plateau"), ShiftKind.WITHIN_JOINT),
            ((TIBIA, "lateral_plateau"), (TIBIA, "distal_epiphysis"), ShiftKind.BETWEEN_JOINTS),
            (
                (FEMUR, "medial_condyle"),
                (BoneId("femur", Side.LEFT), "medial_condyle"),
                ShiftKind.CONTRALATERAL,
            ),
            (
                (FEMUR, "medial_condyle"),
                (BoneId("tibia", Side.LEFT), "distal_epiphysis"),
                ShiftKind.BETWEEN_JOINTS,
            ),
        ],
    )
    def test_kind(
        self, here: tuple[BoneId, str], there: tuple[BoneId, str], kind: ShiftKind
    ) -> None:
        assert shift_kind(lesion("v1", *here), lesion("v2", *there)) is kind
