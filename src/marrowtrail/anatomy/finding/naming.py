"""Which bone each voxel of a series belongs to, once it is known to be bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.finding.coarse import CoarseBones
from marrowtrail.anatomy.finding.pieces import Pieces
from marrowtrail.anatomy.finding.resampling import sampled
from marrowtrail.imaging.volume import Volume

LARGEST_HOLE_MM2 = 60.0
"""Holes of a slice up to this size are filled: cysts and vessels are smaller. The obturator
foramen (1,000 mm2) and the space between the bones of a group are larger."""


def named(bone: Volume, coarse: CoarseBones, pieces: Pieces) -> NDArray[np.int16]:
    """Number of the piece that each voxel of bone belongs to; 0 outside of bone.

    That of the nearest piece; where two are near, that of the greater probability, interpolated
    between the voxels of the coarse grid, so that the border between two bones that touch is
    no staircase.
    """
    inside = np.asarray(bone.data, dtype=bool)
    if not pieces.pieces:
        return np.zeros(inside.shape, dtype=np.int16)
    nearest = _nearest(pieces)
    contested = ndimage.maximum_filter(nearest, 3) != ndimage.minimum_filter(nearest, 3)
    names = sampled(Volume(nearest, pieces.geometry), bone.geometry, order=0).astype(np.int16)
    names[~inside] = 0
    unclear = sampled(Volume(contested.astype(np.uint8), pieces.geometry), bone.geometry, order=0)
    ijk = np.argwhere(inside & (unclear > 0))
    for start in range(0, len(ijk), POINTS_AT_ONCE):
        some = ijk[start : start + POINTS_AT_ONCE]
        names[tuple(some.T)] = _likeliest(bone.geometry.to_lps(some), coarse, pieces, nearest)
    return names


POINTS_AT_ONCE = 500_000
"""Of contested voxels; bounds the memory that their places take."""


def _nearest(pieces: Pieces) -> NDArray[np.int16]:
    where = ndimage.distance_transform_edt(
        pieces.labels == 0, return_distances=False, return_indices=True
    )
    return np.asarray(pieces.labels[tuple(where)], dtype=np.int16)


def _likeliest(
    points_lps: NDArray[np.float64],
    coarse: CoarseBones,
    pieces: Pieces,
    nearest: NDArray[np.int16],
) -> NDArray[np.int16]:
    at = pieces.geometry.to_ijk(points_lps).T
    best = np.full(len(points_lps), -1.0, dtype=np.float32)
    names = np.zeros(len(points_lps), dtype=np.int16)
    for number, piece in enumerate(pieces.pieces, start=1):
        own = coarse.probabilities[coarse.classes.index(piece.bone)] * (nearest == number)
        here = ndimage.map_coordinates(own, at, order=1, mode="nearest", prefilter=False)
        better = here > best
        best[better], names[better] = here[better], number
    return names


def without_small_holes(mask: Volume) -> NDArray[np.bool_]:
    """A mask with the small holes of each of its slices filled."""
    through = mask.geometry.through_plane_axis
    data = np.moveaxis(np.asarray(mask.data, dtype=bool), through, 0)
    in_plane = np.zeros((3, 3, 3), dtype=bool)
    in_plane[1] = True
    gaps, count = ndimage.label(~np.pad(data, ((0, 0), (1, 1), (1, 1))), structure=in_plane)
    pixel_mm2 = mask.geometry.voxel_mm3 / mask.geometry.spacing_mm[through]
    holes = np.bincount(gaps.ravel(), minlength=count + 1) * pixel_mm2 <= LARGEST_HOLE_MM2
    holes[0] = False
    holes[np.unique(gaps[:, 0, 0])] = False  # what lies around the bone, in each slice
    filled = data | holes[gaps[:, 1:-1, 1:-1]]
    return np.moveaxis(filled, 0, through)
