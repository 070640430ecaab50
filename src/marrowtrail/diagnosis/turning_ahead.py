"""What a later scan may show of the course that would put another disease first.

A move, and oedema that has gone or stays, cannot be found today: waiting shows them. So each is
asked of the scans that the tests list, the earliest that would turn the ranking, and the record is
weighed again with that scan as if it had been made. Its chance is that of the course given what was
seen, as for the information of the same test. Without dates nobody can say on which day a later
scan falls, and nothing is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from marrowtrail.diagnosis.bars import leading_diseases
from marrowtrail.diagnosis.course_ahead import labels_ahead, outcomes_ahead, still_to_see
from marrowtrail.diagnosis.course_reading import first_places
from marrowtrail.diagnosis.differential import Turn
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.ledger_schema import Test
from marrowtrail.diagnosis.weighing import Weighing, weigh
from marrowtrail.diagnosis.wording import describe
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Site

P, A = FindingState.PRESENT, FindingState.ABSENT

HEALED = {P: "oedema gone from its first place", A: "oedema still at its first place"}
"""A later scan sees the place, not the days within which the words of the record ask for it."""


@dataclass(frozen=True, slots=True)
class _Scan:
    """A scan to come: what shows one finding of the course in a state on its day."""

    test: Test
    finding: str
    state: FindingState
    day: date


def turns_ahead(
    case: Weighing, findings: Sequence[Finding], knowledge: Knowledge, setting: str
) -> tuple[Turn, ...]:
    """Outcomes of a later scan that would put another disease first, the earliest of each kind."""
    first = case.reading.first_oedema
    if first is None:
        return ()
    before = leading_diseases(case.closed_form, knowledge, count=1)[0]
    mine = knowledge.disease(knowledge.diagnoses[before])
    places = first_places(findings, first)
    found: dict[tuple[str, FindingState], Turn] = {}
    for scan in _scans(case, first, knowledge):
        kind = (_event(scan.finding, knowledge), scan.state)
        shown = _shown(scan, places, knowledge)
        if kind in found or not shown:
            continue
        after = weigh([*findings, *shown], knowledge, setting, case.given).closed_form
        lead = knowledge.diagnoses[leading_diseases(after, knowledge, count=1)[0]]
        if lead not in mine:
            rows = [knowledge.diagnoses.index(d) for d in knowledge.disease(lead)]
            chance = _chance(scan, case, knowledge)
            found[kind] = Turn(
                scan.finding,
                scan.state,
                _words(scan, knowledge),
                lead,
                knowledge.labels[lead],
                float(after[rows].sum()),
                chance,
            )
    return tuple(found.values())


def _scans(case: Weighing, first: date, knowledge: Knowledge) -> Iterator[_Scan]:
    """Scans that the tests list, the earliest first, with what each may still show."""
    seen = [f.key for f in case.reading.states if f.state is P]
    last = first + timedelta(days=case.reading.course.followed_days)
    for test in sorted(knowledge.tests, key=lambda t: t.after_days):
        asked = still_to_see(test.findings, seen, knowledge.course) if test.after_days else []
        for finding in asked:
            for state in (P, A):
                yield _Scan(test, finding, state, last + timedelta(days=test.after_days))


def _event(finding: str, knowledge: Knowledge) -> str:
    """Findings that name one event by different days are one."""
    return "healed" if knowledge.course.rules.days_of(finding) is not None else finding


def _shown(scan: _Scan, places: frozenset[Site], knowledge: Knowledge) -> list[Finding]:
    """What the record would hold after the scan; of healing, a reading of the first places."""
    if _event(scan.finding, knowledge) != "healed":
        return [Finding(scan.finding, scan.state, None, scan.day)]
    oedema = A if scan.state is P else P
    ordered = sorted(places, key=str)
    return [Finding("bme_present", oedema, place, scan.day) for place in ordered]


def _chance(scan: _Scan, case: Weighing, knowledge: Knowledge) -> float:
    """Chance of that outcome on that day, given what was seen so far."""
    course, sightings = knowledge.course, case.reading.course
    days, error = float(scan.test.after_days), knowledge.reading_error[scan.finding]
    later = labels_ahead(case.closed_form, sightings, course, knowledge.diagnoses, days)
    there, not_there = outcomes_ahead(
        [scan.finding], sightings, course, knowledge.diagnoses, days, error
    )
    is_healing = _event(scan.finding, knowledge) == "healed"
    # of healing the first outcome is oedema, which is the finding's absence
    outcome = there if (scan.state is P) != is_healing else not_there
    return float(later @ outcome)


def _words(scan: _Scan, knowledge: Knowledge) -> str:
    said = (
        HEALED[scan.state]
        if _event(scan.finding, knowledge) == "healed"
        else describe(scan.finding, scan.state, knowledge)
    )
    return f"{said} ({scan.test.label})"
