"""Which measured lesion is which true one, and how they agree: one synthetic patient at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marrowtrail.errors import InputError
from marrowtrail.evaluation.overlap import dice
from marrowtrail.imaging.nifti import read_label_values
from marrowtrail.lesions.lesion import Lesion
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import SeriesTruth
from marrowtrail.result.inputs import Measured

LARGE_MM3 = 500.0
"""Lesions above half a millilitre are scored by Dice; smaller ones are a few voxels."""

FOUND_MM3 = 300.0
"""Lesions above this are counted as found or missed, and as false where there are none."""


def patients_in(folder: Path) -> list[Path]:
    """The synthetic patients below a folder, by path.

    Raises
    ------
    InputError
        If none has a ``truth/truth.json``.
    """
    patients = sorted(path.parents[1] for path in folder.rglob("truth/truth.json"))
    if not patients:
        raise InputError(
            "Expected patients with truth/truth.json; found none.",
            where=str(folder),
            remedy="write some with `marrowtrail phantom`",
        )
    return patients


@dataclass(frozen=True, slots=True)
class LesionAgreement:
    """Dice of each large true lesion, lesions found of those there, and false ones.

    ``covered`` says for each found lesion whether the interval of its volume holds the truth.
    ``identity`` maps measured lesion ids to true ones.
    """

    dice: tuple[float, ...]
    found: int
    there: int
    false: int
    covered: tuple[bool, ...]
    identity: dict[str, str]


def agree(measured: Measured, truth: PatientTruth, patient: Path) -> LesionAgreement:
    """Compare lesions series by series."""
    volumes = {lesion.id: lesion.volume_mm3 for lesion in truth.lesions}
    uids = {one.id: one.source_uid for v in measured.study.visits for one in v.series}
    scores, covered = list[float](), list[bool]()
    identity: dict[str, str] = {}
    false = 0
    for series in truth.series:
        lesions = [
            one for one in measured.lesions.values() if uids[one.series_id] == series.series_uid
        ]
        true = true_masks(series, patient)
        for lesion in lesions:
            name = _same(lesion, true)
            if name is not None:
                identity[lesion.id] = name
            elif lesion.volume.mm3 >= FOUND_MM3:
                false += 1
        for name, mask in true.items():
            mine = [one for one in lesions if identity.get(one.id) == name]
            if volumes[name] >= LARGE_MM3:
                scores.append(_dice(mine, mask))
            if mine and volumes[name] >= FOUND_MM3:
                low = sum(one.volume.low_mm3 for one in mine)
                high = sum(one.volume.high_mm3 for one in mine)
                covered.append(low <= volumes[name] <= high)
    there = {name for name, volume in volumes.items() if volume >= FOUND_MM3}
    found = there & set(identity.values())
    return LesionAgreement(tuple(scores), len(found), len(there), false, tuple(covered), identity)


def true_masks(series: SeriesTruth, patient: Path) -> dict[str, NDArray[np.bool_]]:
    """The true lesions of a series by their id, as masks on its grid."""
    if series.lesion_labels is None:
        return {}
    labels = read_label_values(patient / series.lesion_labels)
    return {one.name: labels == one.value for one in series.lesion_names}


def _same(lesion: Lesion, true: dict[str, NDArray[np.bool_]]) -> str | None:
    """The true lesion that shares most with a measured one."""
    mine = np.asarray(lesion.mask.data)
    shared = {name: int(np.count_nonzero(mine & mask)) for name, mask in true.items()}
    best = max(shared, key=lambda name: (shared[name], name), default=None)
    return best if best is not None and shared[best] else None


def _dice(mine: list[Lesion], mask: NDArray[np.bool_]) -> float:
    found = np.zeros_like(mask)
    for lesion in mine:
        found |= np.asarray(lesion.mask.data)
    return dice(found, mask)
