"""Signed distances of the bones of a label map, and where the map cuts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, bounding_box
from marrowtrail.phantom.body.template import CLIP_MM

SMOOTH_MM = 0.5
"""Width of the Gaussian that takes the steps of 0.7 mm slices off the distances. It moves a
surface of 10 mm radius by 0.03 mm."""

REACH_MM = 9.0
"""Distances are computed this far about a bone: further than anything drawn from it."""

END_MM = 30.0
"""The joint end of a bone, which is matched with the template's."""

SURFACE_POINTS = 3000
"""Points of each surface that are matched: about one to 4 mm2 of an epiphysis."""

CUT_WITHIN_MM = 1.5
"""A shaft whose last section is this near to the border of the map is cut by it."""

CUT_MARGIN_MM = 2.0
"""The last sections before the cut are left out: labels fray there."""


@dataclass(frozen=True, slots=True)
class BoneLabels:
    """Which values of a label map are a bone, and which its cartilage."""

    bone: tuple[int, ...]
    cartilage: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BoneMaps:
    """Signed distances of one bone at the map's resolution, and where it ends.

    ``points`` (m, 3) are those of its surface, ``cut`` (n, 3) of the last whole section of a
    shaft that leaves the map; none where it does not.
    """

    surface: Volume
    outer: Volume | None
    points: Points
    cut: Points

    @staticmethod
    def of(labels: NDArray[np.uint8], geometry: Geometry, values: BoneLabels, way: int) -> BoneMaps:
        """Those of one bone whose shaft points up (+1) or down (-1), or that has none (0)."""
        bone, cartilage = chosen(labels, values.bone), chosen(labels, values.cartilage)
        section = _carry_to_border(bone, geometry, way) if way else np.zeros((0, 3))
        start, stop = bounding_box(bone | cartilage, (1, 1, 1))
        cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        box, bone, cartilage = geometry.crop(start, stop), _largest(bone[cut]), cartilage[cut]
        edge = np.argwhere(bone & ~ndimage.binary_erosion(bone, border_value=1))
        return BoneMaps(
            _distances(bone, box),
            _distances(bone | cartilage, box) if cartilage.any() else None,
            box.to_lps(edge),
            section,
        )

    def moved(self, to_limb: RigidTransform) -> BoneMaps:
        """The same bone in another frame."""

        def there(volume: Volume) -> Volume:
            grid = volume.geometry
            return Volume(volume.data, Geometry(grid.shape, to_limb.matrix @ grid.affine))

        return BoneMaps(
            there(self.surface),
            None if self.outer is None else there(self.outer),
            to_limb.apply(self.points),
            to_limb.apply(self.cut),
        )

    def joint_end(self, way: int) -> Points:
        """Surface points within :data:`END_MM` of the end that a shaft points away from."""
        along = self.points[:, 2] * (way or 1)
        near = self.points[along < along.min() + END_MM]
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(near), min(SURFACE_POINTS, len(near)), replace=False)
        return np.asarray(near[chosen])


def chosen(labels: NDArray[np.uint8], values: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a map holds one of the values."""
    table = np.zeros(256, dtype=np.bool_)
    table[list(values)] = True
    return table[labels]


def _carry_to_border(bone: NDArray[np.bool_], geometry: Geometry, way: int) -> Points:
    """Carry a shaft that nearly reaches the border of the map out to it, in place.

    Labels fray in the last slices: without this the shaft would end in a cap within the map, and
    its marrow be too near to a surface. Returns the points of the section that is repeated; none
    where the bone ends by itself.
    """
    axis = int(np.argmax(np.abs(geometry.directions[2])))
    ahead = way * geometry.directions[2, axis] > 0
    upright = np.moveaxis(bone, axis, 0)[:: 1 if ahead else -1]
    filled = np.flatnonzero(upright.any(axis=(1, 2)))
    step = geometry.spacing_mm[axis]
    if (len(upright) - 1 - filled[-1]) * step > CUT_WITHIN_MM:
        return np.zeros((0, 3))
    last = int(filled[-1] - round(CUT_MARGIN_MM / step))
    upright[last + 1 :] = upright[last]
    index = np.insert(np.argwhere(upright[last]), 0, last, axis=1)
    if not ahead:
        index[:, 0] = len(upright) - 1 - index[:, 0]
    return geometry.to_lps(np.insert(index[:, 1:], axis, index[:, 0], axis=1))


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of a mask: label maps hold single stray voxels."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == int(np.argmax(sizes)))


def _distances(mask: NDArray[np.bool_], geometry: Geometry) -> Volume:
    """Signed distances in mm in and about a mask; what the grid's edge cuts goes on beyond it."""
    spacing = np.asarray(geometry.spacing_mm)
    pad = np.ceil(REACH_MM / spacing).astype(int)
    around = [(n, n) for n in pad]
    box = np.pad(mask, around, mode="edge")
    signed = ndimage.distance_transform_edt(~box, sampling=spacing).astype(np.float32)
    # One voxel about the mask is enough for the distances in it, at half the cost.
    inside = ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"), sampling=spacing)
    signed -= np.pad(inside[1:-1, 1:-1, 1:-1].astype(np.float32), around, mode="edge")
    # Both are distances to voxels' centres; the surface lies half a voxel before them.
    signed -= np.sign(signed) * np.float32(0.5 * np.sqrt(np.mean(spacing**2)))
    smooth = ndimage.gaussian_filter(signed, SMOOTH_MM / spacing)
    affine = geometry.affine.copy()
    affine[:3, 3] = geometry.to_lps(-pad)
    shape = (box.shape[0], box.shape[1], box.shape[2])
    return Volume(np.clip(smooth, -CLIP_MM, CLIP_MM), Geometry(shape, affine))


def read_at(volume: Volume, points: Points, fill: float | None = None) -> NDArray[np.float64]:
    """A map at (..., 3) points, beyond its grid that of its edge or ``fill``."""
    ijk = np.moveaxis(volume.geometry.to_ijk(points), -1, 0)
    mode = "nearest" if fill is None else "constant"
    return np.asarray(
        ndimage.map_coordinates(volume.data, ijk, order=1, mode=mode, cval=fill or 0.0)
    )
