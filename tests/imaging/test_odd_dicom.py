"""Real files that break readers: what is made of each, beside what other programs make of it.

Places and times were taken from ``dcmdump``; pixels come from dcmtk (and Pillow) at each run.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames

from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.body import body_part, side
from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.decoding import FrameReader
from marrowtrail.imaging.folder import Folder, scan
from marrowtrail.imaging.plan import plan_folder
from tests.imaging.compressing import by_tool
from tests.imaging.reading import aside


@dataclass(frozen=True)
class Odd:
    """What one file holds."""

    name: str
    frames: int
    contrast: str
    joint: str
    side: str
    size: tuple[int, int]
    spacing_mm: float
    position: tuple[float, float, float]
    normal: tuple[float, float, float]
    aside: str
    to_plain: str
    cautions: tuple[str, ...] = ()


ODD = (
    Odd(
        "enhanced-multiframe-knee.dcm", 19, "T1", "knee", "right", (256, 256), 0.625,
        (-3, -80, 80), (-1, 0, 0), "dynamic series", "dcmconv",
    ),
    Odd(
        "explicit_mr_jpeg-lossy_mono2.dcm", 1, "PD", "knee", "left", (256, 256), 0.703125,
        (-89.952885, -3.213834, 90), (-0.050803, 0.998709, 0), "derived map", "dcmdjpeg",
        ("lossy-compression",),
    ),
    Odd(
        "explicit_mr_rle_mono2.dcm", 1, "PD", "knee", "left", (256, 256), 0.703125,
        (-89.952885, -3.213834, 90), (-0.050803, 0.998709, 0), "derived map", "dcmdrle",
        ("lossy-compression",),
    ),
    Odd(
        "ge-coronal-t1-knee.dcm", 1, "T1", "knee", "right", (512, 512), 0.390625,
        (-105.5, 15.6, 75), (0, 1, 0), "too few slices", "dcmconv",
    ),
    Odd(
        "implicit_mr_16bit_mono2.dcm", 1, "T2*", "knee", "unknown", (256, 256), 0.625,
        (16.5, -80, 84.726562), (-1, 0, 0), "too few slices", "dcmconv",
    ),
    Odd(
        "no-header_implicit_mr_16bit_mono2.dcm", 1, "T2", "unknown", "unknown", (256, 256),
        0.78125, (-13.30335, -80.82192, 119.17808), (-1, 0, 0), "too few slices", "dcmconv",
    ),
)  # fmt: skip


@pytest.fixture(params=ODD, ids=lambda one: one.name)
def odd(request: pytest.FixtureRequest) -> Odd:
    one: Odd = request.param
    return one


@pytest.fixture
def folder(odd: Odd, shared_data: Path, tmp_path: Path) -> Path:
    """A folder with that file alone: they are different patients."""
    (tmp_path / "in").mkdir()
    shutil.copy(shared_data / "odd-dicom" / odd.name, tmp_path / "in")
    return tmp_path / "in"


def frames(found: Folder) -> list[np.ndarray]:
    with Opener() as opener:
        reader = FrameReader(opener)
        return [reader.read(header) for header in found.images]


def test_every_file_has_a_row(shared_data: Path) -> None:
    assert {one.name for one in ODD} == {one.name for one in (shared_data / "odd-dicom").iterdir()}


def test_what_is_read(odd: Odd, folder: Path) -> None:
    found = scan(folder)
    assert len(found.images) == odd.frames
    assert found.set_aside == ()
    assert tuple(one.code for one in found.cautions) == odd.cautions
    first = found.images[0]
    assert read_contrast(Physics.of(first)).label == odd.contrast
    assert (body_part(first, "")[0], side(first, "")[0].value) == (odd.joint, odd.side)


def test_where_it_lies(odd: Odd, folder: Path) -> None:
    for header in scan(folder).images:
        place = header.place
        assert place is not None
        assert place.size == odd.size
        assert place.spacing_mm == pytest.approx((odd.spacing_mm,) * 2)
        assert np.allclose(place.position, odd.position, atol=1e-5)
        assert np.allclose(place.normal, odd.normal, atol=1e-5)


def test_what_becomes_of_it_alone(odd: Odd, folder: Path) -> None:
    assert aside(plan_folder(folder)) == {odd.aside: odd.frames}


def test_pixels_as_dcmtk_reads_them(odd: Odd, folder: Path, tmp_path: Path) -> None:
    """Its plain little-endian copy ends with the pixels; they are taken from there by hand."""
    ours = np.stack(frames(scan(folder)))
    target = tmp_path / "plain"
    explicit = ("+te",) if odd.to_plain == "dcmconv" else ()
    by_tool((odd.to_plain, *explicit), folder / odd.name, target)
    content = target.read_bytes()
    at = content.rindex(b"\xe0\x7f\x10\x00O")
    assert int.from_bytes(content[at + 8 : at + 12], "little") == ours.nbytes
    theirs = np.frombuffer(content, ours.dtype.newbyteorder("<"), ours.size, at + 12)
    assert np.array_equal(ours, theirs.reshape(ours.shape))


def test_pixels_as_pydicom_and_pillow_read_them(odd: Odd, folder: Path) -> None:
    ours = np.stack(frames(scan(folder)))
    dataset = pydicom.dcmread(folder / odd.name, force=True)
    if odd.to_plain == "dcmdjpeg":
        stream = next(generate_frames(dataset.PixelData, number_of_frames=1))
        theirs = np.asarray(Image.open(io.BytesIO(stream)))
    else:
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        theirs = dataset.pixel_array
    assert np.array_equal(ours, theirs.reshape(ours.shape))


def test_the_run_length_file_is_the_lossy_one_decoded(shared_data: Path, tmp_path: Path) -> None:
    """Both hold one image: two decoders that share nothing agree on it."""
    images = []
    for kind in ("jpeg-lossy", "rle"):
        (tmp_path / kind).mkdir()
        shutil.copy(shared_data / "odd-dicom" / f"explicit_mr_{kind}_mono2.dcm", tmp_path / kind)
        images += frames(scan(tmp_path / kind))
    assert np.array_equal(*images)


def test_the_moving_knee_moves(shared_data: Path, tmp_path: Path) -> None:
    """Nineteen frames of one slice: each is another image, and all are the same knee."""
    shutil.copy(shared_data / "odd-dicom" / "enhanced-multiframe-knee.dcm", tmp_path)
    found = frames(scan(tmp_path))
    for one, other in pairwise(found):
        assert 0.7 < np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.9999
