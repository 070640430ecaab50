"""Was the place of a lesion imaged at another visit? What was not imaged is not clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.follow_up.matching import (
    MIN_OVERLAP,
    frame_of,
    sample_nearest,
    shared_fraction,
)
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId

COVERED_SHARE = 0.6
"""A lesion's place was imaged if this much of it lies in the bone as imaged at the other
visit; borders of masks and fields of view cost a tenth or two."""

COMPARED_SHARE = 0.8
"""Volumes of two visits are compared if each imaged this much of the other one's oedema: a
fifth that is missing changes a volume by 1.25 times, which is less than repeats alone do."""


class Cover(StrEnum):
    """What another visit says about a lesion's place."""

    READ = "read"
    """The bone was read there: no lesion means clear."""
    BY_REGION = "by_region"
    """The bone was read and holds the region, but its registration is not verified."""
    NOT_COMPARABLE = "not_comparable"
    """The bone was read, but it does not fit the same bone of the lesion's visit: another
    person, another side or a mirrored image. Nothing follows from what it shows."""
    POSSIBLE = "possible"
    """The bone was read, and its place may be oedematous there: neither clear nor seen."""
    NOT_READ = "not_read"
    """The bone was imaged there and could not be read."""
    NOT_IMAGED = "not_imaged"

    @property
    def tells(self) -> bool:
        """No lesion there means that its place was clear."""
        return self in (Cover.READ, Cover.BY_REGION)


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Readings, bone maps and registrations, by visit and bone."""

    readings: Mapping[tuple[str, BoneId], BoneReading]
    maps: Mapping[str, BoneMap]
    """By series id."""
    registrations: Mapping[tuple[str, str, BoneId], BoneRegistration]

    @classmethod
    def of(
        cls,
        readings: Sequence[BoneReading],
        bone_maps: Sequence[BoneMap],
        registrations: Sequence[BoneRegistration],
    ) -> Atlas:
        """Index what was measured."""
        return cls(
            {(one.visit_id, one.bone): one for one in readings},
            {one.series_id: one for one in bone_maps},
            {(one.from_visit, one.to_visit, one.bone): one for one in registrations},
        )

    def motion(self, lesion: Lesion, visit_id: str) -> tuple[RigidTransform, Verification] | None:
        """How the bone of a lesion lies at another visit, earlier or later than its own.

        It is verified only between the frame that the lesion was drawn in and the one that the
        other visit's reading of this bone was made in.
        """
        mine, theirs = frame_of(lesion), self._frame(visit_id, lesion.bone)
        forward = self.registrations.get((lesion.visit_id, visit_id, lesion.bone))
        if forward is not None:
            return forward.transform, forward.within(mine, theirs)
        backward = self.registrations.get((visit_id, lesion.visit_id, lesion.bone))
        if backward is not None:
            return backward.transform.inverse(), backward.within(theirs, mine)
        return None

    def _frame(self, visit_id: str, bone: BoneId) -> str | None:
        reading = self.readings.get((visit_id, bone))
        if reading is None or reading.series_id is None:
            return None
        return self.maps[reading.series_id].geometry.frame_of_reference

    def cover(self, lesion: Lesion, visit_id: str) -> Cover:
        """Whether the place of a lesion was imaged and read at another visit."""
        cover = self._imaged(lesion, visit_id)
        return Cover.POSSIBLE if cover.tells and self.possible(lesion, visit_id) else cover

    def bone(self, bone: BoneId, visit_id: str) -> Bone | None:
        """A bone on the series that it was read on; ``None`` where it was not."""
        reading = self.readings.get((visit_id, bone))
        if reading is None or reading.series_id is None:
            return None
        return self.maps[reading.series_id].get(bone)

    def possible(self, lesion: Lesion, visit_id: str) -> tuple[Lesion, ...]:
        """Areas of another visit that may be oedema and share the place of a lesion."""
        reading = self.readings.get((visit_id, lesion.bone))
        motion = self.motion(lesion, visit_id)
        if reading is None:
            return ()
        if motion is None or motion[1] is not Verification.VERIFIED:
            return tuple(one for one in reading.possible if one.main_region == lesion.main_region)
        return tuple(
            one
            for one in reading.possible
            if shared_fraction(lesion, one, motion[0]) >= MIN_OVERLAP
        )

    def imaged_share(self, lesion: Lesion, visit_id: str) -> float | None:
        """Share of a lesion that lies in its bone as imaged at another visit, 0 to 1.

        ``None`` where no verified registration finds its place again, or the bone was not read.
        """
        bone, motion = self.bone(lesion.bone, visit_id), self.motion(lesion, visit_id)
        if bone is None or motion is None or motion[1] is not Verification.VERIFIED:
            return None
        points = lesion.mask.geometry.to_lps(np.argwhere(lesion.mask.data))
        return float(sample_nearest(bone.mask, motion[0].apply(points)).mean())

    def _imaged(self, lesion: Lesion, visit_id: str) -> Cover:
        reading = self.readings.get((visit_id, lesion.bone))
        if reading is None:
            return Cover.NOT_IMAGED
        if not reading.is_read or reading.series_id is None:
            return Cover.NOT_READ
        bone = self.bone(lesion.bone, visit_id)
        if bone is None:
            return Cover.NOT_IMAGED
        motion = self.motion(lesion, visit_id)
        if motion is not None and motion[1] is Verification.IMPOSSIBLE:
            return Cover.NOT_COMPARABLE
        share = self.imaged_share(lesion, visit_id)
        if share is None:
            held = lesion.main_region in bone.region_names
            return Cover.BY_REGION if held else Cover.NOT_IMAGED
        return Cover.READ if share >= COVERED_SHARE else Cover.NOT_IMAGED
