"""A ball in fat, with cartilage on it: a label set whose truth can be written down."""

from __future__ import annotations

import numpy as np

from marrowtrail.training.label_set import FAT, MUSCLE, STEP_MM, LabelSet, pack

RADIUS_MM = 20.0
CARTILAGE_MM = 2.0
CENTRE_MM = np.array([0.0, 0.0, 0.0])
TIBIA = 2


def ball() -> LabelSet:
    """A bone of class 2 about the origin, muscle for x > 0, fat elsewhere."""
    axis = np.arange(-60, 61) * STEP_MM
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    distance = (np.sqrt(x**2 + y**2 + z**2) - RADIUS_MM).astype(np.float32)
    bone = np.full(distance.shape, TIBIA, dtype=np.uint8)
    tissue = np.where(x > 0, MUSCLE, FAT).astype(np.uint8)
    words = pack(bone, distance, distance - np.float32(CARTILAGE_MM), tissue)
    return LabelSet("knee", words, np.full(3, axis[0]), (float(axis[0]), float(axis[-1])))
