"""What became of a lesion over each interval, on lesions whose story is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from marrowtrail.follow_up.certainty import certainly_only_here_mm3
from marrowtrail.follow_up.change import limits, repeat_factor
from marrowtrail.follow_up.matching import WRONG_MM
from marrowtrail.follow_up.proposals import propose_findings
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import (
    Before,
    BoneRegistration,
    Change,
    FollowUp,
    Shift,
    ShiftKind,
    Track,
    Verification,
)
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.imaging.series import Visit
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion, VolumeEstimate
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import BoneId
from tests.follow_up.made_visits import (
    FEMUR,
    GRID,
    TIBIA,
    atlas,
    bone_map,
    dates,
    edges,
    lesion,
    reading,
    registration,
)

Story = Sequence[Sequence[Lesion]]
"""Lesions of the femur and the tibia, visit by visit; both bones are read at every visit."""


def followed(
    story: Story,
    verification: Verification = Verification.VERIFIED,
    readings: Sequence[BoneReading] = (),
    bones: Sequence[BoneId] = (FEMUR, TIBIA),
) -> FollowUp:
    visits = tuple(f"v{number}" for number in range(1, len(story) + 1))
    readings = readings or [
        reading(visit, bone, *(one for one in lesions if one.bone == bone))
        for visit, lesions in zip(visits, story, strict=True)
        for bone in bones
    ]
    registrations = [
        registration(*pair, bone, verification)
        for pair in combinations(visits, 2)
        for bone in bones
    ]
    known = atlas(list(readings), [bone_map(visit, *bones) for visit in visits], registrations)
    lesions = {one.id: one for each in readings for one in each.lesions}
    matches = edges(readings, registrations, known)
    tracks = build_tracks(lesions, matches, visits, known)
    shifts = find_shifts(lesions, tracks, dates(*visits), known)
    return FollowUp(tuple(registrations), matches, tracks, shifts)


def changes(track: Track) -> list[tuple[str, str, Change]]:
    return [(step.from_visit, step.to_visit, step.change) for step in track.steps]


def here(visit: str, mm3: float | None = None, **kwargs) -> Lesion:  # type: ignore[no-untyped-def]
    made = lesion(visit, FEMUR, "medial_condyle", **kwargs)
    if mm3 is None:
        return made
    return replace(made, volume=VolumeEstimate(mm3, 0.93 * mm3, 1.07 * mm3))


def parts(visit: str) -> list[Lesion]:
    return [
        here(visit, start=(10, 10, 5), size=3, number=1),
        here(visit, start=(15, 15, 10), size=3, number=2),
    ]


class TestSplitAndMerged:
    def test_a_part_that_resolves_after_a_split_is_no_merger(self) -> None:
        (track,) = followed([[here("v1", size=8)], parts("v2"), parts("v3")[:1]]).tracks
        assert changes(track) == [
            ("v1", "v2", Change.SPLIT),
            ("v2", "v3", Change.WITHIN_NOISE),
            ("v2", "v3", Change.RESOLVED),
        ]
        assert track.change is Change.SHRINKING
        assert "2 at v2, 1 at v3" in track.explanation

    def test_two_that_flow_together_have_merged(self) -> None:
        (track,) = followed([parts("v1"), [here("v2", size=8)]]).tracks
        assert changes(track) == [("v1", "v2", Change.MERGED)]
        assert len(track.steps[0].earlier) == 2


class TestOverManyVisits:
    def test_slow_growth_is_seen_against_the_first_sighting(self) -> None:
        story = [[here(f"v{n}", 3000 * 1.18 ** (n - 1))] for n in range(1, 8)]
        (track,) = followed(story).tracks
        assert {step.change for step in track.steps} == {Change.WITHIN_NOISE}
        assert track.change is Change.GROWING
        assert "2.70 times its volume from v1 to v7" in track.explanation

    def test_what_stays_the_same_is_not_growing(self) -> None:
        (track,) = followed([[here(f"v{n}", 3000 + 10 * n)] for n in range(1, 8)]).tracks
        assert track.change is Change.WITHIN_NOISE

    def test_growth_that_ended_is_told_beside_the_last_interval(self) -> None:
        (track,) = followed([[here("v1", 1000)], [here("v2", 4000)], [here("v3", 3900)]]).tracks
        assert track.change is Change.WITHIN_NOISE
        assert track.since_first is not None
        assert track.since_first.change is Change.GROWING

    def test_a_recurrence_is_kept_when_nothing_changes_after_it(self) -> None:
        (track,) = followed([[here("v1")], [], [here("v3")], [here("v4")]]).tracks
        assert changes(track) == [
            ("v1", "v2", Change.RESOLVED),
            ("v2", "v3", Change.RECURRED),
            ("v3", "v4", Change.WITHIN_NOISE),
        ]
        assert "clear at v2, back at v3" in track.explanation

    def test_the_level_of_a_change_is_told(self) -> None:
        (track,) = followed([[here("v1", 1000)], [here("v2", 4000)]]).tracks
        assert "repeats alone give 0.72 to 1.40 times (95%)" in track.explanation


class TestNeverImaged:
    def test_first_seen_where_nobody_had_looked_is_not_new(self) -> None:
        ankle = lesion("v2", TIBIA, "distal_epiphysis")
        readings = [reading("v1", FEMUR), reading("v2", FEMUR), reading("v2", TIBIA, ankle)]
        (track,) = followed([[], []], readings=readings).tracks
        assert track.change is Change.SINGLE
        assert track.steps == ()
        assert track.explanation == "seen at v2; its place was not imaged at v1"

    def test_first_seen_where_it_was_clear_is_new(self) -> None:
        (track,) = followed([[], [here("v2")]]).tracks
        assert track.change is Change.NEW
        assert track.verified

    def test_what_could_not_be_read_is_told_from_what_was_not_imaged(self) -> None:
        readings = [reading("v1", FEMUR, is_read=False), reading("v2", FEMUR, here("v2"))]
        (track,) = followed([[], []], readings=readings).tracks
        assert (track.change, track.explanation) == (
            Change.SINGLE,
            "seen at v2; its bone could not be read at v1",
        )

    def test_where_the_bones_do_not_fit_it_is_unclear(self) -> None:
        (track,) = followed([[], [here("v2")]], Verification.IMPOSSIBLE).tracks
        assert track.change is Change.UNCLEAR
        assert not track.verified
        assert "cannot be compared with the one of v1" in track.explanation


class TestUnverified:
    def test_gone_and_new_by_region_are_not_verified(self) -> None:
        for story, change in (([[here("v1")], []], "resolved"), ([[], [here("v2")]], "new")):
            (track,) = followed(story, Verification.UNVERIFIED).tracks
            assert (track.change.value, track.verified) == (change, False)

    @pytest.mark.parametrize(
        "later",
        [
            [here("v2", start=(2, 2, 2), size=4)],
            [here("v2", start=(20, 20, 8), size=8)],
        ],
    )
    def test_by_region_nothing_is_called(self, later: list[Lesion]) -> None:
        earlier = [here("v1", start=(2, 2, 2), size=4)]
        if later[0].volume.mm3 < 5000:
            earlier.append(here("v1", start=(25, 25, 12), size=4, number=2))
        (track,) = followed([earlier, later], Verification.UNVERIFIED).tracks
        assert track.change is Change.UNCLEAR
        assert not track.verified
        assert "matched by region only" in track.explanation

    @pytest.mark.parametrize(
        ("verification", "state"),
        [
            (Verification.VERIFIED, FindingState.PRESENT),
            (Verification.UNVERIFIED, FindingState.EQUIVOCAL),
        ],
    )
    def test_resolution_is_equivocal_without_an_alignment(
        self, verification: Verification, state: FindingState
    ) -> None:
        readings = [reading("v1", FEMUR, here("v1")), reading("v2", FEMUR)]
        told = followed([[], []], verification, readings)
        visits = [Visit(visit, day, (), ()) for visit, day in dates("v1", "v2").items()]
        found = propose_findings(visits, readings, [], told)
        assert {one.state for one in found if one.key == "resolves_by_3m"} == {state}


class TestDirection:
    @pytest.mark.parametrize(
        ("verification", "state"),
        [
            (Verification.VERIFIED, FindingState.PRESENT),
            (Verification.UNVERIFIED, FindingState.EQUIVOCAL),
        ],
    )
    def test_towards_the_foot_is_certain_only_where_bones_were_aligned(
        self, verification: Verification, state: FindingState
    ) -> None:
        ankle = lesion("v2", TIBIA, "distal_epiphysis")
        readings = [
            reading("v1", FEMUR, here("v1")),
            reading("v2", FEMUR),
            reading("v2", TIBIA, ankle),
        ]
        told = followed([[], []], verification, readings)
        visits = [Visit(visit, day, (), ()) for visit, day in dates("v1", "v2").items()]
        found = propose_findings(visits, readings, [], told)
        assert {one.state for one in found if one.key == "proximal_to_distal_spread"} == {state}


class TestShiftsThatReturn:
    def test_the_way_back_is_seen(self) -> None:
        tibia = [lesion(visit, TIBIA, "lateral_plateau") for visit in ("v1", "v3")]
        shifts = followed([[tibia[0]], [here("v2")], [tibia[1]]]).shifts
        assert [(one.from_lesion, one.to_lesion) for one in shifts] == [
            (tibia[0].id, "v2-femur-1"),
            ("v2-femur-1", tibia[1].id),
        ]
        assert all(one.verified for one in shifts)

    def test_coming_back_alone_is_no_shift(self) -> None:
        assert followed([[here("v1")], [], [here("v3")]]).shifts == ()


class TestWhatAShiftTells:
    @staticmethod
    def shift(story: Story) -> Shift:
        (found,) = followed(story).shifts
        return found

    def test_amounts_and_how_long_both_were_there(self) -> None:
        residue = here("v2", start=(12, 12, 6), size=4)
        arrived = lesion("v2", TIBIA, "lateral_plateau")
        last = lesion("v3", TIBIA, "lateral_plateau")
        found = self.shift([[here("v1", size=8)], [residue, arrived], [last]])
        assert found.before is Before.CLEAR
        assert found.resolved_mm3 == (8**3 - 4**3) * 16
        assert found.appeared_mm3 == 6**3 * 16
        assert (found.overlap_days, found.overlap_at_most_days) == (0, 120)

    def test_a_gap_is_a_negative_overlap(self) -> None:
        found = self.shift([[here("v1")], [lesion("v2", TIBIA, "lateral_plateau")]])
        assert (found.overlap_days, found.overlap_at_most_days) == (-60, 60)

    def test_both_are_there_no_longer_than_the_second_is(self) -> None:
        """The second resolves at v3, before the first does at v4."""
        rest = [here(visit, start=(12, 12, 6), size=4) for visit in ("v2", "v3")]
        arrived = lesion("v2", TIBIA, "lateral_plateau")
        found = self.shift([[here("v1", size=8)], [rest[0], arrived], [rest[1]], []])
        assert (found.overlap_days, found.overlap_at_most_days) == (0, 120)

    def test_both_are_there_until_the_last_visit_that_shows_both(self) -> None:
        rest = [here(visit, start=(12, 12, 6), size=4) for visit in ("v2", "v3")]
        arrived = [lesion(visit, TIBIA, "lateral_plateau") for visit in ("v2", "v3")]
        found = self.shift([[here("v1", size=8)], [rest[0], arrived[0]], [rest[1], arrived[1]], []])
        assert (found.overlap_days, found.overlap_at_most_days) == (60, 180)

    def test_nothing_bounds_it_where_nobody_had_looked(self) -> None:
        ankle = lesion("v2", TIBIA, "distal_epiphysis")
        readings = [
            reading("v1", FEMUR, here("v1")),
            reading("v2", FEMUR),
            reading("v2", TIBIA, ankle),
        ]
        (found,) = followed([[], []], readings=readings).shifts
        assert found.before is Before.NOT_IMAGED
        assert found.kind is ShiftKind.BETWEEN_JOINTS
        assert found.overlap_at_most_days is None

    def test_a_bone_that_could_not_be_read_verifies_no_arrival(self) -> None:
        readings = [
            reading("v1", FEMUR, here("v1")),
            reading("v1", TIBIA, is_read=False),
            reading("v2", FEMUR),
            reading("v2", TIBIA, lesion("v2", TIBIA, "lateral_plateau")),
        ]
        (found,) = followed([[], []], readings=readings).shifts
        assert found.before is Before.NOT_READ
        assert not found.verified


class TestCertainTissue:
    def test_an_unchanged_lesion_has_none(self) -> None:
        (track,) = followed([[here("v1")], [here("v2", start=(11, 10, 5))]]).tracks
        (step,) = track.steps
        assert (step.cleared_mm3, step.appeared_mm3) == (0.0, 0.0)

    def test_one_that_went_along_the_bone_has_both(self) -> None:
        first, second = here("v1", size=8), here("v2", start=(16, 10, 5), size=8)
        (track,) = followed([[first], [second]]).tracks
        (step,) = track.steps
        assert step.change is Change.WITHIN_NOISE
        assert step.cleared_mm3 == step.appeared_mm3
        assert step.cleared_mm3 is not None
        assert 0 < step.cleared_mm3 < first.volume.mm3

    def test_it_is_not_told_by_region(self) -> None:
        (track,) = followed([[here("v1")], [here("v2")]], Verification.UNVERIFIED).tracks
        (step,) = track.steps
        assert (step.cleared_mm3, step.appeared_mm3) == (None, None)

    def test_what_lies_clear_of_another_lesion_counts_however_far_that_is(self) -> None:
        bone = bone_map("v2", FEMUR).bones[0].mask

        def certain(*starts: int) -> float:
            there = [here("v2", start=(start, 10, 5)) for start in starts]
            return certainly_only_here_mm3([here("v1")], there, bone, RigidTransform.identity())

        whole = certain()
        assert whole == pytest.approx(4 * 4 * 6 * 16.0)
        assert (certain(30), certain(18)) == (whole, whole)
        assert 0 < certain(14) < whole
        assert certain(10) == 0

    def test_how_far_it_lies_clear_is_measured_across_corners_too(self) -> None:
        """Against every distance, one by one, from two single voxels."""
        bone = bone_map("v2", FEMUR).bones[0].mask
        dots = np.array([(10, 10, 5), (20, 11, 5)])
        data = np.zeros(GRID.shape, dtype=bool)
        data[tuple(dots.T)] = True
        there = replace(here("v2"), mask=Volume(data, GRID))
        block = here("v1", start=(8, 8, 3))
        found = certainly_only_here_mm3([block], [there], bone, RigidTransform.identity())

        deep = np.argwhere(np.ones((4, 4, 6))) + (9, 9, 3)
        apart = np.linalg.norm((deep[:, None] - dots) * GRID.spacing_mm, axis=-1).min(axis=1)
        half_voxel = max(GRID.spacing_mm) / 2
        clear = np.count_nonzero(apart - half_voxel >= WRONG_MM)
        assert 0 < clear < len(deep)
        assert found == pytest.approx(clear * GRID.voxel_mm3)

    def test_what_is_gone_was_cleared(self) -> None:
        (track,) = followed([[here("v1", size=8)], []]).tracks
        (step,) = track.steps
        assert step.cleared_mm3 is not None
        assert step.cleared_mm3 > 0
        assert step.appeared_mm3 == 0.0


def test_repeats_stay_within_a_factor_both_ways() -> None:
    assert repeat_factor(0.121) == pytest.approx(1.397, abs=0.002)
    assert repeat_factor(0.226) == pytest.approx(1.855, abs=0.005)
    low, high = limits(VolumeEstimate(1000, 900, 1100), VolumeEstimate(2000, 1900, 2100))
    assert low * high == pytest.approx(1.0)


def test_a_registration_between_other_frames_is_not_relied_on() -> None:
    made: BoneRegistration = registration("v1", "v2", FEMUR)
    of = replace(made, from_frame="1.2.3", to_frame="1.2.4")
    assert of.within("1.2.3", "1.2.4") is Verification.VERIFIED
    assert of.within("1.2.3", "1.2.5") is Verification.UNVERIFIED
    assert of.within("1.2.9", "1.2.4") is Verification.UNVERIFIED
    assert replace(of, verification=Verification.IMPOSSIBLE).within("9", "9") is (
        Verification.IMPOSSIBLE
    )
