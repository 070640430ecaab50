"""``marrowtrail inspect``: what it says of a folder, with what to do, and its exit codes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from marrowtrail.cli.overview import FolderSeen, Problem, overview
from marrowtrail.cli.overview_text import show_overview
from marrowtrail.errors import InputError, Severity
from tests.imaging.dicom_factory import Made, datasets, write, write_series
from tests.imaging.reading import assert_anonymous
from tests.patients import marrowtrail


def looked(folder: Path) -> FolderSeen:
    """What is seen; none of it identifies the patient."""
    seen = overview(folder)
    assert_anonymous(seen.model_dump_json())
    return seen


def problems(folder: Path) -> dict[str, Problem]:
    return {one.code: one for one in looked(folder).problems}


class TestWhatIsSeen:
    def test_visits_and_their_series(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date="20240105"))
        write_series(tmp_path, Made(date="20240305", te=90.0, laterality=""))
        write_series(tmp_path, Made(date="20240305", series="2", options=(), description="T1"))
        seen = looked(tmp_path)
        assert [(one.id, one.date, one.day, len(one.series)) for one in seen.visits] == [
            ("v1", date(2024, 1, 5), 0, 1),
            ("v2", date(2024, 3, 5), 60, 2),
        ]
        first = seen.visits[0].series[0]
        assert (first.id, first.visit, first.joint, first.side) == ("v1-s1", "v1", "knee", "right")
        assert (first.contrast, first.weighting, first.fat_suppressed) == ("PD FS", "pd", True)
        assert (first.is_fluid_sensitive, first.after_contrast_agent) == (True, False)
        assert (first.plane, first.echo_time_ms, first.repetition_time_ms) == ("sagittal", 35, 3000)
        assert "TR 3000 ms" in first.reason
        assert [one.is_fluid_sensitive for one in seen.visits[1].series] == [False, True]

    def test_geometry(self, tmp_path: Path) -> None:
        tags = {"SliceThickness": "3.5", "MRAcquisitionType": "2D"}
        write_series(tmp_path, Made(spacing=(0.5, 0.6), step=4.0, tags=tags))
        grid = looked(tmp_path).visits[0].series[0].grid
        assert grid.matrix == (16, 12, 5)
        assert grid.spacing_mm == (0.6, 0.5, 4.0)
        assert grid.field_mm == (9.6, 6.0, 20.0)
        assert (grid.slice_thickness_mm, grid.gap_mm, grid.acquisition) == (3.5, 0.5, "2D")

    @pytest.mark.parametrize(
        ("thickness", "gap"), [("4.0", 0.0), ("5.0", -1.0), ("", None), ("0", None)]
    )
    def test_gaps(self, tmp_path: Path, thickness: str, gap: float | None) -> None:
        write_series(tmp_path, Made(tags={"SliceThickness": thickness}))
        assert looked(tmp_path).visits[0].series[0].grid.gap_mm == gap

    @pytest.mark.parametrize(("said", "seen"), [("3D", "3D"), ("", None)])
    def test_acquisition(self, tmp_path: Path, said: str, seen: str | None) -> None:
        write_series(tmp_path, Made(tags={"MRAcquisitionType": said}))
        assert looked(tmp_path).visits[0].series[0].grid.acquisition == seen

    def test_what_was_set_aside_and_why(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        localiser = ("ORIGINAL", "PRIMARY", "LOCALIZER")
        write_series(tmp_path, Made(series="2", te=80.0, image_type=localiser))
        (tmp_path / "a").write_bytes(b"junk")
        assert [(one.what, one.files) for one in looked(tmp_path).set_aside] == [
            ("other files", 1),
            ("localiser", 5),
        ]
        assert all(one.reason for one in looked(tmp_path).set_aside)

    def test_nifti_series_show_their_grid(self, tmp_path: Path) -> None:
        affine = np.diag([-0.5, -0.6, 3.0, 1.0])
        nib.save(nib.Nifti1Image(np.ones((20, 30, 8), np.float32), affine), tmp_path / "t.nii.gz")
        case = (
            "schema_version: 1\nvisits:\n  - date: 2024-01-05\n    series:\n"
            "      - {file: t.nii.gz, body_part: knee, side: left, weighting: stir}\n"
        )
        (tmp_path / "case.yaml").write_text(case, encoding="utf-8")
        write_series(tmp_path / "dicom", Made())
        seen = overview(tmp_path)
        (series,) = seen.visits[0].series
        assert (series.grid.matrix, series.plane, series.side) == ((20, 30, 8), "axial", "left")
        assert series.grid.spacing_mm == (0.5, 0.6, 3.0)
        assert series.is_fluid_sensitive
        assert "dicom-not-read" in {one.code for one in seen.problems}
        (tmp_path / "t.nii.gz").unlink()
        with pytest.raises(InputError, match=r"t\.nii\.gz"):
            overview(tmp_path)


class TestProblems:
    def test_none_but_what_one_bare_visit_lacks(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        assert list(problems(tmp_path)) == ["no-bone-mask", "one-visit"]

    def test_each_joint_needs_a_fluid_sensitive_series(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(
            tmp_path, Made(series="2", body_part="ANKLE", options=(), description="T1", te=10.0)
        )
        write_series(tmp_path, Made(date="20240305"))
        (found,) = (
            one for one in looked(tmp_path).problems if one.code == "no-fluid-sensitive-series"
        )
        assert "the ankle" in found.what
        assert found.where == "v1"
        assert "STIR" in found.remedy

    def test_what_headers_contradict_is_unverified(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(description="SAG PD FS LEFT"))
        found = problems(tmp_path)["side-named-otherwise"]
        assert found.severity is Severity.UNVERIFIED
        assert not looked(tmp_path).is_verified

    def test_missing_slices(self, tmp_path: Path) -> None:
        write(tmp_path, [one for k, one in enumerate(datasets(Made(slices=24))) if k != 4])
        found = problems(tmp_path)["slices-missing"]
        assert "19 of the 23 slices" in found.what
        assert found.remedy == "send the whole series again"

    def test_an_unknown_weighting_says_why(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(tags={"RepetitionTime": ""}, description=""))
        found = problems(tmp_path)["weighting-unknown"]
        assert "TR or TE are missing" in found.what

    def test_a_dixon_fat_image_is_no_unknown(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(image_type=("DERIVED", "PRIMARY", "M", "DIXON", "FAT")))
        assert "weighting-unknown" not in problems(tmp_path)

    @pytest.mark.parametrize(("day", "astray"), [("2024-01-06", False), ("2024-02-06", True)])
    def test_a_mask_of_another_day(self, tmp_path: Path, day: str, astray: bool) -> None:
        write_series(tmp_path, Made())
        case = (
            f"schema_version: 1\nvisits:\n  - date: {day}\n"
            "    bones: {file: bone.nii.gz, labels: labels.json}\n"
        )
        (tmp_path / "case.yaml").write_text(case, encoding="utf-8")
        assert ("mask-without-visit" in problems(tmp_path)) is astray
        assert looked(tmp_path).bone_masks == 1


class TestInTheTerminal:
    def test_what_is_usable(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        localiser = ("ORIGINAL", "PRIMARY", "LOCALIZER")
        write_series(tmp_path, Made(series="2", te=80.0, image_type=localiser))
        done = marrowtrail("inspect", tmp_path)
        text = " ".join(done.out.split())
        assert done.code == 0
        for words in (
            "1 visit, 1 series, 0 bone masks, 5 files set aside",
            "v1-s1 right knee PD FS * sagittal 16×12×5 0.60×0.60×4.0 0.0 10×7×20",
            "5 localiser it only places the other series",
            "- There is no bone mask: a run finds the bones by itself. (the folder)",
        ):
            assert words in text, words
        assert max(map(len, done.out.splitlines())) <= 80
        assert_anonymous(done.out.replace(str(tmp_path), ""))

    def test_echoes_are_told_apart_and_a_problem_is_told_once(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for te in (10.0, 40.0):
            write_series(tmp_path, Made(te=te, laterality="L", description="PD KNEE RIGHT"))
        write_series(tmp_path, Made(te=90.0, series="2"))
        show_overview(looked(tmp_path))
        text = " ".join(capsys.readouterr().out.split())
        for words in ("PD FS, TE 10 *", "PD FS, TE 40 *", "T2 FS *"):
            assert words in text, words
        assert text.count("The header's laterality says left") == 1
        assert "(v1, series v1-s1; v1, series v1-s2)" in text

    def test_what_is_unverified_exits_with_3(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(laterality="L", description="KNEE RIGHT"))
        done = marrowtrail("inspect", tmp_path, "--json")
        assert done.code == 3
        seen = json.loads(done.out)
        assert seen["schema_version"] == "1.0"
        assert set(seen) == {"schema_version", "visits", "bone_masks", "set_aside", "problems"}

    def test_nothing_usable_exits_with_1_and_shows_why(self, tmp_path: Path) -> None:
        kind = ("ORIGINAL", "PRIMARY", "M", "MOSAIC")
        write_series(tmp_path, Made(image_type=kind))
        done = marrowtrail("inspect", tmp_path)
        assert done.code == 1
        text = " ".join(done.out.split())
        assert "5 mosaic images each is one sheet" in text
        assert "No series can be used." in text
        empty = tmp_path / "empty"
        empty.mkdir()
        assert marrowtrail("inspect", empty, "--json").code == 1

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        done = marrowtrail("inspect", tmp_path / "nowhere")
        assert done.code == 1
        assert done.out == ""
        assert "what to do:" in done.err
