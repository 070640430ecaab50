"""Which bone is where, on a grid of a few millimetres: the first network over a whole series.

It is asked twice, the second time about the mirror image: bones have no sides for it, so both
answers should be one. Their mean is better than either, and where they differ it does not know.
Series that share a frame of reference show the same bones at the same place in other contrasts and
planes, in which it errs otherwise: their answers count as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
class CoarseAnswer:
    """What the first network says of one series alone.

    Parameters
    ----------
    plain, mirrored
        float16 (classes, D, H, W): probabilities by the image and by its mirror image, summing to
        one. All series of a visit are held at once, and half of the bytes say as much.
    seen
        Boolean (D, H, W): the field of view; all is background outside of it.
    classes
        Names, the background first.
    geometry
        The grid of D, H and W.
    """

    plain: NDArray[np.float16]
    mirrored: NDArray[np.float16]
    seen: NDArray[np.bool_]
    classes: tuple[str, ...]
    geometry: Geometry


@dataclass(frozen=True, slots=True, eq=False)
class CoarseBones:
    """What the first network says of every voxel of a series' grid.

    Parameters
    ----------
    probabilities
        float32 (classes, D, H, W), summing to one; outside the field of view all background.
        The mean of all answers.
    answers
        uint8 (2, D, H, W), the class by the images and by their mirror images.
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
    """Ask the first network about a series alone; see :func:`coarse_answer`."""
    return together(coarse_answer(image, network, weights))


def coarse_answer(image: Volume, network: Network, weights: CoarseWeights) -> CoarseAnswer:
    """Ask the first network.

    Parameters
    ----------
    image
        A whole series, as :func:`marrowtrail.anatomy.network_input.normalised` gives it.
    """
    moved = onto_aligned_grid(image, weights.spacing_mm, OUTSIDE)
    inside = within(image.geometry, moved.geometry)
    data, classes = np.asarray(moved.data, dtype=np.float32), len(weights.classes)
    plain = _answer(data, ~inside, network, classes)
    mirrored = _answer(data[::-1], ~inside[::-1], network, classes)[:, ::-1]
    return CoarseAnswer(plain, mirrored, inside, weights.classes, moved.geometry)


def together(own: CoarseAnswer, others: Sequence[CoarseAnswer] = ()) -> CoarseBones:
    """The mean of what a series says and of what others of its frame say at the same place."""
    plain, mirrored = own.plain.astype(np.float32), own.mirrored.astype(np.float32)
    count = np.ones(own.geometry.shape, dtype=np.float32)
    for other in others:
        here, there = _common(own.geometry, other.geometry)
        both = own.seen[here] & other.seen[there]
        count[here] += both
        plain[(slice(None), *here)] += other.plain[(slice(None), *there)] * both
        mirrored[(slice(None), *here)] += other.mirrored[(slice(None), *there)] * both
    answers = np.stack([_likeliest(plain), _likeliest(mirrored)])
    plain += mirrored
    plain /= 2 * count
    return CoarseBones(plain, answers, own.classes, own.geometry)


def _common(own: Geometry, other: Geometry) -> tuple[Block, Block]:
    """The part that two aligned grids of one spacing share, in the indices of each."""
    first = np.rint(own.to_ijk(other.affine[:3, 3])).astype(int)
    here, there = list[slice](), list[slice]()
    for start, mine, theirs in zip(first.tolist(), own.shape, other.shape, strict=True):
        low, high = max(0, start), min(mine, start + theirs)
        high = max(low, high)
        here.append(slice(low, high))
        there.append(slice(low - start, high - start))
    return (here[0], here[1], here[2]), (there[0], there[1], there[2])


def _answer(
    image: NDArray[np.float32], beyond: NDArray[np.bool_], network: Network, classes: int
) -> NDArray[np.float16]:
    probabilities = _softmax(_by_tiles(image, network, classes))
    probabilities[:, beyond] = 0.0
    probabilities[0, beyond] = 1.0
    return probabilities.astype(np.float16)


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
