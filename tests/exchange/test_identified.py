"""Whom the output folder names: nobody, or with ``--identified`` the patient, in two files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marrowtrail.pipeline import save
from marrowtrail.result.identity import identity_of
from tests.exchange.made_dicom import made
from tests.report.made_result import migrating

NAMES = ("Secret", "Sally", "XQ77310", "1978-01-01", "19780101")


def naming(folder: Path) -> set[str]:
    """Files beside DICOM, which carries the patient as its source does, that name the patient."""
    paths = [p for p in folder.rglob("*") if p.is_file() and p.parent.name != "dicom"]
    found = set()
    for path in paths:
        content = path.read_bytes()
        if any(name.encode() in content for name in NAMES):
            found.add(path.relative_to(folder).as_posix())
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    result = replace(made(), figures=migrating()[1])
    where = tmp_path_factory.mktemp("folders")
    save(result, where / "plain")
    save(result, where / "named", identified=True)
    return where / "plain", where / "named"


def test_the_images_say_who_it_is() -> None:
    identity = identity_of(made().study)
    assert identity is not None
    assert identity.words == "Secret, Sally · id XQ77310 · born 1978-01-01"


def test_nobody_is_named_unless_asked(folders: tuple[Path, Path]) -> None:
    assert naming(folders[0]) == set()


def test_two_files_name_the_patient_when_asked(folders: tuple[Path, Path]) -> None:
    plain, named = folders
    assert naming(named) == {"fhir/bundle.json"}
    changed = {
        path.relative_to(named).as_posix()
        for path in named.rglob("*")
        if path.is_file()
        and path.parent.name != "dicom"
        and path.read_bytes() != (plain / path.relative_to(named)).read_bytes()
    }
    assert changed == {"fhir/bundle.json", "report.pdf"}
