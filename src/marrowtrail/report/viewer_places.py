"""Which bones the viewer shows, on whose grid, and which series of each visit.

Every bone with oedema at any visit, the largest first. Where there is none, bones that were read,
so that a reader sees what was found clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.follow_up.track import BoneRegistration
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series, Study
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId
from marrowtrail.report.motion import Frame, Path, paths_from
from marrowtrail.report.spots import Spot, holds, views_at
from marrowtrail.report.viewer_frame import ViewerFrame
from marrowtrail.report.viewer_grid import place_grid

MOST_PLACES = 8
"""Bones in one viewer; those with the largest oedema win."""

MOST_CLEAR = 3
"""Bones shown where no oedema was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A bone in today's frame: ``grid`` in native voxels, and every series that shows it there."""

    bone: BoneId
    spot: Spot
    home: Series
    grid: Geometry
    frames: tuple[ViewerFrame, ...]
    companions: frozenset[str]
    """Ids of the series that are T1 companions."""


def choose_places(
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
    registrations: tuple[BoneRegistration, ...],
) -> tuple[Place, ...]:
    """The bones to show, the one with the largest oedema first."""
    made = [
        _place(bone, study, bone_maps, readings, registrations)
        for bone in _bones(bone_maps, readings)
    ]
    return tuple(place for place in made if place is not None)


def _bones(bone_maps: tuple[BoneMap, ...], readings: tuple[BoneReading, ...]) -> list[BoneId]:
    sizes: dict[BoneId, float] = {}
    for reading in readings:
        for lesion in reading.lesions:
            sizes[reading.bone] = max(sizes.get(reading.bone, 0.0), lesion.volume.mm3)
    if sizes:
        return sorted(sizes, key=lambda bone: (-sizes[bone], bone))[:MOST_PLACES]
    read = {reading.bone for reading in readings if reading.is_read}
    volumes: dict[BoneId, float] = {}
    for bone in (bone for bone_map in bone_maps for bone in bone_map.bones if bone.id in read):
        volumes[bone.id] = max(volumes.get(bone.id, 0.0), bone.volume_mm3)
    return sorted(volumes, key=lambda bone: (-volumes[bone], bone))[:MOST_CLEAR]


def _place(
    bone_id: BoneId,
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
    registrations: tuple[BoneRegistration, ...],
) -> Place | None:
    found = _home(bone_id, study, bone_maps, readings)
    if found is None:
        return None
    home, bone = found
    paths = paths_from(Frame.of(home), bone_id, study, registrations)
    spot = _spot(bone, home, readings, paths, study)
    grid = place_grid(home, bone.mask)
    views = views_at(spot, study, bone_maps, registrations)
    frames = tuple(
        ViewerFrame(view.series, grid, paths[Frame.of(view.series)].transform, view.verified)
        for view in views
    )
    companions = frozenset(view.series.id for view in views if view.is_companion)
    return Place(bone_id, spot, home, grid, frames, companions)


def _home(
    bone_id: BoneId,
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
) -> tuple[Series, Bone] | None:
    """The series that the bone was read on at the latest visit that shows it."""
    read_on = {reading.series_id for reading in readings if reading.bone == bone_id}
    series = {one.id: one for visit in study.visits for one in visit.series}
    for visit in reversed(study.visits):
        shown = [
            (series[one.series_id], bone)
            for one in bone_maps
            if one.visit_id == visit.id
            and (bone := one.get(bone_id)) is not None
            and bone.mask.data.any()
        ]
        if shown:
            return min(shown, key=lambda one: _last_choice(one[0], one[1], read_on))
    return None


def _last_choice(
    series: Series, bone: Bone, read_on: set[str | None]
) -> tuple[bool, bool, bool, float, str]:
    return (
        not series.contrast.is_fluid_sensitive,
        series.id not in read_on,
        bone.verdict is not BoneVerdict.ACCEPTED,
        -bone.volume_mm3,
        series.id,
    )


def _spot(
    bone: Bone,
    home: Series,
    readings: tuple[BoneReading, ...],
    paths: dict[Frame, Path],
    study: Study,
) -> Spot:
    """The middle of the bone's largest oedema, if today's series holds that place; else its own."""
    series = {one.id: one for visit in study.visits for one in visit.series}
    lesions = [one for r in readings if r.bone == bone.id for one in r.lesions]
    for lesion in sorted(lesions, key=lambda one: (-one.volume.mm3, one.id)):
        path = paths.get(Frame.of(series[lesion.series_id]))
        if path is None:
            continue
        point = path.transform.inverse().apply(_middle(lesion))
        if holds(home.volume.geometry, point):
            return Spot(lesion.id, bone.id, home.id, point)
    return Spot("", bone.id, home.id, bone.centroid_lps)


def _middle(lesion: Lesion) -> NDArray[np.float64]:
    return np.asarray(lesion.centroid_lps, dtype=np.float64)
