"""Synthetic patients with known truth, written as real DICOM."""

from marrowtrail.phantom.family import Draw, Family
from marrowtrail.phantom.patient import write_patient
from marrowtrail.phantom.random_story import RANDOM
from marrowtrail.phantom.scenario import scenario_names
from marrowtrail.phantom.truth import PatientTruth, load_truth

__all__ = [
    "RANDOM",
    "Draw",
    "Family",
    "PatientTruth",
    "load_truth",
    "scenario_names",
    "write_patient",
]
