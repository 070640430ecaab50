"""Draw what lies between two opposing bones: meniscus, cartilage, a film of fluid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.contact import FILM_MM
from marrowtrail.phantom.grids import common_box
from marrowtrail.phantom.painting import Layers, Levels, inside, paint, window
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
