"""Outlines of bones that were found, as files that can be corrected and handed back.

``labels/SERIES-bones.nii.gz`` with ``labels/SERIES-bones.json``: the layout in which masks come
in under ``visits[].bones``. Bones whose masks were handed in are the user's own and not among
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.imaging.volume import Volume
from marrowtrail.imaging.write_nifti import write_nifti


def write_found_bones(bone_maps: Iterable[BoneMap], folder: Path) -> None:
    """Write the found bones of each series that has any into an existing folder."""
    for bone_map in bone_maps:
        found = [bone for bone in bone_map.bones if bone.is_found]
        if not found:
            continue
        labels = np.zeros(bone_map.geometry.shape, dtype=np.uint8)
        for number, bone in enumerate(found, start=1):
            labels[np.asarray(bone.mask.data, dtype=bool)] = number
        stem = f"{bone_map.series_id}-bones"
        write_nifti(Volume(labels, bone_map.geometry), folder / f"{stem}.nii.gz")
        table = {str(number): _entry(bone) for number, bone in enumerate(found, start=1)}
        text = json.dumps(table, indent=1) + "\n"
        (folder / f"{stem}.json").write_text(text, encoding="utf-8")


def _entry(bone: Bone) -> dict[str, str]:
    entry = {"bone": bone.id.bone, "side": bone.id.side.value, "verdict": bone.verdict.value}
    return entry | ({"reason": bone.reason} if bone.reason else {})
