"""Which places are pictured, and which native slice of which series shows each at every visit.

A spot is a point in a bone: the middle of a lesion's largest cross-section. A lesion that is
already cut well by a slice drawn for another spot gets none of its own, so that one lesion
followed through three visits is one row of pictures and not three. Without any lesion the
middle of each bone that was read is shown, so that the reader sees what was found clear. A bone
whose outline is unsure is shown too, so that the reader sees what was not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.follow_up.track import BoneRegistration
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Plane, Series, Study, Visit, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId
from marrowtrail.report.display import DisplayedSlice, slice_axis
from marrowtrail.report.motion import Frame, Path, paths_from

WELL_CUT = 0.5
"""A slice shows a lesion if it passes at least this part of its largest cross-section."""

MOST_SPOTS = 12
"""Rows of pictures in one report; the largest lesions win. Twelve rows of three visits with
their T1 companions stay under 3 MB."""


THICKEST_MM = 8.0
"""Slices further apart are a scout's; diagnostic series of bone keep below 6 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A point in a bone at one visit. ``lesion_id`` is empty for the middle of a bone."""

    lesion_id: str
    bone: BoneId
    series_id: str
    point_lps: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A spot as one series of one visit shows it. ``verified``: the place is relied on."""

    spot: Spot
    series: Series
    slice: DisplayedSlice
    point_lps: NDArray[np.float64]
    verified: bool
    is_companion: bool
    """A T1 slice beside the fluid-sensitive one."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictured:
    """A spot and its views, in order of the visits."""

    spot: Spot
    views: tuple[View, ...]


def choose_views(
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    readings: tuple[BoneReading, ...],
    registrations: tuple[BoneRegistration, ...],
) -> tuple[Pictured, ...]:
    """The pictures to draw, spots of the earliest visit first."""
    series = {s.id: s for visit in study.visits for s in visit.series}
    lesions = tuple(lesion for reading in readings for lesion in reading.lesions)
    by_size = sorted(lesions, key=lambda lesion: (-lesion.volume.mm3, lesion.id))
    spots = [spot_of(lesion, series[lesion.series_id].plane) for lesion in by_size]
    chosen: dict[str, Pictured] = {}
    for lesion, spot in zip(by_size, spots, strict=True):
        if len(chosen) == MOST_SPOTS or _is_shown(lesion, chosen, series):
            continue
        views = views_at(spot, study, bone_maps, registrations)
        chosen[lesion.id] = Pictured(spot, views)
    pictured = tuple(chosen[lesion.id] for lesion in lesions if lesion.id in chosen)
    clear = () if lesions else _clear_bones(bone_maps, readings)
    middles = (*clear, *_unsure_bones(bone_maps))[: MOST_SPOTS - len(pictured)]
    return pictured + tuple(
        Pictured(spot, views_at(spot, study, bone_maps, registrations)) for spot in middles
    )


def spot_of(lesion: Lesion, plane: Plane) -> Spot:
    """The pixel nearest to the middle of a lesion's largest cross-section.

    Raises
    ------
    ValueError
        If the lesion's mask is empty.
    """
    point = _middle_of_largest_cut(lesion.mask, plane)
    return Spot(lesion.id, lesion.bone, lesion.series_id, point)


def _middle_of_largest_cut(mask: Volume, plane: Plane) -> NDArray[np.float64]:
    axis = slice_axis(mask.geometry, plane)
    index = int(np.argmax(_areas(mask, axis)))
    ijk = np.argwhere(mask.data)
    if ijk.size == 0:
        raise ValueError("An empty mask has no cross-section to show.")
    cut = ijk[ijk[:, axis] == index]
    off_centre = (cut - cut.mean(axis=0)) * np.asarray(mask.geometry.spacing_mm)
    nearest = cut[np.argmin(np.linalg.norm(off_centre, axis=1))]
    return mask.geometry.to_lps(nearest)


def _areas(mask: Volume, axis: int) -> NDArray[np.int64]:
    others = tuple(a for a in range(3) if a != axis)
    areas: NDArray[np.int64] = np.count_nonzero(mask.data, axis=others).astype(np.int64)
    return areas


def _is_shown(lesion: Lesion, chosen: dict[str, Pictured], series: dict[str, Series]) -> bool:
    areas = _areas(lesion.mask, slice_axis(lesion.mask.geometry, series[lesion.series_id].plane))
    return any(
        view.series.id == lesion.series_id
        and picture.spot.bone == lesion.bone
        and areas[view.slice.index] >= WELL_CUT * areas.max()
        for picture in chosen.values()
        for view in picture.views
    )


def _clear_bones(
    bone_maps: tuple[BoneMap, ...], readings: tuple[BoneReading, ...]
) -> tuple[Spot, ...]:
    spots: dict[BoneId, Spot] = {}
    for reading in readings:
        for bone_map in bone_maps:
            bone = bone_map.get(reading.bone)
            wanted = reading.is_read and reading.series_id == bone_map.series_id
            if wanted and bone is not None and bone.mask.data.any() and bone.id not in spots:
                spots[bone.id] = Spot("", bone.id, bone_map.series_id, bone.centroid_lps)
    return tuple(spots.values())


def _unsure_bones(bone_maps: tuple[BoneMap, ...]) -> tuple[Spot, ...]:
    """One for each bone that no series of a visit outlines surely, where most of it is seen."""
    spots: dict[BoneId, Spot] = {}
    seen = [(one.visit_id, one.series_id, bone) for one in bone_maps for bone in one.bones]
    sure = {(visit, bone.id) for visit, _, bone in seen if bone.verdict is BoneVerdict.ACCEPTED}
    for visit, series_id, bone in sorted(seen, key=lambda one: -one[2].volume_mm3):
        if (visit, bone.id) not in sure and bone.id not in spots:
            spots[bone.id] = Spot("", bone.id, series_id, bone.centroid_lps)
    return tuple(spots[bone_id] for bone_id in sorted(spots))


def views_at(
    spot: Spot,
    study: Study,
    bone_maps: tuple[BoneMap, ...],
    registrations: tuple[BoneRegistration, ...],
) -> tuple[View, ...]:
    """How each visit shows a spot: at most its main series and a T1 companion."""
    series = {s.id: s for visit in study.visits for s in visit.series}
    home = series[spot.series_id]
    with_bone = {m.series_id for m in bone_maps if m.get(spot.bone) is not None}
    paths = paths_from(Frame.of(home), spot.bone, study, registrations)
    return tuple(
        view
        for visit in study.visits
        for view in _best_of_visit(_shown_at(visit, spot, paths), home, with_bone)
    )


def _shown_at(visit: Visit, spot: Spot, paths: dict[Frame, Path]) -> list[View]:
    """Every series of a visit whose field of view holds the spot."""
    views = []
    for series in visit.series:
        path = paths.get(Frame.of(series))
        geometry = series.volume.geometry
        if path is None or max(geometry.spacing_mm) > THICKEST_MM:
            continue
        point = path.transform.apply(spot.point_lps)
        if holds(geometry, point):
            cut = DisplayedSlice.through(geometry, series.plane, point)
            views.append(View(spot, series, cut, point, path.verified, _is_t1(series)))
    return views


def _best_of_visit(shown: list[View], home: Series, with_bone: set[str]) -> list[View]:
    """The fluid-sensitive view of the same kind and its T1 companion, where there are any.

    A visit where the bone was found on no series that holds the spot has none.
    """
    if not any(view.series.id in with_bone for view in shown):
        return []

    def rank(view: View) -> tuple[bool, bool, bool, bool, float, str]:
        series = view.series
        return (
            series.id != home.id,
            not series.contrast.is_fluid_sensitive,
            series.plane is not home.plane,
            series.id not in with_bone,
            min(series.volume.geometry.spacing_mm),
            series.id,
        )

    main = sorted((view for view in shown if not view.is_companion), key=rank)[:1]
    plane = main[0].series.plane if main else home.plane
    companions = sorted(
        (view for view in shown if view.is_companion),
        key=lambda view: (view.series.plane is not plane, rank(view)),
    )
    return [*main, *companions[:1]]


def _is_t1(series: Series) -> bool:
    contrast = series.contrast
    return contrast.weighting is Weighting.T1 and contrast.fat_suppressed is not True


def holds(geometry: Geometry, point_lps: NDArray[np.float64]) -> bool:
    """A (3,) LPS point lies within the voxels of a grid."""
    ijk = geometry.to_ijk(point_lps)
    return bool((ijk >= -0.5).all() and (ijk <= np.asarray(geometry.shape) - 0.5).all())
