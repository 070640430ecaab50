"""Reasoning on a case record alone, without images."""

from __future__ import annotations

from pathlib import Path

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import case_findings


def reason_on(case_path: Path, setting: str) -> tuple[Differential, tuple[str, ...]]:
    """The differential of a case file, and what of it gave no finding.

    Raises
    ------
    InputError
        If the file cannot be read; the message names the lines.
    """
    reading = case_findings(read_case(case_path))
    differential = diagnose(reading.findings, load_knowledge(), setting=setting)
    return differential, tuple(str(one) for one in reading.unused)
