"""Fine structure of tissues, as tiles of noise that are laid side by side without a seam.

Structure finer than the maps of a limb (trabeculae, septa of fat, streaks of fat in muscle)
is read from a cube that repeats; each patient reads it from another place. A cube is the same
for everyone, so it is made once a process.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Box, Field

TILE = 112
"""Voxels along an edge: at 0.7 mm a cube repeats after 78 mm, further than one bone is wide."""


@dataclass(frozen=True, slots=True)
class Structure:
    """How a cube is made: voxel size, blur along x, y and z in voxels, and a stream's name."""

    step_mm: float
    blur: tuple[float, float, float]
    stream: int


class Grain(Enum):
    """What a cube shows. Values have mean 0 and standard deviation 1, or run from 0 to 1."""

    TRABECULAE = Structure(0.7, (0.45, 0.45, 1.3), 1)
    STREAKS = Structure(0.9, (1.0, 1.0, 9.0), 2)
    SEPTA = Structure(0.8, (4.0, 3.2, 2.2), 3)
    PATCHES = Structure(2.0, (2.6, 2.6, 3.6), 4)


SEPTUM = 0.11
"""Half width of a septum, in standard deviations of the noise whose zero it follows."""

_LINES = (Grain.SEPTA,)


@cache
def tile(grain: Grain, family: Family) -> NDArray[np.float32]:
    """The cube of a grain, :data:`TILE` voxels along each edge.

    Lines (septa) are 1 on the surface where a smooth noise changes its sign and fall to 0
    beside it. The evaluation family has cells with walls where the other has a blurred noise.
    """
    it = grain.value
    rng = np.random.default_rng([it.stream, list(Family).index(family)])
    noise = _blurred(it.blur, rng)
    if grain in _LINES:
        return np.asarray(np.exp(-((noise / np.float32(SEPTUM)) ** 2)), dtype=np.float32)
    if family is Family.EVALUATION and grain is Grain.TRABECULAE:
        wide = _blurred((1.1, 1.1, 2.4), rng)
        return _standard(np.abs(wide) + np.float32(0.4) * noise)
    return noise


def read_tile(
    grain: Grain,
    family: Family,
    to_rest: NDArray[np.float64],
    box: Box,
    offset_mm: tuple[float, float, float],
) -> Field:
    """A cube read for every voxel of a box of a grid.

    ``to_rest`` (4, 4) maps the grid's index to the millimetres that the tissue rests in.
    """
    cube, step = tile(grain, family), grain.value.step_mm
    matrix = to_rest[:3, :3] / step
    start = np.array([part.start for part in box], dtype=np.float64)
    shift = matrix @ start + (to_rest[:3, 3] + np.asarray(offset_mm)) / step
    shape = tuple(part.stop - part.start for part in box)
    read: Field = ndimage.affine_transform(
        cube, matrix, shift, shape, order=1, mode="grid-wrap", prefilter=False
    )
    return read


def _blurred(blur: tuple[float, float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    noise = rng.standard_normal((TILE, TILE, TILE), dtype=np.float32)
    return _standard(ndimage.gaussian_filter(noise, blur, mode="wrap"))


def _standard(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((values - values.mean()) / values.std(), dtype=np.float32)
