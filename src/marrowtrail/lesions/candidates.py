"""Bright areas of one bone on one series, each with the evidence that it is oedema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.imaging.series import Series
from marrowtrail.lesions.evidence import Evidence, home_share, without_decay
from marrowtrail.lesions.fat_suppression import FatSuppression, check_fat_suppression
from marrowtrail.lesions.lesion import Lesion, RegionShare
from marrowtrail.lesions.marrow import MarrowModel, depth_mm, model_marrow
from marrowtrail.lesions.marrow_fat import MarrowFat, marrow_fat, shows_fat, with_fat
from marrowtrail.lesions.oedema import OedemaArea, find_oedema
from marrowtrail.lesions.surroundings import soft_tissue_level


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the surroundings of the bones say of one fluid-sensitive series.

    ``muscle`` is its signal, ``suppression`` how well fat is suppressed; ``None`` where the
    images do not tell.
    """

    muscle: float | None
    suppression: FatSuppression | None


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A bright area as the lesion that it would be, and what speaks for it."""

    lesion: Lesion
    evidence: Evidence


@dataclass(frozen=True, slots=True, eq=False)
class BoneOnSeries:
    """A bone where it is read, and all series of its visit that show it (with it)."""

    series: Series
    bone: Bone
    seen: tuple[tuple[Series, Bone], ...]

    @property
    def has_t1(self) -> bool:
        """A T1 that shows fat can be held against the series."""
        return any(shows_fat(one, self.series.volume.geometry) for one, _ in self.seen)


def look_around(series: Series, bone_map: BoneMap, others: Sequence[Series]) -> Look:
    """Muscle and fat about the bones of a fluid-sensitive series."""
    return Look(
        soft_tissue_level(series.volume, bone_map.bones),
        check_fat_suppression(series, bone_map.bones, others),
    )


def normal_marrow(place: BoneOnSeries, look: Look) -> tuple[MarrowModel | None, MarrowFat | None]:
    """Normal marrow of a bone, and what T1 says of its fat; ``None`` for what is not known."""
    model = model_marrow(place.series.volume, place.bone.mask, look.suppression)
    if model is None:
        return None, None
    signal = place.series.volume.crop(*model.block)
    fat = marrow_fat(place.seen, signal.with_data(signal.data / model.expected))
    return (model if fat is None else with_fat(model, signal, fat)), fat


def find_candidates(
    visit_id: str, place: BoneOnSeries, look: Look, model: MarrowModel, fat: MarrowFat | None
) -> tuple[Candidate, ...]:
    """Bright areas of a bone, largest first."""
    spacing = place.series.volume.geometry.spacing_mm
    mask = np.asarray(place.bone.mask.crop(*model.block).data, dtype=bool)
    signal = place.series.volume.crop(*model.block).data
    areas = find_oedema(signal, mask, depth_mm(mask, spacing), model, spacing)
    candidates = []
    for area in areas:
        lesion = _lesion(visit_id, place, model, area)
        candidates.append(Candidate(lesion, _evidence(lesion, place, look, fat)))
    return tuple(candidates)


def _evidence(lesion: Lesion, place: BoneOnSeries, look: Look, fat: MarrowFat | None) -> Evidence:
    series = place.series
    signal = float(np.median(series.volume.data[lesion.mask.data]))
    t1 = fat.within(lesion.mask) if fat else None
    over_muscle = signal / look.muscle if look.muscle else None
    return Evidence(
        lesion.contrast,
        None if over_muscle is None else without_decay(over_muscle, series.echo_time_ms),
        look.suppression.about(lesion.mask) if look.suppression else 1.0,
        home_share(lesion.bone.bone, lesion.regions),
        t1,
        hidden_on_t1=t1 is None and place.has_t1,
    )


def _lesion(visit_id: str, place: BoneOnSeries, model: MarrowModel, area: OedemaArea) -> Lesion:
    bone, series = place.bone, place.series
    geometry = series.volume.geometry
    full = np.zeros(geometry.shape, dtype=bool)
    start, stop = model.block
    full[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]] = area.mask
    return Lesion(
        "",
        visit_id,
        series.id,
        bone.id,
        series.volume.with_data(full),
        area.volume,
        region_shares(full, bone),
        geometry.to_lps(np.argwhere(full).mean(axis=0)),
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
