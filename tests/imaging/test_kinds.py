"""What is told apart from measurements, in the words of the three vendors, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.kinds import is_reformat, kind_set_aside
from marrowtrail.imaging.object_kinds import not_mr
from tests.imaging.dicom_factory import Made, header, write_series
from tests.imaging.reading import aside, plan, read

STORAGE = "1.2.840.10008.5.1.4.1.1."

SET_ASIDE = {
    "Siemens localiser": (("ORIGINAL", "PRIMARY", "M", "NORM", "LOCALIZER"), "localiser"),
    "Siemens mosaic": (("ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"), "mosaic images"),
    "Siemens ADC": (("DERIVED", "PRIMARY", "DIFFUSION", "ADC", "ND"), "derived map"),
    "Siemens FA": (("DERIVED", "PRIMARY", "DIFFUSION", "FA", "ND"), "derived map"),
    "Siemens trace": (("DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"), "diffusion images"),
    "Siemens T2 map": (("DERIVED", "PRIMARY", "M", "T2 MAP", "ND"), "derived map"),
    "Siemens T2* map": (("DERIVED", "PRIMARY", "M", "T2_STAR MAP"), "derived map"),
    "Siemens T1 map": (("DERIVED", "PRIMARY", "T1 MAP"), "derived map"),
    "Siemens fat fraction": (("DERIVED", "PRIMARY", "M", "FAT_FRACTION"), "derived map"),
    "Siemens subtraction": (("DERIVED", "PRIMARY", "M", "SUB"), "subtraction images"),
    "Siemens MIP": (("DERIVED", "PRIMARY", "MIP", "MIP_COR"), "projections (MIP)"),
    "Siemens phase": (("ORIGINAL", "PRIMARY", "P", "ND"), "phase, real or imaginary images"),
    "Siemens real": (("ORIGINAL", "PRIMARY", "R", "ND"), "phase, real or imaginary images"),
    "Siemens perfusion": (("DERIVED", "PRIMARY", "PERFUSION", "TTP"), "perfusion images"),
    "Siemens spectroscopy": (("ORIGINAL", "PRIMARY", "SPECTROSCOPY"), "spectroscopy"),
    "GE screenshot": (("DERIVED", "SECONDARY", "SCREEN SAVE"), "screenshots"),
    "GE MIP": (("DERIVED", "SECONDARY", "PROJECTION IMAGE", "IVI"), "projections (MIP)"),
    "GE subtraction": (("DERIVED", "SECONDARY", "SUBTRACT"), "subtraction images"),
    "Philips phase": (("ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"), "phase, real or"),
    "Philips imaginary": (("ORIGINAL", "PRIMARY", "I_FFE", "I", "FFE"), "phase, real or"),
    "Philips ADC": (("DERIVED", "PRIMARY", "ADC", "ADC", "UNSPECIFIED"), "derived map"),
    "Philips R2*": (("DERIVED", "PRIMARY", "R2_STAR", "R2_STAR"), "derived map"),
    "Philips fat fraction": (("DERIVED", "PRIMARY", "FF", "FF"), "derived map"),
}

KEPT = {
    "Siemens": ("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D", "FM3_2", "FIL"),
    "Siemens Dixon": ("DERIVED", "PRIMARY", "M", "DIXON", "WATER"),
    "GE": ("ORIGINAL", "PRIMARY", "OTHER"),
    "Philips": ("ORIGINAL", "PRIMARY", "M_SE", "M", "SE"),
    "Philips fat": ("DERIVED", "PRIMARY", "F", "F", "DERIVED"),
    "compressed with loss": ("DERIVED", "PRIMARY"),
    "nothing": (),
}


def images(kind: tuple[str, ...], **tags: str) -> list[Header]:
    return [header(ImageType=kind, **tags)] * 3


class TestImageType:
    @pytest.mark.parametrize("name", SET_ASIDE)
    def test_what_is_no_measurement(self, name: str) -> None:
        kind, what = SET_ASIDE[name]
        said = kind_set_aside(images(kind))
        assert said is not None
        assert said.what.startswith(what)
        assert said.reason

    @pytest.mark.parametrize("name", KEPT)
    def test_what_is_one(self, name: str) -> None:
        assert kind_set_aside(images(KEPT[name])) is None

    def test_a_mosaic_is_never_read_as_slices(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        kind = ("ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC")
        write_series(tmp_path, Made(series="2", te=80.0, image_type=kind))
        study = read(tmp_path)
        assert len(study.visits[0].series) == 1
        assert aside(study) == {"mosaic images": 5}


class TestOtherTags:
    @pytest.mark.parametrize(("said", "kept"), [("YES", False), ("NO", True), ("", True)])
    def test_text_burnt_in(self, tmp_path: Path, said: str, kept: bool) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0, tags={"BurnedInAnnotation": said}))
        found = plan(tmp_path)
        assert aside(found) == ({} if kept else {"images with text burnt in": 5})

    @pytest.mark.parametrize(
        ("tags", "kept"),
        [
            ({"DiffusionBValue": "800"}, False),
            ({"DiffusionBValue": "0", "ScanningSequence": "EP"}, False),
            ({"SeriesDescription": "AX DWI", "ScanningSequence": "EP"}, False),
            ({"SeriesDescription": "b 800", "ScanningSequence": "EP"}, False),
            ({"DiffusionBValue": "0", "ScanningSequence": "SE"}, True),
            ({"SeriesDescription": "DWI", "ScanningSequence": "SE"}, True),
            ({"SeriesDescription": "T2 EPI", "ScanningSequence": "EP"}, True),
        ],
    )
    def test_diffusion(self, tags: dict[str, str], kept: bool) -> None:
        said = kind_set_aside(images(("ORIGINAL", "PRIMARY", "OTHER"), **tags))
        assert (said is None) is kept
        assert said is None or said.what == "diffusion images"


class TestNames:
    @pytest.mark.parametrize(
        ("name", "what"),
        [
            ("T2MAP", "derived map"),
            ("SAG T2* MAP", "derived map"),
            ("R2_MAP", "derived map"),
            ("ADC (10^-6 mm2/s)", "derived map"),
            ("FatFrac: SAG IDEAL", "derived map"),
            ("PDFF", "derived map"),
            ("SUB 2-1", "subtraction images"),
            ("Subtraction", "subtraction images"),
            ("COR MIP", "projections (MIP)"),
            ("SUBTALAR JOINT", None),
            ("SAG PD FS", None),
            ("FAST PD", None),
            ("FAT PAD", None),
            ("WATER: T2", None),
        ],
    )
    def test_of_derived_images(self, name: str, what: str | None) -> None:
        said = kind_set_aside(images(("DERIVED", "PRIMARY"), SeriesDescription=name))
        assert (said.what if said else None) == what

    @pytest.mark.parametrize("name", ["T2MAP", "ADC", "SUB", "MIP"])
    def test_the_sources_of_a_map_carry_its_name(self, name: str) -> None:
        """As in the real knee: eight echoes of a GE series that is called T2MAP."""
        assert kind_set_aside(images(("ORIGINAL", "PRIMARY"), SeriesDescription=name)) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (("DERIVED", "SECONDARY", "MPR", "CSA MPR"), True),
        (("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"), True),
        (("DERIVED", "SECONDARY"), True),
        (("DERIVED", "PRIMARY", "MPR"), True),
        (("DERIVED", "SECONDARY", "COMPOSED"), True),
        (("DERIVED", "PRIMARY", "M"), False),
        (("ORIGINAL", "PRIMARY", "SECONDARY"), False),
        (("ORIGINAL",), False),
        ((), False),
    ],
)
def test_reformats(kind: tuple[str, ...], expected: bool) -> None:
    assert is_reformat(header(ImageType=kind)) is expected


@pytest.mark.parametrize(
    ("end", "what"),
    [
        ("7", "secondary captures"),
        ("7.4", "secondary captures"),
        ("77.1.1", "images of another modality"),
        ("4.2", "spectroscopy"),
        ("88.33", "structured reports"),
        ("104.1", "documents"),
        ("11.1", "display settings"),
        ("66", "raw data"),
        ("66.1", "raw data"),
        ("66.5", "other DICOM objects"),
        ("481.3", "contours or plans of radiotherapy"),
        ("9.1.1", "waveforms"),
        ("2", "images of another modality"),
        ("1.1.1", "images of another modality"),
        ("13.1.3", "images of another modality"),
        ("200.1", "other DICOM objects"),
        ("999", "other DICOM objects"),
    ],
)
def test_other_objects(end: str, what: str) -> None:
    said = not_mr(header(SOPClassUID=STORAGE + end))
    assert said.what == what
    assert said.reason


def test_an_object_of_nobody() -> None:
    assert not_mr(header(SOPClassUID="1.2.3")).what == "other DICOM objects"
