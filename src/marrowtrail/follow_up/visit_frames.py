"""Whether the series of one visit lie in one frame, in name and in fact.

Lesions are drawn on a fat-suppressed series and bones are registered on the series that suits
best, mostly T1. What was found on the one holds on the other only if both share a frame of
reference and the patient lay still between them. Headers tell the first; the second is seen by
the bones, which must lie at the same place on both. Where they do not, a bone is registered on
the series that it was read on, and the reader is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from marrowtrail.anatomy.bones import BoneMap, BoneVerdict
from marrowtrail.follow_up.prepared import Prepared
from marrowtrail.follow_up.registration import Imaged
from marrowtrail.follow_up.surface_alignment import Pair, align_surfaces, displacement_mm
from marrowtrail.follow_up.track import MovedSeries
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.lesions.lesion import BoneReading
from marrowtrail.record.sites import BoneId

MOVED_MM = 1.5
"""The bones of two series of a visit lie apart by more only if the patient moved. Outlines are
good to half a pixel, and the chemical shift of fat moves what is seen of a bone by about one:
under a millimetre together. A registration that is off by more counts as wrong."""


@dataclass(frozen=True, slots=True)
class VisitFrames:
    """Which series may place a bone, and which moved.

    Parameters
    ----------
    usable
        Series ids by visit and bone: those that lie in the frame the bone was read in.
    moved
        Series that share that frame in name only.
    """

    usable: Mapping[tuple[str, BoneId], frozenset[str]]
    moved: tuple[MovedSeries, ...]

    def allow(self, series: Series, bone: BoneId) -> bool:
        """Whether a bone may be placed by a series of its visit."""
        return series.id in self.usable[series.visit_id, bone]


def frames_in_fact(
    imaged: Mapping[str, Imaged], readings: Sequence[BoneReading], prepared: Prepared
) -> VisitFrames:
    """Compare the series of every visit with those that its bones were read on.

    A bone that was not read is taken to lie in the frame of the first series that shows it.
    """
    read_on = {(one.visit_id, one.bone): one.series_id for one in readings}
    usable: dict[tuple[str, BoneId], frozenset[str]] = {}
    moved: dict[tuple[str, str], float] = {}
    for visit, pairs in imaged.items():
        for bone in _bones(pairs):
            showing = [pair for pair in pairs if pair[1].get(bone) is not None]
            chosen = read_on.get((visit, bone))
            home = next((pair for pair in showing if pair[0].id == chosen), showing[0])
            inside = [home[0].id]
            for other in showing:
                if other is home or not _share_name(other[0], home[0]):
                    continue
                key = (other[0].id, home[0].id)
                if key not in moved:
                    moved[key] = _apart_mm(other, home, prepared)
                if moved[key] <= MOVED_MM:
                    inside.append(other[0].id)
            usable[visit, bone] = frozenset(inside)
    by_visit = {one.id: visit for visit, pairs in imaged.items() for one, _ in pairs}
    return VisitFrames(
        usable,
        tuple(
            MovedSeries(by_visit[series], series, home, mm)
            for (series, home), mm in moved.items()
            if mm > MOVED_MM
        ),
    )


def _bones(pairs: Imaged) -> Iterator[BoneId]:
    yield from sorted({bone.id for _, bone_map in pairs for bone in bone_map.bones})


def _share_name(first: Series, second: Series) -> bool:
    """Series that name no frame are taken to share theirs; their bones tell if they do not."""
    frames = [one.volume.geometry.frame_of_reference for one in (first, second)]
    return frames[0] == frames[1]


def _apart_mm(
    first: tuple[Series, BoneMap], second: tuple[Series, BoneMap], prepared: Prepared
) -> float:
    """How far the bones of one series lie from the same bones of another, moved as one.

    The median over their surfaces; 0 where no bone has a sure outline on both.
    """
    pairs = list(_common(first, second, prepared))
    if not pairs:
        return 0.0
    motion = align_surfaces(pairs, [RigidTransform.identity()]).transform
    points = np.concatenate([one.probe_lps for one, _ in pairs])
    return float(np.median(displacement_mm(RigidTransform.identity(), motion, points)))


def _common(
    first: tuple[Series, BoneMap], second: tuple[Series, BoneMap], prepared: Prepared
) -> Iterator[Pair]:
    for bone in first[1].bones:
        other = second[1].get(bone.id)
        if other is None or {bone.verdict, other.verdict} != {BoneVerdict.ACCEPTED}:
            continue
        surfaces = prepared.surface(first[0].id, bone), prepared.surface(second[0].id, other)
        if surfaces[0] is not None and surfaces[1] is not None:
            yield surfaces[0], surfaces[1]
