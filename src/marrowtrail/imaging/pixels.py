"""Pixels of a stack as a volume, and the checks every volume passes before it is used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.decoding import FrameReader, SizeMismatch
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.headers import DAMAGE, Header, quiet
from marrowtrail.imaging.stacks import Stack
from marrowtrail.imaging.volume import Volume


def read_pixels(stack: Stack, where: str) -> Volume:
    """The stack's voxels as float32, rescaled as their headers say.

    Slices lie one after the other in memory. A file that holds several is decoded once.

    Raises
    ------
    InputError
        If a file cannot be decoded, or the volume is not finite or is constant.
    """
    columns, rows, slices = stack.geometry.shape
    data = np.empty((slices, rows, columns), dtype=np.float32)
    with quiet(), Opener() as opener:
        frames = FrameReader(opener)
        for header, out in zip(stack.headers, data, strict=True):
            _read_slice(frames, header, out, where)
    return checked(data.T, stack.geometry, where)


def _read_slice(frames: FrameReader, header: Header, out: NDArray[np.float32], where: str) -> None:
    """Fill (rows, columns) with one image, in the units of its header."""
    try:
        pixels = frames.read(header)
    except SizeMismatch as error:
        raise InputError(
            f"An image has {error.got} pixels where its header says {error.expected}.",
            where=f"{where}, {_place(header)}",
            remedy="export the series again",
        ) from error
    except DAMAGE as error:
        raise InputError(
            "An image's pixels cannot be read; the file is damaged or cut short.",
            where=f"{where}, {_place(header)}",
            remedy="copy or export the series again",
        ) from error
    out[...] = pixels
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    with np.errstate(all="ignore"):  # what overflows is refused as not finite
        if slope is not None and slope != 1.0:
            out *= np.float32(slope)
        if intercept:
            out += np.float32(intercept)


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
    # NaN comes through both, infinity through one.
    low, high = (float(data.min()), float(data.max())) if data.size else (0.0, 1.0)
    if not np.isfinite([low, high]).all():
        bad = np.count_nonzero(~np.isfinite(data))
        raise InputError(
            f"Expected finite signal; {bad} of {data.size} voxels are NaN or infinite.",
            where=where,
            remedy="export the series again, or take it out of the folder",
        )
    if low == high:
        raise InputError(
            f"Every voxel has the value {low:g}; there is no image.",
            where=where,
            remedy="export the series again, or take it out of the folder",
        )
    return Volume(data, geometry)
