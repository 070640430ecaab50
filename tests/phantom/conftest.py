"""A small patient, written once: two visits of a left knee on coarse grids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

from marrowtrail.phantom import PatientTruth, write_patient
from marrowtrail.phantom.scenario import Scenario, parse_scenario

SMALL_SCENARIO = """
key: small
title: Two visits of a left knee
sex: M
age: 50
sides: [left]
visits:
  - {after_days: 0, exams: [knee]}
  - {after_days: 90, exams: [knee]}
lesions:
  - key: plateau
    joint: knee
    bone: tibia
    region: lateral_plateau
    towards: superior
    radius_mm: 13
    course: [1.0, 0.9]
imaging:
  matrix: [112]
  thickness_mm: 4.0
  turn_deg: [-8, 8]
  flexion_deg: [0, 12]
  fov_mm: [140, 150]
  laterality: [coded]
  slice_order: [ascending]
  spacing_tag: [centres]
  positions: [FFS]
case:
  onset: {date: {visit: 1, days: [-9, -5]}, manner: acute}
  pain:
    - {joint: knee, side: {drawn: side}, from: {visit: 1, days: -4}, on_loading: present}
"""

SEED = 7


@dataclass(frozen=True)
class Written:
    folder: Path
    truth: PatientTruth
    images: dict[str, list[Dataset]]
    masks: dict[str, Dataset]
    """By the UID of the series they were drawn on."""


@pytest.fixture(scope="session")
def small_scenario() -> Scenario:
    return parse_scenario(SMALL_SCENARIO, where="the test's scenario")


@pytest.fixture(scope="session")
def small(small_scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("small")
    truth = write_patient(small_scenario, folder, seed=SEED)
    images: dict[str, list[Dataset]] = {}
    masks: dict[str, Dataset] = {}
    for path in sorted((folder / "dicom").rglob("*.dcm")):
        data = pydicom.dcmread(path)
        if data.Modality == "SEG":
            masks[data.ReferencedSeriesSequence[0].SeriesInstanceUID] = data
        else:
            images.setdefault(data.SeriesInstanceUID, []).append(data)
    return Written(folder, truth, images, masks)
