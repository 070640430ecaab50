"""One bone on the series of one visit: where they disagree, a found outline is not believed.

Series that share a frame of reference show the same tissue at the same place. Their outlines are
not independent, since the first network's answers to all of them were averaged
(:mod:`.finding.coarse`); what it doubts makes it less certain and less steady, which the verdict
weighs. What is left to see here is a patient who moved, a grid that lies wrong, an edge that one
series shows and another does not. A bone that most of the others draw elsewhere, or do not see
where they should, is unsure. Masks that were handed in are compared with, and never judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneMap, BoneVerdict
from marrowtrail.anatomy.finding.resampling import aligned_grid, sampled, within
from marrowtrail.anatomy.finding.verdict import plausible
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import bounding_box

COMMON_MM = 2.0
"""Grid on which outlines are compared: between a pixel and a slice."""

ENOUGH_SHARE = 0.3
"""Another series says something of a bone if its field of view holds so much of it."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """``dice`` where both fields of view overlap; 0 where the other series does not see it."""

    dice: float
    is_seen: bool


def compared(maps: Sequence[BoneMap]) -> tuple[BoneMap, ...]:
    """The maps of a visit, with found bones unsure that the other series contradict."""
    return tuple(
        replace(
            one,
            bones=tuple(
                _judged(bone, [other for other in maps if other is not one])
                if bone.is_found
                else bone
                for bone in one.bones
            ),
        )
        for one in maps
    )


def _judged(bone: Bone, others: Sequence[BoneMap]) -> Bone:
    least = plausible().doubts.least_agreement_of_series
    said = [
        comparison
        for other in others
        if bone.mask.geometry.shares_frame(other.geometry)
        if (comparison := _compare(bone, other)) is not None
    ]
    against = [one for one in said if one.dice < least]
    if 2 * len(against) <= len(said):
        return bone
    unseen = sum(not one.is_seen for one in against)
    best = max(one.dice for one in against)
    reason = f"{len(against)} of {len(said)} other series of the visit disagree"
    if unseen < len(against):
        reason += f" (they share {best:.0%} of the outline at best; did the patient move?)"
    elif unseen:
        reason += " (it is not seen there)"
    reason = f"{bone.reason}; {reason}" if bone.reason else reason
    return replace(bone, verdict=BoneVerdict.UNSURE, reason=reason)


def _compare(bone: Bone, other: BoneMap) -> _Comparison | None:
    """``None`` if the other series shows too little of the bone to say anything."""
    same = [one for one in other.bones if _same(one, bone)]
    start, stop = bounding_box(np.asarray(bone.mask.data, dtype=bool), (1, 1, 1))
    grid = aligned_grid(bone.mask.geometry.crop(start, stop), COMMON_MM)
    mine = _on(bone, grid)
    seen = within(other.geometry, grid)
    shared = np.count_nonzero(mine & seen)
    if shared == 0 or shared < ENOUGH_SHARE * np.count_nonzero(mine):
        return None
    if not same:
        return _Comparison(0.0, is_seen=False)
    theirs = np.logical_or.reduce([_on(one, grid) for one in same])
    both_see = seen & within(bone.mask.geometry, grid)
    mine, theirs = mine & both_see, theirs & both_see
    total = np.count_nonzero(mine) + np.count_nonzero(theirs)
    return _Comparison(2 * np.count_nonzero(mine & theirs) / total, is_seen=True)


def _same(one: Bone, bone: Bone) -> bool:
    return (one.id.bone, one.id.side) == (bone.id.bone, bone.id.side)


def _on(bone: Bone, grid: Geometry) -> NDArray[np.bool_]:
    start, stop = bounding_box(np.asarray(bone.mask.data, dtype=bool), (2, 2, 2))
    block = bone.mask.crop(start, stop)
    field = block.with_data(np.asarray(block.data, dtype=np.float32))
    inside = sampled(field, grid) > 0.5
    return np.asarray(inside & within(block.geometry, grid))
