"""One patient's bones: a template, deformed, scaled, mirrored for a left limb.

Bones rest in the limb frame of their own side: LPS-like millimetres about the joint, x to
the patient's left, so lateral is -x in a right limb and +x in a left one. Deformation is
one smooth field for all bones of a joint, so neighbouring surfaces stay congruent; surface,
cartilage and painted regions are read through the same field, which is what carries the
regions of truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.phantom.template import CLIP_MM, BoneTemplate, load_template
from marrowtrail.record.sites import BoneId, Side

STEP_MM = 1.25
"""Grid of a patient's bones: finer than the templates (1.5 to 2 mm), so that reading it
again with linear weights adds no facets to what an image of 0.5 mm shows."""

MODE_LIMIT_SD = 1.7
"""Modes are drawn within this many standard deviations: with six modes of 27 knees, further
out the sum of distance maps stops looking like a bone."""

SIZE_LOG_SD = 0.07
"""Standard deviation of log size among the 27 knees of the model (scripts/build_knee_shapes.py)."""

WARP_KNOT_MM = 30.0
WARP_MM = 0.8
"""Deformation between knots of 30 mm, with this standard deviation along each axis: steepest
slope near 8 %, so a sampled distance is still a distance within that."""

TEXTURE_SCALES_MM = (2.5, 7.0)
"""Grain of marrow: trabecular bundles and lobules of fat, as two octaves of noise."""

FILM_MM = 0.4
"""Gap that is left between opposing cartilages of the knee: a film of fluid."""

MARGIN_MM = 7.5
"""What is drawn outside a bone from its distance map (cartilage, meniscus, a film of fluid)
lies within this."""

SHAFT_WAY = {
    ("knee", "femur"): 1,
    ("knee", "tibia"): -1,
    ("knee", "fibula"): -1,
    ("ankle", "tibia"): 1,
    ("ankle", "fibula"): 1,
}
"""Where the shaft lies from the joint, along z."""


@dataclass(frozen=True, slots=True)
class Shaft:
    """A long bone's joint end, as z in the limb frame, and the way (+1 or -1) to its shaft."""

    joint_end_z: float
    way: int


@dataclass(frozen=True, slots=True, eq=False)
class PatientBone:
    """One bone at rest in the limb frame.

    ``surface`` and ``outer`` are signed distances in mm (bone; bone and cartilage, where
    known), ``texture`` has mean 0 and standard deviation 1, ``regions`` holds *n* for
    ``region_names[n - 1]``. ``shaft`` says where a long bone's cortex thickens.
    """

    bone_id: BoneId
    joint: str
    surface: Volume
    outer: Volume | None
    texture: Volume
    regions: Volume
    region_names: tuple[str, ...]
    shaft: Shaft | None

    def inside_points(self) -> Points:
        """(n, 3) limb-frame centres of voxels within the bone."""
        return self.surface.geometry.to_lps(np.argwhere(self.surface.data < 0))

    def moved(self, matrix: NDArray[np.float64]) -> PatientBone:
        """The same bone, resting elsewhere in the limb frame."""
        grid = self.surface.geometry
        there = Geometry(grid.shape, matrix @ grid.affine)
        return replace(
            self,
            surface=Volume(self.surface.data, there),
            outer=None if self.outer is None else Volume(self.outer.data, there),
            texture=Volume(self.texture.data, there),
            regions=Volume(self.regions.data, there),
        )

    def trimmed(self) -> PatientBone:
        """The same bone without the part of its box that no drawn tissue reaches."""
        maps = self.outer if self.outer is not None else self.surface
        start, stop = bounding_box(maps.data < MARGIN_MM)
        return replace(
            self,
            surface=self.surface.crop(start, stop),
            outer=None if self.outer is None else self.outer.crop(start, stop),
            texture=self.texture.crop(start, stop),
            regions=self.regions.crop(start, stop),
            shaft=self._find_shaft(),
        )

    def _find_shaft(self) -> Shaft | None:
        way = SHAFT_WAY.get((self.joint, self.bone_id.bone))
        if way is None:
            return None
        z = self.inside_points()[:, 2]
        return Shaft(float(z.min() if way > 0 else z.max()), way)


@dataclass(frozen=True, slots=True, eq=False)
class Limb:
    """The bones of one joint of one side."""

    joint: str
    side: Side
    bones: tuple[PatientBone, ...]

    def bone(self, key: str) -> PatientBone:
        """The bone of that vocabulary key."""
        return next(bone for bone in self.bones if bone.bone_id.bone == key)

    def has(self, key: str) -> bool:
        """Whether the joint has that bone."""
        return any(bone.bone_id.bone == key for bone in self.bones)


def draw_limb(joint: str, side: Side, rng: np.random.Generator) -> Limb:
    """A patient's joint. The same generator state gives the same bones, left or right."""
    template = load_template(joint)
    weights = np.clip(rng.standard_normal(template.mode_count), -MODE_LIMIT_SD, MODE_LIMIT_SD)
    size = float(np.exp(np.clip(rng.standard_normal(), -2, 2) * SIZE_LOG_SD))
    warp = _Warp.draw(rng)
    bones = [_drawn_bone(bone, joint, weights, size, warp, rng) for bone in template.bones]
    if joint == "knee":
        bones = _knee_in_contact(bones)
    limb = Limb(joint, Side.RIGHT, tuple(bone.trimmed() for bone in bones))
    return limb if side is Side.RIGHT else _mirrored(limb)


@dataclass(frozen=True, slots=True, eq=False)
class _Warp:
    """A smooth displacement in millimetres over the box of a joint."""

    knots: NDArray[np.float64]
    corner: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> _Warp:
        half = 150.0
        count = int(2 * half / WARP_KNOT_MM) + 1
        return cls(rng.normal(0.0, WARP_MM, (3, count, count, count)), -half)

    def at(self, geometry: Geometry) -> NDArray[np.float64]:
        """(3, i, j, k) displacement at every voxel of a grid that is aligned with the axes."""
        matrix = geometry.affine[:3, :3] / WARP_KNOT_MM
        offset = (geometry.affine[:3, 3] - self.corner) / WARP_KNOT_MM
        return np.stack(
            [
                ndimage.affine_transform(
                    component, matrix, offset, geometry.shape, order=3, mode="nearest"
                )
                for component in self.knots
            ]
        )


def _drawn_bone(
    template: BoneTemplate,
    joint: str,
    weights: NDArray[np.float64],
    size: float,
    warp: _Warp,
    rng: np.random.Generator,
) -> PatientBone:
    source = template.geometry
    steps = np.asarray(source.spacing_mm) * size / STEP_MM
    shape = np.maximum(2, np.round((np.asarray(source.shape) - 1) * steps)).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = source.directions * STEP_MM
    affine[:3, 3] = source.affine[:3, 3] * size
    grid = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    ijk = np.indices(grid.shape, dtype=np.float32) / steps[:, None, None, None].astype(np.float32)
    turn = source.directions.T / np.asarray(source.spacing_mm)[:, None]
    shift = np.tensordot(turn, warp.at(grid), axes=1).astype(np.float32)
    ijk += shift / np.float32(size)
    surface = _read(template.surface_mm, template.surface_modes_mm, weights, ijk, size)
    outer = None
    if template.outer_mm is not None and template.outer_modes_mm is not None:
        outer = _read(template.outer_mm, template.outer_modes_mm, weights, ijk, size)
        outer = np.minimum(outer, surface)
    return PatientBone(
        bone_id=BoneId(template.bone, Side.RIGHT),
        joint=joint,
        surface=Volume(surface, grid),
        outer=None if outer is None else Volume(outer, grid),
        texture=Volume(marrow_texture(grid.shape, STEP_MM, rng), grid),
        regions=Volume(_painted(template.regions, len(template.region_names), ijk), grid),
        region_names=template.region_names,
        shaft=None,
    )


def _read(
    mean: NDArray[np.float32],
    modes: NDArray[np.float32],
    weights: NDArray[np.float64],
    ijk: NDArray[np.float32],
    size: float,
) -> NDArray[np.float32]:
    shape = mean + np.tensordot(weights[: len(modes)].astype(np.float32), modes, axes=1)
    read = ndimage.map_coordinates(shape, ijk, order=3, mode="nearest", output=np.float32)
    return np.clip(read * np.float32(size), -CLIP_MM, CLIP_MM)


def _painted(regions: NDArray[np.uint8], count: int, ijk: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The region map read through the warp: the region with the largest linear weight."""
    if count == 0:
        return np.zeros(ijk.shape[1:], dtype=np.uint8)
    best = np.zeros(ijk.shape[1:], dtype=np.float32)
    painted = np.zeros(ijk.shape[1:], dtype=np.uint8)
    for value in range(1, count + 1):
        share = ndimage.map_coordinates(
            (regions == value).astype(np.float32), ijk, order=1, mode="nearest"
        )
        painted[share > best] = value
        best = np.maximum(best, share)
    return painted


def marrow_texture(
    shape: tuple[int, ...], step_mm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of two grains, mean 0 and standard deviation 1."""
    total = np.zeros(shape, dtype=np.float32)
    for scale in TEXTURE_SCALES_MM:
        grain = ndimage.gaussian_filter(
            rng.standard_normal(shape, dtype=np.float32), 0.5 * scale / step_mm, mode="wrap"
        )
        total += grain / grain.std()
    return (total - total.mean()) / total.std()


def _mirrored(limb: Limb) -> Limb:
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    bones = tuple(
        replace(bone.moved(mirror), bone_id=BoneId(bone.bone_id.bone, Side.LEFT))
        for bone in limb.bones
    )
    return Limb(limb.joint, Side.LEFT, bones)


def _knee_in_contact(bones: list[PatientBone]) -> list[PatientBone]:
    """Shift tibia (with fibula) and patella until cartilages nearly touch in each compartment.

    Size and modes change each bone on its own; without this a condyle would hang above its
    plateau or sink into it.
    """
    parts = {bone.bone_id.bone: bone for bone in bones}
    for _ in range(3):
        matrix = _tibia_correction(parts["femur"], parts["tibia"])
        parts["tibia"] = parts["tibia"].moved(matrix)
        parts["fibula"] = parts["fibula"].moved(matrix)
    for _ in range(3):
        back = np.eye(4)
        back[1, 3] = _gap(parts["femur"], _skin_of(parts["patella"])) - FILM_MM
        parts["patella"] = parts["patella"].moved(back)
    return [parts[bone.bone_id.bone] for bone in bones]


def _tibia_correction(femur: PatientBone, tibia: PatientBone) -> NDArray[np.float64]:
    points = _skin_of(tibia)
    points = points[points[:, 2] > points[:, 2].max() - 25.0]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    half = (points[:, 0].max() - points[:, 0].min()) / 4
    medial = _gap(femur, points[points[:, 0] > centre[0] + half / 2]) - FILM_MM
    lateral = _gap(femur, points[points[:, 0] < centre[0] - half / 2]) - FILM_MM
    tilt = float(np.clip((lateral - medial) / (2 * half), -0.05, 0.05))
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec([0.0, tilt, 0.0]).as_matrix()
    lift = np.array([0.0, 0.0, (medial + lateral) / 2])
    matrix[:3, 3] = centre + lift - matrix[:3, :3] @ centre
    return matrix


def _skin_of(bone: PatientBone) -> Points:
    """Points near the outer surface of a bone and its cartilage."""
    maps = bone.outer if bone.outer is not None else bone.surface
    near = np.argwhere(np.abs(maps.data) < STEP_MM / 2)
    return maps.geometry.to_lps(near)


def _gap(bone: PatientBone, points: Points) -> float:
    """Distance from a bone's outer surface to the nearest of the points; negative if sunk in.

    The 1st percentile stands for the nearest: single voxels are noise of half a step.
    """
    maps = bone.outer if bone.outer is not None else bone.surface
    ijk = np.moveaxis(maps.geometry.to_ijk(points), -1, 0)
    values = ndimage.map_coordinates(maps.data, ijk, order=1, mode="constant", cval=CLIP_MM)
    return float(np.percentile(values, 1.0))
