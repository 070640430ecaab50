"""Zip archives are looked into and never trusted; the index of a medium is held to the folder."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.fileset import FileSet

from marrowtrail.cli.overview import overview
from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging import archives
from marrowtrail.imaging.archives import Opener, patient_folder
from marrowtrail.imaging.plan import plan_folder
from marrowtrail.imaging.study import read_study
from tests.imaging.dicom_factory import Made, datasets, voxels, write, write_series
from tests.imaging.enhanced_factory import Part, enhanced
from tests.imaging.reading import (
    Alterations,
    aside,
    damaged,
    only,
    plan,
    read,
    read_or_refuse,
    refusal,
)

LOST = "archives-not-read"


def zipped(target: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def series_files(made: Made | None = None, under: str = "") -> dict[str, bytes]:
    """The slices of a series as they would stand in an archive."""
    with tempfile.TemporaryDirectory() as name:
        paths = write_series(Path(name), made or Made())
        return {f"{under}{path.name}": path.read_bytes() for path in paths}


def codes(study) -> list[str]:
    return [one.code for one in study.cautions]


def encrypted(path: Path) -> Path:
    """The archive with the flag of encryption set on every member, as a reader sees it."""
    content = bytearray(path.read_bytes())
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + flag] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    return path


class TestInside:
    @pytest.mark.parametrize(
        "name", ["export.zip", "EXPORT.ZIP", "deep/er/e.zip", "download", "x.bin"]
    )
    def test_a_series_is_read_whatever_the_archive_is_called(
        self, tmp_path: Path, name: str
    ) -> None:
        zipped(tmp_path / name, series_files(under="a/b/"))
        series = only(tmp_path)
        assert np.array_equal(series.volume.data, voxels(Made()))
        assert read(tmp_path).cautions == ()

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_in_every_method(self, tmp_path: Path, method: int) -> None:
        zipped(tmp_path / "a.zip", series_files(), method)
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_an_archive_in_an_archive(self, tmp_path: Path) -> None:
        inner = zipped(tmp_path / "inner", series_files()).read_bytes()
        (tmp_path / "inner").unlink()
        zipped(tmp_path / "a.zip", {"study.zip": inner})
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_no_deeper(self, tmp_path: Path) -> None:
        content = zipped(tmp_path / "x", series_files()).read_bytes()
        (tmp_path / "x").unlink()
        for _ in range(2):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("again.zip", content)
            content = buffer.getvalue()
        (tmp_path / "a.zip").write_bytes(content)
        write_series(tmp_path, Made(series="2"))
        study = read(tmp_path)
        assert aside(study) == {"archives within archives within archives": 1}
        assert codes(study) == [LOST]

    def test_frames_and_compressed_members(self, tmp_path: Path) -> None:
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, enhanced([Part()]), enforce_file_format=True)
        zipped(tmp_path / "a.zip", {"multi": buffer.getvalue()})
        assert np.array_equal(only(tmp_path).volume.data, voxels(Made()))

    def test_copies_inside_and_outside_are_one(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        zipped(tmp_path / "a.zip", series_files())
        assert aside(read(tmp_path)) == {"duplicates": 5}

    def test_what_a_mac_adds_is_no_file_of_anybody(self, tmp_path: Path) -> None:
        extras = {"__MACOSX/a/._im.dcm": b"junk", "a/._im.dcm": b"junk", ".DS_Store": b"junk"}
        zipped(tmp_path / "a.zip", {**series_files(under="a/"), **extras, "a/readme.txt": b"hi"})
        assert aside(read(tmp_path)) == {}

    def test_other_members_are_counted(self, tmp_path: Path) -> None:
        zipped(tmp_path / "a.zip", {**series_files(), "junk": b"not dicom", "x.tgz": b"\x1f\x8b12"})
        assert aside(read(tmp_path)) == {"other files": 1, "other archives": 1}

    def test_nothing_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        scratch = tmp_path / "tmp"
        scratch.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(scratch))
        names = ("../../evil", "/etc/evil", "..\\evil", "a/../../evil")
        files = dict(zip(names, series_files().values(), strict=False))
        zipped(tmp_path / "in" / "a.zip", files)
        assert only(tmp_path / "in").volume.geometry.shape[2] == 4
        assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.zip", "in", "tmp"]


class TestNotTrusted:
    def test_encrypted(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        encrypted(zipped(tmp_path / "a.zip", series_files(), zipfile.ZIP_STORED))
        study = read(tmp_path)
        assert aside(study) == {"encrypted files in zip archives": 5}
        assert codes(study) == [LOST]
        assert study.cautions[0].severity is Severity.UNVERIFIED
        assert study.cautions[0].what.startswith(
            "Archives, or files in them, that could not be read: 5."
        )

    def test_nothing_but_encrypted_files(self, tmp_path: Path) -> None:
        encrypted(zipped(tmp_path / "a.zip", series_files(), zipfile.ZIP_STORED))
        assert "with its password first" in refusal(tmp_path).what

    def test_cut_short(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(series="2"))
        path = zipped(tmp_path / "a.zip", series_files())
        path.write_bytes(path.read_bytes()[:-100])
        assert aside(read(tmp_path)) == {"damaged zip archives": 1}

    def test_a_damaged_member(self, tmp_path: Path) -> None:
        files = {"broken": bytes(range(256)) * 40}
        path = zipped(tmp_path / "a.zip", {**files, **series_files()}, zipfile.ZIP_DEFLATED)
        content = bytearray(path.read_bytes())
        content[40:60] = b"\xff" * 20
        path.write_bytes(content)
        study = read(tmp_path)
        assert aside(study) == {"damaged files in zip archives": 1}
        assert len(study.visits[0].series) == 1

    @pytest.mark.parametrize(
        ("limit", "value"),
        [
            ("MAX_MEMBERS", 4),
            ("MAX_MEMBER_BYTES", 100),
            ("MAX_ARCHIVE_BYTES", 3000),
        ],
    )
    def test_too_much_of_anything(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
    ) -> None:
        write_series(tmp_path, Made(series="2"))
        zipped(tmp_path / "a.zip", series_files())
        assert aside(read(tmp_path)) == {}
        monkeypatch.setattr(archives, limit, value)
        study = read(tmp_path)
        assert aside(study) == {"zip archives too large to trust": 1}
        assert codes(study) == [LOST]

    def test_a_large_file_that_shrank_too_well(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        zipped(tmp_path / "a.zip", {"zeros": bytes(archives.RATIO_COUNTS_FROM + 1)})
        assert aside(read(tmp_path)) == {"zip archives too large to trust": 1}

    def test_a_small_one_may(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        zipped(tmp_path / "a.zip", {"zeros": bytes(1 << 20)})
        assert aside(read(tmp_path)) == {"other files": 1}

    @pytest.mark.parametrize(
        "content",
        [b"\x1f\x8b\x08", b"BZh9", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\0", bytes(257) + b"ustar"],
    )
    def test_other_archives_are_named(self, tmp_path: Path, content: bytes) -> None:
        write_series(tmp_path, Made())
        (tmp_path / "a").write_bytes(content + bytes(300))
        study = read(tmp_path)
        assert aside(study) == {"other archives": 1}
        assert codes(study) == [LOST]

    @settings(max_examples=120, deadline=None)
    @given(
        cut=st.none() | st.floats(0, 1),
        alter=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=10),
    )
    def test_any_damage_ends_in_words(self, cut: float | None, alter: Alterations) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = zipped(Path(name) / "a.zip", series_files(Made(slices=3)))
            path.write_bytes(damaged(path.read_bytes(), cut, alter))
            read_or_refuse(Path(name))


class TestPatientArchive:
    """The patient's folder itself may be an archive."""

    def test_its_files_keep_their_names(self, tmp_path: Path) -> None:
        files = {**series_files(under="dicom/"), "case.yaml": b"synthetic: true\n"}
        path = zipped(tmp_path / "p.zip", files)
        with patient_folder(path) as folder:
            assert (folder / "case.yaml").read_text() == "synthetic: true\n"
            assert len(plan_folder(folder).visits) == 1
        assert not folder.exists()

    def test_one_folder_inside_stands_for_it(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "p", {"anna/case.yaml": b"{}", **series_files(under="anna/d/")})
        with patient_folder(path) as folder:
            assert (folder / "case.yaml").is_file()

    def test_a_folder_is_itself(self, tmp_path: Path) -> None:
        with patient_folder(tmp_path) as folder:
            assert folder == tmp_path
        assert tmp_path.is_dir()

    def test_names_that_lead_out_stay_in(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        (tmp_path / "tmp").mkdir()
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        path = zipped(tmp_path / "p.zip", {"../../evil": b"x", "/evil": b"y", "..\\evil2": b"z"})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(link, "/etc/passwd")
        with patient_folder(path) as folder:
            found = sorted(one.name for one in folder.rglob("*"))
            assert found == ["evil", "evil2"]
        assert not (tmp_path / "evil").exists()
        assert list((tmp_path / "tmp").iterdir()) == []

    @pytest.mark.parametrize("problem", ["encrypted", "damaged", "bomb"])
    def test_is_refused_in_words(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
    ) -> None:
        path = zipped(tmp_path / "p.zip", series_files(), zipfile.ZIP_STORED)
        if problem == "encrypted":
            encrypted(path)
        elif problem == "damaged":
            path.write_bytes(path.read_bytes()[:-100])
        else:
            monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
        with (
            pytest.raises(InputError, match="Expected a zip archive") as caught,
            patient_folder(path),
        ):
            pass
        assert caught.value.where == str(path)

    def test_errors_name_the_archive_and_not_the_copy(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "p.zip", {"readme": b"nothing"})
        with pytest.raises(InputError) as caught, patient_folder(path) as folder:
            read_study(folder)
        assert caught.value.where == str(path)

    def test_is_inspected_like_its_folder(self, tmp_path: Path) -> None:
        """With the mask that its case names: files beside the images come along."""
        case = b"visits:\n- date: 2024-01-05\n  bones: {file: m.nii.gz, labels: l.json}\n"
        path = zipped(tmp_path / "p.zip", {**series_files(under="d/"), "case.yaml": case})
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "p")
        seen = overview(path)
        assert seen == overview(tmp_path / "p")
        assert seen.bone_masks == 1

    def test_what_is_no_archive_is_left_to_be_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"text")
        with patient_folder(tmp_path / "a") as folder:
            assert folder == tmp_path / "a"


class TestOpener:
    def test_the_last_archive_stays_open_and_is_closed(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "a.zip", {"x": b"1", "y": b"2"})
        with Opener() as opener:
            assert opener.open(path, ("x",)).read() == b"1"
            archive = opener._archive
            assert opener.open(path, ("y",)).read() == b"2"
            assert opener._archive is archive
        assert opener._archive is None


class TestIndexOfAMedium:
    def medium(self, folder: Path) -> list[Path]:
        index = FileSet()
        for ds in datasets(Made()):
            ds.SeriesNumber, ds.StudyTime, ds.StudyID = "1", "120000", "1"
            index.add(ds)
        index.write(folder)
        return sorted(one for one in folder.rglob("*") if one.is_file() and one.name != "DICOMDIR")

    def test_is_no_image(self, tmp_path: Path) -> None:
        assert len(self.medium(tmp_path)) == 5
        study = read(tmp_path)
        assert aside(study) == {"indices of a medium": 1}
        assert study.cautions == ()
        assert np.array_equal(study.visits[0].series[0].volume.data, voxels(Made()))

    def test_what_it_lists_and_the_folder_lacks(self, tmp_path: Path) -> None:
        files = self.medium(tmp_path)
        first = min(files, key=lambda one: pydicom.dcmread(one).InstanceNumber)
        last = max(files, key=lambda one: pydicom.dcmread(one).InstanceNumber)
        first.unlink()
        last.unlink()
        (caution,) = plan(tmp_path).cautions
        assert caution.code == "medium-incomplete"
        assert "the folder lacks: 2." in caution.what

    def test_renamed_files_are_not_missing(self, tmp_path: Path) -> None:
        for number, path in enumerate(self.medium(tmp_path)):
            path.rename(tmp_path / f"renamed-{number}.dcm")
        assert plan(tmp_path).cautions == ()

    def test_a_listed_file_that_is_no_image_is_there(self, tmp_path: Path) -> None:
        """A file at the listed path counts, whatever it turns out to be."""
        path = self.medium(tmp_path)[0]
        path.with_name(path.name.lower() + ";1").write_bytes(b"damaged")
        path.unlink()
        assert "medium-incomplete" not in [one.code for one in plan(tmp_path).cautions]

    def test_within_an_archive(self, tmp_path: Path) -> None:
        files = self.medium(tmp_path / "m")
        files[0].unlink()
        content = {
            one.relative_to(tmp_path).as_posix(): one.read_bytes()
            for one in (tmp_path / "m").rglob("*")
            if one.is_file()
        }
        shutil.rmtree(tmp_path / "m")
        zipped(tmp_path / "a.zip", content)
        assert "the folder lacks: 1." in plan(tmp_path).cautions[0].what


class TestDamagedFiles:
    def test_are_said_as_possibly_missing_images(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write(tmp_path / "cut", datasets(Made(series="2"))[:1])[0].write_bytes(
            bytes(128) + b"DICM\x02\x00"
        )
        study = read(tmp_path)
        assert codes(study) == ["files-damaged"]
        assert study.cautions[0].what.startswith("Files that could not be read: 1.")
