"""Images of a posed limb: the signal of every tissue, averaged through thick slices.

For every slice the bones are drawn at several depths through its thickness and averaged
with the slice's profile, which is where partial volume comes from; soft tissue, whose edges
are not measured, is drawn once per slice. Truth on the image's grid is averaged in the same
way and holds where at least half of a voxel does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.contact import FILM_MM
from marrowtrail.phantom.grids import Field, common_box, coordinate
from marrowtrail.phantom.imperfections import with_imperfections
from marrowtrail.phantom.lesion_shape import EDGE_SOFT_MM
from marrowtrail.phantom.limb import PatientBone
from marrowtrail.phantom.protocol import Acquisition
from marrowtrail.phantom.scene import BoneView, Scene
from marrowtrail.phantom.template import CLIP_MM
from marrowtrail.phantom.tissue import Tissue, signal

DEPTHS = (-0.375, -0.125, 0.125, 0.375)
"""Where a slice is sampled, in parts of its thickness; a quarter of 3.5 mm is finer than the
curvature of any joint surface needs."""

PROFILE = (0.2, 0.3, 0.3, 0.2)
"""Weights of the depths: a selective pulse excites less towards the edges of the slice."""

NORMAL_WATER = 0.10
"""Water share of yellow marrow at knee and ankle of an adult."""

TEXTURE_WATER = 0.022
"""Standard deviation of the water share from place to place."""

TEXTURE_OEDEMA = 0.12
"""The same for the water of oedema, as a share of it."""

CORTEX_MM = 0.9
CORTEX_SLOPE = 0.045
CORTEX_FROM_MM, CORTEX_TO_MM = 35.0, 95.0
"""Cortex is a thin plate at joints; along shafts it grows with the distance from the joint's
end, between these, to 3.6 mm."""

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

Levels = Mapping[Tissue, float]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """An image and the truth on its grid, by bone and by lesion id.

    ``regions`` holds *n* for ``region_names[n - 1]``, which reads ``bone/region``.
    """

    image: Volume
    bones: Mapping[str, NDArray[np.bool_]]
    lesions: Mapping[str, NDArray[np.bool_]]
    regions: NDArray[np.uint8]
    region_names: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Shares:
    """Share of bone and of lesion in every voxel, added up over the depths."""

    shape: tuple[int, int, int]
    bones: dict[str, Field] = field(default_factory=dict)
    lesions: dict[str, Field] = field(default_factory=dict)

    def of_bone(self, name: str) -> Field:
        return self.bones.setdefault(name, np.zeros(self.shape, dtype=np.float32))

    def of_lesion(self, lesion_id: str) -> Field:
        return self.lesions.setdefault(lesion_id, np.zeros(self.shape, dtype=np.float32))


def render(scene: Scene, acquisition: Acquisition) -> Rendered:
    """Make a series and the truth on its grid. The same scene and seed give the same bytes."""
    geometry = acquisition.geometry
    level = {tissue: signal(tissue, acquisition.timing) for tissue in Tissue}
    base = _soft_tissue(scene, geometry, level)
    _joint_space(scene, geometry, base, level)
    total = np.zeros(geometry.shape, dtype=np.float32)
    shares = _Shares(geometry.shape)
    for depth, weight in zip(DEPTHS, PROFILE, strict=True):
        onto = _at_depth(geometry, depth * acquisition.thickness_mm)
        picture = base.copy()
        for bone in scene.limb.bones:
            _bone(scene, bone, onto, picture, level, shares, np.float32(weight))
        total += np.float32(weight) * picture
    rng = np.random.default_rng(acquisition.seed)
    image = with_imperfections(total, acquisition, level, rng)
    bones = {name: share >= 0.5 for name, share in shares.bones.items()}
    lesions = {name: share >= 0.5 for name, share in shares.lesions.items()}
    regions, names = _regions(scene, geometry, bones)
    return Rendered(Volume(image, geometry), bones, lesions, regions, names)


def _at_depth(geometry: Geometry, depth_mm: float) -> Geometry:
    affine = geometry.affine.copy()
    affine[:3, 3] += geometry.directions[:, 2] * depth_mm
    return Geometry(geometry.shape, affine)


def _inside(distance: Field, width: float) -> Field:
    """Share of a pixel inside a surface at that signed distance (negative inside)."""
    share = np.float32(0.5) - distance / np.float32(width)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)


def _paint(picture: Field, mask: Field, value: Field | float) -> None:
    picture += mask * (value - picture)


def _soft_tissue(scene: Scene, geometry: Geometry, level: Levels) -> Field:
    """Skin, fat, muscle, fluid of the recesses and tendons."""
    skin, muscle, tendon, recess = _bent_maps(scene, geometry)
    picture = np.zeros(geometry.shape, dtype=np.float32)
    _paint(picture, _inside(skin, 1.0), level[Tissue.SKIN])
    _paint(picture, _inside(skin + np.float32(1.6), 1.0), level[Tissue.FAT])
    _paint(picture, _inside(muscle, 1.5), level[Tissue.MUSCLE])
    _paint(picture, _inside(recess, 1.0), level[Tissue.FLUID])
    _paint(picture, _inside(tendon, 1.0), level[Tissue.FIBROUS])
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


def _joint_space(scene: Scene, onto: Geometry, picture: Field, level: Levels) -> None:
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
        gap, view = near + far, picture[box]
        if (upper, lower) == ("femur", "tibia"):
            _paint(view, _inside(gap - np.float32(MENISCUS_GAP_MM), 1.0), level[Tissue.FIBROUS])
        if pair[0].outer is None:
            between = _inside(gap - np.float32(ARTICULAR_GAP_MM), 1.0)
            middle = np.abs(near - far) - np.float32(FILM_MM)
            _paint(view, between, level[Tissue.CARTILAGE])
            _paint(view, between * _inside(middle, 0.8), level[Tissue.FLUID])
        else:
            _paint(view, _inside(gap - np.float32(2 * FILM_MM), 0.8), level[Tissue.FLUID])


def _bone(
    scene: Scene,
    bone: PatientBone,
    onto: Geometry,
    picture: Field,
    level: Levels,
    shares: _Shares,
    weight: np.float32,
) -> None:
    """Paint cartilage, cortex and marrow of one bone; add up the truth."""
    box = scene.box_of(bone, onto)
    if box is None:
        return
    view = scene.view_of(bone, onto, box)
    window, pixel = picture[box], onto.spacing_mm[0]
    surface = view.read(bone.surface, CLIP_MM)
    if bone.outer is not None:
        outer = view.read(bone.outer, CLIP_MM)
        _paint(window, _inside(outer, pixel), level[Tissue.CARTILAGE])
    _paint(window, _inside(surface, pixel), level[Tissue.CORTEX])
    marrow = _marrow(scene, view, level, shares, weight)
    _paint(window, _inside(surface + _cortex_mm(view), pixel), marrow)
    shares.of_bone(bone.bone_id.bone)[box] += weight * (surface < 0)


def _marrow(
    scene: Scene, view: BoneView, level: Levels, shares: _Shares, weight: np.float32
) -> Field:
    """Signal of fat, water and oedema, with what bounds dead marrow."""
    name = view.bone.bone_id.bone
    grain = view.read(view.bone.texture, 0.0)
    uneven = np.float32(1.0) + np.float32(TEXTURE_OEDEMA) * grain
    wet = np.zeros(view.shape, dtype=np.float32)
    for oedema in (one for one in scene.oedema if one.bone == name):
        inside = view.read(oedema.level, -CLIP_MM)
        faded = expit(inside / np.float32(EDGE_SOFT_MM))
        wet = np.maximum(wet, np.float32(oedema.water) * faded * uneven)
        shares.of_lesion(oedema.lesion_id)[view.box] += weight * (inside > 0)
    water = np.float32(NORMAL_WATER) + np.float32(TEXTURE_WATER) * grain
    normal = level[Tissue.YELLOW_MARROW] + water * (
        level[Tissue.RED_MARROW] - level[Tissue.YELLOW_MARROW]
    )
    marrow = np.asarray(normal + wet * (level[Tissue.OEDEMA] - normal), dtype=np.float32)
    for band in (one for one in scene.bands if one.bone == name):
        _band(marrow, view.read(band.level, CLIP_MM), np.float32(band.thickness_mm / 2), level)
    return marrow


def _band(marrow: Field, distance: Field, half: np.float32, level: Levels) -> None:
    """Draw what shows as the double line sign.

    Sclerosis in the outer half, granulation tissue (bright on T2) in the inner one, and dead
    fat within.
    """
    _paint(marrow, _inside(distance, 0.8), level[Tissue.YELLOW_MARROW])
    _paint(marrow, _inside(np.abs(distance - half / 2) - half / 2, 0.6), level[Tissue.FIBROUS])
    _paint(marrow, _inside(np.abs(distance + half / 2) - half / 2, 0.6), level[Tissue.OEDEMA])


def _cortex_mm(view: BoneView) -> Field | np.float32:
    """Thickness of cortex at every voxel of a box."""
    shaft = view.bone.shaft
    if shaft is None:
        return np.float32(CORTEX_MM)
    along = shaft.way * (view.rest_coordinate(2) - np.float32(shaft.joint_end_z))
    grown = np.clip(along, CORTEX_FROM_MM, CORTEX_TO_MM) - np.float32(CORTEX_FROM_MM)
    return np.asarray(CORTEX_MM + CORTEX_SLOPE * grown, dtype=np.float32)


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
