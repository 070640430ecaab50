"""A real knee from the scanner's files to its objects, and those objects as input again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import marrowtrail as library
from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.imaging.folder import scan
from marrowtrail.imaging.segmentations import read_segmentation
from tests.exchange.made_dicom import complaints, parsed
from tests.patients import add_bone_masks


@pytest.fixture(scope="module")
def knee(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knee") / "patient"
    shutil.copytree(shared_data / "knee-multi-echo-dicom", folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    add_bone_masks(folder)
    return folder


@pytest.fixture(scope="module")
def result(knee: Path):
    return library.run(knee)


@pytest.fixture(scope="module")
def written(result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "result"
    library.save(result, out)
    return out / "dicom"


def test_every_object_is_there_and_valid(knee: Path, written: Path, tmp_path: Path) -> None:
    names = {path.name for path in written.iterdir()}
    assert names == {"v1-report.dcm", "report-pdf.dcm"} | {f"v1-s{n}-bones.dcm" for n in (1, 2, 3)}
    source = next(path for path in sorted(knee.rglob("*")) if path.name != "bones.dcm")
    # Of its own they say nothing wrong; a name without a caret is the source's.
    known = set(complaints(source.read_bytes(), tmp_path))
    for path in written.iterdir():
        assert set(complaints(path.read_bytes(), tmp_path)) <= known, path.name


def test_masks_come_back_voxel_for_voxel(result, written: Path) -> None:
    series = result.study.visits[0].series
    grids: dict[str, list] = {}
    for one in series:
        grids.setdefault(one.source_uid, []).append(one.volume.geometry)
    for header in scan(written).segmentations:
        (bones,) = read_segmentation(header, grids).bones
        home = header.path.name.removesuffix("-bones.dcm")
        drawn = next(one for one in result.bone_maps if one.series_id == home)
        for (value, name), bone in zip(bones.names, drawn.bones, strict=True):
            assert (name.bone, name.side) == (bone.id.bone, bone.id.side)
            assert np.array_equal(bones.labels.data == value, bone.mask.data)


def test_own_objects_in_the_input_change_nothing(
    knee: Path, result, written: Path, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    shutil.copytree(knee, both)
    shutil.copytree(written, both / "earlier")
    again = library.run(both)
    first, second = (one.document.model_dump() for one in (result, again))
    assert len(second.pop("set_aside")) > len(first.pop("set_aside"))
    assert second == first
    assert again.findings == result.findings


def test_under_a_pseudonym(result, tmp_path: Path) -> None:
    library.save(result, tmp_path / "result", DicomForm(pseudonymous=True))
    name = str(result.study.visits[0].series[0].source.header.PatientName)
    for path in (tmp_path / "result" / "dicom").iterdir():
        assert str(parsed(path.read_bytes()).PatientName).startswith("Pseudonym^")
        assert name.encode() not in path.read_bytes()
