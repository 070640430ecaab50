"""Slices in compressed syntaxes: by imagecodecs always, by dcmtk and gdcm where Debian has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)


@dataclass(frozen=True)
class Stored:
    """How the pixels of a test are stored."""

    rows: int = 33
    columns: int = 47
    bits: int = 12
    is_signed: bool = False

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(f"{'i' if self.is_signed else 'u'}{1 if self.bits <= 8 else 2}")

    @property
    def limits(self) -> tuple[int, int]:
        if self.is_signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1


SIZES = (
    Stored(12, 16, 16),
    Stored(33, 47, 16, is_signed=True),
    Stored(33, 47, 12),
    Stored(33, 47, 12, is_signed=True),
    Stored(64, 64, 15, is_signed=True),
    Stored(65, 31, 8),
)


def picture(stored: Stored, seed: int = 1) -> np.ndarray:
    """(rows, columns) values over the whole range: smooth, with noise, with both extremes."""
    low, high = stored.limits
    y, x = np.mgrid[0 : stored.rows, 0 : stored.columns]
    noise = np.random.default_rng(seed).normal(0, 0.01, x.shape)
    image = low + (0.5 + 0.2 * (np.sin(x / 5) + np.cos(y / 7)) + noise) * (high - low)
    image = np.clip(image, low, high).round().astype(np.int64)
    image.flat[:2] = low, high
    return image


def store(ds: Dataset, image: np.ndarray, stored: Stored) -> Dataset:
    """A slice with these pixels, uncompressed."""
    ds.Rows, ds.Columns = image.shape
    ds.BitsAllocated = stored.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = stored.bits, stored.bits - 1
    ds.PixelRepresentation = int(stored.is_signed)
    content = image.astype(stored.dtype).tobytes()
    ds.PixelData = content + bytes(len(content) % 2)
    return ds


def _samples(image: np.ndarray, stored: Stored) -> np.ndarray:
    """The samples that an encoder without signs is given: the bits as they are."""
    return (image & ((1 << stored.bits) - 1)).astype(f"u{stored.dtype.itemsize}")


@dataclass(frozen=True)
class Codec:
    """A syntax, what encodes it here, and how far from the original it may be."""

    name: str
    syntax: UID
    encode: Callable[[np.ndarray, Stored], bytes]
    error: float = 0.0
    fits: Callable[[Stored], bool] = lambda _: True


def _jpeg_lossless(predictor: int) -> Callable[[np.ndarray, Stored], bytes]:
    def encode(image: np.ndarray, stored: Stored) -> bytes:
        return imagecodecs.jpeg8_encode(
            _samples(image, stored), lossless=True, predictor=predictor, bitspersample=stored.bits
        )

    return encode


def _jpeg(image: np.ndarray, stored: Stored) -> bytes:
    return imagecodecs.jpeg8_encode(
        _samples(image, stored), level=95, bitspersample=stored.bits, colorspace="grayscale"
    )


def _jpeg_ls(level: int) -> Callable[[np.ndarray, Stored], bytes]:
    return lambda image, stored: imagecodecs.jpegls_encode(_samples(image, stored), level=level)


def _jpeg_2000(level: int) -> Callable[[np.ndarray, Stored], bytes]:
    def encode(image: np.ndarray, stored: Stored) -> bytes:
        return imagecodecs.jpeg2k_encode(
            image.astype(stored.dtype),
            level=level,
            reversible=level == 0,
            codecformat="j2k",
            bitspersample=stored.bits,
        )

    return encode


def _ht(image: np.ndarray, stored: Stored) -> bytes:
    return imagecodecs.htj2k_encode(image.astype(stored.dtype), reversible=True)


def _unsigned(stored: Stored) -> bool:
    return not stored.is_signed


CODECS = (
    Codec("JPEG lossless", JPEGLossless, _jpeg_lossless(6)),
    Codec("JPEG lossless SV1", JPEGLosslessSV1, _jpeg_lossless(1)),
    Codec("JPEG-LS", JPEGLSLossless, _jpeg_ls(0)),
    Codec("JPEG 2000", JPEG2000Lossless, _jpeg_2000(0)),
    Codec("HTJ2K", HTJ2KLossless, _ht),
    Codec("HTJ2K RPCL", HTJ2KLosslessRPCL, _ht),
    Codec("JPEG-LS near", JPEGLSNearLossless, _jpeg_ls(2), 2, _unsigned),
    Codec("JPEG 2000 lossy", JPEG2000, _jpeg_2000(60), 0.01),
    Codec("HTJ2K any", HTJ2K, _ht),
    Codec("JPEG baseline", JPEGBaseline8Bit, _jpeg, 0.03, lambda s: _unsigned(s) and s.bits == 8),
    Codec("JPEG extended", JPEGExtended12Bit, _jpeg, 0.03, lambda s: _unsigned(s) and s.bits == 12),
)
"""Errors below 1 are shares of the range. A near-lossless error is that of the encoder's setting;
it may carry a signed value over the edge of its range, so signs are not asked of it."""


def compress(ds: Dataset, codec: Codec, stored: Stored, images: list[np.ndarray]) -> Dataset:
    """The slice with these frames, stored so and compressed."""
    ds.PixelData = encapsulate([codec.encode(one, stored) for one in images])
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = codec.syntax
    return ds


def compress_rle(ds: Dataset) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        ds.compress(RLELossless)
    return ds


TOOLS = {
    "dcmtk JPEG lossless": ("dcmcjpeg", "+el"),
    "dcmtk JPEG lossless SV1": ("dcmcjpeg", "+e1"),
    "dcmtk JPEG-LS": ("dcmcjpls", "+el"),
    "dcmtk RLE": ("dcmcrle",),
    "gdcm JPEG 2000": ("gdcmconv", "--j2k"),
    "gdcm JPEG-LS": ("gdcmconv", "--jpegls"),
    "gdcm JPEG lossless": ("gdcmconv", "--jpeg"),
}
"""Lossless encoders that are not the library that decodes."""

LOSSY_TOOLS = {
    "dcmtk JPEG extended": (("dcmcjpeg", "+ee"), ("dcmdjpeg",)),
    "dcmtk JPEG baseline": (("dcmcjpeg", "+eb"), ("dcmdjpeg",)),
    "dcmtk JPEG-LS near": (("dcmcjpls", "+en", "+md", "3"), ("dcmdjpls",)),
    "gdcm JPEG-LS near": (("gdcmconv", "--jpegls", "--lossy", "-e", "3"), ("gdcmconv", "--raw")),
}
"""Lossy encoders, each with its own decoder."""


def by_tool(command: tuple[str, ...], source: Path, target: Path) -> None:
    """Run a Debian tool; skips where it is missing, but not in CI."""
    if shutil.which(command[0]) is None:
        if os.environ.get("CI"):
            pytest.fail(
                f"CI installs {command[0]} (scripts/install_system_parts.sh); it is missing."
            )
        pytest.skip(f"needs Debian's {command[0]}")
    subprocess.run([*command, source, target], check=True, capture_output=True)


def write(path: Path, ds: Dataset) -> Path:
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path
