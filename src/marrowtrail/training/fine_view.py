"""An example for the fine network: three neighbouring slices, and bone in the middle one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.training.flaws import draw_flaws, with_flaws
from marrowtrail.training.label_set import LabelSet
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

THICK_SHARE = 0.65
DEPTHS = (-0.375, -0.125, 0.125, 0.375)

EDGE_MM = 0.45
"""Half of the width over which a sample's tissue is decided: bone's share in a pixel runs from
0 to 1 over about a pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class FineExample:
    """``image`` (4, h, w): slice below, slice, slice above, probability of bone as the coarse
    network gives it. ``share`` (h, w): bone's share in the middle slice."""

    image: Field
    share: Field


def draw_fine(one: LabelSet, rng: np.random.Generator) -> FineExample:
    """Image a part of a bone's edge as some series might, with a doubtful coarse answer."""
    about = surface_points_mm(one, 20, rng)
    centre = about[rng.integers(len(about))] if len(about) else one.origin_mm.astype(np.float32)
    placing = draw_placing(centre, rng)
    near = marrow_points_mm(one, 400, rng)
    near = near[np.linalg.norm(near - centre, axis=1) < 45.0] if len(near) else near
    look = draw_look(rng, near)
    thick_mm = float(rng.uniform(2.0, 5.0)) if rng.random() < THICK_SHARE else rng.uniform(0.5, 1.2)
    spacing_mm = thick_mm * (1.0 + (rng.uniform(0.0, 0.3) if thick_mm > 1.5 else 0.0))
    plane = _plane(rng)
    slices = []
    share = prior = np.zeros((PATCH, PATCH), dtype=np.float32)
    flaws = draw_flaws(rng)
    top = float(np.delete(look.levels.material, [5, 10]).max())
    blur = float(rng.uniform(0.0, 0.55))
    for number in (-1, 0, 1):
        image, bone, distance, limb = _slice(one, plane, number * spacing_mm, thick_mm, placing, look)
        place = plane @ _flat(number * spacing_mm).reshape(3, -1)
        image = ndimage.gaussian_filter(image, blur / FINE_MM)
        image = with_flaws(image, place.reshape(3, PATCH, PATCH), flaws, rng)
        low, high = flaws.low * top, flaws.high * top
        slices.append(np.clip((image - low) / (high - low), 0, 1) + OUTSIDE)
        if number == 0:
            share, prior = bone, _prior(distance, limb, thick_mm, rng)
    if rng.random() < 0.1:  # the first or last slice of a series stands for what is beyond
        slices[0 if rng.random() < 0.5 else 2] = slices[1]
    return FineExample(np.stack([*slices, prior]).astype(np.float32), share)


def _plane(rng: np.random.Generator) -> NDArray[np.float32]:
    """(3, 3) columns: along rows, along columns, across the slices, in LPS."""
    axes = np.eye(3)[:, [(1, 2, 0), (0, 2, 1), (0, 1, 2)][rng.integers(3)]]
    turn = Rotation.from_euler("xyz", rng.normal(0.0, 8.0, 3), degrees=True).as_matrix()
    flips = np.diag(rng.choice([-1.0, 1.0], 3))
    swap = np.eye(3)[:, [1, 0, 2]] if rng.random() < 0.5 else np.eye(3)
    return np.asarray(turn @ axes @ swap @ flips, dtype=np.float32)


def _flat(depth_mm: float) -> Field:
    at = (np.arange(PATCH) - (PATCH - 1) / 2) * FINE_MM
    rows, columns = np.meshgrid(at, at, indexing="ij")
    return np.stack([rows, columns, np.full(rows.shape, depth_mm)]).astype(np.float32)


def _slice(
    one: LabelSet,
    plane: NDArray[np.float32],
    depth_mm: float,
    thick_mm: float,
    placing: Placing,
    look: Look,
) -> tuple[Field, Field, Field, Field]:
    """Signal, bone's share, mean distance to bone, and places in the limb, of one slice."""
    depths = [depth * thick_mm for depth in DEPTHS] if thick_mm > 1.5 else [0.0]
    total = bone = distance = np.zeros((PATCH, PATCH), dtype=np.float32)
    limb = np.zeros((3, PATCH, PATCH), dtype=np.float32)
    for depth in depths:
        place = (plane @ _flat(depth_mm + depth).reshape(3, -1)).reshape(3, PATCH, PATCH)
        limb = placing.to_limb(place)
        samples = read_samples(one, limb, fine=True)
        total = total + signal_of(samples, look)
        bone = bone + np.clip(0.5 - samples.distance_mm / (2 * EDGE_MM), 0, 1)
        distance = distance + samples.distance_mm
    count = np.float32(len(depths))
    return total / count, bone / count, distance / count, limb


def _prior(distance: Field, limb: Field, thick_mm: float, rng: np.random.Generator) -> Field:
    """Probability of bone as a coarse network gives it: blurred, shifted, sometimes wrong."""
    off = rng.uniform(0.3, 1.4 + 0.25 * thick_mm) * noise_at(limb, 2, rng) + rng.normal(0.0, 0.7)
    if rng.random() < 0.15:  # an island, or a hole
        place = rng.uniform(-25, 25, 2)
        at = _flat(0.0)
        near = np.exp(-0.5 * ((at[0] - place[0]) ** 2 + (at[1] - place[1]) ** 2) / 6.0**2)
        off = off + rng.choice([-1.0, 1.0]) * 9.0 * near
    width = rng.uniform(0.5, 1.6)
    return np.asarray(1 / (1 + np.exp(np.clip((distance + off) / width, -30, 30))), np.float32)
