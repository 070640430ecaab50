"""Copies of one image, of which one is damaged; and files beside the images."""

from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrail.imaging.study import read_study
from tests.imaging.dicom_factory import Made, write_series


@pytest.mark.parametrize("name", ["0-first.dcm", "zz-last.dcm"])
def test_a_whole_copy_is_read_wherever_the_damaged_one_stands(tmp_path: Path, name: str) -> None:
    write_series(tmp_path / "whole", Made())
    before = read_study(tmp_path).visits[0].series[0].volume.data.copy()
    slice_ = sorted((tmp_path / "whole").iterdir())[2]
    (tmp_path / name).write_bytes(slice_.read_bytes()[:-40])
    study = read_study(tmp_path)
    assert (study.visits[0].series[0].volume.data == before).all()
    assert ("damaged copies", 1) in {(one.what, one.files) for one in study.set_aside}


def test_two_whole_copies_are_duplicates(tmp_path: Path) -> None:
    write_series(tmp_path / "whole", Made())
    slice_ = sorted((tmp_path / "whole").iterdir())[2]
    (tmp_path / "copy.dcm").write_bytes(slice_.read_bytes())
    told = {one.what for one in read_study(tmp_path).set_aside}
    assert "duplicates" in told
    assert "damaged copies" not in told


def test_documents_are_listed_and_what_the_case_names_is_not(tmp_path: Path) -> None:
    write_series(tmp_path / "whole", Made())
    for name in ("letter.pdf", "screen.png", "case.yaml", "labels.json", "mask.nii.gz"):
        (tmp_path / name).write_bytes(b"anything")
    told = {one.what: one.files for one in read_study(tmp_path).set_aside}
    assert told == {"documents and pictures": 2}
