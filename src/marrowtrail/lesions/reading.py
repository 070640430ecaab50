"""Reading one visit: for each bone the series that tells most, and the lesions in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.imaging.series import Series
from marrowtrail.lesions.candidates import (
    BoneOnSeries,
    Candidate,
    Look,
    find_candidates,
    look_around,
    normal_marrow,
)
from marrowtrail.lesions.evidence import Reading, doubt, read_evidence
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId

MIN_NORMAL_SHARE = 0.25
"""With less of a bone's interior fitting the model of normal marrow, the model describes the
oedema instead; the bone is then not read rather than measured against itself."""

MENTIONED_SHARE, UNREAD_SHARE = 0.03, 0.25
"""Marrow without fat suppression is mentioned from the first share on; a bone with more than the
second and no oedema elsewhere is not called clear."""

TOO_LITTLE = (
    "too little of its marrow is in the image, or shows its fat suppressed, to know what is normal"
)

TOLD = (Reading.POSSIBLE, Reading.RED_MARROW, Reading.UNSUPPRESSED, Reading.FAINT)
"""What is said with a bone's reading, in this order."""


def read_visit(
    visit_id: str, series: Sequence[Series], bone_maps: Sequence[BoneMap]
) -> tuple[BoneReading, ...]:
    """Read every bone of a visit for oedema.

    A bone seen on several fluid-sensitive series is read on the one that holds most of it,
    so that no lesion is reported twice. A bone without a fluid-sensitive series is not
    read, and the reading says which series would settle it. Nor is one called clear of which
    slices are missing.
    """
    by_id = {one.id: one for one in series}
    looks = _looks(by_id, bone_maps)
    readings = []
    for bone_id in sorted({bone.id for bone_map in bone_maps for bone in bone_map.bones}):
        seen = [
            (by_id[bone_map.series_id], bone)
            for bone_map in bone_maps
            if (bone := bone_map.get(bone_id)) is not None
        ]
        readings.append(_read_bone(visit_id, bone_id, seen, looks))
    return tuple(readings)


def _looks(by_id: Mapping[str, Series], bone_maps: Sequence[BoneMap]) -> dict[str, Look]:
    """A look at each fluid-sensitive series that shows bones."""
    return {
        bone_map.series_id: look_around(by_id[bone_map.series_id], bone_map, list(by_id.values()))
        for bone_map in bone_maps
        if by_id[bone_map.series_id].contrast.is_fluid_sensitive
    }


def _read_bone(
    visit_id: str,
    bone_id: BoneId,
    seen: Sequence[tuple[Series, Bone]],
    looks: Mapping[str, Look],
) -> BoneReading:
    fluid = [(one, bone) for one, bone in seen if one.contrast.is_fluid_sensitive]
    if not fluid:
        have = ", ".join(sorted({one.contrast.label for one, _ in seen}))
        reason = (
            f"no fat-suppressed fluid-sensitive series shows it (there is: {have}); a STIR or "
            "a fat-suppressed PD or T2 series would settle it"
        )
        return BoneReading(visit_id, bone_id, None, False, reason)
    chosen, bone = max(fluid, key=_worth)
    if chosen.is_part and (bone.touches_edge or len(_parts(chosen, fluid)) > 1):
        return _read_on_parts(visit_id, _parts(chosen, fluid), seen, looks)
    return _read_on(visit_id, BoneOnSeries(chosen, bone, tuple(seen)), looks[chosen.id])


def _parts(chosen: Series, fluid: Sequence[tuple[Series, Bone]]) -> list[tuple[Series, Bone]]:
    """The parts of an incomplete series that show a bone, the one with most of it first."""
    mine = (chosen.source_uid, chosen.echo_time_ms)
    same = [
        (one, bone)
        for one, bone in fluid
        if one.is_part and (one.source_uid, one.echo_time_ms) == mine
    ]
    return sorted(same, key=_worth, reverse=True)


def _read_on_parts(
    visit_id: str,
    parts: Sequence[tuple[Series, Bone]],
    seen: Sequence[tuple[Series, Bone]],
    looks: Mapping[str, Look],
) -> BoneReading:
    """A bone that missing slices cut: oedema that is seen counts, and none seen is unknown.

    Read on the part with most oedema; a bone is never called clear for what did not come.
    """
    readings = [
        _read_on(visit_id, BoneOnSeries(one, bone, tuple(seen)), looks[one.id])
        for one, bone in parts
    ]
    most = max(readings, key=lambda one: sum(lesion.volume.mm3 for lesion in one.lesions))
    if most.lesions:
        reason = f"{most.reason}, of which slices are missing"
        return replace(most, reason=reason, is_part=True)
    reason = "slices of its series are missing; those that came show no oedema"
    return BoneReading(visit_id, most.bone, parts[0][0].id, False, reason, is_part=True)


def _read_on(visit_id: str, place: BoneOnSeries, look: Look) -> BoneReading:
    """A bone on one series."""
    bone, series = place.bone, place.series
    if bone.verdict is BoneVerdict.UNSURE:
        return _unread(visit_id, place, f"unsure bone: {bone.reason}")
    model, fat = normal_marrow(place, look)
    if model is None:
        return _unread(visit_id, place, TOO_LITTLE)
    if model.normal_share < MIN_NORMAL_SHARE:
        return _unread(visit_id, place, "no normal marrow is left in it to compare with")
    candidates = find_candidates(visit_id, place, look, model, fat)
    groups = {
        kind: [one for one in candidates if read_evidence(one.evidence) is kind] for kind in Reading
    }
    reason = f"read on {series.contrast.label}, {series.plane.value}"
    reason += "".join(f"; {_told(kind, groups[kind])}" for kind in TOLD if groups[kind])
    if model.unsuppressed_share > MENTIONED_SHARE:
        reason += f"; fat suppression failed in {model.unsuppressed_share:.0%} of its marrow"
    lesions = _named(visit_id, bone, groups[Reading.OEDEMA], "")
    possible = _named(visit_id, bone, groups[Reading.POSSIBLE], "possible-")
    glowing = sum(one.lesion.volume.mm3 for one in groups[Reading.UNSUPPRESSED])
    hidden = max(model.unsuppressed_share, glowing / bone.volume_mm3)
    if not lesions and not possible and hidden > UNREAD_SHARE:
        return _unread(visit_id, place, f"{reason}, none seen elsewhere")
    return BoneReading(visit_id, bone.id, series.id, True, reason, lesions, possible=possible)


def _unread(visit_id: str, place: BoneOnSeries, reason: str) -> BoneReading:
    return BoneReading(visit_id, place.bone.id, place.series.id, False, reason)


def _told(kind: Reading, candidates: Sequence[Candidate]) -> str:
    """Areas that are not oedema, or not surely, in words that follow a semicolon."""
    if kind is not Reading.POSSIBLE:
        return f"{len(candidates)} bright area(s) {kind.value}"
    first = candidates[0]
    return (
        f"possible oedema of {first.lesion.volume.mm3 / 1000:.1f} ml, certainty "
        f"{first.evidence.certainty:.2f}: {doubt(first.evidence)}"
    )


def _named(
    visit_id: str, bone: Bone, candidates: Sequence[Candidate], prefix: str
) -> tuple[Lesion, ...]:
    """Lesions with their ids, largest first."""
    name = [bone.id.bone, bone.id.side.value] + ([bone.id.end] if bone.id.end else [])
    stem = "-".join([visit_id, *name])
    return tuple(
        replace(one.lesion, id=f"{stem}-{prefix}{number}")
        for number, one in enumerate(candidates, start=1)
    )


def _worth(candidate: tuple[Series, Bone]) -> tuple[bool, float, float, str]:
    """A sure outline first, then more of the bone, then smaller voxels.

    The id settles ties the same way always.
    """
    series, bone = candidate
    is_sure = bone.verdict is BoneVerdict.ACCEPTED
    return (is_sure, round(bone.volume_mm3, -3), -series.volume.geometry.voxel_mm3, series.id)
