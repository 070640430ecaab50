"""Synthetic patients with known truth, written as real DICOM."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marrowtrail.phantom.family import Draw, Family
    from marrowtrail.phantom.patient import write_patient
    from marrowtrail.phantom.random_story import RANDOM, SERIAL
    from marrowtrail.phantom.scenario import scenario_names
    from marrowtrail.phantom.truth import PatientTruth, load_truth

__all__ = [
    "RANDOM",
    "SERIAL",
    "Draw",
    "Family",
    "PatientTruth",
    "load_truth",
    "scenario_names",
    "write_patient",
]

_HOMES = {
    "RANDOM": "random_story",
    "SERIAL": "random_story",
    "Draw": "family",
    "Family": "family",
    "PatientTruth": "truth",
    "load_truth": "truth",
    "scenario_names": "scenario",
    "write_patient": "patient",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (the names above have their own types)
    """Import a part when it is used: training needs tissues, on machines that lack DICOM."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
