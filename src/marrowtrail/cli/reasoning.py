"""Reasoning on a case record alone, without images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from marrowtrail.diagnosis.audit import audit_sheet
from marrowtrail.diagnosis.differential import Differential
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose
from marrowtrail.diagnosis.weighing import weigh
from marrowtrail.record.case_file import read_case
from marrowtrail.record.case_findings import case_findings
from marrowtrail.record.findings import Finding
from marrowtrail.record.never_imaged import never_imaged
from marrowtrail.record.treatments import treatments_given


class View(StrEnum):
    """What of the record is weighed: what was known at the first visit, or all of it."""

    PRESENTATION = "presentation"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class Reasoned:
    """The differential of a case file, the audit sheet as CSV, and what to know of the record.

    ``unused`` names what gave no finding; ``notes`` what is used and still should be looked at, as
    findings about a place that was not imaged.
    """

    differential: Differential
    unused: tuple[str, ...]
    audit: str
    notes: tuple[str, ...] = ()


def reason_on(
    case_path: Path, setting: str, view: View = View.SERIAL, *, use_memory: bool = True
) -> Reasoned:
    """Weigh a case file, with or without the cells that are from memory alone.

    Raises
    ------
    InputError
        If the file cannot be read; the message names the lines.
    """
    case, knowledge = read_case(case_path), load_knowledge(use_memory=use_memory)
    reading = case_findings(case)
    as_of = _first_visit(reading.findings) if view is View.PRESENTATION else None
    known = [f for f in reading.findings if as_of is None or not f.visit or f.visit <= as_of]
    given = [t for t in treatments_given(case) if as_of is None or not t.start or t.start <= as_of]
    differential = diagnose(known, knowledge, setting=setting, given=given)
    audit = audit_sheet(weigh(known, knowledge, setting, given), knowledge, setting)
    unused = tuple(str(one) for one in reading.unused)
    return Reasoned(differential, unused, audit, never_imaged(case, known))


def _first_visit(findings: Sequence[Finding]) -> date | None:
    """First day on which anything was seen; else the first day that the record names."""
    seen = [f.visit for f in findings if f.visit is not None and f.site is not None]
    dated = [f.visit for f in findings if f.visit is not None]
    return min(seen or dated, default=None)
