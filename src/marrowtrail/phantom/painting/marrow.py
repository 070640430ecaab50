"""Draw healthy marrow: fat and water, trabeculae, islands of red marrow."""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.body.grain import Grain
from marrowtrail.phantom.body.template import CLIP_MM
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting.layers import Layers, Levels, inside
from marrowtrail.phantom.painting.scene import BoneView, Scene
from marrowtrail.phantom.scanner.tissue import Tissue

NORMAL_WATER = 0.12
"""Water share of yellow marrow at knee and ankle of an adult."""

TEXTURE_WATER = 0.022
"""Standard deviation of the water share from place to place."""

RED_FROM, RED_PER_SD, RED_MOST = 0.4, 0.35, 0.5
"""Islands lie where their noise rises above so many standard deviations; water grows by so much
for each, to half: red marrow keeps some 40 to 60 % of fat."""

RED_FROM_MM, RED_TO_MM = 22.0, 40.0
RED_OVER_MM = 12.0
"""Epiphyses stay yellow; red marrow lingers in metaphysis and shaft: beyond the scar of the
growth plate, fully so this much further on, or from this far from the joint where no scar is
known. The epiphysis was spared in 20 of 20 (10.2214/ajr.158.2.1729795): readers tell it from
oedema by that."""

SCAR_MM = 0.8
SCAR_WAVES_MM = 0.9
"""The scar of a growth plate: a dark line of this thickness, wavy by this much."""

CANAL_DEPTH_MM = (7.0, 13.0)
"""Trabeculae thin out towards the middle of a shaft, between these depths."""


def draw_marrow(scene: Scene, view: BoneView, grain: Field, depth: Field, level: Levels) -> Layers:
    """(2, i, j, k) signal of healthy marrow in the box of a bone.

    ``grain`` is the bone's coarse texture (mean 0, standard deviation 1), ``depth`` the
    distance in mm under its surface.
    """
    water = np.float32(NORMAL_WATER) + np.float32(TEXTURE_WATER) * grain
    metaphysis = _metaphysis(view)
    if scene.appearance.red_marrow > 0 and metaphysis is not None:
        water += metaphysis * _red_islands(scene, view)
    yellow, red = level[Tissue.YELLOW_MARROW], level[Tissue.RED_MARROW]
    marrow = yellow + water * (red - yellow)
    marrow = marrow * _trabeculae(scene, view, depth, metaphysis)
    if view.bone.scar is not None:
        marrow *= _scar(view.read(view.bone.scar, CLIP_MM), grain, scene.appearance.scar)
    return np.asarray(marrow, dtype=np.float32)


def _scar(distance: Field, grain: Field, strength: float) -> Field:
    """Share of the signal that the scar of the growth plate leaves."""
    away = np.abs(distance + np.float32(SCAR_WAVES_MM) * grain)
    line = inside(away - np.float32(SCAR_MM / 2), 1.0)
    return np.asarray(np.float32(1.0) - np.float32(strength) * line, dtype=np.float32)


def _metaphysis(view: BoneView) -> Field | None:
    """0 in the epiphysis to 1 in metaphysis and shaft; ``None`` for a short bone."""
    shaft, scar = view.bone.shaft, view.bone.scar
    if scar is not None:
        return _rise(view.read(scar, CLIP_MM), 0.0, RED_OVER_MM)
    if shaft is None:
        return None
    along = shaft.way * (view.rest_coordinate(2) - np.float32(shaft.joint_end_z))
    return _rise(along, RED_FROM_MM, RED_TO_MM)


def _red_islands(scene: Scene, view: BoneView) -> Field:
    noise = view.read_tile(Grain.PATCHES, scene)
    more = (noise - np.float32(RED_FROM)) * np.float32(RED_PER_SD * scene.appearance.red_marrow)
    return np.asarray(np.clip(more, 0.0, RED_MOST), dtype=np.float32)


def _trabeculae(scene: Scene, view: BoneView, depth: Field, metaphysis: Field | None) -> Field:
    """Share of the signal that trabeculae leave."""
    contrast = np.float32(scene.appearance.trabecular)
    bone = np.float32(1.0) - contrast * view.read_tile(Grain.TRABECULAE, scene)
    if metaphysis is None:
        return bone
    canal = metaphysis * _rise(depth, *CANAL_DEPTH_MM)
    return np.asarray(bone + canal * (np.float32(1.0 + contrast) - bone), dtype=np.float32)


def _rise(values: Field, low: float, high: float) -> Field:
    share = (values - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)
