"""How deep under a joint surface a voxel of bone lies.

The joint surface is that part of a bone's own surface which faces a bone that it articulates
with, across a joint space. No cartilage needs to be seen; a neighbour outside the image leaves
its side of the bone without a surface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone, BoneMap
from marrowtrail.imaging.volume import bounding_box

JOINT_SPACE_MM = 9.0
"""Two bones of a joint stand no further apart than this where they articulate: cartilage of both
sides (up to 4 mm each under the patella), and a film; beyond the rim they part."""

ARTICULATIONS: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        ("femur", "tibia"),
        ("femur", "patella"),
        ("femur", "hip_bone"),
        ("tibia", "fibula"),
        ("tibia", "talus"),
        ("fibula", "talus"),
        ("talus", "calcaneus"),
        ("talus", "navicular"),
        ("calcaneus", "cuboid"),
        ("navicular", "cuneiforms"),
        ("navicular", "cuboid"),
        ("cuneiforms", "cuboid"),
        ("cuneiforms", "metatarsals"),
        ("cuboid", "metatarsals"),
        ("hip_bone", "sacrum"),
    )
)
"""Bones that meet in a joint."""


def joint_distance_mm(bone_map: BoneMap, bone: Bone) -> NDArray[np.float32] | None:
    """(i, j, k) distance from each voxel of a bone to its joint surface, on the series' grid.

    0 at the surface, in voxels outside the bone infinite. ``None`` where no bone that it
    articulates with is in the image, or none is near.
    """
    others = [
        other
        for other in bone_map.bones
        if frozenset((other.id.bone, bone.id.bone)) in ARTICULATIONS
        and other.id.side is bone.id.side
    ]
    inside = np.asarray(bone.mask.data, dtype=bool)
    if not others or not inside.any():
        return None
    spacing = bone.mask.geometry.spacing_mm
    margin = [int(np.ceil(JOINT_SPACE_MM / step)) + 1 for step in spacing]
    start, stop = bounding_box(inside, (margin[0], margin[1], margin[2]))
    block = tuple(slice(low, high) for low, high in zip(start, stop, strict=True))
    mine = inside[block]
    neighbours = np.zeros(mine.shape, dtype=bool)
    for other in others:
        neighbours |= np.asarray(other.mask.data[block], dtype=bool)
    neighbours &= ~mine
    if not neighbours.any():
        return None
    away = ndimage.distance_transform_edt(~neighbours, sampling=spacing)
    edge = mine & ~ndimage.binary_erosion(mine, border_value=1)
    joint = edge & (away <= JOINT_SPACE_MM)
    if not joint.any():
        return None
    depth = ndimage.distance_transform_edt(~joint, sampling=spacing)
    distance = np.full(inside.shape, np.inf, dtype=np.float32)
    distance[block] = np.where(mine, depth, np.inf)
    return distance
