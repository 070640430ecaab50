"""What a run wrote, found in the input of the next one: it changes nothing and breaks nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from marrowtrail.cli.overview import overview
from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.exchange.dicom.segmentation import Content, segmentation
from marrowtrail.imaging.study import read_study
from tests.exchange.made_dicom import PDF, plain
from tests.exchange.test_dicom_segmentation import CONTENT, FEMUR, MADE, planes, segment, two
from tests.imaging.dicom_factory import datasets, write
from tests.imaging.test_segmentations import drawn
from tests.imaging.test_segmentations import segment as foreign_segment


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write(tmp_path, datasets(MADE))
    return tmp_path


def put(folder: Path, *, automatic: bool, **form: bool) -> np.ndarray:
    """An own segmentation of a femur beside the images, and its mask."""
    mask = two(MADE)[0]
    own = replace(segment(mask), is_automatic=automatic)
    form_of = DicomForm(**form)
    derived = planes(read_study(folder), pseudonymous=form_of.pseudonymous)
    written = segmentation(derived, [own], CONTENT, form_of)
    (folder / "own.dcm").write_bytes(written.content)
    return mask


def reasons(folder: Path) -> str:
    return " ".join(one.reason for one in read_study(folder).set_aside)


def test_proposed_bones_are_no_masks(images: Path) -> None:
    put(images, automatic=True)
    (visit,) = read_study(images).visits
    assert visit.bones == ()
    assert "an earlier run of this program wrote it" in reasons(images)


def test_copies_of_masks_stand_for_them_where_they_are_gone(images: Path) -> None:
    mask = put(images, automatic=False)
    (bones,) = read_study(images).visits[0].bones
    assert np.array_equal(bones.labels.data, mask)
    assert [bone for _, bone in bones.names] == [FEMUR]


def test_masks_of_others_win_over_copies(images: Path) -> None:
    put(images, automatic=False)
    theirs = two(MADE)[1]
    drawn(datasets(MADE), [theirs], [foreign_segment(1)]).save_as(
        images / "theirs.dcm", enforce_file_format=True
    )
    (bones,) = read_study(images).visits[0].bones
    assert np.array_equal(bones.labels.data, theirs)
    assert "an earlier run of this program wrote it" in reasons(images)


def test_what_a_reader_saved_again_under_another_name_is_a_mask(images: Path) -> None:
    mask = put(images, automatic=True)
    saved = pydicom.dcmread(images / "own.dcm")
    saved.Manufacturer = "A drawing program"
    saved.save_as(images / "own.dcm")
    (bones,) = read_study(images).visits[0].bones
    assert np.array_equal(bones.labels.data, mask)


def test_one_of_another_grid_stops_nothing(images: Path, tmp_path: Path) -> None:
    put(images, automatic=False)
    moved = datasets(MADE.but(origin=(0.0, 0.0, 0.0)))
    other = tmp_path / "moved"
    write(other, moved)
    (other / "own.dcm").write_bytes((images / "own.dcm").read_bytes())
    (visit,) = read_study(other).visits
    assert visit.bones == ()


def test_under_a_pseudonym_it_is_of_no_series(images: Path) -> None:
    put(images, automatic=False, pseudonymous=True)
    (visit,) = read_study(images).visits
    assert visit.bones == ()


def test_oedema_report_and_document_are_set_aside(images: Path) -> None:
    from marrowtrail.exchange.dicom.files import dicom_files

    before = read_study(images)
    lesion = segment(two(MADE)[1], lesion=True)
    lesion = replace(lesion, tracking_id="oedema", tracking_uid="2.25.3")
    own = segmentation(planes(before), [lesion], Content("OEDEMA", 9201, "o", "x"), DicomForm())
    (images / "oedema.dcm").write_bytes(own.content)
    made = dicom_files(plain(), pdf=PDF)
    for name in ("v1-report.dcm", "report-pdf.dcm"):
        (images / name).write_bytes(made[name])
    after = read_study(images)
    (visit,) = after.visits
    assert visit.bones == ()
    assert [one.id for one in visit.series] == [one.id for one in before.visits[0].series]
    assert after.cautions == before.cautions
    assert sum(one.files for one in after.set_aside) == 3
    assert overview(images).is_usable
