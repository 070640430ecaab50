"""An example for the coarse network: a whole series at 2.4 mm, and the bone of every voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.network_input import OUTSIDE, normalised
from marrowtrail.training.flaws import draw_flaws, with_flaws
from marrowtrail.training.label_set import STEP_MM, LabelSet
from marrowtrail.training.picture import Look, draw_look, signal_of
from marrowtrail.training.placing import Placing, draw_placing, marrow_points_mm
from marrowtrail.training.samples import Field, read_samples

COARSE_MM = 2.4

WIDE, DEEP = 56, 40
"""Voxels of a patch in the slices' plane and across them: 134 and 96 mm."""

FEWEST_WIDE, FEWEST_ACROSS = 40, 10
WHOLE_SHARE = 0.6
"""Smallest field of view in voxels, and how often the image fills the patch along an axis: what is
cut small teaches little, since most of it is unknown even to a reader."""

FINE = 2
"""Signal is drawn this many times finer than the patch in the plane, and averaged."""

THICK_SHARE = 0.7
"""How often slices are thick (2.2 to 5.5 mm, gap included), not those of a volume."""

DEPTHS = (-0.25, 0.25)
"""Where a thick slice is sampled, in parts of its thickness."""


@dataclass(frozen=True, slots=True, eq=False)
class CoarseExample:
    """``image`` between -0.5 and 0.5 and ``label`` (class of every voxel), axes x, y, z."""

    image: Field
    label: NDArray[np.uint8]


def draw_coarse(one: LabelSet, across: int, rng: np.random.Generator) -> CoarseExample:
    """Image a label set as some series might, brought to the coarse grid.

    ``across`` is the axis that the slices are stacked along: 0 sagittal, 1 coronal, 2 axial.
    """
    about = _about(one, rng)
    placing = draw_placing(about, rng)
    look = draw_look(rng, marrow_points_mm(one, 40, rng))
    counts = [DEEP if axis == across else WIDE for axis in range(3)]
    axes = [_centred(count) for count in counts]
    image = _image(one, axes, across, placing, look, rng)
    label = read_samples(one, placing.to_limb(_mesh(axes)), fine=False)
    bone = np.where(label.distance_mm < 0, label.bone, 0).astype(np.uint8)
    view = _field_of_view(counts, across, rng)
    seen = np.full(image.shape, OUTSIDE, dtype=np.float32)
    seen[view] = normalised(image[view])
    named = np.zeros(image.shape, dtype=np.uint8)
    named[view] = bone[view]
    return CoarseExample(seen, named)


def _about(one: LabelSet, rng: np.random.Generator) -> NDArray[np.float32]:
    """What the image is centred on: mostly the joint, sometimes far along the limb."""
    shift = rng.normal(0.0, (12.0, 12.0, 22.0 if rng.random() < 0.8 else 50.0))
    low, high = one.known_z_mm
    middle = one.origin_mm + 0.5 * STEP_MM * np.array(one.packed.shape)
    middle[2] = np.clip((low + high) / 2, -20, 20)
    return np.asarray(middle + shift, dtype=np.float32)


def _image(
    one: LabelSet,
    axes: list[NDArray[np.float64]],
    across: int,
    placing: Placing,
    look: Look,
    rng: np.random.Generator,
) -> Field:
    """Signal with flaws on the coarse grid, through slices along one axis."""
    thick_mm = float(rng.uniform(2.2, 5.5)) if rng.random() < THICK_SHARE else COARSE_MM / FINE
    span = axes[across][-1] + COARSE_MM
    slices = np.arange(-span, span + thick_mm, thick_mm)
    depths = DEPTHS if thick_mm > 1.5 else (0.0,)
    grids = []
    for axis in range(3):
        inner = (np.arange(FINE) - (FINE - 1) / 2) * COARSE_MM / FINE
        grids.append((axes[axis][:, None] + inner).ravel())
    total: Field | None = None
    for depth in depths:
        grids[across] = slices + depth * thick_mm
        limb = placing.to_limb(_mesh(grids))
        drawn = signal_of(read_samples(one, limb, fine=False), look)
        total = drawn if total is None else total + drawn
    assert total is not None
    image = _pooled(total / np.float32(len(depths)), across)
    grids = [slices if axis == across else axes[axis] for axis in range(3)]
    image = with_flaws(image, _mesh(grids), draw_flaws(rng), rng)
    return _between_slices(image, slices, axes[across], across)


def _centred(count: int) -> NDArray[np.float64]:
    """Places in mm of a patch's voxels along one axis."""
    return np.asarray((np.arange(count) - (count - 1) / 2) * COARSE_MM, dtype=np.float64)


def _mesh(axes: list[NDArray[np.float64]]) -> Field:
    return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)


def _pooled(image: Field, across: int) -> Field:
    for axis in range(3):
        if axis != across:
            shape = list(image.shape)
            shape[axis : axis + 1] = [shape[axis] // FINE, FINE]
            image = image.reshape(shape).mean(axis=axis + 1)
    return image


def _between_slices(
    image: Field, slices: NDArray[np.float64], onto: NDArray[np.float64], across: int
) -> Field:
    at = (onto - slices[0]) / (slices[1] - slices[0])
    low = np.clip(np.floor(at).astype(int), 0, image.shape[across] - 2)
    part = (at - low).astype(np.float32)
    shape = [1, 1, 1]
    shape[across] = -1
    part = part.reshape(shape)
    first, second = np.take(image, low, axis=across), np.take(image, low + 1, axis=across)
    return np.asarray(first * (1 - part) + second * part, dtype=np.float32)


def _field_of_view(
    counts: list[int], across: int, rng: np.random.Generator
) -> tuple[slice, slice, slice]:
    """The part of the patch that the image holds: 96 mm and more, a few slices and more."""
    parts = []
    for axis, count in enumerate(counts):
        least = FEWEST_ACROSS if axis == across else FEWEST_WIDE
        size = count if rng.random() < WHOLE_SHARE else int(rng.integers(least, count + 1))
        start = int(rng.integers(0, count - size + 1))
        parts.append(slice(start, start + size))
    return parts[0], parts[1], parts[2]
