"""A small synthetic knee for the registration tests: bones that move, are cut and get scanned.

Every shape is a signed distance in the bone's own frame (mm, negative inside), so a scan is
computed at any voxel of any grid from the motion alone: nothing is resampled, and the true
transform is exact. Slices are averaged over their thickness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import Bone, BoneAxes, BoneMap, BoneVerdict
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Contrast, Plane, Series, Weighting
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]

FS = Contrast(Weighting.PD, True, "made for the test")
T1 = Contrast(Weighting.T1, False, "made for the test")
FEMUR, TIBIA, PATELLA = (BoneId(name, Side.LEFT) for name in ("femur", "tibia", "patella"))

BRIGHTNESS = {
    "pd": {"marrow": 200.0, "cortex": 60.0, "soft": 330.0, "fluid": 800.0, "lesion": 300.0},
    "t1": {"marrow": 800.0, "cortex": 60.0, "soft": 350.0, "fluid": 230.0, "lesion": -250.0},
}


def ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Shape:
    """An ellipsoid; the distance is right to first order near its surface."""
    c, r = np.asarray(centre), np.asarray(radii)

    def distance(points: Array) -> Array:
        scaled = (points - c) / r
        k = np.sqrt((scaled**2).sum(axis=-1)) + 1e-9
        slope = np.sqrt(((scaled / r) ** 2).sum(axis=-1)) + 1e-9
        return k * (k - 1) / slope

    return distance


def rod(radius: float, low: float, high: float) -> Shape:
    """A shaft along the third axis."""

    def distance(points: Array) -> Array:
        beside = np.hypot(points[..., 0], points[..., 1]) - radius
        beyond = np.maximum(low - points[..., 2], points[..., 2] - high)
        return np.maximum(beside, beyond)

    return distance


def blend(*shapes: Shape, width: float = 4.0) -> Shape:
    """The union of shapes with rounded joins."""

    def distance(points: Array) -> Array:
        stack = np.stack([shape(points) for shape in shapes])
        return -width * np.log(np.exp(-np.clip(stack, -80, 80) / width).sum(axis=0))

    return distance


def mirrored(shape: Shape) -> Shape:
    """The bone in a mirror across its own sagittal plane."""
    return lambda points: shape(points * np.array([-1.0, 1.0, 1.0]))


SHAPES: dict[BoneId, Shape] = {
    FEMUR: blend(
        rod(13, 5, 200),
        ball((17, 4, -4), (15, 26, 19)),
        ball((-18, 6, -2), (13, 22, 16)),
        ball((0, -8, 8), (22, 14, 18)),
    ),
    TIBIA: blend(
        rod(12, -200, -45),
        ball((16, 0, -38), (19, 21, 15)),
        ball((-16, 2, -37), (17, 18, 14)),
        ball((3, -18, -62), (8, 7, 14)),
    ),
    PATELLA: blend(
        ball((0, -37, 18), (19, 8, 14)),
        ball((3, -37, 2), (7, 6, 12)),
        ball((-3, -32, 17), (6, 7, 12)),
        width=2.0,
    ),
}


def texture(seed: int) -> Callable[[Array], Array]:
    """Smooth marrow texture of unit deviation, from waves of 4 to 14 mm."""
    rng = np.random.default_rng(seed)
    ways = rng.normal(size=(8, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    waves = ways * (2 * np.pi / rng.uniform(4, 14, size=(8, 1)))
    phases = rng.uniform(0, 2 * np.pi, 8)
    return lambda points: np.cos(points @ waves.T + phases).sum(axis=-1) / np.sqrt(4)


@dataclass(frozen=True)
class Spot:
    """An oedema: a ball in a bone's own frame."""

    bone: BoneId
    centre: tuple[float, float, float]
    radius_mm: float


@dataclass(frozen=True)
class Knee:
    """The bones, where each lies in the patient frame of this visit, and their lesions."""

    motions: dict[BoneId, RigidTransform]
    spots: tuple[Spot, ...] = ()
    shapes: dict[BoneId, Shape] = field(default_factory=lambda: dict(SHAPES))


@dataclass(frozen=True)
class Scanner:
    """One acquisition."""

    geometry: Geometry
    contrast: Contrast = FS
    noise: float = 12.0
    gain: float = 1.0
    shading: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seed: int = 0
    body_part: str = "knee"
    series_id: str = "v1-s1"
    visit_id: str = "v1"


def sagittal(
    shape: tuple[int, int, int] = (150, 160, 28),
    spacing_mm: tuple[float, float, float] = (0.75, 0.75, 3.5),
    centre: tuple[float, float, float] = (0.0, 0.0, -8.0),
    frame: str = "1.2.3",
) -> Geometry:
    """A sagittal grid: i runs to the back, j down, k to the left."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]]) * np.asarray(spacing_mm)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return Geometry(shape, affine, frame)


def coronal(
    shape: tuple[int, int, int] = (150, 160, 26),
    spacing_mm: tuple[float, float, float] = (0.75, 0.75, 3.5),
    centre: tuple[float, float, float] = (0.0, 0.0, -8.0),
    frame: str = "1.2.3",
) -> Geometry:
    """A coronal grid: i runs to the left, j down, k to the back."""
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) * np.asarray(spacing_mm)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return Geometry(shape, affine, frame)


def turn(
    degrees: tuple[float, float, float],
    shift_mm: tuple[float, float, float],
    about: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> RigidTransform:
    """A motion from a rotation vector in degrees."""
    return RigidTransform.about(np.asarray(about), np.radians(degrees), np.asarray(shift_mm))


def still(shapes: dict[BoneId, Shape] | None = None, spots: tuple[Spot, ...] = ()) -> Knee:
    """The knee as it lies in its own frame."""
    shapes = dict(SHAPES) if shapes is None else shapes
    return Knee({bone: RigidTransform.identity() for bone in shapes}, spots, shapes)


def moved(knee: Knee, whole: RigidTransform, flexed_deg: float = 0.0) -> Knee:
    """The whole knee moved, the tibia bent about the joint and the patella gliding."""
    bend = turn((flexed_deg, 0, 0), (0, 0, 0), about=(0, 5, -18))
    glide = turn((flexed_deg * 0.5, 0, 0), (0, 0.05 * flexed_deg, -0.25 * flexed_deg))
    own = {TIBIA: bend, PATELLA: glide}
    motions = {
        bone: whole @ own.get(bone, RigidTransform.identity()) @ motion
        for bone, motion in knee.motions.items()
    }
    return replace(knee, motions=motions)


WIDEST_MM = 50.0
"""No bone reaches further from its own axis, the patella before the femur's included."""


def _paint(knee: Knee, points: Array, tissue: dict[str, float], whole: RigidTransform) -> Array:
    rest = whole.inverse().apply(points)
    image = tissue["soft"] * (1 + 0.12 * texture(99)(rest))
    for n, (bone, motion) in enumerate(knee.motions.items()):
        own = motion.inverse().apply(points)
        near = np.flatnonzero(np.hypot(own[:, 0], own[:, 1]) < WIDEST_MM)
        own = own[near]
        depth = -knee.shapes[bone](own)
        effusion = (depth > -2.5) & (depth <= 0) & (np.abs(own[:, 2] + 18) < 14)
        image[near[effusion]] = tissue["fluid"]
        inside = near[depth > 0]
        own, depth = own[depth > 0], depth[depth > 0]
        marrow = tissue["marrow"] * (1 + 0.10 * texture(n)(own))
        for spot in knee.spots:
            if spot.bone == bone:
                away = np.linalg.norm(own - np.asarray(spot.centre), axis=-1) / spot.radius_mm
                marrow += tissue["lesion"] * np.clip(2 * (1 - away), 0, 1)
        image[inside] = np.where(depth < 1.2, tissue["cortex"], marrow)
    return image


def scan(knee: Knee, scanner: Scanner, sub_slices: int = 3) -> Series:
    """Image the knee: each voxel is averaged over the slice thickness, then shaded, noised."""
    grid = scanner.geometry
    ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    tissue = BRIGHTNESS[scanner.contrast.weighting.value]
    whole = knee.motions.get(FEMUR, next(iter(knee.motions.values())))
    image = np.zeros(len(ijk))
    for step in (np.arange(sub_slices) + 0.5) / sub_slices - 0.5:
        image += _paint(knee, grid.to_lps(ijk + np.array([0, 0, step])), tissue, whole) / sub_slices
    away = (grid.to_lps(ijk) - grid.centre_lps) / 100
    image *= scanner.gain * np.exp(away @ np.asarray(scanner.shading))
    noise = np.random.default_rng(scanner.seed).normal(size=(2, len(ijk))) * scanner.noise
    image = np.hypot(image + noise[0], noise[1])
    volume = Volume(image.reshape(grid.shape).astype(np.float32), grid)
    return Series(
        id=scanner.series_id,
        visit_id=scanner.visit_id,
        source_uid=f"uid-of-{scanner.series_id}",
        volume=volume,
        contrast=scanner.contrast,
        plane=Plane.SAGITTAL,
        body_part=scanner.body_part,
        side=Side.LEFT,
    )


def outline(knee: Knee, scanner: Scanner, only: tuple[BoneId, ...] | None = None) -> BoneMap:
    """The true masks on the scanner's grid."""
    grid = scanner.geometry
    ijk = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    points = grid.to_lps(ijk)
    bones = []
    for bone, motion in knee.motions.items():
        if only is not None and bone not in only:
            continue
        inside = knee.shapes[bone](motion.inverse().apply(points)) < 0
        bones.append(bone_of(bone, inside.reshape(grid.shape), grid))
    return BoneMap(scanner.series_id, scanner.visit_id, grid, tuple(bones))


def bone_of(bone: BoneId, mask: NDArray[np.bool_], grid: Geometry) -> Bone:
    """A Bone of one region, with the axes of the patient."""
    origin = grid.centre_lps
    if mask.any():
        origin = grid.to_lps(np.argwhere(mask).mean(axis=0))
    edges = [mask.take(at, axis=axis).any() for axis in range(3) for at in (0, -1)]
    return Bone(
        id=bone,
        mask=Volume(mask, grid),
        regions=Volume(mask.astype(np.uint8), grid),
        region_names=("whole",),
        axes=BoneAxes(origin, np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([0, 0, 1.0])),
        source="made for the test",
        verdict=BoneVerdict.ACCEPTED,
        reason="",
        touches_edge=any(edges),
    )


def error_mm(
    found: RigidTransform, true: RigidTransform, bone: Bone, centile: float | None = 50.0
) -> float:
    """How far off the voxels of a bone are put, as a centile."""
    points = bone.mask.geometry.to_lps(np.argwhere(bone.mask.data)[::7])
    gap = np.linalg.norm(found.apply(points) - true.apply(points), axis=-1)
    return float(np.percentile(gap, centile))
