"""A screw of metal: a void, a bright rim where signal piles up, failed fat suppression.

Near the metal spins of one voxel differ in frequency and their signal is lost; a little
further the read-out takes frequency for place and moves signal along itself, away from one
side and onto the other.
"""

from __future__ import annotations

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting.layers import Layers
from marrowtrail.phantom.scanner.acquisition import Screw

REACH = 4.0
"""Nothing is moved further from the screw than so many times the radius of the void."""

PIECES = 4
"""Pieces of a voxel that are moved on their own: without, stretched signal falls into stripes."""

FAT_REACH = 2.0
"""Fat suppression fails within so many radii."""


def distance_mm(screw: Screw, geometry: Geometry) -> tuple[Field, Field]:
    """Distance of every voxel from the screw, and how far along z (LPS) of it."""
    i, j, k = np.ogrid[tuple(slice(0, n) for n in geometry.shape)]
    head, tip = np.asarray(screw.head_lps), np.asarray(screw.tip_lps)
    way = (tip - head) / max(float(np.linalg.norm(tip - head)), 1e-6)
    length = float(np.linalg.norm(tip - head))
    away = [
        (row[0] * i + row[1] * j + row[2] * k + row[3] - h).astype(np.float32)
        for row, h in zip(geometry.affine[:3], head, strict=True)
    ]
    along = np.clip(sum(a * w for a, w in zip(away, way, strict=True)), 0.0, length)
    across = [a - along * np.float32(w) for a, w in zip(away, way, strict=True)]
    distance = np.sqrt(across[0] ** 2 + across[1] ** 2 + across[2] ** 2)
    return np.asarray(distance, dtype=np.float32), np.asarray(across[2], dtype=np.float32)


def with_metal(layers: Layers, screw: Screw, geometry: Geometry, read_axis: int) -> Layers:
    """The layers with the void and what is moved out of its surroundings."""
    distance, z = distance_mm(screw, geometry)
    void = np.float32(screw.void_mm)
    kept = np.clip((distance / void - 0.8) / 0.6, 0.0, 1.0)
    safe = np.maximum(distance, 0.6 * void)
    # The field about a cylinder across the magnet: cos 2 phi over the distance squared.
    field = (2.0 * (z / np.maximum(distance, 1e-3)) ** 2 - 1.0) * (void / safe) ** 2
    field *= np.clip(2.0 - 2.0 * distance / (REACH * void), 0.0, 1.0)
    moved = (field * (1.1 * void / geometry.spacing_mm[read_axis])).astype(np.float32)
    return np.stack([_moved(layer * kept, moved, read_axis) for layer in layers])


def fat_failing(screw: Screw, geometry: Geometry) -> Field:
    """How far fat suppression fails about the screw, 0 to 1."""
    distance, _ = distance_mm(screw, geometry)
    share = 1.5 - distance / np.float32(FAT_REACH * screw.void_mm)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)


def _moved(layer: Field, pixels: Field, axis: int) -> Field:
    """Every voxel's signal laid down so many pixels further along an axis.

    Each is cut into pieces along the axis, which spread where the shift grows; a piece is
    shared by the two pixels that it falls between.
    """
    where = np.nonzero(pixels)
    stretch = np.gradient(pixels, axis=axis)[where]
    values = layer[where] / PIECES
    result = layer.copy()
    result[where] = 0.0
    for piece in (np.arange(PIECES) + 0.5) / PIECES - 0.5:
        target = where[axis] + pixels[where] + piece * (1.0 + stretch)
        low = np.floor(target).astype(np.intp)
        part = target - low
        for step, share in ((0, 1.0 - part), (1, part)):
            index = list(where)
            index[axis] = np.clip(low + step, 0, layer.shape[axis] - 1)
            flat = np.ravel_multi_index(tuple(index), layer.shape)
            added = np.bincount(flat, weights=values * share, minlength=layer.size)
            result += added.reshape(layer.shape).astype(np.float32)
    return result
