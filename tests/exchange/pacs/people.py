"""Patients of three visits in an archive, and how a command of ours is given within a test."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from marrowtrail.cli import main
from marrowtrail.exchange.pacs.model import Archive, Search, State
from marrowtrail.exchange.pacs.patience import Patience
from marrowtrail.exchange.pacs.pull import Pulled, pull
from marrowtrail.exchange.pacs.push import _read
from tests.imaging.dicom_factory import MR, Made, write_series
from tests.patients import Ran

VISITS = ("20240105", "20240305", "20240601")
HASTY = Patience(attempts=2, first_wait_s=0.01)


@dataclass(frozen=True)
class Patient:
    """Who is in the archive: files as they were stored."""

    id: str
    accession: str
    studies: tuple[str, ...]
    files: tuple[Path, ...]

    @property
    def search(self) -> Search:
        return Search(patient_id=self.id)

    def originals(self) -> dict[str, pydicom.Dataset]:
        return {str(one.SOPInstanceUID): one for one in map(pydicom.dcmread, self.files)}


def admit(archive: Archive, folder: Path, name: str, *, visits: int = 3, **tags: object) -> Patient:
    """Write a patient with 4 slices a visit, and store them."""
    number = f"SECRET-{name}"
    said = {"AccessionNumber": f"ACC-{name}", **tags}
    for visit, date in enumerate(VISITS[:visits]):
        made = Made(date=date, study=f"{name}{visit}", patient_id=number, slices=4, tags=said)
        write_series(folder / name, made)
    files = tuple(sorted((folder / name).iterdir()))
    store(archive, files)
    studies = sorted({str(pydicom.dcmread(path).StudyInstanceUID) for path in files})
    return Patient(number, str(said["AccessionNumber"]), tuple(studies), files)


def store(archive: Archive, files: tuple[Path, ...]) -> None:
    """Store files; every one of them must be accepted."""
    verdicts = list(archive.store([_read(path) for path in files]))
    assert {one.state for one in verdicts} == {State.ACCEPTED}
    archive.close()


def fetch(archive: Archive, search: Search, out: Path, **how: object) -> Pulled:
    """A pull without waiting."""
    try:
        return pull(archive, search, out, **{"patience": HASTY, **how})
    finally:
        archive.close()


def images(folder: Path) -> dict[str, pydicom.Dataset]:
    """What lies in a folder by its UID; every file must be a whole one."""
    found = [pydicom.dcmread(path) for path in folder.rglob("*") if path.suffix == ".dcm"]
    if any(one.SOPClassUID == MR for one in found):
        assert all(one.pixel_array.size for one in found if one.SOPClassUID == MR)
    return {str(one.SOPInstanceUID): one for one in found}


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith(".part")]


class Command:
    """Gives commands in this process, and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys, self._patch = capsys, patch

    def __call__(self, *words: object, env: Mapping[str, str] | None = None) -> Ran:
        with self._patch.context() as here:
            here.setattr(sys, "argv", ["marrowtrail", "pacs", *map(str, words)])
            here.setenv("COLUMNS", "10000")
            for name, value in (env or {}).items():
                here.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        said = self._capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    def json(self, *words: object, env: Mapping[str, str] | None = None) -> dict:
        done = self(*words, "--json", env=env)
        assert done.code == 0, done.err
        return json.loads(done.out)
