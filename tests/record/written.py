"""Helpers: a case written as text, read the way a user's file is read."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, settings

from marrowtrail.record.case import Case
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import CaseReading, case_findings
from marrowtrail.record.findings import Finding

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Of hypothesis: the first example loads the vocabularies, and a test writes one file anew."""
TODAY = date(2024, 6, 1)


def written(folder: Path, text: str) -> Path:
    """A ``case.yaml`` with this text."""
    path = folder / "case.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def case_of(folder: Path, text: str) -> Case:
    """The case that the text describes."""
    return read_case(written(folder, text), today=TODAY)


def reading_of(folder: Path, text: str, presentation: date | None = None) -> CaseReading:
    """What the text says in findings."""
    return case_findings(case_of(folder, text), presentation=presentation)


def states(reading: CaseReading) -> dict[str, str]:
    """The last state of each finding."""
    return {finding.key: finding.state.value for finding in reading.findings}


def of_key(reading: CaseReading, key: str) -> tuple[Finding, ...]:
    """All findings of one key."""
    return tuple(finding for finding in reading.findings if finding.key == key)
