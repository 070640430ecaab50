"""Images of a posed limb: signal of every tissue, thick slices, shading and noise.

For every slice the bones are drawn at several depths through its thickness and averaged
with the slice's profile, which is where partial volume comes from; soft tissue, whose edges
are not measured, is drawn once per slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.lesion_shape import EDGE_SOFT_MM
from marrowtrail.phantom.limb import FILM_MM, Limb, PatientBone
from marrowtrail.phantom.pose import Pose
from marrowtrail.phantom.protocol import Acquisition
from marrowtrail.phantom.soft_tissue import SoftTissue
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

MENISCUS_GAP_MM = 6.5
"""Where both cartilages of the knee are near, but do not touch, lies meniscus: their distances
add up to less than this."""

ARTICULAR_GAP_MM = 4.2
"""Surfaces of two ankle bones whose distances add up to less than this bear cartilage."""

OPPOSING: dict[str, tuple[tuple[str, str], ...]] = {
    "knee": (("femur", "tibia"), ("femur", "patella")),
    "ankle": (
        ("tibia", "talus"),
        ("fibula", "talus"),
        ("talus", "calcaneus"),
        ("talus", "navicular"),
    ),
}
"""Pairs of bones that meet in a joint."""

CORTEX_MM = 0.9
CORTEX_SLOPE = 0.045
CORTEX_FROM_MM, CORTEX_TO_MM = 35.0, 95.0
"""Cortex is a thin plate at joints; along shafts it grows with the distance from the joint's
end, between these, to 3.6 mm."""

PIXEL_MAX = 1400.0
"""Stored value of full signal, as scanners scale it."""


@dataclass(frozen=True, slots=True, eq=False)
class Oedema:
    """A lesion to draw: its level in mm at rest (positive inside) and its water share."""

    lesion_id: str
    bone: str
    level: Volume
    water: float


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A demarcation band to draw: distance in mm from the middle of the band at rest,
    negative on the side of the segment, and its thickness."""

    bone: str
    level: Volume
    thickness_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that is in front of the scanner at one exam."""

    limb: Limb
    tissue: SoftTissue
    pose: Pose
    oedema: tuple[Oedema, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """An image and the truth on its grid: share of bone and of lesion in every voxel."""

    image: Volume
    bones: dict[str, NDArray[np.bool_]]
    lesions: dict[str, NDArray[np.bool_]]
    regions: NDArray[np.uint8]
    region_names: tuple[str, ...]


class _Block:
    """Fields of one bone read on one sub-grid, inside the bone's box of the image."""

    def __init__(self, box: tuple[slice, slice, slice], onto: Geometry, pose: RigidTransform):
        self.box = box
        self._start = np.array([part.start for part in box], dtype=np.float64)
        self._shape = tuple(part.stop - part.start for part in box)
        self._to_rest = pose.inverse().matrix @ onto.affine

    def read(self, volume: Volume, fill: float, order: int = 1) -> NDArray[np.float32]:
        matrix = np.linalg.inv(volume.geometry.affine) @ self._to_rest
        offset = matrix[:3, :3] @ self._start + matrix[:3, 3]
        return ndimage.affine_transform(
            volume.data,
            matrix[:3, :3],
            offset,
            self._shape,
            order=order,
            mode="constant",
            cval=fill,
            prefilter=False,
        )

    def rest_z(self) -> NDArray[np.float32]:
        """z in the limb frame at rest, for every voxel."""
        row = self._to_rest[2]
        i, j, k = np.ogrid[tuple(slice(0, n) for n in self._shape)]
        at_start = row[:3] @ self._start + row[3]
        return np.asarray(row[0] * i + row[1] * j + row[2] * k + at_start, dtype=np.float32)


def box_of(
    bone: PatientBone, pose: RigidTransform, onto: Geometry
) -> tuple[slice, slice, slice] | None:
    """The part of a grid that a posed bone's maps may reach; ``None`` if they miss it."""
    corners = onto.to_ijk(pose.apply(bone.surface.geometry.corners_lps()))
    low = np.maximum(np.floor(corners.min(axis=0)) - 1, 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 2, onto.shape).astype(int)
    if (low >= high).any():
        return None
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return i, j, k


def render(scene: Scene, acquisition: Acquisition) -> Rendered:
    """Make a series and the truth on its grid. The same scene and seed give the same bytes."""
    geometry = acquisition.geometry
    rng = np.random.default_rng(acquisition.seed)
    level = {tissue: signal(tissue, acquisition.timing) for tissue in Tissue}
    base = _soft_tissue(scene, geometry, level)
    _joint_space(scene, geometry, base, level)
    total = np.zeros(geometry.shape, dtype=np.float32)
    share = {b.bone_id.bone: np.zeros(geometry.shape, np.float32) for b in scene.limb.bones}
    lesion = {o.lesion_id: np.zeros(geometry.shape, np.float32) for o in scene.oedema}
    for depth, weight in zip(DEPTHS, PROFILE, strict=True):
        onto = _at_depth(geometry, depth * acquisition.thickness_mm)
        picture = base.copy()
        for bone in scene.limb.bones:
            _bone(scene, bone, onto, picture, level, weight, share, lesion)
        total += np.float32(weight) * picture
    image = _imperfect(total, acquisition, level, rng)
    bones = {name: values >= 0.5 for name, values in share.items()}
    regions, names = _regions(scene, geometry, bones)
    lesions = {name: values >= 0.5 for name, values in lesion.items()}
    return Rendered(Volume(image, geometry), bones, lesions, regions, names)


def _at_depth(geometry: Geometry, depth_mm: float) -> Geometry:
    affine = geometry.affine.copy()
    affine[:3, 3] += geometry.directions[:, 2] * depth_mm
    return Geometry(geometry.shape, affine)


def _edge(distance: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """Share of a pixel inside a surface at that signed distance (negative inside)."""
    return np.clip(np.float32(0.5) - distance / np.float32(width), 0.0, 1.0)


def _paint(
    picture: NDArray[np.float32], mask: NDArray[np.float32], value: NDArray[np.float32] | float
) -> None:
    picture += mask * (value - picture)


def _soft_tissue(
    scene: Scene, geometry: Geometry, level: dict[Tissue, float]
) -> NDArray[np.float32]:
    """Skin, fat, muscle, tendons and recess fluid, bent with the joint."""
    fields = _bent_fields(scene, geometry)
    skin, muscle, tendon, recess = fields
    picture = np.zeros(geometry.shape, dtype=np.float32)
    _paint(picture, _edge(skin, 1.0), level[Tissue.SKIN])
    _paint(picture, _edge(skin + np.float32(1.6), 1.0), level[Tissue.FAT])
    _paint(picture, _edge(muscle, 1.5), level[Tissue.MUSCLE])
    _paint(picture, _edge(recess, 1.0), level[Tissue.FLUID])
    _paint(picture, _edge(tendon, 1.0), level[Tissue.FIBROUS])
    return picture


def _bent_fields(scene: Scene, geometry: Geometry) -> list[NDArray[np.float32]]:
    """Soft-tissue maps read through a pose that goes from the upper to the lower bone's."""
    upper, lower = ("femur", "tibia") if scene.limb.joint == "knee" else ("tibia", "calcaneus")
    matrices = [
        scene.pose.bones[name].inverse().matrix @ geometry.affine for name in (upper, lower)
    ]
    ijk = np.indices(geometry.shape, dtype=np.float32)
    first, second = (
        np.tensordot(m[:3, :3].astype(np.float32), ijk, axes=1)
        + m[:3, 3].astype(np.float32)[:, None, None, None]
        for m in matrices
    )
    share = np.clip(0.5 - first[2] / np.float32(50.0), 0.0, 1.0)
    points = first + share * (second - first)
    fields = scene.tissue
    grid = fields.skin.geometry
    inverse = np.linalg.inv(grid.affine)
    index = np.tensordot(inverse[:3, :3].astype(np.float32), points, axes=1)
    index += inverse[:3, 3].astype(np.float32)[:, None, None, None]
    return [
        ndimage.map_coordinates(v.data, index, order=1, mode="nearest", output=np.float32)
        for v in (fields.skin, fields.muscle, fields.tendon, fields.recess)
    ]


def _joint_space(
    scene: Scene, onto: Geometry, picture: NDArray[np.float32], level: dict[Tissue, float]
) -> None:
    """What lies between two opposing bones: meniscus, a film of fluid, cartilage."""
    for upper, lower in OPPOSING[scene.limb.joint]:
        pair = scene.limb.bone(upper), scene.limb.bone(lower)
        box = _common(*(box_of(bone, scene.pose.bones[bone.bone_id.bone], onto) for bone in pair))
        if box is None:
            continue
        near, far = (
            _Block(box, onto, scene.pose.bones[bone.bone_id.bone]).read(
                bone.outer or bone.surface, CLIP_MM
            )
            for bone in pair
        )
        gap, view = near + far, picture[box]
        if (upper, lower) == ("femur", "tibia"):
            _paint(view, _edge(gap - np.float32(MENISCUS_GAP_MM), 1.0), level[Tissue.FIBROUS])
        if pair[0].outer is None:
            between = _edge(gap - np.float32(ARTICULAR_GAP_MM), 1.0)
            _paint(view, between, level[Tissue.CARTILAGE])
            middle = np.abs(near - far) - np.float32(FILM_MM)
            _paint(view, between * _edge(middle, 0.8), level[Tissue.FLUID])
        else:
            _paint(view, _edge(gap - np.float32(2 * FILM_MM), 0.8), level[Tissue.FLUID])


def _common(
    a: tuple[slice, slice, slice] | None, b: tuple[slice, slice, slice] | None
) -> tuple[slice, slice, slice] | None:
    if a is None or b is None:
        return None
    parts = [slice(max(p.start, q.start), min(p.stop, q.stop)) for p, q in zip(a, b, strict=True)]
    if any(part.start >= part.stop for part in parts):
        return None
    return parts[0], parts[1], parts[2]


def _bone(
    scene: Scene,
    bone: PatientBone,
    onto: Geometry,
    picture: NDArray[np.float32],
    level: dict[Tissue, float],
    weight: float,
    share: dict[str, NDArray[np.float32]],
    lesion: dict[str, NDArray[np.float32]],
) -> None:
    """Paint cartilage, cortex, marrow and lesions of one bone; add up truth."""
    name = bone.bone_id.bone
    pose = scene.pose.bones[name]
    box = box_of(bone, pose, onto)
    if box is None:
        return
    block = _Block(box, onto, pose)
    view = picture[box]
    width = onto.spacing_mm[0]
    surface = block.read(bone.surface, CLIP_MM)
    if bone.outer is not None:
        _paint(view, _edge(block.read(bone.outer, CLIP_MM), width), level[Tissue.CARTILAGE])
    _paint(view, _edge(surface, width), level[Tissue.CORTEX])
    grain = block.read(bone.texture, 0.0)
    water = np.float32(NORMAL_WATER) + np.float32(TEXTURE_WATER) * grain
    wet = np.zeros_like(water)
    for oedema in scene.oedema:
        if oedema.bone != name:
            continue
        inside = block.read(oedema.level, -CLIP_MM)
        soft = expit(inside / np.float32(EDGE_SOFT_MM))
        uneven = np.float32(1.0) + np.float32(TEXTURE_OEDEMA) * grain
        wet = np.maximum(wet, np.float32(oedema.water) * soft * uneven)
        lesion[oedema.lesion_id][box] += np.float32(weight) * (inside > 0)
    marrow = (
        (1.0 - water - wet * (1 - water)) * np.float32(level[Tissue.YELLOW_MARROW])
        + water * (1 - wet) * np.float32(level[Tissue.RED_MARROW])
        + wet * np.float32(level[Tissue.OEDEMA])
    )
    for band in scene.bands:
        if band.bone == name:
            _band(marrow, block.read(band.level, CLIP_MM), band.thickness_mm, level)
    _paint(view, _edge(surface + _cortex_mm(bone, block), width), marrow)
    share[name][box] += np.float32(weight) * (surface < 0)


def _band(
    marrow: NDArray[np.float32],
    distance: NDArray[np.float32],
    thickness_mm: float,
    level: dict[Tissue, float],
) -> None:
    """Sclerosis in the outer half, granulation tissue (bright on T2) in the inner one, and dead
    fat within: what shows as the double line sign."""
    half = np.float32(thickness_mm / 2)
    _paint(marrow, _edge(distance, 0.8), level[Tissue.YELLOW_MARROW])
    _paint(marrow, _edge(np.abs(distance - half / 2) - half / 2, 0.6), level[Tissue.FIBROUS])
    _paint(marrow, _edge(np.abs(distance + half / 2) - half / 2, 0.6), level[Tissue.OEDEMA])


def _cortex_mm(bone: PatientBone, block: _Block) -> NDArray[np.float32] | np.float32:
    """Thickness of cortex at every voxel of a block."""
    if bone.shaft is None:
        return np.float32(CORTEX_MM)
    along = bone.shaft.way * (block.rest_z() - np.float32(bone.shaft.joint_end_z))
    grown = np.clip(along, CORTEX_FROM_MM, CORTEX_TO_MM) - np.float32(CORTEX_FROM_MM)
    return np.asarray(CORTEX_MM + CORTEX_SLOPE * grown, dtype=np.float32)


def _imperfect(
    picture: NDArray[np.float32],
    acquisition: Acquisition,
    level: dict[Tissue, float],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Shade by the coil, add Rician noise, scale as a scanner does."""
    reference = max(level[Tissue.FAT], level[Tissue.MUSCLE], level[Tissue.OEDEMA] * 0.7)
    shaded = picture * shading_field(picture.shape, acquisition.shading, rng)
    sigma = np.float32(reference / acquisition.snr)
    real = shaded + sigma * rng.standard_normal(picture.shape, dtype=np.float32)
    imaginary = sigma * rng.standard_normal(picture.shape, dtype=np.float32)
    gain = np.float32(PIXEL_MAX / reference * rng.uniform(0.35, 0.8))
    return np.hypot(real, imaginary) * gain


def shading_field(
    shape: tuple[int, ...], strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Smooth sensitivity about 1: a random polynomial of degree two over the grid."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape), indexing="ij")
    slopes = rng.uniform(-1, 1, 3)
    bends = rng.uniform(-1, 0.3, 3)
    field = sum(
        np.float32(s) * axis + np.float32(b) * axis**2
        for s, b, axis in zip(slopes, bends, axes, strict=True)
    )
    return np.exp(np.float32(strength) * (field - field.mean()) / np.abs(field).max())


def _regions(
    scene: Scene, geometry: Geometry, bones: dict[str, NDArray[np.bool_]]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Painted regions on the image's grid, numbered over all bones."""
    regions = np.zeros(geometry.shape, dtype=np.uint8)
    names: list[str] = []
    for bone in scene.limb.bones:
        key = bone.bone_id.bone
        box = box_of(bone, scene.pose.bones[key], geometry)
        if box is not None and bone.region_names:
            block = _Block(box, geometry, scene.pose.bones[key])
            values = block.read(bone.regions, 0, order=0).astype(np.uint8)
            inside = bones[key][box] & (values > 0)
            regions[box][inside] = values[inside] + len(names)
        names += [f"{key}/{region}" for region in bone.region_names]
    return regions, tuple(names)
