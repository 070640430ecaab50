"""Reading a folder in a test, with the check that nothing identifying is said on the way."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from marrowtrail.errors import InputError
from marrowtrail.imaging.nifti import NiftiVisit
from marrowtrail.imaging.plan import Plan, plan_folder
from marrowtrail.imaging.series import Series, SetAside, Study
from marrowtrail.imaging.study import read_study
from tests.imaging.dicom_factory import SECRETS


def read(folder: Path, requests: Sequence[NiftiVisit] = ()) -> Study:
    """A study, none of whose words identifies the patient."""
    said: list[str] = []
    study = read_study(folder, requests, progress=said.append)
    said += _words(study)
    said += [one.contrast.reason for visit in study.visits for one in visit.series]
    said += [mask.source for visit in study.visits for mask in visit.bones]
    assert_anonymous(*said)
    return study


def plan(folder: Path) -> Plan:
    """A plan, none of whose words identifies the patient."""
    planned = plan_folder(folder)
    assert_anonymous(*_words(planned))
    assert_anonymous(*(one.where for visit in planned.visits for one in visit.series))
    return planned


def only(folder: Path) -> Series:
    """The one series of a folder."""
    (visit,) = read(folder).visits
    (series,) = visit.series
    return series


def refusal(folder: Path, requests: Sequence[NiftiVisit] = ()) -> InputError:
    """The error that reading raises; it has all its parts and identifies nobody."""
    with pytest.raises(InputError) as caught:
        read_study(folder, requests)
    error = caught.value
    assert error.what
    assert error.where
    assert error.remedy
    # The folder is the user's own word for it; what pytest calls it may hold a test's name.
    assert_anonymous(str(error).replace(str(folder), "FOLDER"))
    return error


Alterations = list[tuple[float, int]]
"""Bytes to put into a file: where, as a share of its length, and which."""


def damaged(content: bytes, cut: float | None, alter: Alterations, start: int = 0) -> bytes:
    """A file's content with bytes altered and its end cut off, both from ``start`` on."""
    changed = bytearray(content)
    length = len(content) - start
    for where, value in alter:
        changed[start + int(where * length)] = value
    return bytes(changed if cut is None else changed[: start + int(cut * length)])


def read_or_refuse(folder: Path) -> None:
    """Read a folder without a warning; an error is the program's own and identifies nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read_study(folder)
        except InputError as error:
            assert_anonymous(str(error).replace(str(folder), "FOLDER"))


def assert_anonymous(*texts: str) -> None:
    """No text holds a planted identifier, or anything that looks like a UID or a DICOM file."""
    for text in texts:
        assert not any(secret in text for secret in SECRETS), text
        assert not re.search(r"\d+(\.\d+){4}", text), text
        assert ".dcm" not in text, text


def aside(study: Study | Plan) -> dict[str, int]:
    """How many files were set aside as what; reasons are checked to be there."""
    assert all(one.reason for one in study.set_aside)
    return {one.what: one.files for one in study.set_aside}


def _words(read_or_planned: Study | Plan) -> list[str]:
    rows: list[str] = []
    for one in read_or_planned.set_aside:
        assert isinstance(one, SetAside)
        rows += [one.what, one.reason]
    for caution in read_or_planned.cautions:
        rows += [caution.what, caution.where, caution.remedy]
    return rows
