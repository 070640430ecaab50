"""Tissue that changed class between two visits with certainty, beside the volumes.

Outlines are good to about half a voxel and a verified registration to 1.5 mm, so that the rims
of two outlines of one unchanged lesion differ everywhere a little. What counts here was deep
inside the one outline, and lies well clear of the other one, in bone that both visits imaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.follow_up.matching import WRONG_MM, sample_nearest
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.lesions.lesion import Lesion


def certainly_only_here_mm3(
    here: Sequence[Lesion], there: Sequence[Lesion], bone_there: Volume, motion: RigidTransform
) -> float:
    """Volume in mm3 that is certainly oedema here and certainly not there.

    Parameters
    ----------
    here, there
        All lesions and possible lesions of one bone on either series; ``there`` may be empty.
    bone_there
        Mask of the bone at the other visit: what it does not hold was not seen to be clear.
    motion
        Maps LPS millimetres here to the same tissue there.
    """
    return sum(_only_here(one, there, bone_there, motion) for one in here)


def _only_here(
    lesion: Lesion, there: Sequence[Lesion], bone_there: Volume, motion: RigidTransform
) -> float:
    geometry = lesion.mask.geometry
    ijk = np.argwhere(_depth_mm(lesion.mask) >= WRONG_MM)
    points = motion.apply(geometry.to_lps(ijk))
    clear = sample_nearest(bone_there, points)
    for other in there:
        clear &= _distance_mm(other.mask, points) >= WRONG_MM
    return float(np.count_nonzero(clear)) * geometry.voxel_mm3


def _depth_mm(mask: Volume) -> NDArray[np.float64]:
    """How deep each voxel lies inside a mask at least, 0 outside.

    The border lies up to a voxel before the nearest voxel outside: half of one is taken off.
    """
    spacing = mask.geometry.spacing_mm
    data = np.asarray(mask.data, dtype=bool)
    inside = np.zeros(data.shape)
    if not data.any():
        return inside
    start, stop = bounding_box(data, (1, 1, 1))
    block = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    depth = ndimage.distance_transform_edt(data[block], sampling=spacing)
    inside[block] = np.where(data[block], depth - _half_voxel_mm(mask), 0.0)
    return np.asarray(np.maximum(inside, 0.0))


def _distance_mm(mask: Volume, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) how far points lie outside a mask at least, 0 inside; infinite for an empty mask.

    Measured up to a little over :data:`WRONG_MM` around the mask: further off, points count as
    at least so far.
    """
    grid = mask.geometry
    data = np.asarray(mask.data, dtype=bool)
    if not data.any():
        return np.full(len(points_lps), np.inf)
    reach = WRONG_MM + _half_voxel_mm(mask)
    i, j, k = (ceil(reach / width) for width in grid.spacing_mm)
    start, stop = bounding_box(data, (i, j, k))
    block = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    away = ndimage.distance_transform_edt(~data[block], sampling=grid.spacing_mm)
    ijk = np.rint(grid.to_ijk(points_lps)).astype(int) - np.asarray(start)
    held = np.clip(ijk, 0, np.asarray(away.shape) - 1)
    beyond = np.linalg.norm((ijk - held) * np.asarray(grid.spacing_mm), axis=-1)
    near = np.asarray(away[tuple(held.T)], dtype=np.float64)
    outside = np.maximum(near, beyond) - _half_voxel_mm(mask)
    return np.asarray(np.maximum(outside, 0.0))


def _half_voxel_mm(mask: Volume) -> float:
    return max(mask.geometry.spacing_mm) / 2
