"""Oedema of real patients against readers' masks.

Reads one folder a patient: ``stir.nii.gz``, ``t1.nii.gz``, ``bone.nii.gz`` (a region mask) and
``oedema-reader{1,2}-read{1,2}.nii.gz``. A patient without readers is measured and not scored.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from marrowtrail.errors import InputError
from marrowtrail.evaluation.overlap import dice
from marrowtrail.imaging.nifti import NiftiBones, NiftiSeries, NiftiVisit, read_volume
from marrowtrail.imaging.series import Weighting
from marrowtrail.imaging.study import read_study
from marrowtrail.pipeline import measure
from marrowtrail.record.sites import Side

RANGE_WIDENED = 0.1
"""A volume counts as within the readers' range if it lies in it widened by a tenth."""

_BONES = {"1": {"bone": "sacroiliac_bones", "side": "midline"}}
_ANY_DAY = date(2000, 1, 1)
_READ = re.compile(r"oedema-reader(\d)-read\d\.nii\.gz")


class PatientScore(BaseModel):
    """One patient: volumes, and Dice against each read."""

    model_config = ConfigDict(frozen=True)

    volume_mm3: float
    volume_low_mm3: float
    volume_high_mm3: float
    reader_volumes_mm3: tuple[float, ...]
    dice: tuple[float, ...]
    mean_dice: float | None
    volume_in_range: bool | None


class OedemaScores(BaseModel):
    """All patients. Means are over patients with readers."""

    model_config = ConfigDict(frozen=True)

    mean_dice: float | None
    inter_reader_dice: float | None
    volume_in_range: float | None
    patients: dict[str, PatientScore]


def score_oedema(data: Path, say: Callable[[str], None] = lambda _: None) -> OedemaScores:
    """Measure every patient of a folder and compare with its readers.

    Raises
    ------
    InputError
        If no patient is there.
    """
    folders = sorted(one.parent for one in data.glob("*/stir.nii.gz"))
    if not folders:
        raise InputError(
            "Expected one folder a patient with stir.nii.gz and bone.nii.gz; found none.",
            where=str(data),
            remedy="name a folder of that layout",
        )
    patients, between = {}, list[float]()
    for folder in folders:
        say(f"measuring {folder.name}")
        patients[folder.name], agreement = _score_patient(folder)
        between.extend(agreement)
    scored = [one for one in patients.values() if one.mean_dice is not None]
    return OedemaScores(
        mean_dice=_mean([one.mean_dice for one in scored if one.mean_dice is not None]),
        inter_reader_dice=_mean(between),
        volume_in_range=_mean([float(bool(one.volume_in_range)) for one in scored]),
        patients=patients,
    )


def _score_patient(folder: Path) -> tuple[PatientScore, list[float]]:
    found, volume = _measured(folder)
    reads = _reads(folder)
    voxel_mm3 = read_volume(folder / "stir.nii.gz").geometry.voxel_mm3
    volumes = tuple(float(np.count_nonzero(mask)) * voxel_mm3 for _, mask in reads)
    scores = tuple(round(dice(found, mask), 4) for _, mask in reads)
    score = PatientScore(
        volume_mm3=volume[0],
        volume_low_mm3=volume[1],
        volume_high_mm3=volume[2],
        reader_volumes_mm3=volumes,
        dice=scores,
        mean_dice=_mean(list(scores)),
        volume_in_range=_in_range(volume[0], volumes),
    )
    between = [dice(a, b) for (i, a), (j, b) in combinations(reads, 2) if i != j]
    return score, between


def _measured(folder: Path) -> tuple[NDArray[np.bool_], tuple[float, float, float]]:
    """All oedema found, and its volume with its interval."""
    with tempfile.TemporaryDirectory(prefix="marrowtrail-labels-") as temporary:
        labels = Path(temporary) / "labels.json"
        labels.write_text(json.dumps(_BONES), encoding="utf-8")
        series = [_series(folder / "stir.nii.gz", Weighting.STIR, suppressed=True)]
        if (folder / "t1.nii.gz").is_file():
            series.append(_series(folder / "t1.nii.gz", Weighting.T1, suppressed=False))
        bones = NiftiBones(folder / "bone.nii.gz", labels)
        study = read_study(folder, [NiftiVisit(_ANY_DAY, tuple(series), bones)])
    measured = measure(study, lambda _: None)
    found = np.zeros(study.visits[0].series[0].volume.geometry.shape, dtype=bool)
    for lesion in measured.lesions.values():
        found |= np.asarray(lesion.mask.data)
    estimates = [lesion.volume for lesion in measured.lesions.values()]
    return found, (
        sum(one.mm3 for one in estimates),
        sum(one.low_mm3 for one in estimates),
        sum(one.high_mm3 for one in estimates),
    )


def _series(file: Path, weighting: Weighting, *, suppressed: bool) -> NiftiSeries:
    return NiftiSeries(file, "sacroiliac", Side.MIDLINE, weighting, suppressed)


def _reads(folder: Path) -> list[tuple[str, NDArray[np.bool_]]]:
    """(reader, mask) of each read."""
    reads = []
    for path in sorted(folder.glob("oedema-reader*.nii.gz")):
        match = _READ.fullmatch(path.name)
        if match:
            reads.append((match[1], np.asarray(read_volume(path).data) > 0))
    return reads


def _in_range(volume: float, volumes: tuple[float, ...]) -> bool | None:
    if not volumes:
        return None
    low, high = min(volumes) * (1 - RANGE_WIDENED), max(volumes) * (1 + RANGE_WIDENED)
    return low <= volume <= high


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
