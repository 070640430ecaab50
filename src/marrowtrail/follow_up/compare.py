"""Comparing all visits of a patient: the room's one entrance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.follow_up.chains import bridged, completed, pairs_to_register
from marrowtrail.follow_up.cover import Atlas, Cover
from marrowtrail.follow_up.graph import choose
from marrowtrail.follow_up.loops import heed_loops
from marrowtrail.follow_up.matching import candidates
from marrowtrail.follow_up.prepared import Prepared
from marrowtrail.follow_up.registration import Imaged, register_bones
from marrowtrail.follow_up.shifts import find_shifts
from marrowtrail.follow_up.track import BoneRegistration, FollowUp
from marrowtrail.follow_up.tracks import build_tracks
from marrowtrail.follow_up.visit_frames import VisitFrames, frames_in_fact
from marrowtrail.imaging.series import Visit
from marrowtrail.lesions.lesion import BoneReading


def follow_up(
    visits: Sequence[Visit],
    bone_maps: Sequence[BoneMap],
    readings: Sequence[BoneReading],
    *,
    progress: Callable[[str], None] | None = None,
) -> FollowUp:
    """Register visits bone by bone, match lesions, and see where oedema went.

    A bone is registered to its next two sightings; visits further apart, and those that could not
    be aligned directly, are compared through others. One visit gives an empty answer in all but
    its lesions' tracks: nothing can be followed.
    """
    by_series = {one.series_id: one for one in bone_maps}
    imaged = {visit.id: tuple((one, by_series[one.id]) for one in visit.series) for visit in visits}
    prepared = Prepared()
    frames = frames_in_fact(imaged, readings, prepared)
    registrations = _register_pairs(imaged, frames, prepared, progress or (lambda _: None))
    order = [visit.id for visit in visits]
    known = completed(registrations, order)
    atlas = Atlas.of(readings, bone_maps, known)
    lesions = {lesion.id: lesion for reading in readings for lesion in reading.lesions}
    visit_of = {lesion.id: lesion.visit_id for lesion in lesions.values()}

    def is_read(lesion: str, visit: str) -> bool:
        return atlas.cover(lesions[lesion], visit) is Cover.READ

    graph = choose(candidates(readings, known), visit_of, order, is_read)
    tracks = build_tracks(lesions, graph.chosen, order, atlas)
    shifts = find_shifts(lesions, tracks, {visit.id: visit.date for visit in visits}, atlas)
    return FollowUp(
        registrations,
        graph.chosen,
        tracks,
        shifts,
        graph.alternatives,
        frames.moved,
        bridged(registrations, known),
    )


def _register_pairs(
    imaged: Mapping[str, Imaged],
    frames: VisitFrames,
    prepared: Prepared,
    progress: Callable[[str], None],
) -> tuple[BoneRegistration, ...]:
    registrations: list[BoneRegistration] = []
    shown = {
        visit: {bone.id for _, drawn in pairs for bone in drawn.bones if bone.mask.data.any()}
        for visit, pairs in imaged.items()
    }
    for earlier, later in pairs_to_register(shown):
        progress(f"registering {earlier} and {later}")
        pair = imaged[earlier], imaged[later]
        registrations.extend(register_bones(*pair, frames.allow, prepared))
    maps = {bone_map.series_id: bone_map for pairs in imaged.values() for _, bone_map in pairs}
    points = {
        (series, one.bone): surface.probe_lps
        for one in registrations
        for series in (one.from_series, one.to_series)
        if (bone := maps[series].get(one.bone)) is not None
        and (surface := prepared.surface(series, bone)) is not None
    }
    return heed_loops(registrations, list(imaged), points)
