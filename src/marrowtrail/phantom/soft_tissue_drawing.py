"""Draw what surrounds the bones of a posed limb, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.contact import FILM_MM
from marrowtrail.phantom.grids import Field, common_box, coordinate
from marrowtrail.phantom.painting import Layers, Levels, blank, inside, paint, window
from marrowtrail.phantom.scene import Scene
from marrowtrail.phantom.template import CLIP_MM
from marrowtrail.phantom.tissue import Tissue

MENISCUS_GAP_MM = 6.5
"""Where both cartilages of the knee are near, but do not touch, lies meniscus: their distances
add up to less than this."""

ARTICULAR_GAP_MM = 6.0
"""Surfaces of two ankle bones whose distances add up to less than this bear cartilage."""

OPPOSING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "knee": (("femur", "tibia"), ("femur", "patella")),
    "ankle": (
        ("tibia", "talus"),
        ("fibula", "talus"),
        ("talus", "calcaneus"),
        ("talus", "navicular"),
    ),
}
"""Pairs of bones that meet in a joint."""

BEND_OVER_MM = 50.0
"""Soft tissue bends with the joint over this length along the limb."""

UPPER_LOWER = {"knee": ("femur", "tibia"), "ankle": ("tibia", "calcaneus")}
"""The bones whose poses soft tissue follows above and below the joint."""


def draw_soft_tissue(scene: Scene, geometry: Geometry, level: Levels) -> Layers:
    """Skin, fat, muscle, fluid of the recesses and tendons."""
    skin, muscle, tendon, recess = _bent_maps(scene, geometry)
    picture = blank(geometry)
    paint(picture, inside(skin, 1.0), level[Tissue.SKIN])
    paint(picture, inside(skin + np.float32(1.6), 1.0), level[Tissue.FAT])
    paint(picture, inside(muscle, 1.5), level[Tissue.MUSCLE])
    paint(picture, inside(recess, 1.0), level[Tissue.FLUID])
    paint(picture, inside(tendon, 1.0), level[Tissue.FIBROUS])
    return picture


def _bent_maps(scene: Scene, geometry: Geometry) -> list[Field]:
    """Soft-tissue maps read through a pose that passes from the upper bone's to the lower's."""
    whole = tuple(slice(0, n) for n in geometry.shape)
    box = whole[0], whole[1], whole[2]
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
        for each in (maps.skin, maps.muscle, maps.tendon, maps.recess)
    ]


def draw_joint_space(scene: Scene, onto: Geometry, picture: Layers, level: Levels) -> None:
    """What lies between two opposing bones: meniscus, cartilage, a film of fluid."""
    for upper, lower in OPPOSING[scene.limb.joint]:
        pair = scene.limb.bone(upper), scene.limb.bone(lower)
        box = common_box(*(scene.box_of(bone, onto) for bone in pair))
        if box is None:
            continue
        near, far = (
            scene.view_of(bone, onto, box).read(bone.outer or bone.surface, CLIP_MM)
            for bone in pair
        )
        gap, view = near + far, window(picture, box)
        if (upper, lower) == ("femur", "tibia"):
            paint(view, inside(gap - np.float32(MENISCUS_GAP_MM), 1.0), level[Tissue.FIBROUS])
        if pair[0].outer is None:
            between = inside(gap - np.float32(ARTICULAR_GAP_MM), 1.0)
            middle = np.abs(near - far) - np.float32(FILM_MM)
            paint(view, between, level[Tissue.CARTILAGE])
            paint(view, between * inside(middle, 0.8), level[Tissue.FLUID])
        else:
            paint(view, inside(gap - np.float32(2 * FILM_MM), 0.8), level[Tissue.FLUID])
