"""Where oedema went: it faded in one place while it appeared in another.

A shift needs both halves. The first lesion has gone, or is down to half, at the visit that
shows the second; its place was imaged then. The second was not there before: its place was
clear at the visit of the first, or that joint had not been imaged yet, which the
explanation says, since *not imaged* is not *clear*. A lesion that comes back to where it had
been arrives a second time. Areas that only may be oedema are no end of a shift; where one lies
at either place, the shift is not verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.follow_up.change import RESIDUAL_SHARE
from marrowtrail.follow_up.cover import COMPARED_SHARE, Atlas, Cover
from marrowtrail.follow_up.track import Before, Change, Shift, ShiftKind, Track
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

MIN_SHIFT_MM3 = 300.0
"""Smaller lesions are not taken as either end of a shift: at 0.3 ml the measurement finds
nearly all lesions and hardly any false ones."""


BEFORE = {
    Cover.READ: (Before.CLEAR, "its place was clear at {}"),
    Cover.BY_REGION: (Before.CLEAR_BY_REGION, "its region was clear at {}"),
    Cover.POSSIBLE: (Before.POSSIBLE, "its place may have been oedematous at {} already"),
    Cover.NOT_COMPARABLE: (
        Before.NOT_COMPARABLE,
        "its bone cannot be compared with the one of {}",
    ),
    Cover.NOT_READ: (Before.NOT_READ, "its bone could not be read at {}"),
    Cover.NOT_IMAGED: (Before.NOT_IMAGED, "its place had not been imaged at {}"),
}
"""What the visit of the first lesion says of the place of the second, and how it is told."""

UNSPOILT = (Before.CLEAR, Before.NOT_IMAGED)
"""Nothing speaks against the second lesion being new: its place was clear, or nobody had looked."""


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """Lesions, tracks and dates, and what was imaged when."""

    lesions: Mapping[str, Lesion]
    tracks: Sequence[Track]
    dates: Mapping[str, date]
    atlas: Atlas

    @property
    def visits(self) -> list[str]:
        return sorted(self.dates, key=lambda visit: self.dates[visit])

    def at(self, track: Track, visit: str) -> list[Lesion]:
        mine = [self.lesions[one] for one in track.lesions]
        return [one for one in mine if one.visit_id == visit]

    def seen(self, track: Track) -> list[str]:
        there = {self.lesions[one].visit_id for one in track.lesions}
        return [visit for visit in self.visits if visit in there]

    def days(self, first: str, second: str) -> int:
        return (self.dates[second] - self.dates[first]).days


def find_shifts(
    lesions: Mapping[str, Lesion],
    tracks: Sequence[Track],
    visit_dates: Mapping[str, date],
    atlas: Atlas,
) -> tuple[Shift, ...]:
    """One shift for each lesion that appeared, or came back, while another one faded.

    Where several faded, the lesion is taken to come from the one that lost most. In order of
    the second lesion's visit.
    """
    course = _Course(lesions, tracks, visit_dates, atlas)
    arrivals = [
        (track, visit, arrived)
        for track in tracks
        for visit, arrived in _arrivals(track, course)
        if arrived.volume.mm3 >= MIN_SHIFT_MM3
    ]
    shifts = []
    for track, visit, arrived in arrivals:
        before = course.visits[: course.visits.index(visit)]
        left = [
            (lost, lesion, other)
            for other in tracks
            if other is not track
            for lesion in _last_sighting(other, before, course)
            if (lost := _lost_mm3(lesion, other, visit, course)) > 0
        ]
        if left:
            lost, source, other = max(left, key=lambda found: (found[0], found[1].id))
            shifts.append(_shift(source, arrived, lost, (other, track), course))
    return tuple(sorted(shifts, key=lambda shift: visit_dates[lesions[shift.to_lesion].visit_id]))


def _arrivals(track: Track, course: _Course) -> Iterator[tuple[str, Lesion]]:
    """Visits at which a track is seen first, or again after its place was clear."""
    yield course.seen(track)[0], course.lesions[track.lesions[0]]
    for step in track.steps:
        if step.change is Change.RECURRED and step.from_visit in track.clear_at:
            yield step.to_visit, course.lesions[step.later[0]]


def _last_sighting(track: Track, before: Sequence[str], course: _Course) -> list[Lesion]:
    """Lesions of a track where it was seen last, unless a visit since then showed it clear.

    A visit that did not image the place, or could not be read, does not part the two ends of
    a shift.
    """
    seen = [visit for visit in before if visit in course.seen(track)]
    if not seen or set(before[before.index(seen[-1]) + 1 :]) & set(track.clear_at):
        return []
    return course.at(track, seen[-1])


def _lost_mm3(lesion: Lesion, track: Track, visit: str, course: _Course) -> float:
    """Volume that a lesion lost until a visit; 0 unless it faded and its place was imaged.

    What may be oedema counts as left, and so does what was not imaged, if it is much.
    """
    cover = course.atlas.cover(lesion, visit)
    if lesion.volume.mm3 < MIN_SHIFT_MM3 or not (cover.tells or cover is Cover.POSSIBLE):
        return 0.0
    left = sum(one.volume.mm3 for one in course.at(track, visit))
    left += sum(one.volume.mm3 for one in course.atlas.possible(lesion, visit))
    share = course.atlas.imaged_share(lesion, visit)
    if share is not None and share < COMPARED_SHARE:
        left += (1 - share) * lesion.volume.mm3
    lost = lesion.volume.mm3 - left
    return lost if left <= RESIDUAL_SHARE * lesion.volume.mm3 else 0.0


def _shift(
    source: Lesion,
    arrived: Lesion,
    lost_mm3: float,
    tracks: tuple[Track, Track],
    course: _Course,
) -> Shift:
    days = course.days(source.visit_id, arrived.visit_id)
    before, told = BEFORE[course.atlas.cover(arrived, source.visit_id)]
    gone = course.atlas.cover(source, arrived.visit_id)
    least, most = _together_days(tracks, arrived.visit_id, course)
    return Shift(
        source.id,
        arrived.id,
        shift_kind(source, arrived),
        days,
        gone is Cover.READ and before in UNSPOILT,
        f"from the {name(source)} to the {name(arrived)} within {days} day{'s' * (days != 1)}; "
        f"{told.format(source.visit_id)}",
        before,
        resolved_mm3=round(lost_mm3, 1),
        appeared_mm3=round(arrived.volume.mm3, 1),
        overlap_days=least,
        overlap_at_most_days=most,
    )


def _together_days(
    tracks: tuple[Track, Track], arrival: str, course: _Course
) -> tuple[int, int | None]:
    """Days for which both were there, at least and at most (``None`` where no visit bounds it)."""
    source, target = tracks
    rank = {visit: number for number, visit in enumerate(course.visits)}
    clear = {*source.clear_at, *target.clear_at}
    end = next((v for v in course.visits if v in clear and rank[v] >= rank[arrival]), None)
    seen = [
        v
        for v in course.seen(source)
        if (end is None or rank[v] < rank[end])
        and (rank[v] < rank[arrival] or v in course.seen(target))
    ]
    least = course.days(arrival, seen[-1])
    starts = [v for v in target.clear_at if rank[v] < rank[arrival]]
    if end is None or not starts:
        return least, None
    return least, course.days(starts[-1], end)


def shift_kind(source: Lesion, arrived: Lesion) -> ShiftKind:
    """Within a bone, within a joint (and its other bones), between joints, or across.

    The two ends of a tibia belong to two joints: oedema that goes from the one to the other
    has changed its joint, though not its bone.
    """
    words = vocabulary()
    joints = [words.joint_of(one.bone.bone, one.main_region) for one in (source, arrived)]
    if source.bone.side is not arrived.bone.side:
        is_same = _joints(source) & _joints(arrived)
        return ShiftKind.CONTRALATERAL if is_same else ShiftKind.BETWEEN_JOINTS
    if joints[0] is not None and joints[1] is not None and joints[0] != joints[1]:
        return ShiftKind.BETWEEN_JOINTS
    if source.bone == arrived.bone:
        return ShiftKind.WITHIN_BONE
    shared = set(words.bone(source.bone.bone).joints) & set(words.bone(arrived.bone.bone).joints)
    return ShiftKind.WITHIN_JOINT if shared else ShiftKind.BETWEEN_JOINTS


def _joints(lesion: Lesion) -> set[str]:
    """The joint of a lesion's region; those of its bone where the region names none."""
    words = vocabulary()
    joint = words.joint_of(lesion.bone.bone, lesion.main_region)
    return set(words.bone(lesion.bone.bone).joints) if joint is None else {joint}


def name(lesion: Lesion) -> str:
    """As a reader would say it: ``right medial femoral condyle``."""
    term = vocabulary().bone(lesion.bone.bone)
    known = {region.key: region.label for region in term.regions}
    place = known.get(lesion.main_region, term.label)
    has_side = lesion.bone.side in (Side.LEFT, Side.RIGHT)
    return f"{lesion.bone.side.value} {place}" if has_side else place
