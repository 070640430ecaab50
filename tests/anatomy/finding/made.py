"""Images whose brightness tells the bone, and networks that read it: no weights are needed.

The first network calls a voxel by the nearest of a few levels; the second calls bone what is
brighter than about halfway to the darkest bone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.finding.networks import (
    BoneNetworks,
    CoarseWeights,
    FineWeights,
    Weights,
)
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Plane, Series, Weighting
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import Side
from marrowtrail.training.label_set import CLASSES

LEVELS = {"femur": 1.0, "tibia": 0.8, "fibula": 0.65, "metatarsals": 0.5, "hip_bone": 0.4}
"""Brightness of bones over that of the brightest; all else is 0.1."""

TISSUE = 0.1

WEIGHTS = Weights(
    version="test",
    coarse=CoarseWeights(file="c.onnx", sha256="0" * 64, spacing_mm=2.4, classes=CLASSES),
    fine=FineWeights(file="f.onnx", sha256="0" * 64, pixel_mm=0.6, band_mm=6.0),
)


def read_levels(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """(1, 1, D, H, W) to (1, 12, D, H, W) logits by nearest level.

    The brightest neighbour names a voxel, so that the blurred edge of one bone is not another.
    """
    bright = image[0, 0] + 0.5
    peak = ndimage.maximum_filter(bright, 3)
    logits = np.full((1, len(CLASSES), *bright.shape), -40.0, dtype=np.float32)
    logits[:, 0] = 10.0
    for name, level in LEVELS.items():
        alike = -400 * (peak - (level - TISSUE) / (1.0 - TISSUE)) ** 2
        edge = 40 * (bright / np.maximum(peak, 0.25) - 0.5)
        logits[:, CLASSES.index(name)] = 10.0 + np.minimum(edge, 20.0) + alike
    return logits


def read_edge(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 4, H, W) to (N, 1, H, W) logits by the middle slice."""
    return np.asarray(20 * (image[:, 1:2] + 0.5 - 0.17), dtype=np.float32)


NETWORKS = BoneNetworks(read_levels, read_edge, WEIGHTS)


def painted(masks: Mapping[str, NDArray[np.bool_]], geometry: Geometry) -> Volume:
    """An image in which each bone has its level."""
    data = np.full(geometry.shape, TISSUE, dtype=np.float32)
    for name, mask in masks.items():
        data[mask] = LEVELS[name.split("-", maxsplit=1)[0]]
    return Volume(100 * data, geometry)


def series_of(volume: Volume, side: Side = Side.RIGHT, *, part: str = "knee") -> Series:
    """A series around an image."""
    contrast = Contrast(Weighting.STIR, True, "")
    return Series("v1-s1", "v1", "s", volume, contrast, Plane.SAGITTAL, part, side)
