"""Draw what surrounds the bones of a posed limb: skin, fat, muscle, tendons, vessels, fluid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.grain import Grain, read_tile
from marrowtrail.phantom.grids import Box, Field, coordinate
from marrowtrail.phantom.painting.layers import Layers, Levels, blank, inside, paint
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.scanner.tissue import Tissue

Matrix = NDArray[np.float64]

SKIN_MM = 1.7
"""Thickness of the skin, chosen by us."""

SEPTA_DARK = 0.45
"""Signal that septa of fibrous tissue take from fat at their middle."""

FAT_WATER = 0.07
"""Water share of adipose tissue."""

STREAK_FROM = 1.1
STREAK_FAT = 0.28
"""Streaks of fat in muscle: where their noise rises above this many standard deviations, fat
grows by this share for each; a wasted muscle has ``muscle_fat`` 1."""

MUSCLE_UNEVEN = 0.08
"""Standard deviation of muscle's signal from bundle to bundle."""

FLUID_GROWS_MM = 7.0
"""A recess swells by this much under a tense effusion."""

BEND_OVER_MM = 50.0
"""Soft tissue bends with the joint over this length along the limb."""

UPPER_LOWER = {
    "knee": ("femur", "tibia"),
    "ankle": ("tibia", "calcaneus"),
    "hip": ("hip_bone", "femur"),
    "foot": ("calcaneus", "metatarsals"),
}
"""The bones whose poses soft tissue follows above and below the joint."""


def draw_soft_tissue(scene: Scene, geometry: Geometry, level: Levels) -> Layers:
    """All that lies about the bones, on an image's grid."""
    box = _whole(geometry)
    to_rest = scene.pose.limb.inverse().matrix @ geometry.affine
    skin, muscle, dark, vein, recess = _bent_maps(scene, geometry)
    picture = blank(geometry)
    paint(picture, inside(skin, 1.0), level[Tissue.SKIN])
    paint(picture, inside(skin + np.float32(SKIN_MM), 1.0), _fat(scene, to_rest, box, level))
    paint(picture, inside(muscle, 1.0), _muscle(scene, to_rest, box, level))
    paint(picture, inside(vein, 1.0), level[Tissue.VEIN])
    swollen = _swollen(scene, recess, to_rest, box)
    paint(picture, inside(swollen, 1.0), level[Tissue.FLUID])
    paint(picture, inside(dark, 1.0), level[Tissue.FIBROUS])
    return picture


def _swollen(scene: Scene, recess: Field, to_rest: Matrix, box: Box) -> Field:
    """Recesses filled with the joint's fluid, their walls uneven where they are distended."""
    fluid = max(scene.effusion, scene.appearance.joint_fluid)
    walls = read_tile(Grain.PATCHES, scene.family, to_rest, box, scene.appearance.grain_offset_mm)
    level = recess - np.float32(fluid) * (np.float32(FLUID_GROWS_MM) + walls)
    return np.asarray(level, dtype=np.float32)


def _whole(geometry: Geometry) -> Box:
    i, j, k = (slice(0, n) for n in geometry.shape)
    return i, j, k


def _fat(scene: Scene, to_rest: Matrix, box: Box, level: Levels) -> Layers:
    """Adipose tissue: lobules between septa."""
    septa = read_tile(Grain.SEPTA, scene.family, to_rest, box, scene.appearance.grain_offset_mm)
    fat, fibrous = level[Tissue.FAT], level[Tissue.FIBROUS]
    wet = (1 - np.float32(FAT_WATER)) * fat + np.float32(FAT_WATER) * level[Tissue.MUSCLE]
    return np.asarray(wet + np.float32(SEPTA_DARK) * septa * (fibrous - wet), dtype=np.float32)


def _muscle(scene: Scene, to_rest: Matrix, box: Box, level: Levels) -> Layers:
    """Bundles of muscle with streaks of fat along them."""
    streaks = read_tile(Grain.STREAKS, scene.family, to_rest, box, scene.appearance.grain_offset_mm)
    fat = np.maximum(streaks - np.float32(STREAK_FROM), np.float32(0.0))
    fat *= np.float32(STREAK_FAT * (0.3 + scene.appearance.muscle_fat))
    uneven = np.float32(1.0) - np.float32(MUSCLE_UNEVEN) * streaks
    muscle = level[Tissue.MUSCLE] * uneven
    return np.asarray(muscle + fat * (level[Tissue.FAT] - muscle), dtype=np.float32)


def _bent_maps(scene: Scene, geometry: Geometry) -> list[Field]:
    """Soft-tissue maps read through a pose that passes from the upper bone's to the lower's."""
    box = _whole(geometry)
    poses = [scene.pose.bones[name] for name in UPPER_LOWER[scene.limb.joint]]
    upper, lower = (pose.inverse().matrix @ geometry.affine for pose in poses)
    lowness = np.clip(0.5 - coordinate(upper[2], box) / np.float32(BEND_OVER_MM), 0.0, 1.0)
    maps = scene.tissue
    to_index = np.linalg.inv(maps.skin.geometry.affine)
    first, second = to_index @ upper, to_index @ lower
    index = np.empty((3, *geometry.shape), dtype=np.float32)
    for axis in range(3):
        index[axis] = coordinate(first[axis], box)
        index[axis] += lowness * coordinate((second - first)[axis], box)
    return [
        ndimage.map_coordinates(each.data, index, order=1, mode="nearest", output=np.float32)
        for each in (maps.skin, maps.muscle, maps.dark, maps.vein, maps.recess)
    ]
