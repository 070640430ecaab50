"""Draw a patient's bones: a template, deformed, scaled, mirrored for a left limb.

Deformation is one smooth field for all bones of a joint, so neighbouring surfaces stay
congruent; surface, cartilage and painted regions are read through the same field, which is
what carries the regions of truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.body.contact import knee_in_contact
from marrowtrail.phantom.body.limb import STEP_MM, Limb, PatientBone, mirrored
from marrowtrail.phantom.body.template import CLIP_MM, BoneTemplate, load_template
from marrowtrail.phantom.body.variation import Deformation, variation_of
from marrowtrail.phantom.family import Family
from marrowtrail.record.sites import BoneId, Side

MODE_LIMIT_SD = 1.7
"""Modes are drawn within this many standard deviations: with six modes of 27 knees, further
out the sum of distance maps stops looking like a bone."""

SIZE_LOG_SD = 0.07
"""Standard deviation of log size among the 27 knees of the model (scripts/build_knee_shapes.py)."""

NEAR_MM = 5.0
"""Within this of its surface a bone is read by cubic splines; further off nothing is drawn whose
edge would show facets, and linear weights are eight times as fast."""

TEXTURE_SCALES_MM = (2.5, 7.0)
"""Grain of marrow: trabecular bundles and lobules of fat, as two octaves of noise."""


def draw_limb(
    joint: str, side: Side, rng: np.random.Generator, family: Family = Family.BUILDING
) -> Limb:
    """A patient's joint. The same generator state gives the same bones, left or right."""
    template = load_template(joint, family)
    weights = np.clip(rng.standard_normal(template.mode_count), -MODE_LIMIT_SD, MODE_LIMIT_SD)
    size = float(np.exp(np.clip(rng.standard_normal(), -2, 2) * SIZE_LOG_SD))
    warp = Deformation.draw(variation_of(joint, family), rng)
    bones = [_drawn_bone(bone, joint, weights, size, warp, rng) for bone in template.bones]
    if joint == "knee":
        bones = knee_in_contact(bones)
    limb = Limb(joint, Side.RIGHT, tuple(bone.trimmed() for bone in bones))
    return limb if side is Side.RIGHT else mirrored(limb)


def _drawn_bone(
    template: BoneTemplate,
    joint: str,
    weights: NDArray[np.float64],
    size: float,
    warp: Deformation,
    rng: np.random.Generator,
) -> PatientBone:
    source = template.geometry
    steps = np.asarray(source.spacing_mm) * size / STEP_MM
    shape = np.maximum(2, np.round((np.asarray(source.shape) - 1) * steps)).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = source.directions * STEP_MM
    affine[:3, 3] = source.affine[:3, 3] * size
    grid = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)
    ijk = np.indices(grid.shape).astype(np.float32)
    ijk /= steps[:, None, None, None].astype(np.float32)
    turn = source.directions.T / np.asarray(source.spacing_mm)[:, None]
    ijk += np.einsum("ab,bijk->aijk", turn / size, warp.at(grid)).astype(np.float32)
    surface = _read(template.surface_mm, template.surface_modes_mm, weights, ijk, size)
    outer = None
    if template.outer_mm is not None and template.outer_modes_mm is not None:
        outer = _read(template.outer_mm, template.outer_modes_mm, weights, ijk, size)
        outer = np.minimum(outer, surface)
    scar = None if template.scar_mm is None else _read_scar(template.scar_mm, ijk, size)
    regions = np.zeros(grid.shape, dtype=np.uint8)
    within = surface < STEP_MM
    regions[within] = read_regions(template.regions, len(template.region_names), ijk[:, within])
    return PatientBone(
        bone_id=BoneId(template.bone, Side.RIGHT),
        joint=joint,
        surface=Volume(surface, grid),
        outer=None if outer is None else Volume(outer, grid),
        texture=Volume(marrow_texture(grid.shape, STEP_MM, rng), grid),
        regions=Volume(regions, grid),
        region_names=template.region_names,
        shaft=None,
        scar=None if scar is None else Volume(scar, grid),
    )


def _read(
    mean: NDArray[np.float32],
    modes: NDArray[np.float32],
    weights: NDArray[np.float64],
    ijk: NDArray[np.float32],
    size: float,
) -> NDArray[np.float32]:
    shape = mean.copy()
    for weight, mode in zip(weights.astype(np.float32), modes, strict=False):
        shape += weight * mode
    read = ndimage.map_coordinates(shape, ijk, order=1, mode="nearest", output=np.float32)
    near = np.abs(read) < NEAR_MM
    read[near] = ndimage.map_coordinates(
        shape, ijk[:, near], order=3, mode="nearest", output=np.float32
    )
    return np.asarray(np.clip(read * np.float32(size), -CLIP_MM, CLIP_MM), dtype=np.float32)


def _read_scar(
    scar: NDArray[np.float32], ijk: NDArray[np.float32], size: float
) -> NDArray[np.float32]:
    read = ndimage.map_coordinates(scar, ijk, order=1, mode="nearest", output=np.float32)
    return np.asarray(read * np.float32(size), dtype=np.float32)


def read_regions(
    regions: NDArray[np.uint8], count: int, ijk: NDArray[np.float32]
) -> NDArray[np.uint8]:
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
    return np.asarray((total - total.mean()) / total.std(), dtype=np.float32)
