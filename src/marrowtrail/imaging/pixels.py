"""Pixels of a stack as a volume, and the checks every volume passes before it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import DAMAGE, Header, quiet
from marrowtrail.imaging.stacks import Stack
from marrowtrail.imaging.volume import Volume


def read_pixels(stack: Stack, where: str) -> Volume:
    """The stack's voxels as float32, rescaled as their headers say.

    Raises
    ------
    InputError
        If a file cannot be decoded, or the volume is not finite or is constant.
    """
    data = np.empty(stack.geometry.shape, dtype=np.float32)
    with quiet():
        for k, header in enumerate(stack.headers):
            data[:, :, k] = _slice(header, where).T
    return checked(data, stack.geometry, where)


def _slice(header: Header, where: str) -> NDArray[np.float32]:
    """(rows, columns) of one file."""
    pixels = _decoded(header, where)
    columns, rows = header.place.size if header.place else (0, 0)
    if pixels.shape != (rows, columns):
        raise InputError(
            f"An image has {pixels.shape} pixels where its header says {(rows, columns)}.",
            where=f"{where}, {_place(header)}",
            remedy="export the series again",
        )
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    scaled = pixels.astype(np.float32) * np.float32(1.0 if slope is None else slope)
    return np.asarray(scaled + np.float32(intercept or 0.0), dtype=np.float32)


def _decoded(header: Header, where: str) -> NDArray[Any]:
    try:
        dataset = pydicom.dcmread(header.path, force=True)
        # Files without a header of their own do not name it; the scan found it out.
        dataset.file_meta.TransferSyntaxUID = header.transfer_syntax
        return np.asarray(dataset.pixel_array)
    except DAMAGE as error:
        raise InputError(
            "An image's pixels cannot be read; the file is damaged or cut short.",
            where=f"{where}, {_place(header)}",
            remedy="copy or export the series again",
        ) from error


def _place(header: Header) -> str:
    number = header.number("InstanceNumber")
    return "a slice without number" if number is None else f"slice {number:.0f}"


def checked(data: NDArray[np.float32], geometry: Geometry, where: str) -> Volume:
    """A volume of finite, not constant values.

    Raises
    ------
    InputError
        If a voxel is NaN or infinite, or all voxels are the same.
    """
    bad = np.count_nonzero(~np.isfinite(data))
    if bad:
        raise InputError(
            f"Expected finite signal; {bad} of {data.size} voxels are NaN or infinite.",
            where=where,
            remedy="export the series again, or take it out of the folder",
        )
    if data.size and data.min() == data.max():
        raise InputError(
            f"Every voxel has the value {float(data.min()):g}; there is no image.",
            where=where,
            remedy="export the series again, or take it out of the folder",
        )
    return Volume(data, geometry)
