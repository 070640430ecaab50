"""The ledger: what must be answered before the leading diagnosis is established.

It stands beside the arithmetic and never forces a probability. An alternative is excluded by
test when a rule of the ledger holds, or would be if a reader confirmed what the program alone has
found; supported when a sign of its own is present; unlikely when
the findings as a whole leave it little; otherwise open, with the test that would answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course_reading import Joint, joints_at
from marrowtrail.diagnosis.differential import LedgerLine, LedgerStatus
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.ledger_schema import Alternative, Condition
from marrowtrail.diagnosis.wording import capital, describe, percent
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Site
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

EXCLUDED_AT_MOST = 0.2
"""A test does not exclude what the findings as a whole still make this likely."""

UNCONFIRMED = "The program found this, and a reader has not confirmed it."


def ledger_for(
    lead: str, reading: Reading, closed_form: Floats, knowledge: Knowledge
) -> tuple[LedgerLine, ...]:
    """Every alternative to the leading diagnosis, in the order of the ledger."""
    must = next((m for m in knowledge.ledger.must_answer if m.lead == knowledge.groups[lead]), None)
    if must is None:
        return ()
    return tuple(
        _line(knowledge.alternative_of[a], reading, closed_form, knowledge)
        for a in must.alternatives
        if a not in knowledge.disease(lead)
    )


def _line(
    entry: Alternative, reading: Reading, closed_form: Floats, knowledge: Knowledge
) -> LedgerLine:
    probability = float(closed_form[knowledge.diagnoses.index(entry.diagnosis)])
    status, explanation = _answer(entry, probability, reading, knowledge)
    label = knowledge.labels[entry.diagnosis]
    return LedgerLine(entry.diagnosis, label, probability, status, explanation)


def _answer(
    entry: Alternative, probability: float, reading: Reading, knowledge: Knowledge
) -> tuple[LedgerStatus, str]:
    signs = _present(entry.supported_by, reading)
    if signs:
        return LedgerStatus.SUPPORTED, f"{_sentence(signs, knowledge)} {_because(entry)}"
    excluding = _excluding(entry, reading, knowledge)
    if excluding and probability <= EXCLUDED_AT_MOST:
        said = f"{_sentence(excluding, knowledge)} {_because(entry)}"
        if all(finding.is_confirmed for finding in excluding):
            return LedgerStatus.EXCLUDED_BY_TEST, said
        return LedgerStatus.EXCLUDED_IF_CONFIRMED, f"{said} {UNCONFIRMED}"
    if probability < entry.unlikely_below:
        return LedgerStatus.UNLIKELY, (
            f"The findings as a whole leave it {percent(probability)}, but no test excludes it. "
            f"{_because(entry)} {_tests(entry, knowledge)}"
        )
    found = _sentence(excluding, knowledge) + " " if excluding else ""
    return LedgerStatus.OPEN, f"{found}{_because(entry)} {_tests(entry, knowledge)}"


def _present(keys: Sequence[str], reading: Reading) -> list[Finding]:
    found = [reading.finding(key) for key in keys]
    return [f for f in found if f is not None and f.state is FindingState.PRESENT]


def _excluding(entry: Alternative, reading: Reading, knowledge: Knowledge) -> list[Finding]:
    """The findings of the first rule that holds as a whole; empty if none does."""
    for rule in entry.excluded_by:
        found = [_meets(condition, reading, knowledge) for condition in rule]
        if all(found):
            return [finding for held in found for finding in held]
    return []


def _meets(condition: Condition, reading: Reading, knowledge: Knowledge) -> list[Finding]:
    """The findings that meet a condition, or none; of healing a shorter time will do."""
    keys = [condition.finding]
    rules = knowledge.course.rules
    if rules.days_of(condition.finding) is not None and condition.state == "present":
        terms = [entry.finding for entry in rules.healed_by]
        keys = terms[: terms.index(condition.finding) + 1]
    for key in keys:
        found = reading.finding(key)
        if found is None or found.state.value != condition.state:
            continue
        if not _late_enough(found, condition, reading):
            return []
        if not _recent_enough(found, condition, reading):
            return []
        return _at_each_joint(found, reading) if condition.each_joint else [found]
    return []


def _recent_enough(found: Finding, condition: Condition, reading: Reading) -> bool:
    """Not much older than oedema at the last joint; what bears no date holds for the record."""
    latest = max((day for day in reading.joints_since.values() if day), default=None)
    if condition.within_days is None or found.visit is None or latest is None:
        return True
    return (latest - found.visit).days <= condition.within_days


def _at_each_joint(found: Finding, reading: Reading) -> list[Finding]:
    """The last reading at every joint that has shown oedema, or of the whole patient; else none."""
    if found.site is None:
        return [found]
    latest: dict[Joint, Finding] = {}
    same = [f for f in reading.known if f.key == found.key and f.state is found.state]
    for finding in sorted(same, key=lambda f: (f.visit or date.min, str(f.site))):
        if finding.site is None:
            return [finding]
        if len(joints_at(finding.site)) == 1:  # of a bone without its end nobody knows which joint
            latest |= dict.fromkeys(joints_at(finding.site), finding)
    if not reading.joints_since.keys() <= latest.keys():
        return []
    held = [latest[joint] for joint in reading.joints_since] or [found]
    return list(dict.fromkeys(sorted(held, key=lambda f: (f.visit or date.min, str(f.site)))))


def _late_enough(found: Finding, condition: Condition, reading: Reading) -> bool:
    if condition.after_days == 0:
        return True
    if found.visit is None or reading.first_oedema is None:
        return False
    return (found.visit - reading.first_oedema).days >= condition.after_days


def _sentence(findings: Sequence[Finding], knowledge: Knowledge) -> str:
    """What was found, where and when."""
    parts = [describe(f.key, f.state, knowledge) + _where_and_when(f) for f in findings]
    said = "; ".join(parts)
    return f"{capital(said)}."


def _where_and_when(finding: Finding) -> str:
    place = f" in the {_place(finding.site)}" if finding.site else ""
    day = f" on {finding.visit.day} {finding.visit:%B %Y}" if finding.visit else ""
    return place + day


def _place(site: Site) -> str:
    try:
        bone = vocabulary().bone(site.bone)
        name = bone.region(site.region).label if site.region else bone.label
    except UnknownWordError:
        name = site.bone.replace("_", " ")
    return f"{site.side.value} {name}" if site.side.value in ("left", "right") else name


def _because(entry: Alternative) -> str:
    return f"{capital(entry.reason)}."


def _tests(entry: Alternative, knowledge: Knowledge) -> str:
    labels = {test.key: test.label for test in knowledge.tests}
    named = [labels[key] for key in entry.tests]
    return f"Would answer it: {', '.join(named)}." if named else ""
