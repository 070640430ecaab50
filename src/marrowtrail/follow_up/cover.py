"""Was the place of a lesion imaged at another visit? What was not imaged is not clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.follow_up.matching import MIN_OVERLAP, sample_nearest, shared_fraction
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.lesions.lesion import BoneReading, Lesion
from marrowtrail.record.sites import BoneId

COVERED_SHARE = 0.6
"""A lesion's place was imaged if this much of it lies in the bone as imaged at the other
visit; borders of masks and fields of view cost a tenth or two."""


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

    def motion(
        self, bone: BoneId, from_visit: str, to_visit: str
    ) -> tuple[RigidTransform, Verification] | None:
        """How a bone moved between two visits, in either order of time."""
        forward = self.registrations.get((from_visit, to_visit, bone))
        if forward is not None:
            return forward.transform, forward.verification
        backward = self.registrations.get((to_visit, from_visit, bone))
        if backward is not None:
            return backward.transform.inverse(), backward.verification
        return None

    def cover(self, lesion: Lesion, visit_id: str) -> Cover:
        """Whether the place of a lesion was imaged and read at another visit."""
        cover = self._imaged(lesion, visit_id)
        return Cover.POSSIBLE if cover.tells and self.possible(lesion, visit_id) else cover

    def possible(self, lesion: Lesion, visit_id: str) -> tuple[Lesion, ...]:
        """Areas of another visit that may be oedema and share the place of a lesion."""
        reading = self.readings.get((visit_id, lesion.bone))
        motion = self.motion(lesion.bone, lesion.visit_id, visit_id)
        if reading is None:
            return ()
        if motion is None or motion[1] is not Verification.VERIFIED:
            return tuple(one for one in reading.possible if one.main_region == lesion.main_region)
        return tuple(
            one
            for one in reading.possible
            if shared_fraction(lesion, one, motion[0]) >= MIN_OVERLAP
        )

    def _imaged(self, lesion: Lesion, visit_id: str) -> Cover:
        reading = self.readings.get((visit_id, lesion.bone))
        if reading is None or not reading.is_read or reading.series_id is None:
            return Cover.NOT_IMAGED
        bone = self.maps[reading.series_id].get(lesion.bone)
        if bone is None:
            return Cover.NOT_IMAGED
        motion = self.motion(lesion.bone, lesion.visit_id, visit_id)
        if motion is not None and motion[1] is Verification.IMPOSSIBLE:
            return Cover.NOT_COMPARABLE
        if motion is None or motion[1] is not Verification.VERIFIED:
            held = lesion.main_region in bone.region_names
            return Cover.BY_REGION if held else Cover.NOT_IMAGED
        points = lesion.mask.geometry.to_lps(np.argwhere(lesion.mask.data))
        share = float(sample_nearest(bone.mask, motion[0].apply(points)).mean())
        return Cover.READ if share >= COVERED_SHARE else Cover.NOT_IMAGED
