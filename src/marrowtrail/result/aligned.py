"""Earlier series brought onto today's grid, bone by bone, for side-by-side and subtraction views.

For every bone with oedema at any visit: today's series, cut to the bone, and on the same grid
the series of every other visit that the bone was read on or registered by. Neighbouring bones
move by themselves and are not aligned in such a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.follow_up.chains import completed
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, bounding_box, resample
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.record.sites import BoneId
from marrowtrail.result.model import Result

MARGIN_MM = 14.0
"""Tissue shown around a bone, as in the report's viewer."""

STEPS = 4096
"""Brightness is kept in so many steps of its range: scanners give twelve bits, and what is
rounded to them takes half the room."""

UNVERIFIED = "-unverified"


def aligned_volumes(result: Result) -> Iterator[tuple[str, Volume]]:
    """File names without their ending, as ``femur-right-knee-v1-s1-on-v3-s1``, and volumes.

    One after the other, so that no more than one need be held at a time.

    They hold float32, NaN where a series did not image the place. A registration that is not
    verified is told by the name's end, one that is impossible gives no file.
    """
    readings = {(one.visit_id, one.bone): one for one in result.readings}
    bones = sorted({one.bone for one in result.readings if one.lesions})
    order = [visit.id for visit in result.study.visits]
    known = completed(result.registrations, order)
    for bone in bones:
        sighted = [visit for visit in order if _read_on(readings.get((visit, bone))) is not None]
        series_id = _read_on(readings[sighted[-1], bone])
        home = _series(result)[series_id or ""]
        grid = _grid(home, _maps(result)[home.id], bone)
        name = "-".join(part for part in (bone.bone, bone.side.value, bone.end) if part)
        yield f"{name}-{home.id}", _rounded(resample(home.volume, grid))
        for one in known:
            if one.bone == bone and sighted[-1] in (one.from_visit, one.to_visit):
                for prior, mark, volume in _priors(result, one, home, grid, readings):
                    yield f"{name}-{prior}-on-{home.id}{mark}", volume


def _read_on(reading: BoneReading | None) -> str | None:
    return reading.series_id if reading is not None and reading.is_read else None


def _series(result: Result) -> dict[str, Series]:
    return {one.id: one for visit in result.study.visits for one in visit.series}


def _maps(result: Result) -> dict[str, BoneMap]:
    return {one.series_id: one for one in result.bone_maps}


def _priors(
    result: Result,
    one: BoneRegistration,
    home: Series,
    grid: Geometry,
    readings: Mapping[tuple[str, BoneId], BoneReading],
) -> Iterator[tuple[str, str, Volume]]:
    """Series ids of the other visit, a mark, and their voxels on today's grid."""
    is_earlier = one.to_visit == home.visit_id
    here = one.to_frame if is_earlier else one.from_frame
    there, frame = (one.from_visit, one.from_frame) if is_earlier else (one.to_visit, one.to_frame)
    if one.verification is Verification.IMPOSSIBLE or here not in (None, _frame(home)):
        return
    motion = one.transform.inverse() if is_earlier else one.transform
    mark = "" if one.verification is Verification.VERIFIED else UNVERIFIED
    chosen = {one.from_series if is_earlier else one.to_series}
    read_on = _read_on(readings.get((there, one.bone)))
    for series_id in sorted(chosen | ({read_on} if read_on else set())):
        series = _series(result)[series_id]
        if frame in (None, _frame(series)):
            yield series_id, mark, _moved(series, grid, motion)


def _frame(series: Series) -> str | None:
    return series.volume.geometry.frame_of_reference


def _moved(series: Series, grid: Geometry, motion: RigidTransform) -> Volume:
    return _rounded(resample(series.volume, grid, motion, fill=np.nan))


def _grid(home: Series, bone_map: BoneMap, bone_id: BoneId) -> Geometry:
    """Today's voxels around a bone."""
    bone = next(one for one in bone_map.bones if one.id == bone_id)
    spacing = home.volume.geometry.spacing_mm
    i, j, k = (round(MARGIN_MM / width) for width in spacing)
    start, stop = bounding_box(np.asarray(bone.mask.data, dtype=bool), (i, j, k))
    return home.volume.geometry.crop(start, stop)


def _rounded(volume: Volume) -> Volume:
    data = np.asarray(volume.data, dtype=np.float32)
    top = float(np.nanmax(data, initial=0.0))
    step = np.float32(top / STEPS if top > 0 else 1.0)
    return volume.with_data(np.round(data / step) * step)
