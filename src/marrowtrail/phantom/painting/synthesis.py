"""Images of a posed limb: the signal of every tissue, averaged through thick slices.

For every slice the bones are drawn at several depths through its thickness and averaged
with the slice's profile, which is where partial volume comes from; soft tissue, whose edges
are not measured, is drawn once per slice. Truth on the image's grid is averaged in the same
way and holds where at least half of a voxel does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.painting.bone import draw_bone
from marrowtrail.phantom.painting.joint_space import draw_joint_space
from marrowtrail.phantom.painting.layers import blank
from marrowtrail.phantom.painting.lesions import Shares
from marrowtrail.phantom.painting.scene import Scene
from marrowtrail.phantom.painting.soft_tissue import draw_soft_tissue
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.imperfections import with_imperfections
from marrowtrail.phantom.scanner.tissue import Tissue, signal_parts

DEPTHS = (-0.375, -0.125, 0.125, 0.375)
"""Where a slice is sampled, in parts of its thickness; a quarter of 3.5 mm is finer than the
curvature of any joint surface needs."""

PROFILE = (0.2, 0.3, 0.3, 0.2)
"""Weights of the depths: a selective pulse excites less towards the edges of the slice."""

THIN_MM = 1.2
"""Slices of a 3D series are no thicker than a pixel or two: one depth stands for them."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """The images of an acquisition and the truth on their grid, by bone and by lesion id.

    There is one image, or those of a Dixon series (:attr:`Acquisition.images`). ``regions``
    holds *n* for ``region_names[n - 1]``, which reads ``bone/region``.
    """

    images: tuple[Volume, ...]
    bones: Mapping[str, NDArray[np.bool_]]
    lesions: Mapping[str, NDArray[np.bool_]]
    regions: NDArray[np.uint8]
    region_names: tuple[str, ...]


def render(scene: Scene, acquisition: Acquisition) -> Rendered:
    """Make a series and the truth on its grid. The same scene and seed give the same bytes."""
    geometry, kept = acquisition.painted, acquisition.kept
    level = {tissue: signal_parts(tissue, acquisition.timing) for tissue in Tissue}
    base = draw_soft_tissue(scene, geometry, level)
    draw_joint_space(scene, geometry, base, level)
    total = blank(geometry)
    shares = Shares(geometry.shape)
    for depth, weight in _profile(acquisition.thickness_mm):
        onto = _at_depth(geometry, depth * acquisition.thickness_mm)
        picture = base.copy()
        for bone in scene.limb.bones:
            draw_bone(scene, bone, onto, picture, level, shares, np.float32(weight))
        total += np.float32(weight) * picture
    rng = np.random.default_rng(acquisition.seed)
    fields = with_imperfections(total, acquisition, level, rng)
    images = tuple(Volume(field, acquisition.geometry) for field in fields)
    bones = {name: share[kept] >= 0.5 for name, share in shares.bones.items()}
    lesions = {name: share[kept] >= 0.5 for name, share in shares.lesions.items()}
    regions, names = _regions(scene, acquisition.geometry, bones)
    return Rendered(images, bones, lesions, regions, names)


def _profile(thickness_mm: float) -> Iterable[tuple[float, float]]:
    """Depths to draw a slice at, in parts of its thickness, and their weights."""
    return ((0.0, 1.0),) if thickness_mm <= THIN_MM else zip(DEPTHS, PROFILE, strict=True)


def _at_depth(geometry: Geometry, depth_mm: float) -> Geometry:
    affine = geometry.affine.copy()
    affine[:3, 3] += geometry.directions[:, 2] * depth_mm
    return Geometry(geometry.shape, affine)


def _regions(
    scene: Scene, geometry: Geometry, bones: Mapping[str, NDArray[np.bool_]]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Painted regions on the image's grid, numbered over all bones."""
    regions = np.zeros(geometry.shape, dtype=np.uint8)
    names: list[str] = []
    for bone in scene.limb.bones:
        key = bone.bone_id.bone
        box = scene.box_of(bone, geometry)
        if box is not None and bone.region_names:
            values = scene.view_of(bone, geometry, box).read(bone.regions, 0, order=0)
            inside = bones[key][box] & (values > 0)
            regions[box][inside] = values[inside].astype(np.uint8) + len(names)
        names += [f"{key}/{region}" for region in bone.region_names]
    return regions, tuple(names)
