"""Which region of its bone a voxel lies in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.extent import ends_in_view
from marrowtrail.anatomy.partitions import ankle, hip, knee
from marrowtrail.anatomy.partitions.shape import BoneShape, CutSides, Partition
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId


def name_regions(bone: BoneId, mask: Volume, axes: BoneAxes) -> tuple[Volume, tuple[str, ...]]:
    """The regions of a bone on its mask's grid.

    Returns
    -------
    regions
        uint8 volume: 0 outside, else 1 + index into the names.
    names
        Region keys of the vocabulary; empty for a bone that has no partition, or whose ends
        are all cut off by the field of view.
    """
    ijk = np.argwhere(mask.data)
    u = axes.coordinates_mm(mask.geometry.to_lps(ijk))
    ends = ends_in_view(mask, ijk, u[:, 2], axes.proximal)
    shape = BoneShape(u, mask, axes, ends, CutSides.of(mask, ijk, axes))
    partition = _partition(bone, shape)
    regions = np.zeros(mask.geometry.shape, dtype=np.uint8)
    if partition is None:
        return mask.with_data(regions), ()
    regions[tuple(ijk.T)] = partition.index
    return mask.with_data(regions), partition.names


def _partition(bone: BoneId, shape: BoneShape) -> Partition | None:
    if bone.bone in _SHORT:
        return _SHORT[bone.bone](shape)
    if bone.bone not in _LONG:
        return None
    proximal, distal = _LONG[bone.bone]
    if shape.ends.proximal and shape.ends.distal:
        return _both_ends(shape, proximal(shape), distal(shape))
    if shape.ends.proximal:
        return proximal(shape)
    return distal(shape) if shape.ends.distal else None


def _both_ends(shape: BoneShape, upper: Partition, lower: Partition) -> Partition:
    """Join the partitions of the two ends in the middle of the bone."""
    middle = (shape.proximal_mm.max() + shape.proximal_mm.min()) / 2
    parts: dict[str, NDArray[np.bool_]] = {}
    for partition, half in (
        (upper, shape.proximal_mm >= middle),
        (lower, shape.proximal_mm < middle),
    ):
        for number, name in enumerate(partition.names, start=1):
            where = half & (partition.index == number)
            parts[name] = parts.get(name, np.zeros(len(shape.u), dtype=bool)) | where
    return Partition.of(len(shape.u), parts)


def _halves(shape: BoneShape) -> Partition:
    """Left and right half of a mask that spans the midline (``lateral`` is the left)."""
    low, high = shape.width_mm(np.ones(len(shape.u), dtype=bool))
    left = shape.lateral_mm >= (low + high) / 2
    return Partition.of(len(shape.u), {"left_side": left, "right_side": ~left})


_Rule = Callable[[BoneShape], Partition]

_SHORT: dict[str, _Rule] = {
    "patella": knee.patella,
    "talus": ankle.talus,
    "calcaneus": ankle.calcaneus,
    "hip_bone": hip.hip_bone,
    "sacroiliac_bones": _halves,
}

_LONG: dict[str, tuple[_Rule, _Rule]] = {
    "femur": (hip.femur_proximal, knee.femur_distal),
    "tibia": (knee.tibia_proximal, ankle.tibia_distal),
    "fibula": (knee.fibula_proximal, ankle.fibula_distal),
}
