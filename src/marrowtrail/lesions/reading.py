"""Reading one visit: for each bone the series that tells most, and the lesions in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.imaging.series import Series
from marrowtrail.lesions.fat_suppression import FatSuppression, check_fat_suppression
from marrowtrail.lesions.lesion import BoneReading, Lesion, RegionShare
from marrowtrail.lesions.marrow import MarrowModel, depth_mm, model_marrow
from marrowtrail.lesions.oedema import OedemaArea, find_oedema
from marrowtrail.lesions.red_marrow import is_red_marrow
from marrowtrail.lesions.surroundings import soft_tissue_level
from marrowtrail.record.sites import BoneId

MIN_NORMAL_SHARE = 0.25
"""With less of a bone's interior fitting the model of normal marrow, the model describes the
oedema instead; the bone is then not read rather than measured against itself."""

MENTIONED_SHARE, UNREAD_SHARE = 0.03, 0.25
"""Marrow without fat suppression is mentioned from the first share on; a bone with more than the
second and no oedema elsewhere is not called clear."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the surroundings of the bones say of one fluid-sensitive series.

    ``muscle`` is its signal, ``suppression`` how well fat is suppressed; ``None`` where the
    images do not tell.
    """

    muscle: float | None
    suppression: FatSuppression | None


def _looks(by_id: Mapping[str, Series], bone_maps: Sequence[BoneMap]) -> dict[str, _Look]:
    """A look at each fluid-sensitive series that shows bones."""
    looks = {}
    for bone_map in bone_maps:
        series = by_id[bone_map.series_id]
        if series.contrast.is_fluid_sensitive:
            looks[series.id] = _Look(
                soft_tissue_level(series.volume, bone_map.bones),
                check_fat_suppression(series, bone_map.bones, list(by_id.values())),
            )
    return looks


def _read_bone(
    visit_id: str,
    bone_id: BoneId,
    seen: Sequence[tuple[Series, Bone]],
    looks: Mapping[str, _Look],
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
        return _read_on_parts(visit_id, _parts(chosen, fluid), looks)
    return _read_on(visit_id, chosen, bone, looks[chosen.id])


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
    visit_id: str, parts: Sequence[tuple[Series, Bone]], looks: Mapping[str, _Look]
) -> BoneReading:
    """A bone that missing slices cut: oedema that is seen counts, and none seen is unknown.

    Read on the part with most oedema; a bone is never called clear for what did not come.
    """
    readings = [_read_on(visit_id, one, bone, looks[one.id]) for one, bone in parts]
    seen = max(readings, key=lambda one: sum(lesion.volume.mm3 for lesion in one.lesions))
    if seen.lesions:
        reason = f"{seen.reason}, of which slices are missing"
        return replace(seen, reason=reason, is_part=True)
    reason = "slices of its series are missing; those that came show no oedema"
    return BoneReading(visit_id, seen.bone, parts[0][0].id, False, reason, is_part=True)


def _read_on(visit_id: str, chosen: Series, bone: Bone, look: _Look) -> BoneReading:
    """A bone on one series."""
    bone_id = bone.id
    if bone.verdict is BoneVerdict.UNSURE:
        return BoneReading(visit_id, bone_id, chosen.id, False, f"unsure bone: {bone.reason}")
    model = model_marrow(chosen.volume, bone.mask, look.suppression)
    if model is None:
        reason = "too little of its marrow is in the image, or shows its fat suppressed, to know "
        reason += "what is normal"
        return BoneReading(visit_id, bone_id, chosen.id, False, reason)
    if model.normal_share < MIN_NORMAL_SHARE:
        reason = "no normal marrow is left in it to compare with"
        return BoneReading(visit_id, bone_id, chosen.id, False, reason)
    found = _lesions(visit_id, chosen, bone, model, look)
    reason = f"read on {chosen.contrast.label}, {chosen.plane.value}{found.told}"
    if model.unsuppressed_share > MENTIONED_SHARE:
        reason += f"; fat suppression failed in {model.unsuppressed_share:.0%} of its marrow"
    hidden = max(model.unsuppressed_share, found.unsuppressed_mm3 / bone.volume_mm3)
    if not found.oedema and hidden > UNREAD_SHARE:
        return BoneReading(visit_id, bone_id, chosen.id, False, f"{reason}, none seen elsewhere")
    return BoneReading(visit_id, bone_id, chosen.id, True, reason, found.oedema)


def _worth(candidate: tuple[Series, Bone]) -> tuple[float, float, str]:
    """More of the bone first, then smaller voxels; the id settles ties the same way always."""
    series, bone = candidate
    return (round(bone.volume_mm3, -3), -series.volume.geometry.voxel_mm3, series.id)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Bright areas of one bone: oedema, and what was taken for something else."""

    oedema: tuple[Lesion, ...]
    red_marrow: tuple[Lesion, ...]
    unsuppressed: tuple[Lesion, ...]

    @property
    def unsuppressed_mm3(self) -> float:
        """Volume of areas that want of fat suppression explains."""
        return sum(one.volume.mm3 for one in self.unsuppressed)

    @property
    def told(self) -> str:
        """What was not counted, in words that follow a sentence."""
        parts = (
            (self.red_marrow, "faint area(s) away from the joint taken for red marrow"),
            (self.unsuppressed, "bright area(s) not counted: fat suppression failed there"),
        )
        return "".join(f"; {len(areas)} {words}" for areas, words in parts if areas)


def _lesions(visit_id: str, series: Series, bone: Bone, model: MarrowModel, look: _Look) -> _Found:
    """Bright areas of a bone, told apart."""
    spacing = series.volume.geometry.spacing_mm
    mask = np.asarray(bone.mask.crop(*model.block).data, dtype=bool)
    signal = series.volume.crop(*model.block).data
    areas = find_oedema(signal, mask, depth_mm(mask, spacing), model, spacing)
    name = [bone.id.bone, bone.id.side.value] + ([bone.id.end] if bone.id.end else [])
    stem = "-".join([visit_id, *name])
    kinds: dict[_Kind, list[Lesion]] = {kind: [] for kind in _Kind}
    for area in areas:
        lesion = _lesion(stem, visit_id, series, bone, model, area)
        kinds[_kind(lesion, series, look)].append(lesion)
    oedema = (
        replace(lesion, id=f"{stem}-{number}")
        for number, lesion in enumerate(kinds[_Kind.OEDEMA], start=1)
    )
    return _Found(tuple(oedema), tuple(kinds[_Kind.RED_MARROW]), tuple(kinds[_Kind.UNSUPPRESSED]))


class _Kind(Enum):
    """What a bright area is taken for."""

    OEDEMA = auto()
    RED_MARROW = auto()
    UNSUPPRESSED = auto()


def _kind(lesion: Lesion, series: Series, look: _Look) -> _Kind:
    if look.suppression is not None and look.suppression.explains(lesion.mask, lesion.contrast):
        return _Kind.UNSUPPRESSED
    signal = _median_signal(series, lesion)
    is_red = is_red_marrow(lesion.bone.bone, lesion.regions, signal, lesion.contrast, look.muscle)
    return _Kind.RED_MARROW if is_red else _Kind.OEDEMA


def _median_signal(series: Series, lesion: Lesion) -> float:
    return float(np.median(series.volume.data[lesion.mask.data]))


def _lesion(
    lesion_id: str, visit_id: str, series: Series, bone: Bone, model: MarrowModel, area: OedemaArea
) -> Lesion:
    geometry = series.volume.geometry
    full = np.zeros(geometry.shape, dtype=bool)
    start, stop = model.block
    full[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = area.mask
    centroid = geometry.to_lps(np.argwhere(full).mean(axis=0))
    return Lesion(
        lesion_id,
        visit_id,
        series.id,
        bone.id,
        series.volume.with_data(full),
        area.volume,
        region_shares(full, bone),
        centroid,
        area.contrast,
        area.volume.mm3 / bone.volume_mm3,
    )


def region_shares(lesion: NDArray[np.bool_], bone: Bone) -> tuple[RegionShare, ...]:
    """How a lesion spreads over its bone's regions, largest share first."""
    n = len(bone.region_names) + 1
    regions = np.asarray(bone.regions.data)
    inside = np.bincount(regions[lesion], minlength=n)
    whole = np.bincount(regions.ravel(), minlength=n)
    shares = [
        RegionShare(name, float(inside[k] / inside.sum()), float(inside[k] / whole[k]))
        for k, name in enumerate(bone.region_names, start=1)
        if inside[k]
    ]
    return tuple(sorted(shares, key=lambda share: (-share.share_of_lesion, share.region)))
