"""Patients for tests of the whole job: one synthetic, and masks for the real knee."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from marrowtrail.cli import main
from marrowtrail.imaging.plan import plan_folder


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str


def marrowtrail(*arguments: str | Path) -> Ran:
    """Run the program as a user does."""
    command = [sys.executable, "-m", "marrowtrail", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def in_this_process(*arguments: str | Path) -> Ran:
    """The same without starting Python, which takes longer than refusing what cannot be used."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["marrowtrail", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def result_of(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def strip_descriptions(folder: Path) -> None:
    """Take every free text out of a tree of DICOM files."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        ds = pydicom.dcmread(path)
        for name in ("SeriesDescription", "ProtocolName", "StudyDescription", "StudyID"):
            if name in ds:
                setattr(ds, name, "")
        ds.PatientName, ds.PatientID = "Nobody", "0"
        ds.save_as(path)


def add_bone_masks(folder: Path) -> None:
    """Ellipsoids in femur and tibia of the real knee, as a DICOM SEG beside its first echo."""
    planned = plan_folder(folder).visits[0].series[0]
    source = [pydicom.dcmread(header.path) for header in planned.stack.headers]
    columns, rows, slices = planned.stack.geometry.shape
    k, j, i = np.meshgrid(np.arange(slices), np.arange(rows), np.arange(columns), indexing="ij")
    masks = [
        ((i - ci) / 32) ** 2 + ((j - cj) / 30) ** 2 + ((k - 12) / 8) ** 2 < 1
        for ci, cj in ((128, 100), (140, 195))
    ]
    pixels = np.stack(masks, axis=-1).astype(np.uint8)
    segments = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"right {code.meaning.lower()}",
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=code,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, code in enumerate((codes.SCT.Femur, codes.SCT.Tibia), start=1)
    ]
    for ds in source:
        for name in ("PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
            if name not in ds:
                setattr(ds, name, "")
    segmentation = hd.seg.Segmentation(
        source_images=source,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=hd.UID(),
        series_number=99,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
    )
    segmentation.save_as(folder / "bones.dcm")
