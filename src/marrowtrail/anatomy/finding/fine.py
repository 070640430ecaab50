"""The edge of bone at the resolution of the series: the second network, slice by slice.

It is asked only about a band around the surface that the first network drew. Deeper inside all
is bone, further outside none is, so that a lesion in the middle of a bone cannot make a hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.finding.networks import FineWeights, Network
from marrowtrail.anatomy.finding.resampling import MULTIPLE, rescaled_along, sampled, within
from marrowtrail.anatomy.network_input import OUTSIDE
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

PIXELS_AT_ONCE = 400_000
"""Of all slices in one question; the network holds about 300 bytes for each."""

CONTEXT_PX = 16
"""The network sees at least so far beyond the band: the width of its second coarsest level."""

SURE_LOGIT = 4.0
"""Stands for certainty (0.98) where the network is not asked, and is the most it may say: a voxel
of the series averages several answers, and none should outweigh the others."""

DOUBTFUL_LOGIT = 1.4
"""Below this (probability between 0.2 and 0.8) the network does not know."""


class Said(IntFlag):
    """What is known of a voxel; a volume of these is uint8."""

    BONE = 1
    COARSE = 2
    """Bone by the first network."""
    BAND = 4
    """The second network was asked."""
    DOUBTFUL = 8
    """It was asked and did not know."""


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A series as a stack of planes: axis 0 runs through them.

    ``order`` are the series' axes in the order of the planes' axes; ``own`` is the series' grid
    so ordered, ``fine`` the same planes in the network's pixels.
    """

    order: tuple[int, int, int]
    own: Geometry
    fine: Geometry


def planes_of(geometry: Geometry, pixel_mm: float) -> Planes:
    """The acquired planes of a series."""
    through = geometry.through_plane_axis
    i, j = (axis for axis in range(3) if axis != through)
    affine = geometry.affine[:, [through, i, j, 3]]
    shape = geometry.shape
    own = Geometry((shape[through], shape[i], shape[j]), affine, geometry.frame_of_reference)
    fine = own.rescaled((own.spacing_mm[0], pixel_mm, pixel_mm))
    return Planes((through, i, j), own, fine)


def refined(
    image: Volume, coarse: Volume, any_bone: Volume, network: Network, weights: FineWeights
) -> Volume:
    """Ask the second network around the surface of bone.

    Parameters
    ----------
    image
        A whole series, as :func:`marrowtrail.anatomy.network_input.normalised` gives it.
    coarse, any_bone
        The cleaned bones of the first network (boolean), and its probability of any bone, both
        on its grid.

    Returns
    -------
    Volume
        uint8 :class:`Said` on the grid of the series.
    """
    planes = planes_of(image.geometry, weights.pixel_mm)
    stack = np.transpose(image.data, planes.order)
    depth = Volume(depth_mm(_continued(coarse, image.geometry)), coarse.geometry)
    said = np.zeros(planes.own.shape, dtype=np.uint8)
    for start, stop in _batches(planes.fine.shape):
        grid = planes.fine.crop((start, 0, 0), (stop, *planes.fine.shape[1:]))
        inside = sampled(depth, grid)
        band = np.abs(inside) <= weights.band_mm
        logits = np.where(inside > 0, SURE_LOGIT, -SURE_LOGIT).astype(np.float32)
        if band.any():
            box = _box(band)
            asked = _asked(stack, any_bone, grid, (start, stop), box, network)
            logits[box] = np.where(band[box], asked, logits[box])
        said[start:stop] = _said(logits, inside, band, planes.own.shape[1:])
    return Volume(np.transpose(said, np.argsort(planes.order)), image.geometry)


def depth_mm(mask: Volume) -> NDArray[np.float32]:
    """Distance from the surface of a mask, positive inside; the surface runs between voxels.

    The border of the array is no surface. Infinite where there is none at all.
    """
    data, spacing = np.asarray(mask.data, dtype=bool), mask.geometry.spacing_mm
    if not data.any():
        return np.full(data.shape, -np.inf, dtype=np.float32)
    if data.all():
        return np.full(data.shape, np.inf, dtype=np.float32)
    half = float(np.mean(spacing)) / 2
    inside = ndimage.distance_transform_edt(data, sampling=spacing)
    beyond = ndimage.distance_transform_edt(~data, sampling=spacing)
    depth: NDArray[np.float32] = np.where(data, inside - half, half - beyond).astype(np.float32)
    return depth


def _continued(mask: Volume, field_of_view: Geometry) -> Volume:
    """A mask carried on beyond the field of view: where an image ends, no bone does."""
    data = np.asarray(mask.data, dtype=bool)
    seen = within(field_of_view, mask.geometry)
    nearest = ndimage.distance_transform_edt(~seen, return_distances=False, return_indices=True)
    return mask.with_data(data[tuple(nearest)])


def _batches(shape: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    size = max(1, PIXELS_AT_ONCE // (shape[1] * shape[2]))
    for start in range(0, shape[0], size):
        yield start, min(shape[0], start + size)


Box = tuple[slice, slice, slice]


def _box(band: NDArray[np.bool_]) -> Box:
    """All planes, and the part of them that holds the band and its surroundings."""
    parts = [slice(0, band.shape[0])]
    for axis in (1, 2):
        others = tuple(one for one in range(3) if one != axis)
        used = np.flatnonzero(band.any(axis=others))
        low = max(0, int(used[0]) - CONTEXT_PX)
        parts.append(slice(low, min(band.shape[axis], int(used[-1]) + 1 + CONTEXT_PX)))
    return parts[0], parts[1], parts[2]


def _asked(
    stack: NDArray[np.float32],
    any_bone: Volume,
    grid: Geometry,
    span: tuple[int, int],
    box: Box,
    network: Network,
) -> NDArray[np.float32]:
    """Logits of bone in a box of the planes ``span`` of a stack; ``grid`` is that of the planes."""
    start, stop = span
    numbers = np.clip(np.arange(start - 1, stop + 1), 0, stack.shape[0] - 1)
    slices = stack[numbers]
    for axis in (1, 2):
        slices = rescaled_along(slices, axis, grid.shape[axis])
    slices = slices[:, box[1], box[2]]
    corner, end = (0, box[1].start, box[2].start), (stop - start, box[1].stop, box[2].stop)
    prior = sampled(any_bone, grid.crop(corner, end))
    height, width = slices.shape[1:]
    shape = (stop - start, 4, *(-(-n // MULTIPLE) * MULTIPLE for n in (height, width)))
    question = np.full(shape, OUTSIDE, dtype=np.float32)
    question[:, 3] = 0.0
    for channel in range(3):
        question[:, channel, :height, :width] = slices[channel : channel + stop - start]
    question[:, 3, :height, :width] = prior
    answer = network(question)[:, 0, :height, :width]
    return np.asarray(np.clip(answer, -SURE_LOGIT, SURE_LOGIT))


def _said(
    logits: NDArray[np.float32],
    inside_mm: NDArray[np.float32],
    band: NDArray[np.bool_],
    plane: tuple[int, ...],
) -> NDArray[np.uint8]:
    """From the network's pixels to those of the series."""

    def own(field: NDArray[np.float32]) -> NDArray[np.float32]:
        for axis in (1, 2):
            field = rescaled_along(field, axis, plane[axis - 1])
        return field

    logit, asked = own(logits), own(band.astype(np.float32)) > 0.5
    said: NDArray[np.uint8] = np.where(logit > 0, Said.BONE, 0).astype(np.uint8)
    said[own(np.clip(inside_mm, -SURE_LOGIT, SURE_LOGIT)) > 0] |= np.uint8(Said.COARSE)
    said[asked] |= np.uint8(Said.BAND)
    said[asked & (np.abs(logit) < DOUBTFUL_LOGIT)] |= np.uint8(Said.DOUBTFUL)
    return said
