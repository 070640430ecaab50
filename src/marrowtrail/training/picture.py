"""Signal at sampled points: marrow with its grain and lesions, cortex, what surrounds bones.

What happens to an image as a whole (coil, noise, partial volume) is in the views.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.training.contrast import CARTILAGE, CORTEX, LESION, MARROW, Levels, draw_levels
from marrowtrail.training.label_set import AIR, FAT
from marrowtrail.training.samples import Field, Samples

LONG_BONES = (1, 2, 3)
"""Classes whose cortex thickens along the shaft."""

SHAFT_FROM_MM = 35.0
"""Cortex is thin within this of the joint."""

MOST_LESIONS = 3

FAILS_OVER_MM = 50.0
"""Fat suppression fails towards one side, over about this distance."""
TILE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """Something in marrow that is still bone: oedema, infarct, cyst, tumour."""

    centre_mm: NDArray[np.float32]
    radius_mm: NDArray[np.float32]
    softness: float
    strength: float
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Everything drawn for one image but for its geometry."""

    levels: Levels
    cortex_mm: float
    cortex_outside_mm: float
    shaft_slope: float
    grain: float
    patchiness: float
    chance_tissue: float
    failing: NDArray[np.float32] | None
    blobs: tuple[Blob, ...]
    seed: int


def draw_look(rng: np.random.Generator, bone_points_mm: NDArray[np.float32]) -> Look:
    """The look of one image. ``bone_points_mm`` (n, 3) are places within bone, in view."""
    levels = draw_levels(rng)
    fails = rng.random() < 0.15
    blobs = tuple(_blob(rng, levels, bone_points_mm) for _ in range(rng.integers(MOST_LESIONS + 1)))
    return Look(
        levels,
        cortex_mm=float(rng.uniform(0.2, 2.0)),
        cortex_outside_mm=float(rng.uniform(-0.2, 0.3)),
        shaft_slope=float(rng.uniform(0.0, 0.07)),
        grain=float(rng.uniform(0.0, 0.18)),
        patchiness=float(rng.uniform(0.0, 0.2)),
        chance_tissue=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.3 else 0.0,
        failing=rng.normal(0.0, 0.04, 4).astype(np.float32) if fails else None,
        blobs=blobs if len(bone_points_mm) else (),
        seed=int(rng.integers(2**31)),
    )


def _blob(rng: np.random.Generator, levels: Levels, points: NDArray[np.float32]) -> Blob:
    centre = points[rng.integers(len(points))] if len(points) else np.zeros(3, np.float32)
    radius = rng.uniform(4.0, 25.0) * np.exp(rng.normal(0.0, 0.25, 3))
    physical = rng.random() < 0.6
    level = float(levels.material[LESION]) if physical else float(rng.uniform(0.0, 1.3))
    return Blob(
        centre.astype(np.float32),
        radius.astype(np.float32),
        float(rng.uniform(0.05, 0.5)),
        float(rng.uniform(0.4, 1.0)),
        level,
    )


def signal_of(samples: Samples, look: Look) -> Field:
    """Signal of every sample, without noise."""
    rng = np.random.default_rng(look.seed)
    material = _materials(samples, look)
    patches = noise_at(samples.place_mm, 2, rng)
    signal = look.levels.material[material] * (1 + np.float32(look.patchiness) * patches)
    if look.failing is not None:
        signal = _with_failing_suppression(signal, material, samples.place_mm, look)
    if look.chance_tissue:
        soft = (material < CARTILAGE) & (material != AIR)
        noise = noise_at(samples.place_mm, 1, rng) + patches
        signal = np.where(soft, signal + np.float32(look.chance_tissue * 0.25) * noise, signal)
    grain = noise_at(samples.place_mm, 0, rng)
    marrow = signal * look.levels.marrow[samples.bone] * (1 + np.float32(look.grain) * grain)
    for blob in look.blobs:
        marrow = _with_blob(marrow, blob, samples.place_mm, patches)
    signal = np.where(material == MARROW, marrow, signal)
    return np.asarray(np.clip(signal, 0, None), dtype=np.float32)


def _materials(samples: Samples, look: Look) -> NDArray[np.uint8]:
    """Tissue, cartilage, cortex or marrow of every sample."""
    surface = np.float32(look.cortex_outside_mm)
    material = np.where(samples.cartilage_mm < 0, np.uint8(CARTILAGE), samples.tissue)
    material = np.where(samples.distance_mm < surface, np.uint8(CORTEX), material)
    deep = samples.distance_mm < surface - _cortex(samples, look)
    return np.where(deep, np.uint8(MARROW), material)


def _with_failing_suppression(
    signal: Field, material: NDArray[np.uint8], place_mm: Field, look: Look
) -> Field:
    assert look.failing is not None
    a, b, c, d = look.failing
    x, y, z = place_mm
    share = 1 / (1 + np.exp(-(a * x + b * y + c * z + d * np.float32(FAILS_OVER_MM))))
    gained = look.levels.unsuppressed - look.levels.material
    is_fat = (material == FAT) | (material == MARROW)
    return np.asarray(np.where(is_fat, signal + share * gained[material], signal), np.float32)


def _with_blob(marrow: Field, blob: Blob, place_mm: Field, patches: Field) -> Field:
    column = (3, *(1,) * marrow.ndim)
    away = (place_mm - blob.centre_mm.reshape(column)) / blob.radius_mm.reshape(column)
    depth = 1 - np.sqrt((away**2).sum(axis=0)) + np.float32(0.35) * patches
    share = blob.strength / (1 + np.exp(np.clip(-depth / blob.softness, -30, 30)))
    return np.asarray(marrow + share * (blob.level - marrow), dtype=np.float32)


def _cortex(samples: Samples, look: Look) -> Field:
    """Thickness of the dark shell at every sample, in mm."""
    along = np.abs(samples.place_mm[2]) - np.float32(SHAFT_FROM_MM)
    thick = np.float32(look.shaft_slope) * np.clip(along, 0, 70)
    shaft = np.isin(samples.bone, LONG_BONES)
    return np.asarray(np.float32(look.cortex_mm) + np.where(shaft, thick, 0), dtype=np.float32)


GRAINS = ((1.6, 0.5), (5.0, 0.7), (16.0, 1.0))
"""Width and voxel in mm of the noise of trabeculae, of lobules, and of what varies over a joint.
Voxels are small against the width, so that the nearest one shows no step."""


@cache
def _tile(grain: int) -> Field:
    """Repeating noise of unit variance."""
    width_mm, step_mm = GRAINS[grain]
    rng = np.random.default_rng([7, grain])
    noise = rng.standard_normal((TILE, TILE, TILE))
    tile = ndimage.gaussian_filter(noise, 0.4 * width_mm / step_mm, mode="wrap")
    return np.asarray(tile / tile.std(), dtype=np.float32)


def noise_at(place_mm: Field, grain: int, rng: np.random.Generator) -> Field:
    """Noise of one grain at (3, ...) points, another for every state of ``rng``."""
    step = np.float32(GRAINS[grain][1])
    shift = rng.uniform(0, TILE, 3).astype(np.float32)
    x, y, z = (
        ((place_mm[axis] / step + shift[axis]).astype(np.int32)) & (TILE - 1) for axis in range(3)
    )
    noise: Field = _tile(grain).ravel()[(x * TILE + y) * TILE + z]
    return noise
