"""Reading a label set at any points: which bone, how deep, which tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.training.label_set import (
    BONE_CLIP_MM,
    CARTILAGE_CLIP_MM,
    STEP_MM,
    LabelSet,
    distances_mm,
    pack,
)

OUTSIDE = pack(
    np.zeros(1, np.uint8),
    np.full(1, BONE_CLIP_MM, np.float32),
    np.full(1, CARTILAGE_CLIP_MM, np.float32),
    np.zeros(1, np.uint8),
)[0]
"""What stands for a place beyond the label set: air, far from any bone."""

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What lies at some points; every array has the points' shape.

    ``distance_mm`` and ``cartilage_mm`` are negative inside bone, and inside bone and its
    cartilage. ``place_mm`` (3, ...) is the point in the limb frame.
    """

    bone: NDArray[np.uint8]
    distance_mm: Field
    cartilage_mm: Field
    tissue: NDArray[np.uint8]
    place_mm: Field


def read_samples(one: LabelSet, place_mm: Field, *, fine: bool) -> Samples:
    """What a label set holds at (3, ...) points of the limb frame.

    ``fine`` reads distances linearly between voxels, at eight times the cost.
    """
    origin = one.origin_mm.astype(np.float32).reshape(3, *(1,) * (place_mm.ndim - 1))
    index = (place_mm - origin) / np.float32(STEP_MM)
    words = _look_up(one, np.rint(index).astype(np.int32))
    bone = (words & np.uint32(255)).astype(np.uint8)
    tissue = (words >> np.uint32(24)).astype(np.uint8)
    if fine:
        distance, cartilage = _linear(one, index)
    else:
        distance, cartilage = distances_mm(words, 1), distances_mm(words, 2)
    return Samples(bone, distance, cartilage, tissue, place_mm)


def _look_up(one: LabelSet, index: NDArray[np.int32]) -> NDArray[np.uint32]:
    shape = one.packed.shape
    inside = np.ones(index.shape[1:], dtype=bool)
    for axis in range(3):
        inside &= (index[axis] >= 0) & (index[axis] < shape[axis])
    flat = (index[0] * shape[1] + index[1]) * shape[2] + index[2]
    words = one.packed.ravel()[np.where(inside, flat, 0)]
    words[~inside] = OUTSIDE
    return words


def _linear(one: LabelSet, index: Field) -> tuple[Field, Field]:
    low = np.floor(index)
    part = index - low
    base = low.astype(np.int32)
    distance = np.zeros(index.shape[1:], dtype=np.float32)
    cartilage = np.zeros_like(distance)
    for corner in np.ndindex(2, 2, 2):
        weight = np.ones_like(distance)
        for axis, step in enumerate(corner):
            weight *= part[axis] if step else np.float32(1) - part[axis]
        step_to = np.array(corner, dtype=np.int32).reshape(3, *(1,) * (index.ndim - 1))
        words = _look_up(one, base + step_to)
        distance += weight * distances_mm(words, 1)
        cartilage += weight * distances_mm(words, 2)
    return distance, cartilage
