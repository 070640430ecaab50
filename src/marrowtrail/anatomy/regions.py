"""Which region of its bone a voxel lies in, and which subregion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes
from marrowtrail.anatomy.extent import ends_in_view
from marrowtrail.anatomy.partitions import ankle, hip, knee
from marrowtrail.anatomy.partitions.nested import subregions
from marrowtrail.anatomy.partitions.shape import BoneShape, CutSides, Partition
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId


@dataclass(frozen=True, slots=True, eq=False)
class NamedParts:
    """The regions of a bone on its mask's grid, and the subregions nested in them.

    Parameters
    ----------
    regions, subregions
        uint8 volumes: 0 outside or unnamed, else 1 + index into the names.
    region_names, subregion_names
        Keys of the vocabulary; empty for a bone that has none, or whose ends are all cut off
        by the field of view.
    """

    regions: Volume
    region_names: tuple[str, ...]
    subregions: Volume
    subregion_names: tuple[str, ...]


def name_parts(bone: BoneId, mask: Volume, axes: BoneAxes) -> NamedParts:
    """Regions and subregions of a bone, in its own axes."""
    ijk = np.argwhere(mask.data)
    u = axes.coordinates_mm(mask.geometry.to_lps(ijk))
    ends = ends_in_view(mask, ijk, u[:, 2], axes.proximal)
    shape = BoneShape(u, mask, axes, ends, CutSides.of(mask, ijk, axes))
    regions = _partition(bone, shape) or Partition.of(len(u), {})
    nested = subregions(bone.bone, shape, regions)
    return NamedParts(
        _painted(mask, ijk, regions), regions.names, _painted(mask, ijk, nested), nested.names
    )


def _painted(mask: Volume, ijk: NDArray[np.integer], partition: Partition) -> Volume:
    data = np.zeros(mask.geometry.shape, dtype=np.uint8)
    data[tuple(ijk.T)] = partition.index
    return mask.with_data(data)


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
