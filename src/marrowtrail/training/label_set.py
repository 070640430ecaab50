"""What a synthetic image is drawn from: a joint as a field of bones and tissues.

Kept as bytes on one grid, so that a patch is read with a single look-up per sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = (
    "background",
    "femur",
    "tibia",
    "fibula",
    "patella",
    "talus",
    "calcaneus",
    "navicular",
    "cuboid",
    "cuneiforms",
    "metatarsals",
    "hip_bone",
)
"""What the coarse network tells apart, in the order of its output."""

STEP_MM = 1.2
"""Grid of a label set: distances are read linearly between its points, so a surface is finer."""

CLIP_MM = 12.0
"""Further from a bone than this nothing depends on the distance."""

BONE_CLIP_MM, CARTILAGE_CLIP_MM = 8.0, 3.0
"""What is kept of the distances: cortex and the coarse network's doubt lie within the first,
cartilage within the second. Flat maps beyond them halve the files."""

DISTANCE_STEP_MM = 0.1

AIR, FAT, MUSCLE, FIBROUS, VEIN, FLUID, JOINT = range(7)
"""Tissues outside bone and cartilage. ``JOINT`` is what lies between two bones: menisci, fluid."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelSet:
    """One joint of a right limb, about straight, in the limb frame.

    Parameters
    ----------
    joint
        Key of the joint.
    packed
        (i, j, k) uint32. From the low byte: class of the nearest bone; distance to its surface
        and to that of its cartilage, in steps of :data:`DISTANCE_STEP_MM` above -12.8 mm,
        negative inside; tissue where there is no bone.
    origin_mm
        (3,) limb-frame place of the first voxel; axes run to the left, the back, the head.
    known_z_mm
        Lowest and highest z for which bones are known; images end there.
    """

    joint: str
    packed: NDArray[np.uint32]
    origin_mm: NDArray[np.float64]
    known_z_mm: tuple[float, float]


def pack(
    bone: NDArray[np.uint8],
    distance_mm: NDArray[np.float32],
    cartilage_mm: NDArray[np.float32],
    tissue: NDArray[np.uint8],
) -> NDArray[np.uint32]:
    """The four maps of a label set in one word per voxel."""
    words = np.where(distance_mm < BONE_CLIP_MM, bone, 0).astype(np.uint32)
    words |= _steps(distance_mm, BONE_CLIP_MM) << np.uint32(8)
    words |= _steps(cartilage_mm, CARTILAGE_CLIP_MM) << np.uint32(16)
    return words | tissue.astype(np.uint32) << np.uint32(24)


def distances_mm(words: NDArray[np.uint32], byte: int) -> NDArray[np.float32]:
    """Distances kept in byte 1 (bone) or 2 (cartilage) of packed words."""
    steps = (words >> np.uint32(8 * byte)) & np.uint32(255)
    return (steps.astype(np.float32) - np.float32(128)) * np.float32(DISTANCE_STEP_MM)


def _steps(distance_mm: NDArray[np.float32], clip_mm: float) -> NDArray[np.uint32]:
    clipped = np.clip(distance_mm, -clip_mm, clip_mm)
    return np.round(clipped / DISTANCE_STEP_MM + 128).astype(np.uint32)


def save_label_set(one: LabelSet, path: Path) -> None:
    """Write a label set, compressed."""
    planes = one.packed.view(np.uint8).reshape(*one.packed.shape, 4)
    np.savez_compressed(
        path,
        joint=np.array(one.joint),
        planes=np.ascontiguousarray(np.moveaxis(planes, -1, 0)),
        origin_mm=one.origin_mm,
        known_z_mm=np.array(one.known_z_mm),
    )


def load_label_set(path: Path) -> LabelSet:
    """Read what :func:`save_label_set` wrote."""
    with np.load(path) as stored:
        planes = np.ascontiguousarray(np.moveaxis(stored["planes"], 0, -1))
        low, high = (float(z) for z in stored["known_z_mm"])
        return LabelSet(
            str(stored["joint"]),
            planes.view(np.uint32)[..., 0],
            stored["origin_mm"].astype(np.float64),
            (low, high),
        )
