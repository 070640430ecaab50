"""Where fat suppression failed, told from the fat outside the bones.

Fat lies under the skin, and a T1-weighted series of the visit shows where else; on the
fluid-sensitive series that fat must be dark. Where some of it is not, the field was off there,
and marrow beside it is bright without being oedematous. The field is smooth, so fat about a
bone speaks for the bone; deep inside a wide one it does so less and less, and nothing is
claimed further than it reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series, Weighting
from marrowtrail.imaging.volume import Volume, bounding_box, resample

STEP_MM = 2.5
"""The field is looked at on pixels of about this: it varies over centimetres."""

FAT_OF_MARROW = 0.75
"""On T1, fat is at least this bright against the yellow marrow of the bones; muscle is a third."""

REACH_MM = (8.0, 16.0)
"""Widths (sigma) within which fat speaks for its surroundings: the first where enough fat is
near, else the second."""

ENOUGH_FAT = 0.04
"""Share of fat in those surroundings that is enough."""

SUPPRESSED_PERCENTILE = 25
"""Where suppression worked in a quarter of the fat, this is what it leaves."""

FAILED = 2.0
"""Fat this many times as bright as suppressed fat is not suppressed. The coil makes a difference of
up to 1.5; unsuppressed fat is 5 to 20 times as bright."""

SKIN_MM = (3.0, 7.0)
"""Under two millimetres of skin lies fat, hardly anywhere less than these few millimetres of it."""

AIR_SHARE = 0.3
"""Darker than this share of the bones' usual signal is air; suppressed fat is half as dark."""

MIN_FAT_VOXELS = 200


@dataclass(frozen=True, slots=True, eq=False)
class FatSuppression:
    """How bright fat is against usual, on a coarse grid over a series; 1 where it is suppressed."""

    ratio: Volume

    def over(self, geometry: Geometry) -> NDArray[np.float64]:
        """(i, j, k) the ratio on a grid of the same frame."""
        return np.asarray(resample(self.ratio, geometry, fill=1.0).data, dtype=np.float64)

    def about(self, area: Volume) -> float:
        """The ratio where it is highest in a quarter of an area, a mask."""
        start, stop = bounding_box(np.asarray(area.data, dtype=bool))
        piece = area.crop(start, stop)
        there = self.over(piece.geometry)[np.asarray(piece.data, dtype=bool)]
        return float(np.percentile(there, 75))


def check_fat_suppression(
    fluid: Series, bones: Sequence[Bone], others: Sequence[Series]
) -> FatSuppression | None:
    """How well fat is suppressed over a fluid-sensitive series.

    ``None`` where too little fat about the bones is known to tell.
    """
    if not bones:
        return None
    spacing = fluid.volume.geometry.spacing_mm
    steps = tuple(max(1, round(STEP_MM / one)) for one in spacing)
    coarse = _thinned(fluid.volume, steps)
    slices = tuple(slice(None, None, step) for step in steps)
    inside = np.zeros(coarse.data.shape, dtype=bool)
    for bone in bones:
        inside |= np.asarray(bone.mask.data[slices], dtype=bool)
    if not inside.any():
        return None
    fat = _under_skin(coarse, inside)
    t1 = next((one for one in others if _shows_fat(one, fluid)), None)
    if t1 is not None:
        fat |= _fat(resample(t1.volume, coarse.geometry), inside)
    if np.count_nonzero(fat) < MIN_FAT_VOXELS:
        return None
    brightness = np.log(np.maximum(coarse.data, 1e-6))
    brightness -= np.percentile(brightness[fat], SUPPRESSED_PERCENTILE)
    ratio = np.exp(np.maximum(_spread(brightness, fat, coarse.geometry.spacing_mm), 0.0))
    return FatSuppression(Volume(ratio.astype(np.float32), coarse.geometry))


def _under_skin(coarse: Volume, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Subcutaneous fat, slice by slice; where the image cuts the limb there is no skin."""
    through = coarse.geometry.through_plane_axis
    air = coarse.data < AIR_SHARE * float(np.median(coarse.data[inside]))
    limb = np.moveaxis(~ndimage.binary_opening(air), through, 0)
    sampling = [s for axis, s in enumerate(coarse.geometry.spacing_mm) if axis != through]
    fat = np.zeros(limb.shape, dtype=bool)
    for number, plane in enumerate(limb):
        filled = np.pad(ndimage.binary_fill_holes(plane), 1, mode="edge")
        depth = ndimage.distance_transform_edt(filled, sampling=sampling)[1:-1, 1:-1]
        if not filled.all():
            fat[number] = (depth > SKIN_MM[0]) & (depth < SKIN_MM[1])
    near_bone = ndimage.binary_dilation(inside, np.ones((3, 3, 1)))
    return np.asarray(np.moveaxis(fat, 0, through) & ~near_bone, dtype=bool)


def _shows_fat(one: Series, fluid: Series) -> bool:
    is_t1 = one.contrast.weighting is Weighting.T1 and one.contrast.fat_suppressed is False
    return is_t1 and one.volume.geometry.shares_frame(fluid.volume.geometry)


def _thinned(volume: Volume, steps: tuple[int, ...]) -> Volume:
    """Every n-th voxel of a smoothed volume."""
    smooth = ndimage.uniform_filter(np.asarray(volume.data, dtype=np.float32), steps)
    data = smooth[tuple(slice(None, None, step) for step in steps)]
    affine = volume.geometry.affine.copy()
    affine[:3, :3] *= steps
    frame = volume.geometry.frame_of_reference
    return Volume(data, Geometry((data.shape[0], data.shape[1], data.shape[2]), affine, frame))


def _fat(t1: Volume, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fat outside the bones, away from its own edge and theirs."""
    marrow = t1.data[ndimage.binary_erosion(inside, np.ones((3, 3, 1))) & (t1.data > 0)]
    if not len(marrow):
        return np.zeros(inside.shape, dtype=bool)
    bright = t1.data > FAT_OF_MARROW * float(np.median(marrow))
    bright &= ~ndimage.binary_dilation(inside, np.ones((3, 3, 1)))
    return np.asarray(ndimage.binary_erosion(bright, np.ones((3, 3, 1))), dtype=bool)


def _spread(
    values: NDArray[np.floating], known: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Known values carried over to their surroundings; 0 where none are near."""
    weight = known.astype(np.float64)
    result = np.zeros(values.shape)
    for reach in reversed(REACH_MM):
        sigma = [reach / one for one in spacing_mm]
        share = ndimage.gaussian_filter(weight, sigma)
        mean = ndimage.gaussian_filter(np.where(known, values, 0.0), sigma)
        result = np.where(share > ENOUGH_FAT, mean / np.maximum(share, 1e-9), result)
    return result
