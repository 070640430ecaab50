"""Where in its bone a lesion lies, finer than by region: subregions, and depth under the joint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.anatomy.subchondral import joint_distance_mm
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.model import SubregionShareRow


def subregion_rows(lesion: Lesion, bone: Bone | None) -> tuple[SubregionShareRow, ...]:
    """How a lesion spreads over the subregions of its bone, largest share first.

    What lies in none of them is in no row, so shares need not sum to 1.
    """
    if bone is None or bone.subregions is None:
        return ()
    n = len(bone.subregion_names) + 1
    here = np.asarray(lesion.mask.data, dtype=bool)
    labels = bone.subregions.on_grid_of(lesion.mask)
    inside, whole = np.bincount(labels[here], minlength=n), np.bincount(labels.ravel(), minlength=n)
    words = {
        one.key: (one.label, region.key)
        for region in vocabulary().bone(bone.id.bone).regions
        for one in region.subregions
    }
    rows = [
        SubregionShareRow(
            subregion=name,
            region=words[name][1],
            label=words[name][0],
            share_of_lesion=round(float(inside[k] / inside.sum()), 4),
            share_of_subregion=round(float(inside[k] / whole[k]), 4),
        )
        for k, name in enumerate(bone.subregion_names, start=1)
        if inside[k]
    ]
    return tuple(sorted(rows, key=lambda row: (-row.share_of_lesion, row.subregion)))


def distances_to_joint_mm(
    lesions: Sequence[Lesion], bone_maps: Sequence[BoneMap]
) -> dict[str, float]:
    """From the nearest voxel of each lesion to the joint surface of its bone, by lesion id.

    A lesion is left out where no neighbouring bone shows where that surface is.
    """
    maps = {one.series_id: one for one in bone_maps}
    places = dict.fromkeys((one.series_id, one.bone) for one in lesions)
    found: dict[str, float] = {}
    for series_id, bone_id in places:
        bone = maps[series_id].get(bone_id)
        depth = None if bone is None else joint_distance_mm(maps[series_id], bone)
        if depth is None:
            continue
        for lesion in lesions:
            if (lesion.series_id, lesion.bone) != (series_id, bone_id):
                continue
            nearest = float(depth[np.asarray(lesion.mask.data, dtype=bool)].min())
            if np.isfinite(nearest):
                found[lesion.id] = round(nearest, 1)
    return found
