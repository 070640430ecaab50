"""Draw what lies between two opposing bones: meniscus, cartilage, a film of fluid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.contact import FILM_MM
from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.grids import Field, common_box
from marrowtrail.phantom.painting.layers import Layers, Levels, inside, paint, window
from marrowtrail.phantom.painting.scene import BoneView, Scene
from marrowtrail.phantom.scanner.tissue import Tissue

MENISCUS_GAP_MM = 6.5
"""Where both cartilages of the knee are near, but do not touch, lies meniscus: their distances
add up to less than this."""

CONTACT_GAP_MM = 4.0
"""Within the rings cartilage fills what the drawn cartilages leave open, up to this: they are
compressed in life, and the drawn ones are not."""

ARTICULAR_GAP_MM = 4.5
"""Surfaces of two bones of ankle or foot bear cartilage where their distances add up to less
than this."""

OPPOSING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "knee": (("femur", "tibia"), ("femur", "patella")),
    "ankle": (
        ("tibia", "talus"),
        ("fibula", "talus"),
        ("talus", "calcaneus"),
        ("talus", "navicular"),
    ),
    "hip": (("hip_bone", "femur"),),
    "foot": (
        ("tibia", "talus"),
        ("talus", "calcaneus"),
        ("talus", "navicular"),
        ("calcaneus", "cuboid"),
        ("navicular", "cuneiforms"),
        ("cuboid", "cuneiforms"),
        ("cuneiforms", "metatarsals"),
        ("cuboid", "metatarsals"),
    ),
}
"""Pairs of bones that meet in a joint."""


INNER_EDGE, EDGE_SOFT = 0.62, 0.10
"""A meniscus is a ring about the middle of its compartment, from this share of the compartment's
half axes outwards; inside it cartilage lies on cartilage."""

COMPARTMENT_AT, COMPARTMENT_HALF = 0.26, (0.23, 0.42)
"""Middle of a compartment from either border of the plateau, and its half axes, as shares of the
plateau's width and depth."""

PLATEAU_DEEP_MM = 12.0
"""The plateau is what lies this far under the tibia's highest point."""


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
            _menisci(scene.view_of(pair[1], onto, box), gap, view, level)
        if pair[0].outer is None:
            between = inside(gap - np.float32(ARTICULAR_GAP_MM), 1.0)
            middle = np.abs(near - far) - np.float32(FILM_MM)
            paint(view, between, level[Tissue.CARTILAGE])
            paint(view, between * inside(middle, 0.8), level[Tissue.FLUID])
        else:
            film = inside(gap - np.float32(2 * FILM_MM), 0.8)
            # Facing cartilages run parallel: their distances add up to the film within them too.
            outside = inside(-np.minimum(near, far), 0.8)
            paint(view, film * outside, level[Tissue.FLUID])


def _menisci(tibia: BoneView, gap: Field, picture: Layers, level: Levels) -> None:
    """Two rings of meniscus, and cartilage on cartilage within them."""
    points = tibia.bone.inside_points()
    points = points[points[:, 2] > points[:, 2].max() - PLATEAU_DEEP_MM]
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = tibia.rest_coordinate(0), tibia.rest_coordinate(1)
    width, depth = (float(one) for one in (high - low)[:2])
    across = np.minimum(
        np.abs(x - np.float32(low[0] + COMPARTMENT_AT * width)),
        np.abs(x - np.float32(high[0] - COMPARTMENT_AT * width)),
    ) / np.float32(COMPARTMENT_HALF[0] * width)
    along = (y - np.float32((low[1] + high[1]) / 2)) / np.float32(COMPARTMENT_HALF[1] * depth)
    ring = np.clip(0.5 + (np.hypot(across, along) - INNER_EDGE) / EDGE_SOFT, 0.0, 1.0)
    # Between the compartments lies the notch, with ligaments and fat.
    notch = np.abs(x - np.float32((low[0] + high[0]) / 2)) < np.float32(0.09 * width)
    ring = np.where(notch, 0.0, ring).astype(np.float32)
    between = inside(gap - np.float32(MENISCUS_GAP_MM), 1.0)
    contact = inside(gap - np.float32(CONTACT_GAP_MM), 1.0) * ~notch
    paint(picture, contact, level[Tissue.CARTILAGE])
    paint(picture, between * ring, level[Tissue.FIBROUS])
