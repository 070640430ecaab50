"""What is true of a real series with lesions laid into it, as ``truth.json`` says it.

Points are LPS millimetres. Nothing names the patient or the files that the series came from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from marrowtrail.errors import InputError

TRUTH_FILE = "truth.json"


class Part(BaseModel):
    """Base of every part: frozen, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImplantedLesion(Part):
    """One lesion. ``value`` is its value in the label map ``lesions.nii.gz``.

    ``water`` is the share of marrow that water replaces in its middle, ``edge_mm`` the width of
    its edge from 10 to 90 %, ``contrast`` how far its middle lies from marrow on the series that
    shows it best, in deviations of that marrow from voxel to voxel; ``difficulty`` follows from
    contrast and volume, 0 (large and plain) to 1.
    """

    value: int
    centre_lps: tuple[float, float, float]
    axes_mm: tuple[float, float, float]
    volume_mm3: float
    water: float
    edge_mm: float
    profile: str
    contrast: float
    difficulty: float


class ImplantedSeries(Part):
    """How one series shows them: ``ratio`` is pure oedema over normal marrow.

    ``fluid_sensitive`` is whether oedema may be claimed from the series: fat is suppressed and
    water bright. On any other series it is darker than marrow, and so is much else.
    """

    file: str
    weighting: str
    fat_suppressed: bool
    fluid_sensitive: bool
    ratio: float


class ImplantTruth(Part):
    """All that is true of one series set with implants. Only the lesions are synthetic."""

    schema_version: Literal["1.0"] = "1.0"
    lesions_synthetic: Literal[True] = True
    images_synthetic: Literal[False] = False
    seed: int
    difficulty: float
    lesions: tuple[ImplantedLesion, ...]
    series: tuple[ImplantedSeries, ...]


def write_implant_truth(truth: ImplantTruth, folder: Path) -> None:
    """Write ``truth.json`` into a folder."""
    text = json.dumps(truth.model_dump(mode="json"), indent=1) + "\n"
    (folder / TRUTH_FILE).write_text(text, encoding="utf-8")


def load_implant_truth(folder: Path) -> ImplantTruth:
    """The truth of a folder that :func:`marrowtrail.phantom.implants.patient.implant` wrote.

    Raises
    ------
    InputError
        If there is none.
    """
    path = folder / TRUTH_FILE
    if not path.is_file():
        raise InputError(
            "Expected truth.json beside the images, found none.",
            where="the patient's folder",
            remedy="Point to a folder that `marrowtrail implant` wrote.",
        )
    return ImplantTruth.model_validate_json(path.read_text(encoding="utf-8"))
