"""Writing volumes as NIfTI, for researchers. The file's frame is RAS; ours is LPS."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from marrowtrail.imaging.geometry import LPS_FROM_RAS
from marrowtrail.imaging.volume import Volume


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a volume as ``.nii.gz``, the same bytes for the same volume.

    NIfTI stores its affine in single precision: read masks back with a tolerance, as
    :meth:`Geometry.same_grid` has. Both of its ways to say the orientation are filled, because
    some programs read only one.
    """
    data = np.asarray(volume.data)
    # NIfTI has no booleans, and few programs read its integers of 64 bits.
    if data.dtype == bool:
        data = data.astype(np.uint8)
    elif data.dtype in (np.int64, np.uint64):
        data = data.astype(np.int32)
    affine = LPS_FROM_RAS @ volume.geometry.affine
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, code="scanner", strip_shears=True)
    image.set_sform(affine, code="scanner")
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
