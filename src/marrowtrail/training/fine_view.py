"""An example for the fine network: three neighbouring slices, and bone in the middle one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.training.contrast import LESION
from marrowtrail.training.flaws import draw_flaws, with_flaws
from marrowtrail.training.label_set import FLUID, LabelSet
from marrowtrail.training.picture import Look, draw_look, noise_at, signal_of
from marrowtrail.training.placing import (
    Placing,
    draw_placing,
    marrow_points_mm,
    surface_points_mm,
)
from marrowtrail.training.samples import Field, read_samples

FINE_MM = 0.6
PATCH = 96

NEAR_MM = 45.0
"""Lesions further from the patch than this would not be in it."""

THICK_SHARE = 0.65
DEPTHS = (-0.375, -0.125, 0.125, 0.375)

EDGE_MM = 0.45
"""Half of the width over which a sample's tissue is decided: bone's share in a pixel runs from
0 to 1 over about a pixel."""


EDGE_SLICE_SHARE = 0.1
"""How often the first or last slice of a series is asked for, which stands for its neighbour."""

WRONG_SHARE, WRONG_MM, WRONG_WIDTH_MM = 0.35, 9.0, 6.0
"""How often the coarse answer has an island or a hole, and of what depth and width."""


@dataclass(frozen=True, slots=True, eq=False)
class FineExample:
    """One patch.

    ``image`` (4, h, w) is the slice below, the slice, the slice above, and the probability of
    bone as the coarse network gives it; ``share`` (h, w) is bone's share in the middle slice.
    """

    image: Field
    share: Field


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """Neighbouring slices: their plane (columns: rows, columns, across), thickness, spacing."""

    plane: NDArray[np.float32]
    thick_mm: float
    spacing_mm: float

    def places(self, depth_mm: float) -> Field:
        """(3, h, w) LPS places of the pixels at a depth."""
        at = (np.arange(PATCH) - (PATCH - 1) / 2) * FINE_MM
        rows, columns = np.meshgrid(at, at, indexing="ij")
        flat = np.stack([rows, columns, np.full(rows.shape, depth_mm)]).astype(np.float32)
        return (self.plane @ flat.reshape(3, -1)).reshape(flat.shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """One slice: signal, bone's share, mean distance to bone, and places in the limb."""

    signal: Field
    share: Field
    distance_mm: Field
    limb_mm: Field


def draw_fine(one: LabelSet, rng: np.random.Generator) -> FineExample:
    """Image a part of a bone's edge as some series might, with a doubtful coarse answer."""
    about = surface_points_mm(one, 20, rng)
    centre = about[rng.integers(len(about))] if len(about) else one.origin_mm.astype(np.float32)
    placing = draw_placing(centre, rng)
    marrow = marrow_points_mm(one, 400, rng)
    look = draw_look(rng, marrow[np.linalg.norm(marrow - centre, axis=1) < NEAR_MM])
    stack = _draw_stack(rng)
    slices = [_slice(one, stack, number, placing, look) for number in (-1, 0, 1)]
    seen = _as_stored(slices, stack, look, rng)
    if rng.random() < EDGE_SLICE_SHARE:
        seen[0 if rng.random() < 0.5 else 2] = seen[1]
    prior = _prior(slices[1], stack.thick_mm, rng)
    return FineExample(np.stack([*seen, prior]).astype(np.float32), slices[1].share)


def _draw_stack(rng: np.random.Generator) -> _Stack:
    is_thick = rng.random() < THICK_SHARE
    thick_mm = float(rng.uniform(2.0, 5.0) if is_thick else rng.uniform(0.5, 1.2))
    gap = float(rng.uniform(0.0, 0.3)) if is_thick else 0.0
    return _Stack(_plane(rng), thick_mm, thick_mm * (1.0 + gap))


def _as_stored(
    slices: list[_Slice], stack: _Stack, look: Look, rng: np.random.Generator
) -> list[Field]:
    """Blurred, shaded, noisy, and on the networks' scale, which the whole series would set."""
    flaws = draw_flaws(rng)
    top = float(np.delete(look.levels.material, [FLUID, LESION]).max())
    low, high = flaws.low * top, flaws.high * top
    blur_mm = float(rng.uniform(0.0, 0.55))
    seen = []
    for number, one in enumerate(slices, start=-1):
        image = ndimage.gaussian_filter(one.signal, blur_mm / FINE_MM)
        image = with_flaws(image, stack.places(number * stack.spacing_mm), flaws, rng)
        seen.append(np.clip((image - low) / (high - low), 0, 1) + np.float32(OUTSIDE))
    return seen


def _plane(rng: np.random.Generator) -> NDArray[np.float32]:
    """(3, 3) columns: along rows, along columns, across the slices, in LPS."""
    axes = np.eye(3)[:, [(1, 2, 0), (0, 2, 1), (0, 1, 2)][rng.integers(3)]]
    turn = Rotation.from_euler("xyz", rng.normal(0.0, 8.0, 3), degrees=True).as_matrix()
    flips = np.diag(rng.choice([-1.0, 1.0], 3))
    swap = np.eye(3)[:, [1, 0, 2]] if rng.random() < 0.5 else np.eye(3)
    return np.asarray(turn @ axes @ swap @ flips, dtype=np.float32)


def _slice(one: LabelSet, stack: _Stack, number: int, placing: Placing, look: Look) -> _Slice:
    depths = [depth * stack.thick_mm for depth in DEPTHS] if stack.thick_mm > 1.5 else [0.0]
    total = bone = distance = np.zeros((PATCH, PATCH), dtype=np.float32)
    limb = np.zeros((3, PATCH, PATCH), dtype=np.float32)
    for depth in depths:
        limb = placing.to_limb(stack.places(number * stack.spacing_mm + depth))
        samples = read_samples(one, limb, fine=True)
        total = total + signal_of(samples, look)
        bone = bone + np.clip(0.5 - samples.distance_mm / (2 * EDGE_MM), 0, 1)
        distance = distance + samples.distance_mm
    count = np.float32(len(depths))
    return _Slice(total / count, bone / count, distance / count, limb)


def _prior(one: _Slice, thick_mm: float, rng: np.random.Generator) -> Field:
    """Probability of bone as a coarse network gives it: blurred, shifted, sometimes wrong."""
    wobble = rng.uniform(0.3, 2.0 + 0.25 * thick_mm) * noise_at(one.limb_mm, 2, rng)
    off = wobble + rng.normal(0.0, 0.7)
    if rng.random() < WRONG_SHARE:
        row, column = np.indices(off.shape) - rng.uniform(10, PATCH - 10, (2, 1, 1))
        width = WRONG_WIDTH_MM / FINE_MM
        near = np.exp(-0.5 * (row**2 + column**2) / width**2)
        off = off + rng.choice([-1.0, 1.0]) * WRONG_MM * near
    depth = (one.distance_mm + off) / rng.uniform(0.5, 1.6)
    return np.asarray(1 / (1 + np.exp(np.clip(depth, -30, 30))), dtype=np.float32)
