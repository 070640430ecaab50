"""Comparing all visits of a patient: the room's one entrance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.follow_up.cover import Atlas
from marrowtrail.follow_up.matching import match_lesions
from marrowtrail.follow_up.registration import register_bones
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import BoneRegistration, FollowUp
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.imaging.series import Series, Visit
from marrowtrail.lesions.lesion import BoneReading

Imaged = tuple[tuple[Series, BoneMap], ...]


def follow_up(
    visits: Sequence[Visit],
    bone_maps: Sequence[BoneMap],
    readings: Sequence[BoneReading],
    *,
    progress: Callable[[str], None] | None = None,
) -> FollowUp:
    """Register every pair of visits bone by bone, match lesions, and see where oedema went.

    One visit gives an empty answer in all but its lesions' tracks: nothing can be followed.
    """
    by_series = {one.series_id: one for one in bone_maps}
    imaged = {visit.id: tuple((one, by_series[one.id]) for one in visit.series) for visit in visits}
    registrations = _register_pairs(imaged, progress or (lambda _: None))
    matches = match_lesions(readings, registrations)
    atlas = Atlas.of(readings, bone_maps, registrations)
    lesions = {lesion.id: lesion for reading in readings for lesion in reading.lesions}
    tracks = build_tracks(lesions, matches, [visit.id for visit in visits], atlas)
    shifts = find_shifts(lesions, tracks, {visit.id: visit.date for visit in visits}, atlas)
    return FollowUp(registrations, matches, tracks, shifts)


def _register_pairs(
    imaged: Mapping[str, Imaged], progress: Callable[[str], None]
) -> tuple[BoneRegistration, ...]:
    registrations: list[BoneRegistration] = []
    for earlier, later in combinations(imaged, 2):
        progress(f"registering {earlier} and {later}")
        registrations.extend(register_bones(imaged[earlier], imaged[later]))
    return tuple(registrations)
