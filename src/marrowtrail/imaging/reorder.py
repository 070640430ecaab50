"""The same voxels in another order of axes, exactly.

Programs that convert DICOM to NIfTI turn rows and slices round, so a mask drawn on such a copy
lies on the voxels of the DICOM series and not in their order. Nothing is resampled here.
"""

from __future__ import annotations

import numpy as np

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume


def in_order_of(volume: Volume, grid: Geometry) -> Volume | None:
    """The volume with its axes exchanged and turned round until they run as those of a grid.

    ``None`` if no order of its axes makes it lie on that grid (:meth:`Geometry.same_grid`).
    """
    cosines = volume.geometry.directions.T @ grid.directions
    axes = [int(axis) for axis in np.argmax(np.abs(cosines), axis=0)]
    if sorted(axes) != [0, 1, 2]:
        return None
    backwards = [bool(cosines[axis, number] < 0) for number, axis in enumerate(axes)]
    turned = np.transpose(volume.data, axes)[
        tuple(slice(None, None, -1 if back else None) for back in backwards)
    ]
    affine = volume.geometry.affine.copy()
    affine[:3, :3] = affine[:3, axes] * np.where(backwards, -1.0, 1.0)
    start = np.zeros(3)
    for axis, back in zip(axes, backwards, strict=True):
        start[axis] = volume.geometry.shape[axis] - 1 if back else 0
    affine[:3, 3] = volume.geometry.to_lps(start)
    shape = (turned.shape[0], turned.shape[1], turned.shape[2])
    geometry = Geometry(shape, affine, volume.geometry.frame_of_reference)
    return Volume(turned, geometry) if geometry.same_grid(grid) else None
