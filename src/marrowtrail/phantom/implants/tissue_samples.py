"""Where fat, muscle, marrow and air lie in an image without fat suppression, by one rule.

Real and synthetic images are sampled alike, so what the rule does wrong it does to both. It
reads intensity (fat and marrow bright, muscle dark), depth below the skin and size, slice by
slice; samples are eroded, so that no edge reaches them. It is made to sample, not to segment:
much of each tissue is left out.

Arrays are ``(slice, row, column)``: see :func:`slices_first`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume

Mask = NDArray[np.bool_]
Slices = NDArray[np.float32]

SMOOTH_MM = 0.8
"""Noise is smoothed by this before intensities are compared: about one pixel."""

AIR_SHARE = 0.12
"""Darker than this share of the bright tissues is air, cortex or tendon."""

SUBCUTANEOUS_MM = (2.5, 9.0)
"""Depth of subcutaneous fat below the skin's surface: beyond the skin itself (1 to 2 mm)."""

DEEP_MM = 10.0
"""Muscle and marrow are sampled deeper than this."""

MUSCLE_OPENING_MM = 4.0
"""Muscle is sampled where a disc of this radius fits; vessels and menisci are smaller."""

BONE_DISC_MM = 10.0
"""Without a bone mask, bone is what is bright and holds a disc of this radius: condyle, plateau
and shaft do, pads of fat seldom."""

BONE_PIECE_MM3 = 10_000.0
"""And hangs together over the slices to this volume at least: the fat behind a knee that holds
the disc in a slice or two does not."""

VALLEY_RATIO, VALLEY_MM = 0.72, 3.1
"""Darker than this share of what is bright within that distance is a valley: the cortex, which
parts marrow from fat even where blur leaves it half as bright as they are."""

MARGIN_MM = 2.5
"""Samples keep this distance from the edge of their tissue."""

BONE_MARGIN_MM = 3.0
"""Samples of marrow keep this distance from the edge of a bone mask, samples of other tissue
keep it outside: it holds the cortex (1 to 2 mm) and a pixel of blur."""


@dataclass(frozen=True, slots=True, eq=False)
class TissueSamples:
    """Masks ``(slice, row, column)`` of what is surely one tissue.

    ``bright`` is all that is as bright as fat, marrow included; ``body`` all that is not air.
    """

    body: Mask
    bright: Mask
    air: Mask
    fat: Mask
    muscle: Mask
    marrow: Mask


def slices_first(volume: Volume) -> NDArray[Any]:
    """The array with its slices along the first axis, the two others in their order."""
    axis = volume.geometry.through_plane_axis
    return np.moveaxis(np.asarray(volume.data), axis, 0)


def slices_back(data: NDArray[Any], geometry: Geometry) -> NDArray[Any]:
    """The inverse of :func:`slices_first` for an array on that grid."""
    return np.moveaxis(data, 0, geometry.through_plane_axis)


def pixel_mm(geometry: Geometry) -> float:
    """Mean spacing within slices, in mm."""
    spacing = list(geometry.spacing_mm)
    del spacing[geometry.through_plane_axis]
    return float(np.mean(spacing))


def sample_tissues(image: Volume, bone: Mask | None = None) -> TissueSamples:
    """Sample the tissues of an image without fat suppression.

    Parameters
    ----------
    image
        T1, PD or T2 without fat suppression, muscle darker than fat.
    bone
        ``(slice, row, column)`` mask on the image's grid where one is known; marrow is then
        sampled inside it, other tissue outside. Without, :func:`find_bone` finds it.
    """
    pixel = pixel_mm(image.geometry)
    smooth = _smoothed(image)
    body = _body(smooth)
    if bone is not None:
        body = body | bone  # Metal leaves a hole in the signal that is no air.
    bright, dark = _bright_and_dark(smooth, body)
    depth = _distance(body, pixel)
    fat = bright & (depth > SUBCUTANEOUS_MM[0]) & (depth < SUBCUTANEOUS_MM[1])
    muscle = dark & (depth > DEEP_MM)
    if bone is None:
        marrow = _erode(find_bone(image), BONE_MARGIN_MM, pixel)
    else:
        near = _distance(~bone, pixel) < BONE_MARGIN_MM
        fat, muscle = fat & ~near, muscle & ~near
        marrow = _erode(bone, BONE_MARGIN_MM, pixel)
    return TissueSamples(
        body=body,
        bright=bright,
        air=_erode(~body, 2 * MARGIN_MM, pixel),
        fat=fat,
        muscle=_erode(_open(muscle, MUSCLE_OPENING_MM, pixel), MARGIN_MM / 2, pixel),
        marrow=marrow,
    )


def find_bone(image: Volume) -> Mask:
    """Large bones of an image without fat suppression, for which no mask is known.

    What is as bright as fat, parted where cortex runs through it, and large; parts of bones that
    are narrow are left out. It is no segmentation: it finds marrow to sample or to paint in.
    """
    pixel = pixel_mm(image.geometry)
    smooth = _smoothed(image)
    body = _body(smooth)
    bright, _ = _bright_and_dark(smooth, body)
    reach = round(VALLEY_MM / pixel)
    disc = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    closed = np.stack([ndimage.grey_closing(plane, footprint=disc) for plane in smooth])
    parted = bright & (smooth > VALLEY_RATIO * closed) & (_distance(body, pixel) > DEEP_MM / 2)
    pieces, _ = ndimage.label(_open(parted, BONE_DISC_MM, pixel))
    sizes = np.bincount(pieces.ravel()) * image.geometry.voxel_mm3
    sizes[0] = 0.0
    return np.asarray(sizes[pieces] > BONE_PIECE_MM3)


def _smoothed(image: Volume) -> Slices:
    sigma = SMOOTH_MM / pixel_mm(image.geometry)
    return np.asarray(ndimage.gaussian_filter(slices_first(image), (0, sigma, sigma)))


def _bright_and_dark(smooth: Slices, body: Mask) -> tuple[Mask, Mask]:
    """What is as bright as fat, and what is as dark as muscle; cortex and tendon are neither."""
    if not body.any():
        return body, body
    tissue = body & (smooth > AIR_SHARE * np.percentile(smooth[body], 90))
    split = _split(smooth[tissue])
    return tissue & (smooth > 1.1 * split), tissue & (smooth < 0.9 * split)


def _body(smooth: Slices) -> Mask:
    """What is not air: bright enough, in one large piece a slice, with its holes filled."""
    limit = 0.1 * float(np.percentile(smooth, 97))
    body = np.zeros(smooth.shape, dtype=bool)
    for number, plane in enumerate(smooth > limit):
        pieces, count = ndimage.label(plane)
        if count == 0:
            continue
        sizes = np.bincount(pieces.ravel())[1:]
        largest = pieces == int(np.argmax(sizes)) + 1
        body[number] = ndimage.binary_fill_holes(largest)
    return body


def _split(values: NDArray[np.float32]) -> float:
    """Otsu's threshold on a logarithmic scale: between muscle and fat."""
    if values.size == 0:
        return 0.0
    logs = np.log(np.maximum(values, 1e-6))
    counts, edges = np.histogram(logs, 128)
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    mean_below = sums / np.maximum(below, 1)
    mean_above = (sums[-1] - sums) / np.maximum(above, 1)
    return float(np.exp(middle[int(np.argmax(below * above * (mean_above - mean_below) ** 2))]))


def _distance(mask: Mask, pixel: float) -> NDArray[np.float64]:
    """Distance within slices to what is not the mask; the image's border does not count.

    Where a slice holds none of the other side the distance is infinite.
    """
    far = np.full(mask.shape, np.inf)
    for number, plane in enumerate(mask):
        if not plane.all():
            padded = np.pad(plane, 1, mode="edge")
            far[number] = ndimage.distance_transform_edt(padded, sampling=pixel)[1:-1, 1:-1]
    return far


def _erode(mask: Mask, by_mm: float, pixel: float) -> Mask:
    return np.asarray(mask & (_distance(mask, pixel) > by_mm))


def _open(mask: Mask, radius_mm: float, pixel: float) -> Mask:
    core = _distance(mask, pixel) > radius_mm
    return np.asarray(mask & (_distance(~core, pixel) <= radius_mm))
