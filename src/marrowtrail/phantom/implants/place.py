"""Where marrow is in a real series, and where in it a lesion may be laid.

Marrow is what is as bright as marrow usually is nearby, in bone, on an image without fat
suppression: cortex, joint space, disc and sclerosis are not, and no lesion is laid into them.
Arrays are ``(slice, row, column)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry, Points
from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.implants.tissue_samples import Mask, Slices, pixel_mm, slices_first

FIELD_MM = 12.0
"""Usual signal nearby is a mean over this width: wider than a lesion's texture, narrower than
the shading of a coil."""

SMOOTH_MM = 0.6
"""Noise is smoothed by this before a voxel is called marrow."""

DARK_RATIO, MARROW_RATIO = 0.45, 0.75
"""Share of usual signal at which a voxel is no marrow at all, and all marrow."""

HOLE_MM = 1.5
"""Trabeculae and vessels up to this wide do not part marrow."""

BRIGHT_RATIO = 1.4
"""Marrow this much brighter than usual on a fluid-sensitive image may be oedema of the patient's
own. Readers call oedema from about 1.35 on."""

OWN_LESION_MM3 = 60.0
"""Smaller bright spots are vessels."""

CLEAR_MM = 4.0
"""A lesion keeps this distance from the patient's own, and from other implants."""

DEPTH_SHARE = (0.3, 1.0)
"""The centre lies this deep below the surface, as a share of the radius: oedema of joints
reaches the subchondral plate."""

END_SLICES = 2
"""No lesion is centred in so many first and last slices."""


@dataclass(frozen=True, slots=True, eq=False)
class Marrow:
    """Marrow on one grid.

    ``share`` is 0 (none) to 1 (all marrow), ``proper`` where it is mostly marrow, ``usual`` the
    signal of marrow nearby.
    """

    geometry: Geometry
    share: Slices
    proper: Mask
    usual: Slices

    def share_volume(self) -> Volume:
        """``share`` in the axis order of its grid."""
        data = np.moveaxis(self.share, 0, self.geometry.through_plane_axis)
        return Volume(np.ascontiguousarray(data), self.geometry)


def map_marrow(plain: Volume, bone: Mask) -> Marrow:
    """Marrow of an image without fat suppression, within a mask of bone."""
    data, pixel = slices_first(plain), pixel_mm(plain.geometry)
    typical = float(np.median(data[bone]))
    core = bone & (data > 0.5 * typical)
    usual = local_mean(np.minimum(data, np.float32(1.6 * typical)), core, FIELD_MM, pixel)
    smooth = ndimage.gaussian_filter(data, (0, SMOOTH_MM / pixel, SMOOTH_MM / pixel))
    ratio = smooth / np.maximum(usual, 1e-6)
    share = np.clip((ratio - DARK_RATIO) / (MARROW_RATIO - DARK_RATIO), 0.0, 1.0) * bone
    closed = _closed(share > 0.5, round(HOLE_MM / pixel)) & bone
    return Marrow(plain.geometry, np.asarray(share, dtype=np.float32), closed, usual)


def local_mean(data: Slices, where: Mask, width_mm: float, pixel: float) -> Slices:
    """Mean of what lies in a mask, weighted by a Gaussian within slices."""
    sigma = (0.5, width_mm / pixel, width_mm / pixel)
    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(where, data, np.float32(0.0)), sigma)
    fallback = np.float32(data[where].mean() if where.any() else 0.0)
    return np.asarray(np.where(weight > 1e-4, total / np.maximum(weight, 1e-4), fallback))


def own_lesions(fluid: Slices, marrow: Marrow) -> Mask:
    """What may be oedema already: bright marrow, larger than a vessel.

    ``fluid`` is a fluid-sensitive image on the grid of ``marrow``.
    """
    pixel = pixel_mm(marrow.geometry)
    typical = np.float32(np.median(fluid[marrow.proper]))
    usual = local_mean(np.minimum(fluid, BRIGHT_RATIO * typical), marrow.proper, FIELD_MM, pixel)
    smooth = ndimage.gaussian_filter(fluid, (0, 1.0 / pixel, 1.0 / pixel))
    pieces, _ = ndimage.label((smooth > BRIGHT_RATIO * usual) & marrow.proper)
    sizes = np.bincount(pieces.ravel()) * marrow.geometry.voxel_mm3
    sizes[0] = 0.0
    return np.asarray(sizes[pieces] > OWN_LESION_MM3)


def depth_mm(marrow: Marrow) -> NDArray[np.float64]:
    """Distance within slices to what is no marrow; 0 in the first and last slices."""
    pixel = pixel_mm(marrow.geometry)
    depth = np.zeros(marrow.share.shape)
    for number in range(END_SLICES, len(depth) - END_SLICES):
        padded = np.pad(marrow.proper[number], 1)
        depth[number] = ndimage.distance_transform_edt(padded, sampling=pixel)[1:-1, 1:-1]
    return depth


def clearance_mm(avoid: Mask, geometry: Geometry) -> NDArray[np.float64]:
    """Distance to what a lesion must keep away from; infinite where there is nothing."""
    if not avoid.any():
        return np.full(avoid.shape, np.inf)
    slice_mm, pixel = geometry.spacing_mm[geometry.through_plane_axis], pixel_mm(geometry)
    away = ndimage.distance_transform_edt(~avoid, sampling=(slice_mm, pixel, pixel))
    return np.asarray(away, dtype=np.float64)


def places_for(
    radius_mm: float, depth: NDArray[np.float64], clearance: NDArray[np.float64], geometry: Geometry
) -> Points:
    """(n, 3) LPS points where a lesion of that radius may be centred; none if it fits nowhere."""
    low, high = (share * radius_mm for share in DEPTH_SHARE)
    fits = (depth > low) & (depth < high) & (clearance > radius_mm + CLEAR_MM)
    index = np.argwhere(fits)
    axis = geometry.through_plane_axis
    return geometry.to_lps(np.insert(index[:, 1:], axis, index[:, 0], axis=1))


def _closed(mask: Mask, pixels: int) -> Mask:
    disc = np.hypot(*np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]) <= pixels
    return np.stack([ndimage.binary_closing(plane, disc) for plane in mask])
