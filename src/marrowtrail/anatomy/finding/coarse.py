"""Which bone is where, on a grid of a few millimetres: the first network over a whole series.

It is asked twice, the second time about the mirror image: bones have no sides for it, so both
answers should be one. Their mean is better than either, and where they differ it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.finding.networks import CoarseWeights, Network
from marrowtrail.anatomy.finding.resampling import MULTIPLE, onto_aligned_grid, within
from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

LONGEST_TILE = 112
"""Most voxels along one side that the network sees at once: 270 mm at 2.4 mm, so that a joint is
never cut, while both hips of one image stay within the memory that one joint takes."""

OVERLAP = 32
"""Voxels that neighbouring tiles share: the network sees about 40 voxels around each one, and
what lies furthest matters least."""


@dataclass(frozen=True, slots=True, eq=False)
class CoarseBones:
    """What the first network says of every voxel of its grid.

    Parameters
    ----------
    probabilities
        float32 (classes, D, H, W), summing to one; outside the field of view all background.
        The mean of both answers.
    answers
        uint8 (2, D, H, W), the class by the image and by its mirror image.
    classes
        Names, the background first.
    geometry
        The grid of D, H and W.
    """

    probabilities: NDArray[np.float32]
    answers: NDArray[np.uint8]
    classes: tuple[str, ...]
    geometry: Geometry

    @property
    def any_bone(self) -> Volume:
        """Probability of any bone."""
        return Volume(1 - self.probabilities[0], self.geometry)


def coarse_bones(image: Volume, network: Network, weights: CoarseWeights) -> CoarseBones:
    """Ask the first network.

    Parameters
    ----------
    image
        A whole series, as :func:`marrowtrail.anatomy.network_input.normalised` gives it.
    """
    moved = onto_aligned_grid(image, weights.spacing_mm, OUTSIDE)
    beyond = ~within(image.geometry, moved.geometry)
    seen, classes = np.asarray(moved.data, dtype=np.float32), len(weights.classes)
    probabilities = _answer(seen, beyond, network, classes)
    mirrored = _answer(seen[::-1], beyond[::-1], network, classes)[:, ::-1]
    answers = np.stack([_likeliest(probabilities), _likeliest(mirrored)])
    probabilities += mirrored
    probabilities /= 2
    return CoarseBones(probabilities, answers, weights.classes, moved.geometry)


def _answer(
    image: NDArray[np.float32], beyond: NDArray[np.bool_], network: Network, classes: int
) -> NDArray[np.float32]:
    probabilities = _softmax(_by_tiles(image, network, classes))
    probabilities[:, beyond] = 0.0
    probabilities[0, beyond] = 1.0
    return probabilities


def _likeliest(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.argmax(probabilities, axis=0), dtype=np.uint8)


def _by_tiles(image: NDArray[np.float32], network: Network, classes: int) -> NDArray[np.float32]:
    logits = np.empty((classes, *image.shape), dtype=np.float32)
    for seen, kept in tiles((image.shape[0], image.shape[1], image.shape[2])):
        answer = network(image[seen][None, None])[0]
        within_tile = tuple(
            slice(k.start - s.start, k.stop - s.start) for k, s in zip(kept, seen, strict=True)
        )
        logits[(slice(None), *kept)] = answer[(slice(None), *within_tile)]
    return logits


Block = tuple[slice, slice, slice]


def tiles(shape: tuple[int, int, int]) -> Iterator[tuple[Block, Block]]:
    """What the network sees, and which part of its answer is kept; the latter fill the shape.

    Two tiles that overlap each keep the half of the overlap that is nearer to their middle.
    """
    per_axis = [list(_tiles_along(count)) for count in shape]
    for chosen in product(*per_axis):
        (a, b), (c, d), (e, f) = chosen
        yield (a, c, e), (b, d, f)


def _tiles_along(count: int) -> Iterator[tuple[slice, slice]]:
    if count <= LONGEST_TILE:
        yield slice(0, count), slice(0, count)
        return
    number = -(-(count - OVERLAP) // (LONGEST_TILE - OVERLAP))
    last = (count - LONGEST_TILE) // MULTIPLE
    starts = [MULTIPLE * round(n * last / (number - 1)) for n in range(number)]
    starts[-1] = count - LONGEST_TILE
    seams = [(a + LONGEST_TILE + b) // 2 for a, b in pairwise(starts)]
    edges = [0, *seams, count]
    for start, (low, high) in zip(starts, pairwise(edges), strict=True):
        yield slice(start, start + LONGEST_TILE), slice(low, high)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the first axis, in place."""
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=0)
    return logits
