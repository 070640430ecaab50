"""Draw one bone of a posed limb: cartilage, cortex and marrow, with the truth beside it."""

from __future__ import annotations

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.body.limb import PatientBone
from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.grids import Field, within
from marrowtrail.phantom.painting.layers import Layers, Levels, inside, paint, window
from marrowtrail.phantom.painting.lesions import Shares, draw_lesions
from marrowtrail.phantom.painting.marrow import draw_marrow
from marrowtrail.phantom.painting.scene import BoneView, Scene
from marrowtrail.phantom.scanner.tissue import Tissue

CORTEX_MM = 0.9
CORTEX_SLOPE = 0.045
CORTEX_FROM_MM, CORTEX_TO_MM = 35.0, 95.0
"""Cortex is a thin plate at joints; along shafts it grows with the distance from the joint's
end, between these, to 3.6 mm."""

CORTEX_UNEVEN = 0.15
"""Standard deviation of its thickness from place to place, as a share of it."""


def draw_bone(
    scene: Scene,
    bone: PatientBone,
    onto: Geometry,
    picture: Layers,
    level: Levels,
    shares: Shares,
    weight: np.float32,
) -> None:
    """Paint cartilage, cortex and marrow of one bone; add up the truth."""
    box = scene.box_of(bone, onto)
    if box is None:
        return
    view = scene.view_of(bone, onto, box)
    view_of_picture, pixel = window(picture, box), onto.spacing_mm[0]
    surface = view.read(bone.surface, CLIP_MM)
    if bone.outer is not None:
        outer = view.read(bone.outer, CLIP_MM)
        paint(view_of_picture, inside(outer, pixel), level[Tissue.CARTILAGE])
    covered = inside(surface, pixel)
    paint(view_of_picture, covered, level[Tissue.CORTEX])
    shares.of_bone(bone.bone_id.bone)[box] += weight * (surface < 0)
    # Maps reach far beyond their bone: what lies under its surface is drawn in the box of that.
    view = view.part_where(covered > 0)
    surface = surface[within(view.box, box)]
    grain = view.read(bone.texture, 0.0)
    marrow = draw_marrow(scene, view, grain, -surface, level)
    draw_lesions(marrow, scene, view, grain, level, shares, weight)
    paint(window(picture, view.box), inside(surface + _cortex_mm(view, grain), pixel), marrow)


def _cortex_mm(view: BoneView, grain: Field) -> Field:
    """Thickness of cortex at every voxel of a box."""
    shaft = view.bone.shaft
    uneven = np.clip(1.0 + CORTEX_UNEVEN * grain, 0.5, 1.8).astype(np.float32)
    if shaft is None:
        return np.asarray(CORTEX_MM * uneven, dtype=np.float32)
    along = shaft.way * (view.rest_coordinate(2) - np.float32(shaft.joint_end_z))
    grown = np.clip(along, CORTEX_FROM_MM, CORTEX_TO_MM) - np.float32(CORTEX_FROM_MM)
    return np.asarray((CORTEX_MM + CORTEX_SLOPE * grown) * uneven, dtype=np.float32)
