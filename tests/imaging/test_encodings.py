"""Every syntax gives the voxels of its uncompressed twin, and no damage ends the process."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging import decoding, elements
from marrowtrail.imaging.archives import Opener
from marrowtrail.imaging.decoding import READABLE_SYNTAXES, FrameReader, SizeMismatch
from marrowtrail.imaging.elements import Irregular, find_elements
from marrowtrail.imaging.folder import scan
from marrowtrail.imaging.headers import DAMAGE, read_irregular
from marrowtrail.imaging.stream_size import stream_size
from marrowtrail.imaging.study import read_study
from tests.imaging.compressing import (
    CODECS,
    LOSSY_TOOLS,
    SIZES,
    TOOLS,
    Codec,
    Stored,
    by_tool,
    compress,
    compress_rle,
    picture,
    store,
)
from tests.imaging.compressing import write as write_one
from tests.imaging.dicom_factory import Made, datasets, write, write_series
from tests.imaging.reading import Alterations, aside, damaged, only, plan, read, read_or_refuse

NATIVE = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
FITTING = [(codec, stored) for codec in CODECS for stored in SIZES if codec.fits(stored)]


def named(value: object) -> str:
    if isinstance(value, Codec):
        return value.name
    if isinstance(value, Stored):
        sign = "signed" if value.is_signed else "unsigned"
        return f"{value.rows}x{value.columns} {value.bits} bit {sign}"
    return str(value)


def stored_values(folder: Path) -> list[np.ndarray]:
    """The stored pixels of every image of a folder, in the order of the scan."""
    with Opener() as opener:
        frames = FrameReader(opener)
        return [frames.read(header).astype(np.int64) for header in scan(folder).images]


def one_slice(stored: Stored, image: np.ndarray) -> pydicom.Dataset:
    return store(datasets(Made(slices=1))[0], image, stored)


class TestTwins:
    @pytest.mark.parametrize(("codec", "stored"), FITTING, ids=named)
    def test_compressed_is_as_uncompressed(
        self, tmp_path: Path, codec: Codec, stored: Stored
    ) -> None:
        image = picture(stored)
        write_one(tmp_path / "a", compress(one_slice(stored, image), codec, stored, [image]))
        (got,) = stored_values(tmp_path)
        low, high = stored.limits
        allowed = codec.error * (high - low) if codec.error < 1 else codec.error
        assert np.abs(got - image).max() <= allowed
        if not codec.error:
            assert np.array_equal(got, image)

    @pytest.mark.parametrize("tool", TOOLS)
    @pytest.mark.parametrize("stored", SIZES, ids=named)
    def test_as_other_programs_compress_it(self, tmp_path: Path, tool: str, stored: Stored) -> None:
        image = picture(stored)
        source = write_one(tmp_path / "plain", one_slice(stored, image))
        (tmp_path / "there").mkdir()
        by_tool(TOOLS[tool], source, tmp_path / "there" / "a")
        (got,) = stored_values(tmp_path / "there")
        assert np.array_equal(got, image)

    @pytest.mark.parametrize("tool", LOSSY_TOOLS)
    @pytest.mark.parametrize("stored", [Stored(bits=12), Stored(65, 31, 8)], ids=named)
    def test_lossy_as_the_other_program_decodes_it(
        self, tmp_path: Path, tool: str, stored: Stored
    ) -> None:
        """Two decoders of the same stream may round a cosine transform differently: by 1."""
        encode, decode = LOSSY_TOOLS[tool]
        source = write_one(tmp_path / "plain", one_slice(stored, picture(stored)))
        for folder in ("lossy", "back"):
            (tmp_path / folder).mkdir()
        by_tool(encode, source, tmp_path / "lossy" / "a")
        by_tool(decode, tmp_path / "lossy" / "a", tmp_path / "back" / "a")
        (got,) = stored_values(tmp_path / "lossy")
        theirs = pydicom.dcmread(tmp_path / "back" / "a").pixel_array.astype(np.int64)
        assert np.abs(got - theirs).max() <= 1
        assert np.ptp(got) > 0.8 * np.ptp(theirs)

    @pytest.mark.parametrize("stored", SIZES, ids=named)
    def test_rle(self, tmp_path: Path, stored: Stored) -> None:
        image = picture(stored)
        write_one(tmp_path / "a", compress_rle(one_slice(stored, image)))
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    @pytest.mark.parametrize("syntax", NATIVE, ids=lambda one: one.name)
    @pytest.mark.parametrize("stored", SIZES[:5], ids=named)
    def test_native(self, tmp_path: Path, syntax: pydicom.uid.UID, stored: Stored) -> None:
        image = picture(stored)
        ds = one_slice(stored, image)
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = image.astype(stored.dtype.newbyteorder(">")).tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
        write_one(tmp_path / "a", ds)
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    def test_a_whole_series_through_the_front_door(self, tmp_path: Path) -> None:
        stored = Stored(12, 16, 12)
        images = [picture(stored, seed) for seed in range(5)]
        for number, (ds, image) in enumerate(zip(datasets(Made()), images, strict=True)):
            codec = CODECS[number % 5]
            compressed = compress(store(ds, image, stored), codec, stored, [image])
            write_one(tmp_path / f"{number}", compressed)
        study = read(tmp_path)
        assert study.cautions == ()
        data = study.visits[0].series[0].volume.data
        assert np.array_equal(data, np.stack([one.T for one in images], axis=-1))

    def test_every_readable_syntax_is_tested(self) -> None:
        tested = {str(codec.syntax) for codec in CODECS} | {str(one) for one in NATIVE}
        assert tested | {"1.2.840.10008.1.2.5"} == READABLE_SYNTAXES


class TestBits:
    """Bits that are not the pixel's hold overlays, or whatever was in memory."""

    @pytest.mark.parametrize("is_signed", [False, True])
    @pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
    def test_rubbish_above_the_highest_bit(
        self, tmp_path: Path, *, is_signed: bool, syntax: pydicom.uid.UID
    ) -> None:
        stored = Stored(bits=12, is_signed=is_signed)
        image = picture(stored)
        rubbish = np.random.default_rng(2).integers(0, 16, image.shape) << 12
        order = ">u2" if syntax == ExplicitVRBigEndian else "<u2"
        ds = one_slice(stored, image)
        ds.PixelData = ((image & 0xFFF) | rubbish).astype(order).tobytes()
        ds.file_meta.TransferSyntaxUID = syntax
        write_one(tmp_path / "a", ds)
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    def test_a_pixel_in_the_upper_bits(self, tmp_path: Path) -> None:
        stored = Stored(bits=12)
        image = picture(stored)
        ds = one_slice(stored, image)
        ds.HighBit, ds.PixelData = 15, ((image << 4) | 5).astype("<u2").tobytes()
        write_one(tmp_path / "a", ds)
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    def test_rubbish_in_a_run_length_stream(self, tmp_path: Path) -> None:
        stored = Stored(bits=12, is_signed=True)
        image = picture(stored)
        ds = one_slice(stored, image)
        ds.PixelData = ((image & 0xFFF) | 0x5000).astype("<u2").tobytes()
        write_one(tmp_path / "a", compress_rle(ds))
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    @pytest.mark.parametrize(
        "tags", [{"HighBit": 20}, {"BitsStored": 0}, {"BitsAllocated": 12}, {"HighBit": 3}]
    )
    def test_bits_that_do_not_fit_are_refused(self, tmp_path: Path, tags) -> None:
        write_series(tmp_path, Made(tags=tags))
        with pytest.raises(InputError, match="damaged or cut short"):
            read_study(tmp_path)


class TestLoss:
    def test_is_said_with_its_ratio(self, tmp_path: Path) -> None:
        made = Made(tags={"LossyImageCompression": "01", "LossyImageCompressionRatio": ["5", "12"]})
        write_series(tmp_path, made)
        (caution,) = plan(tmp_path).cautions
        assert caution.code == "lossy-compression"
        assert caution.severity is Severity.UNVERIFIED
        assert "compressed with loss (up to 12 to 1): 5." in caution.what

    def test_a_syntax_that_always_loses_says_so_itself(self, tmp_path: Path) -> None:
        stored = Stored(12, 16, 12)
        codec = next(one for one in CODECS if one.name == "JPEG extended")
        for number, ds in enumerate(datasets(Made())):
            image = picture(stored, number)
            compressed = compress(store(ds, image, stored), codec, stored, [image])
            write_one(tmp_path / f"{number}", compressed)
        (caution,) = plan(tmp_path).cautions
        assert "compressed with loss: 5." in caution.what

    def test_none_is_claimed_of_what_lost_nothing(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(tags={"LossyImageCompression": "00"}))
        assert plan(tmp_path).cautions == ()


class TestQuickReader:
    """The walk through the elements says what pydicom says, or leaves the file to it."""

    def check(self, path: Path) -> None:
        with path.open("rb") as stream:
            found = find_elements(stream)
            stream.seek(0)
            oracle = read_irregular(stream, path, ())
        assert not hasattr(oracle, "reason")
        assert found.item == oracle.item
        assert found.syntax == oracle.header.transfer_syntax

    @pytest.mark.parametrize("syntax", NATIVE[:3], ids=lambda one: one.name)
    def test_made_files(self, tmp_path: Path, syntax: pydicom.uid.UID) -> None:
        tags = {
            "EchoTime": "", "PatientName": "Müller^Jürgen", "SpecificCharacterSet": "ISO_IR 100",
            "DiffusionBValue": 50.5, "StudyDescription": "a\\b", "TriggerTime": "1e2",
        }  # fmt: skip
        ds = datasets(Made(tags=tags))[0]
        ds.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.ReferencedImageSequence = [pydicom.Dataset()]
        ds.ReferencedImageSequence[0].SOPClassUID = "1.2"
        self.check(write_one(tmp_path / "a", ds))

    @pytest.mark.parametrize("folder", ["odd-dicom", "knee-multi-echo-dicom"])
    def test_real_files(self, shared_data: Path, folder: str) -> None:
        for path in sorted((shared_data / folder).iterdir())[:: 5 if "knee" in folder else 1]:
            self.check(path)

    def test_a_header_longer_than_the_first_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(elements, "FIRST_READ", 200)
        write_series(tmp_path, Made())
        self.check(next(tmp_path.iterdir()))

    def test_what_is_irregular_is_left_to_pydicom(self, tmp_path: Path) -> None:
        """A file that claims explicit and is implicit: pydicom looks, and so it is read."""
        for number, ds in enumerate(datasets(Made())):
            with io.BytesIO() as stream:
                ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
                pydicom.dcmwrite(stream, ds, enforce_file_format=True)
                content = stream.getvalue()
            claimed = content.replace(
                b"UI\x12\x001.2.840.10008.1.2\0", b"UI\x14\x001.2.840.10008.1.2.1\0", 1
            )
            length = int.from_bytes(claimed[140:144], "little") + 2
            claimed = claimed[:140] + length.to_bytes(4, "little") + claimed[144:]
            (tmp_path / f"{number}").write_bytes(claimed)
            with pytest.raises(Irregular):
                find_elements(io.BytesIO(claimed))
        assert only(tmp_path).volume.data[0, 0, 0] == 1

    def test_a_deflated_file_may_not_grow_without_limit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(elements, "MAX_INFLATED", 500)
        ds = datasets(Made())[0]
        ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        write_one(tmp_path / "a", ds)
        assert aside(plan(tmp_path)) == {"damaged files": 1}


class TestStreamSize:
    @pytest.mark.parametrize("codec", CODECS, ids=named)
    def test_is_the_size_of_what_is_decoded(self, codec: Codec) -> None:
        stored = next(one for one in SIZES[::-1] if codec.fits(one))
        assert stream_size(codec.encode(picture(stored), stored)) == (stored.rows, stored.columns)

    @pytest.mark.parametrize(
        "stream",
        [
            *(b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\xff\x4f\xff\x51\x00", b"other"),
            *(b"\xff\xd8\xff\xc4\x00\x04\x00\x00", b"\xff\xd8\x00\x00\x00\x00"),
        ],
    )
    def test_is_none_where_none_is_said(self, stream: bytes) -> None:
        assert stream_size(stream) is None

    def test_fill_bytes_before_a_marker(self) -> None:
        stored = SIZES[-1]
        stream = CODECS[0].encode(picture(stored), stored)
        assert stream_size(stream[:2] + b"\xff\xff" + stream[2:]) == (stored.rows, stored.columns)

    @pytest.mark.parametrize("name", ["JPEG 2000", "JPEG-LS", "JPEG lossless"])
    def test_room_is_not_made_for_whatever_a_stream_claims(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        codec = next(one for one in CODECS if one.name == name)
        stored, small = Stored(64, 64, 12), Stored(8, 8, 12)
        path = tmp_path / "a"
        write_one(
            path, compress(one_slice(small, picture(small)), codec, stored, [picture(stored)])
        )
        with pytest.raises(SizeMismatch):
            stored_values(tmp_path)
        monkeypatch.setattr(decoding, "_LARGEST", 1000)
        with pytest.raises(ValueError, match="makes no sense"):
            stored_values(tmp_path)


class TestDamagedStreams:
    @pytest.mark.parametrize("lost", [12, 40, 200])
    @pytest.mark.parametrize("codec", CODECS, ids=named)
    def test_a_file_cut_short_is_never_half_an_image(
        self, tmp_path: Path, codec: Codec, lost: int
    ) -> None:
        stored = next(one for one in SIZES[::-1] if codec.fits(one))
        image = picture(stored)
        path = write_one(tmp_path / "a", compress(one_slice(stored, image), codec, stored, [image]))
        path.write_bytes(path.read_bytes()[:-lost])
        with pytest.raises(DAMAGE):
            stored_values(tmp_path)

    def test_a_jpeg_ls_stream_without_its_end_never_reaches_its_decoder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """CharLS takes some eight seconds to refuse 33 x 47 pixels of which 40 bytes are gone."""

        def decode(stream: bytes) -> np.ndarray:
            raise AssertionError(f"asked to decode {len(stream)} bytes")

        codec, stored = CODECS[2], Stored()
        stream = codec.encode(picture(stored), stored)
        ds = one_slice(stored, picture(stored))
        cut = Codec("cut", codec.syntax, lambda *_: stream[:-40])
        write_one(tmp_path / "a", compress(ds, cut, stored, [picture(stored)]))
        monkeypatch.setattr(decoding.imagecodecs, "jpegls_decode", decode)
        with pytest.raises(EOFError, match="ends early"):
            stored_values(tmp_path)

    def test_what_follows_the_end_of_a_jpeg_ls_stream_is_left_alone(self, tmp_path: Path) -> None:
        codec, stored = CODECS[2], Stored()
        image = picture(stored)
        longer = Codec("longer", codec.syntax, lambda *of: codec.encode(*of) + b"junk")
        write_one(tmp_path / "a", compress(one_slice(stored, image), longer, stored, [image]))
        (got,) = stored_values(tmp_path)
        assert np.array_equal(got, image)

    @pytest.mark.parametrize("lost", [12, 40, 200])
    def test_nor_a_run_length_stream(self, tmp_path: Path, lost: int) -> None:
        path = write_one(tmp_path / "a", compress_rle(one_slice(Stored(), picture(Stored()))))
        path.write_bytes(path.read_bytes()[:-lost])
        with pytest.raises(DAMAGE):
            stored_values(tmp_path)

    @settings(max_examples=250, deadline=None)
    @given(
        codec=st.sampled_from(CODECS),
        alter=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
        cut=st.none() | st.floats(0, 1),
    )
    def test_end_in_words(self, codec: Codec, alter: Alterations, cut: float | None) -> None:
        stored = next(one for one in SIZES[::-1] if codec.fits(one))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = []
            for number, ds in enumerate(datasets(Made(slices=3))):
                image = picture(stored, number)
                compressed = compress(store(ds, image, stored), codec, stored, [image])
                paths += write(folder, [compressed], f"{number}-")
            content = paths[1].read_bytes()
            pixels = content.index(b"\xe0\x7f\x10\x00")
            paths[1].write_bytes(damaged(content, cut, alter, start=pixels))
            read_or_refuse(folder)
