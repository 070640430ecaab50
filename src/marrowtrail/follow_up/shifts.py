"""Where oedema went: it faded in one place while it appeared in another.

A shift needs both halves. The first lesion has gone, or is down to half, at the visit that
shows the second; its place was imaged then. The second was not there before: its place was
clear at the visit of the first, or that joint had not been imaged yet, which the
explanation says, since *not imaged* is not *clear*. Areas that only may be oedema are no
end of a shift; where one lies at either place, the shift is not verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from marrowtrail.follow_up.change import RESIDUAL_SHARE
from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.track import Shift, ShiftKind, Track
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

MIN_SHIFT_MM3 = 300.0
"""Smaller lesions are not taken as either end of a shift: at 0.3 ml the measurement finds
nearly all lesions and hardly any false ones."""


def find_shifts(
    lesions: Mapping[str, Lesion],
    tracks: Sequence[Track],
    visit_dates: Mapping[str, date],
    atlas: Atlas,
) -> tuple[Shift, ...]:
    """One shift for each lesion that appeared while another one faded.

    Where several faded, the lesion is taken to come from the one that lost most.
    """
    visits = sorted(visit_dates, key=lambda visit: visit_dates[visit])
    track_of = {lesion: track for track in tracks for lesion in track.lesions}
    shifts = []
    for track in tracks:
        arrived = lesions[track.lesions[0]]
        if arrived.volume.mm3 < MIN_SHIFT_MM3:
            continue
        before = visits[: visits.index(arrived.visit_id)]
        if not before:
            continue
        left = [
            (lost, lesion)
            for other in tracks
            if other is not track
            for lesion in _last_sighting(other, before, lesions)
            if (lost := _lost_mm3(lesion, arrived.visit_id, track_of, lesions, atlas)) > 0
        ]
        if left:
            _, source = max(left, key=lambda pair: (pair[0], pair[1].id))
            shifts.append(_shift(source, arrived, visit_dates, atlas))
    return tuple(shifts)


def _last_sighting(
    track: Track, before: Sequence[str], lesions: Mapping[str, Lesion]
) -> list[Lesion]:
    """Lesions of a track where it was seen last, unless a visit since then showed it clear.

    A visit that did not image the place, or could not be read, does not part the two ends of
    a shift.
    """
    seen = [visit for visit in before if visit in {lesions[one].visit_id for one in track.lesions}]
    if not seen or set(before[before.index(seen[-1]) + 1 :]) & set(track.clear_at):
        return []
    return [lesions[one] for one in track.lesions if lesions[one].visit_id == seen[-1]]


def _lost_mm3(
    lesion: Lesion,
    visit: str,
    track_of: Mapping[str, Track],
    lesions: Mapping[str, Lesion],
    atlas: Atlas,
) -> float:
    """Volume that a lesion lost until a visit; 0 unless it faded and its place was imaged.

    What may be oedema counts as left.
    """
    cover = atlas.cover(lesion, visit)
    if lesion.volume.mm3 < MIN_SHIFT_MM3 or not (cover.tells or cover is Cover.POSSIBLE):
        return 0.0
    left = sum(
        lesions[one].volume.mm3
        for one in track_of[lesion.id].lesions
        if lesions[one].visit_id == visit
    )
    left += sum(one.volume.mm3 for one in atlas.possible(lesion, visit))
    lost = lesion.volume.mm3 - left
    return lost if left <= RESIDUAL_SHARE * lesion.volume.mm3 else 0.0


def _shift(
    source: Lesion,
    arrived: Lesion,
    visit_dates: Mapping[str, date],
    atlas: Atlas,
) -> Shift:
    days = (visit_dates[arrived.visit_id] - visit_dates[source.visit_id]).days
    previous = source.visit_id
    before = atlas.cover(arrived, previous)
    seen_before = {
        Cover.READ: f"its place was clear at {previous}",
        Cover.BY_REGION: f"its region was clear at {previous}",
        Cover.POSSIBLE: f"its place may have been oedematous at {previous} already",
        Cover.NOT_COMPARABLE: f"its bone cannot be compared with the one of {previous}",
        Cover.NOT_IMAGED: f"its place had not been imaged at {previous}",
    }[before]
    gone = atlas.cover(source, arrived.visit_id)
    verified = gone is Cover.READ and before in (Cover.READ, Cover.NOT_IMAGED)
    return Shift(
        source.id,
        arrived.id,
        shift_kind(source, arrived),
        days,
        verified,
        f"from the {name(source)} to the {name(arrived)} within {days} days; {seen_before}",
    )


def shift_kind(source: Lesion, arrived: Lesion) -> ShiftKind:
    """Within a bone, within a joint (and its other bones), or between joints.

    The two ends of a tibia belong to two joints: oedema that goes from the one to the other
    has changed its joint, though not its bone.
    """
    words = vocabulary()
    joints = [words.joint_of(one.bone.bone, one.main_region) for one in (source, arrived)]
    if source.bone.side is not arrived.bone.side:
        return ShiftKind.BETWEEN_JOINTS
    if joints[0] is not None and joints[1] is not None and joints[0] != joints[1]:
        return ShiftKind.BETWEEN_JOINTS
    if source.bone == arrived.bone:
        return ShiftKind.WITHIN_BONE
    shared = set(words.bone(source.bone.bone).joints) & set(words.bone(arrived.bone.bone).joints)
    return ShiftKind.WITHIN_JOINT if shared else ShiftKind.BETWEEN_JOINTS


def name(lesion: Lesion) -> str:
    """As a reader would say it: ``right medial femoral condyle``."""
    term = vocabulary().bone(lesion.bone.bone)
    known = {region.key: region.label for region in term.regions}
    place = known.get(lesion.main_region, term.label)
    has_side = lesion.bone.side in (Side.LEFT, Side.RIGHT)
    return f"{lesion.bone.side.value} {place}" if has_side else place
