"""One kind of output alone, made again from an output folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marrowtrail.cli.export import Kind, export
from marrowtrail.errors import InputError
from marrowtrail.report.html import render_html
from marrowtrail.report.pdf import render_pdf
from marrowtrail.result.folder import write_files
from marrowtrail.result.stored import read_stored
from tests.patients import marrowtrail
from tests.report.made_result import migrating


@pytest.fixture(name="stored")
def _stored(tmp_path: Path) -> Path:
    document, figures = migrating()
    files = {"result.json": document.model_dump_json(by_alias=True), "labels/v1-s1.nii.gz": b"x"}
    write_files(tmp_path / "result", files | {f"figures/{k}": v for k, v in figures.items()})
    return tmp_path / "result"


def change(folder: Path, **parts: object) -> None:
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))


class TestKinds:
    def test_what_is_read_back_is_what_was_written(self, stored: Path) -> None:
        document, figures = migrating()
        again = read_stored(stored)
        assert again.document == document
        assert again.figures == figures

    def test_html_and_pdf_are_those_of_the_result(self, stored: Path, tmp_path: Path) -> None:
        (page,) = export(Kind.HTML, stored, tmp_path / "out")
        (sheets,) = export(Kind.PDF, stored, tmp_path / "out")
        assert page.read_text(encoding="utf-8") == render_html(*migrating())
        assert sheets.read_bytes() == render_pdf(*migrating())

    def test_fhir_names_nobody_and_carries_the_pdf(self, stored: Path, tmp_path: Path) -> None:
        (path,) = export(Kind.FHIR, stored, tmp_path / "out")
        resources = [one["resource"] for one in json.loads(path.read_text())["entry"]]
        (patient,) = [one for one in resources if one["resourceType"] == "Patient"]
        assert set(patient) == {"resourceType", "id", "meta", "gender"}
        assert resources[0]["presentedForm"][0]["contentType"] == "application/pdf"

    @pytest.mark.parametrize(("healthy", "remedy"), [(True, "another kind"), (False, "run marrow")])
    def test_no_other_run_is_advised_where_no_oedema_was_there_to_align(
        self, stored: Path, tmp_path: Path, healthy: bool, remedy: str
    ) -> None:
        if healthy:
            change(stored, lesions=[], signs=[], tracks=[], shifts=[])
        with pytest.raises(InputError) as failed:
            export(Kind.ALIGNED, stored, tmp_path / "out")
        assert remedy in failed.value.remedy

    def test_tables_have_a_line_a_lesion(self, stored: Path, tmp_path: Path) -> None:
        paths = export(Kind.TABLES, stored, tmp_path / "out")
        assert [path.stem for path in paths] == [
            "lesions",
            "regions",
            "tracks",
            "intervals",
            "matches",
        ]
        assert len(paths[0].read_text().splitlines()) == 1 + len(migrating()[0].lesions)

    def test_labels_are_taken_as_they_are(self, stored: Path, tmp_path: Path) -> None:
        (path,) = export(Kind.NIFTI, stored, tmp_path / "out")
        assert (path.name, path.read_bytes()) == ("v1-s1.nii.gz", b"x")


class TestBadInput:
    def test_a_folder_without_a_result(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="result"):
            export(Kind.PDF, tmp_path, tmp_path / "out")

    def test_what_the_run_did_not_write(self, stored: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nothing in dicom"):
            export(Kind.DICOM, stored, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema_version": "9"}'])
    def test_a_result_that_cannot_be_read(self, stored: Path, tmp_path: Path, text: str) -> None:
        (stored / "result.json").write_text(text)
        with pytest.raises(InputError, match="cannot be read"):
            export(Kind.TABLES, stored, tmp_path / "out")

    def test_a_picture_that_is_missing(self, stored: Path, tmp_path: Path) -> None:
        next((stored / "figures").iterdir()).unlink()
        with pytest.raises(InputError, match="picture"):
            export(Kind.HTML, stored, tmp_path / "out")

    def test_a_picture_outside_of_the_result(self, stored: Path, tmp_path: Path) -> None:
        (tmp_path / "private.webp").write_bytes(b"private")
        row = json.loads((stored / "result.json").read_text())["figures"][0]
        change(stored, figures=[row | {"file": "../../private.webp"}])
        with pytest.raises(InputError, match="private"):
            export(Kind.HTML, stored, tmp_path / "out")

    def test_a_file_in_the_way_is_left_alone(self, stored: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "regions.csv").write_text("mine")
        with pytest.raises(InputError, match="already"):
            export(Kind.TABLES, stored, out)
        assert [path.name for path in out.iterdir()] == ["regions.csv"]
        assert (out / "regions.csv").read_text() == "mine"

    def test_a_file_where_the_folder_should_be(self, stored: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a file")
        with pytest.raises(InputError, match="could not be written"):
            export(Kind.TABLES, stored, tmp_path / "out")


def test_the_command(stored: Path, tmp_path: Path) -> None:
    done = marrowtrail("export", "tables", stored, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == str(tmp_path / "out" / "lesions.csv")
    assert marrowtrail("export", "tables", stored, "--out", tmp_path / "out").code == 1
    assert marrowtrail("export", "paper", stored).code == 2
