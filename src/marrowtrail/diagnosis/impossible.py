"""What a record says of the course that cannot be: set apart before anything is weighed.

* A move or healing dated on or before the first scan with oedema: each needs an earlier scan. Where
  oedema was read without a date, that reading may be the earlier one.
* Gone by some months and still there after more, at one place: neither counts. Oedema that came
  back is entered as readings of oedema, each with its day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from marrowtrail.diagnosis.course_schema import CourseRules
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.record.findings import Finding, FindingState

P, A = FindingState.PRESENT, FindingState.ABSENT


def without_impossible(
    findings: Sequence[Finding], knowledge: Knowledge
) -> tuple[list[Finding], list[str]]:
    """The findings that can be, and a sentence for each thing that cannot."""
    rules, labels = knowledge.course.rules, knowledge.finding_labels
    too_early = _too_early(findings, rules)
    said = [_early(finding, labels[finding.key], first) for finding, first in too_early]
    kept = [f for f in findings if all(f is not early for early, _ in too_early)]
    gone_and_there = _gone_and_there(kept, rules)
    for gone, there in gone_and_there:
        said.append(
            f"{labels[gone.key]}; {labels[there.key]}: absent. Oedema that had gone by the one "
            f"cannot have lasted until the other, so neither counts; if it came back, enter "
            f"readings of oedema with their days"
        )
    both = [f for pair in gone_and_there for f in pair]
    return [f for f in kept if all(f is not one for one in both)], list(dict.fromkeys(said))


def _too_early(findings: Iterable[Finding], rules: CourseRules) -> list[tuple[Finding, date]]:
    """Findings of the course on or before the first scan with oedema, with its day."""
    known = list(findings)
    oedema = [f for f in known if f.key == "bme_present" and f.state is P]
    first = min((f.visit for f in oedema if f.visit), default=None)
    if first is None or any(f.visit is None for f in oedema):
        return []
    return [
        (f, first)
        for f in known
        if f.visit is not None
        and f.visit <= first
        and f.key in rules.findings
        and _claims(f, rules)
    ]


def _claims(finding: Finding, rules: CourseRules) -> bool:
    """Whether it says that time has passed: none seen so far is true on the first day, too."""
    if finding.state is FindingState.NOT_DONE:
        return False
    return finding.state is not A or rules.days_of(finding.key) is not None


def _early(finding: Finding, label: str, first: date) -> str:
    day = finding.visit.isoformat() if finding.visit else ""
    return (
        f"{label}: dated {day}, which is not after the first scan with oedema "
        f"({first.isoformat()}), so it does not count; correct the date, or enter the earlier "
        f"oedema with its own"
    )


def _gone_and_there(
    findings: Sequence[Finding], rules: CourseRules
) -> list[tuple[Finding, Finding]]:
    """Pairs of which one says gone by some days, and the other still there after more."""
    pairs = []
    for gone in findings:
        by = rules.days_of(gone.key)
        if by is None or gone.state is not P:
            continue
        for there in findings:
            after = rules.days_of(there.key)
            if after is None or there.state is not A or after <= by:
                continue
            if gone.site == there.site or None in (gone.site, there.site):
                pairs.append((gone, there))
    return pairs
