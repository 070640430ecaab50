"""What registering a bone needs of each visit alone, made once for all pairs of visits."""

from __future__ import annotations

from collections import OrderedDict

from marrowtrail.anatomy.bones import Bone
from marrowtrail.follow_up.bone_surface import BoneSurface, surface_of
from marrowtrail.follow_up.intensity_alignment import Level, levels_of
from marrowtrail.imaging.series import Series
from marrowtrail.record.sites import BoneId

MOST_LEVELS = 24
"""Blurred crops kept at a time: some ten megabytes each, and three visits' bones of a joint."""


class Prepared:
    """Surfaces of all bones, and the blurred crops used last. Lives for one comparison.

    Bones are known by their series and name, so one of these serves one set of bone maps.
    """

    def __init__(self) -> None:
        self._surfaces: dict[tuple[str, BoneId], BoneSurface | None] = {}
        self._levels: OrderedDict[tuple[str, BoneId, tuple[float, ...]], tuple[Level, ...]]
        self._levels = OrderedDict()

    def surface(self, series_id: str, bone: Bone) -> BoneSurface | None:
        """The surface of a bone on a series; ``None`` where its mask has too little of one."""
        key = series_id, bone.id
        if key not in self._surfaces:
            self._surfaces[key] = surface_of(bone)
        return self._surfaces[key]

    def levels(self, series: Series, bone: Bone, blurs: tuple[float, ...]) -> tuple[Level, ...]:
        """Blurred crops of a bone, one for each blur in mm."""
        key = series.id, bone.id, blurs
        if key not in self._levels:
            self._levels[key] = levels_of(series, bone, blurs)
            if len(self._levels) > MOST_LEVELS:
                self._levels.popitem(last=False)
        self._levels.move_to_end(key)
        return self._levels[key]
