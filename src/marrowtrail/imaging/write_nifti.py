"""Writing volumes as NIfTI, for researchers. The file's frame is RAS; ours is LPS."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from marrowtrail.imaging.geometry import LPS_FROM_RAS
from marrowtrail.imaging.volume import Volume


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as ``.nii.gz``.

    NIfTI stores its affine in single precision: read masks back with a tolerance, as
    :meth:`Geometry.same_grid` has.
    """
    data = np.asarray(volume.data)
    if data.dtype == bool:
        data = data.astype(np.uint8)
    image = nib.Nifti1Image(data, LPS_FROM_RAS @ volume.geometry.affine)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
