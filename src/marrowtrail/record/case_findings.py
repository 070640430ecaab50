"""The case as findings.

Each rule of the table gathers what the entries say about its finding, in the order in
which it became known, and states a finding whenever what is known changes: absent at one
date, present from a later one. *Present* outweighs *equivocal*, that outweighs *absent*,
and that outweighs *not done*: what was once seen is not unseen by a later normal result,
which is listed as unused instead. A key that the case leaves out gives no finding at all.

What a reader states under ``findings:`` is taken as it stands, and in place of what a rule
would derive for the same key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.record.case import Case
from marrowtrail.record.case_entries import Entry, case_entries
from marrowtrail.record.case_mapping import CaseMapping, Rule, case_mapping
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.symptom_course import course_entries
from marrowtrail.record.vocabulary import vocabulary

NO_STATE = "no state is given, and none follows from the values given"
WEIGHT = {
    FindingState.NOT_DONE: 0,
    FindingState.ABSENT: 1,
    FindingState.EQUIVOCAL: 2,
    FindingState.PRESENT: 3,
}


@dataclass(frozen=True, slots=True)
class UnusedEntry:
    """Something in the case that gave no finding, and why."""

    place: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} ({self.text}): {self.reason}"


@dataclass(frozen=True, slots=True)
class CaseReading:
    """What a case says in findings, and what it says that no finding takes up."""

    findings: tuple[Finding, ...]
    unused: tuple[UnusedEntry, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry and what it says about one finding (``None``: nothing)."""

    entry: Entry
    state: FindingState | None


def case_findings(case: Case, *, presentation: date | None = None) -> CaseReading:
    """The findings of a case, in the order of the table, then those a reader entered.

    Parameters
    ----------
    case
        The record.
    presentation
        Date of the first imaging visit, for the duration of complaints; without it, the
        earliest of ``case.visits``.
    """
    if presentation is None and case.visits:
        presentation = min(visit.date for visit in case.visits)
    entries = (*case_entries(case, presentation), *course_entries(case))
    entered = tuple(entry.as_finding() for entry in case.findings)
    stated = {finding.key for finding in entered}
    mapping = case_mapping()
    derived: list[Finding] = []
    verdicts: dict[str, list[str | None]] = {entry.place: [] for entry in entries}
    for rule in mapping.rules:
        said = _said(rule, entries)
        findings = () if rule.finding in stated else _timeline(rule, said)
        derived += findings
        for one in said:
            verdict = _verdict(rule, one, findings, rule.finding in stated)
            verdicts[one.entry.place].append(verdict)
    return CaseReading((*derived, *entered), _unused(entries, verdicts, mapping))


def _said(rule: Rule, entries: Iterable[Entry]) -> tuple[_Said, ...]:
    """What the entries say about the finding of a rule, in order of becoming known."""
    said = [
        _Said(entry, source.state_of(entry))
        for entry in entries
        if (source := rule.source(entry.address)) is not None
    ]
    return tuple(sorted(said, key=lambda one: one.entry.day or date.min))


def _timeline(rule: Rule, said: Sequence[_Said]) -> tuple[Finding, ...]:
    """A finding for each date at which the state of knowledge changes."""
    findings: list[Finding] = []
    for day in sorted({one.entry.day or date.min for one in said}):
        known = [one for one in said if (one.entry.day or date.min) <= day]
        state = _standing(rule, known)
        if state is None or (findings and findings[-1].state is state):
            continue
        findings.append(_finding(rule, state, known, None if day == date.min else day))
    return tuple(findings)


def _standing(rule: Rule, known: Sequence[_Said]) -> FindingState | None:
    """What is known of a finding, all entries so far together."""
    states = [one.state for one in known if one.state is not None]
    best = max(states, key=lambda state: WEIGHT[state], default=None)
    if best is not FindingState.ABSENT or _absence_shown(rule, known):
        return best
    return FindingState.NOT_DONE if FindingState.NOT_DONE in states else None


def _absence_shown(rule: Rule, known: Sequence[_Said]) -> bool:
    if rule.absence == "never":
        return False
    denied = {one.entry.address for one in known if one.state is FindingState.ABSENT}
    required = {source.entry for source in rule.sources}
    return bool(denied) if rule.absence == "any" else denied == required


def _finding(rule: Rule, state: FindingState, known: Sequence[_Said], day: date | None) -> Finding:
    deciding = [one.entry for one in known if one.state is state]
    texts = dict.fromkeys(entry.text for entry in deciding)
    authors = {entry.entered_by for entry in deciding}
    return Finding(
        key=rule.finding,
        state=state,
        visit=day,
        reason=deciding[0].reason,
        explanation="; ".join(texts),
        entered_by=deciding[0].entered_by if len(authors) == 1 else "case.yaml",
    )


def _verdict(rule: Rule, one: _Said, findings: Sequence[Finding], is_stated: bool) -> str | None:
    """Why an entry did not count for the finding of a rule; ``None`` when it did."""
    label = vocabulary().finding(rule.finding).label
    if is_stated:
        return f"findings: states “{label}” itself"
    if one.state is None:
        has_state = one.entry.word is not None or one.entry.number is not None
        return f"says nothing about “{label}”" if has_state else NO_STATE
    if any(finding.state is one.state for finding in findings):
        return None
    return _outweighed(rule, one.state, label, bool(findings))


def _outweighed(rule: Rule, state: FindingState, label: str, is_known: bool) -> str:
    if state is FindingState.ABSENT and rule.absence == "never":
        return f"speaks only for “{label}”, not against it"
    if state is FindingState.ABSENT and not is_known:
        return f"“{label}” is absent only when all its parts are; not all were reported"
    return f"what else is known of “{label}” outweighs it"


def _unused(
    entries: Iterable[Entry], verdicts: dict[str, list[str | None]], mapping: CaseMapping
) -> tuple[UnusedEntry, ...]:
    unused: list[UnusedEntry] = []
    for entry in entries:
        reasons = verdicts[entry.place]
        if reasons and None in reasons:
            continue
        reason = reasons[0] if reasons else mapping.reason_unmapped(entry.address)
        if reason is not None:
            unused.append(UnusedEntry(entry.place, entry.text, reason))
    return tuple(unused)
