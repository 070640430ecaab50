"""A visit that imaged a part of a lesion's place says nothing of its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from marrowtrail.follow_up.cover import COMPARED_SHARE
from marrowtrail.follow_up.proposals import propose_findings
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import Change, FollowUp, Track
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.imaging.series import Visit
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import Lesion, VolumeEstimate
from marrowtrail.record.findings import FindingState
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

START, SIDE = (10, 10, 5), 12
"""An unchanged cube of oedema: its first plane, and its planes."""

Planes = tuple[int, int]


def slab(visit: str, planes: Planes = (0, SIDE), number: int = 1) -> Lesion:
    """Planes of the cube that a visit shows."""
    whole = lesion(visit, FEMUR, "medial_condyle", START, SIDE, number)
    data = np.array(whole.mask.data)
    data[: START[0] + planes[0]] = False
    data[START[0] + planes[1] :] = False
    mm3 = float(data.sum()) * GRID.voxel_mm3
    volume = VolumeEstimate(mm3, 0.95 * mm3, 1.05 * mm3)
    return replace(whole, mask=Volume(data, GRID), volume=volume)


def followed(
    femora: Sequence[Sequence[Lesion]],
    imaged: Mapping[str, int],
    tibiae: Mapping[str, Lesion] | None = None,
) -> tuple[FollowUp, list[Visit], list]:  # type: ignore[type-arg]
    """``imaged`` are planes of the cube that a visit imaged, where it did not image all."""
    visits = tuple(f"v{number}" for number in range(1, len(femora) + 1))
    there = tibiae or {}
    readings = [reading(visit, FEMUR, *one) for visit, one in zip(visits, femora, strict=True)]
    readings += [
        reading(visit, TIBIA, *([there[visit]] if visit in there else [])) for visit in visits
    ]
    maps = [bone_map(visit, FEMUR, TIBIA, cut=START[0] + imaged.get(visit, 30)) for visit in visits]
    moves = [
        registration(*pair, bone) for pair in combinations(visits, 2) for bone in (FEMUR, TIBIA)
    ]
    known = atlas(readings, maps, moves)
    lesions = {one.id: one for each in readings for one in each.lesions}
    taken = edges(readings, moves, known)
    tracks = build_tracks(lesions, taken, visits, known)
    shifts = find_shifts(lesions, tracks, dates(*visits), known)
    told = FollowUp(tuple(moves), taken, tracks, shifts)
    return told, [Visit(one, day, (), ()) for one, day in dates(*visits).items()], readings


def changes(track: Track) -> list[tuple[str, str, Change, bool]]:
    return [(one.from_visit, one.to_visit, one.change, one.verified) for one in track.steps]


class TestTwoVisits:
    @pytest.mark.parametrize(("cut", "full"), [("v1", "v2"), ("v2", "v1")])
    def test_a_cut_field_of_view_is_no_change(self, cut: str, full: str) -> None:
        story = {cut: slab(cut, (0, 4)), full: slab(full)}
        (track,) = followed([[story["v1"]], [story["v2"]]], {cut: 4})[0].tracks
        assert changes(track) == [("v1", "v2", Change.UNCLEAR, False)]
        assert track.steps[0].is_cut
        assert not track.verified
        assert track.explanation == (
            f"part of its place was not imaged at {cut}; volumes cannot be compared"
        )

    def test_the_same_volumes_are_a_change_where_all_was_imaged(self) -> None:
        (track,) = followed([[slab("v1", (0, 4))], [slab("v2")]], {})[0].tracks
        assert changes(track) == [("v1", "v2", Change.GROWING, True)]
        assert not track.steps[0].is_cut

    @pytest.mark.parametrize(("planes", "is_cut"), [(10, False), (9, True)])
    def test_a_border_that_is_a_little_off_does_not_matter(self, planes: int, is_cut: bool) -> None:
        assert (planes / SIDE < COMPARED_SHARE) is is_cut
        (track,) = followed([[slab("v1")], [slab("v2", (0, planes))]], {"v2": planes})[0].tracks
        assert track.steps[0].is_cut is is_cut
        assert track.verified is not is_cut


class TestManyVisits:
    def test_a_cut_visit_between_hides_no_change_since_the_first(self) -> None:
        story = [[slab("v1", (0, 6))], [slab("v2", (0, 4))], [slab("v3")]]
        (track,) = followed(story, {"v2": 4})[0].tracks
        assert track.since_first is not None
        assert track.since_first.change is Change.GROWING
        assert [one.change for one in track.steps] == [Change.UNCLEAR, Change.UNCLEAR]

    def test_a_cut_last_visit_is_not_compared_with_the_first(self) -> None:
        story = [[slab("v1")], [slab("v2", (0, 10))], [slab("v3", (0, 8))]]
        (track,) = followed(story, {"v2": 10, "v3": 8})[0].tracks
        assert track.since_first is not None
        assert (track.since_first.change, track.since_first.is_cut) == (Change.UNCLEAR, True)

    @pytest.mark.parametrize(
        ("is_cut", "change"), [(True, Change.WITHIN_NOISE), (False, Change.SHRINKING)]
    )
    def test_slow_change_needs_the_first_place_imaged_at_the_last(
        self, is_cut: bool, change: Change
    ) -> None:
        """Every interval within noise; a third of the first place is out of view at the last."""
        shown = (12, 10, 9, 8)
        story = [[slab(f"v{n}", (0, one))] for n, one in enumerate(shown, start=1)]
        imaged = {f"v{n}": one for n, one in enumerate(shown, start=1)} if is_cut else {}
        (track,) = followed(story, imaged)[0].tracks
        assert {one.change for one in track.steps} == {Change.WITHIN_NOISE}
        assert track.change is change

    def test_a_part_out_of_view_between_is_compared_over_the_longer_interval(self) -> None:
        """Two parts, the second not imaged at v2, have flowed together at v3."""
        parts = [slab("v1", (0, 4)), slab("v1", (8, 12), number=2)]
        (track,) = followed([parts, [slab("v2", (0, 4))], [slab("v3")]], {"v2": 5})[0].tracks
        assert changes(track) == [
            ("v1", "v2", Change.WITHIN_NOISE, True),
            ("v2", "v3", Change.UNCLEAR, False),
            ("v1", "v3", Change.MERGED, True),
        ]
        assert track.change is Change.MERGED

    def test_where_all_was_imaged_between_there_is_no_longer_step(self) -> None:
        parts = [slab("v1", (0, 4)), slab("v1", (8, 12), number=2)]
        (track,) = followed([parts, [slab("v2", (0, 4))], [slab("v3")]], {})[0].tracks
        assert {(one.from_visit, one.to_visit) for one in track.steps} == {
            ("v1", "v2"),
            ("v2", "v3"),
        }
        assert Change.GROWING in {one.change for one in track.steps}

    @pytest.mark.parametrize(
        ("imaged", "change"), [(7, Change.WITHIN_NOISE), (30, Change.SHRINKING)]
    )
    def test_a_part_that_no_step_tells_of_is_not_counted(self, imaged: int, change: Change) -> None:
        """Three parts at v2, of which v3 shows two; the third is out of its view, or gone."""
        two = [[slab(visit, (0, 3)), slab(visit, (4, 6), number=2)] for visit in ("v2", "v3")]
        story = [[slab("v1")], [*two[0], slab("v2", (9, 12), number=3)], two[1]]
        (track,) = followed(story, {"v3": imaged})[0].tracks
        assert track.change is change


class TestWhatFollows:
    @pytest.mark.parametrize(("imaged", "found"), [(1, set()), (30, {FindingState.PRESENT})])
    def test_a_rest_at_the_border_of_the_view_is_not_resolution(
        self, imaged: int, found: set[FindingState]
    ) -> None:
        story = [[slab("v1")], [slab("v2", (0, 1))]]
        told, visits, readings = followed(story, {"v2": imaged})
        findings = propose_findings(visits, readings, [], told)
        mine = [one for one in findings if one.key == "resolves_by_3m"]
        assert {one.state for one in mine} == found
        texts = {one.explanation for one in mine}
        assert texts <= {"more than a trace last at v1; 8% of its first volume left at v2"}

    def test_what_is_clear_after_a_cut_visit_has_resolved(self) -> None:
        told, visits, readings = followed([[slab("v1")], [slab("v2", (0, 1))], []], {"v2": 1})
        findings = propose_findings(visits, readings, [], told)
        states = {one.key: (one.state, one.explanation) for one in findings}
        assert states["resolves_by_12m"] == (
            FindingState.PRESENT,
            "seen last at v2, clear at v3",
        )

    @pytest.mark.parametrize(("imaged", "shifts"), [(8, 0), (30, 1)])
    def test_what_was_not_imaged_has_not_faded(self, imaged: int, shifts: int) -> None:
        arrived = lesion("v2", TIBIA, "lateral_plateau", start=(2, 2, 2))
        story = [[slab("v1")], [slab("v2", (0, 5))]]
        assert len(followed(story, {"v2": imaged}, {"v2": arrived})[0].shifts) == shifts
