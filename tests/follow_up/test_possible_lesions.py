"""What only may be oedema is no end of a shift, and never counts as absence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marrowtrail.follow_up.cover import Cover
from marrowtrail.follow_up.proposals import propose_findings
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import Change, FollowUp, Shift, Track, Verification
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.findings import FindingState
from tests.follow_up.made_visits import (
    FEMUR,
    START,
    TIBIA,
    atlas,
    bone_map,
    dates,
    edges,
    lesion,
    reading,
    registration,
)

VISITS = ("v1", "v2")
THERE = lesion("v1", FEMUR, "medial_condyle")
ARRIVED = lesion("v2", TIBIA, "lateral_plateau")


def maybe(visit: str, region: str = "medial_condyle", size: int = 6) -> Lesion:
    return replace(lesion(visit, FEMUR, region, size=size), id=f"{visit}-possible")


def with_possible(one: BoneReading, *possible: Lesion) -> BoneReading:
    return replace(one, possible=possible)


def told(
    readings: list[BoneReading], verification: Verification = Verification.VERIFIED
) -> tuple[tuple[Track, ...], tuple[Shift, ...], Cover]:
    known = atlas(
        readings,
        [bone_map(visit, FEMUR, TIBIA) for visit in VISITS],
        [registration("v1", "v2", bone, verification) for bone in (FEMUR, TIBIA)],
    )
    lesions = {one.id: one for each in readings for one in each.lesions}
    registrations = list(known.registrations.values())
    tracks = build_tracks(lesions, edges(readings, registrations, known), VISITS, known)
    shifts = find_shifts(lesions, tracks, dates(*VISITS), known)
    return tracks, shifts, known.cover(THERE, "v2")


@pytest.mark.parametrize("verification", [Verification.VERIFIED, Verification.UNVERIFIED])
def test_where_oedema_may_be_left_nothing_has_resolved(verification: Verification) -> None:
    left = with_possible(reading("v2", FEMUR), maybe("v2"))
    tracks, _, cover = told([reading("v1", FEMUR, THERE), left], verification)
    assert cover is Cover.POSSIBLE
    assert not cover.tells
    assert tracks[0].change is Change.UNCLEAR
    assert tracks[0].clear_at == ()


def test_what_may_be_oedema_elsewhere_in_the_bone_does_not_matter() -> None:
    far = replace(lesion("v2", FEMUR, "lateral_condyle", start=(25, 25, 12)), id="v2-possible")
    tracks, _, cover = told([reading("v1", FEMUR, THERE), with_possible(reading("v2", FEMUR), far)])
    assert cover is Cover.READ
    assert tracks[0].change is Change.RESOLVED


@pytest.mark.parametrize(("size", "shifts"), [(6, 0), (4, 1)])
def test_a_shift_needs_a_source_that_faded_even_if_what_may_be_left_is_counted(
    size: int, shifts: int
) -> None:
    left = with_possible(reading("v2", FEMUR), maybe("v2", size=size))
    readings = [reading("v1", FEMUR, THERE), left, reading("v1", TIBIA)]
    _, found, _ = told([*readings, reading("v2", TIBIA, ARRIVED)])
    assert len(found) == shifts
    assert not any(shift.verified for shift in found)


def test_what_may_be_oedema_is_no_end_of_a_shift() -> None:
    arrived = replace(ARRIVED, id="v2-possible")
    readings = [reading("v1", FEMUR, THERE), reading("v2", FEMUR), reading("v1", TIBIA)]
    _, found, _ = told([*readings, with_possible(reading("v2", TIBIA), arrived)])
    assert found == ()


def test_a_shift_to_where_oedema_may_have_been_is_not_verified_and_says_so() -> None:
    before = replace(lesion("v1", TIBIA, "lateral_plateau"), id="v1-possible")
    readings = [
        reading("v1", FEMUR, THERE),
        reading("v2", FEMUR),
        with_possible(reading("v1", TIBIA), before),
        reading("v2", TIBIA, ARRIVED),
    ]
    _, (shift,), _ = told(readings)
    assert not shift.verified
    assert "may have been oedematous at v1" in shift.explanation


@pytest.mark.parametrize(
    ("possible", "state"), [(True, FindingState.EQUIVOCAL), (False, FindingState.ABSENT)]
)
def test_neither_oedema_nor_a_shift_is_called_absent(possible: bool, state: FindingState) -> None:
    later = reading("v2", FEMUR)
    readings = [
        reading("v1", FEMUR, THERE),
        with_possible(later, maybe("v2")) if possible else later,
    ]
    track = Track("t1", FEMUR, (THERE.id,), (), Change.SINGLE, True, "test")
    visits = [Visit(visit, dates(*VISITS)[visit], (), ()) for visit in VISITS]
    found = propose_findings(visits, readings, [], FollowUp((), (), (track,), ()))
    states = {(one.key, one.visit): one.state for one in found}
    last = dates(*VISITS)["v2"]
    assert states[("bme_present", last)] is state
    assert states[("bme_present", START)] is FindingState.PRESENT
    assert states[("shift_same_bone_or_joint", last)] is state
