"""The case as a flat list of entries, each with an address that a rule can name.

``laboratory.crp`` with the word ``raised``, ``pain.on_loading`` with ``present``,
``patient.age`` with the number 45: what they mean for a finding is not decided here but in
``vocabularies/case_findings.yaml``. Two things that no single key says are worked out
first, in :mod:`marrowtrail.record.symptom_course`: whether an earlier episode was at
another site, and whether pain has moved.

Texts of entries hold no dates: dates stand in a field of their own, which can be left out
of an output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from marrowtrail.record.case import Case
from marrowtrail.record.case_parts import Pain, Statement
from marrowtrail.record.case_words import case_words
from marrowtrail.record.finding_entry import CASE_FILE
from marrowtrail.record.findings import NotDoneReason
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

OLDEST_TOLD = 89
"""Ages above 89 identify a person (45 CFR 164.514(b)(2)(i)(C)); a text says "90 or older"."""
PAIN_SIGNS = {
    "on_loading": "pain on loading",
    "at_rest": "pain at rest",
    "at_night": "pain at night",
    "morning_stiffness": "morning stiffness",
    "unable_to_bear_weight": "unable to bear weight",
}
STATEMENTS = {
    "trauma": "trauma",
    "overuse": "overuse or change of training",
    "fever": "fever",
    "swelling": "swelling",
    "weight_loss": "weight loss",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that the case says.

    Parameters
    ----------
    address
        What it is about, as ``laboratory.crp``.
    place
        Where it stands, as ``laboratory[1]``.
    text
        The same in words, without dates.
    word
        What is said, as ``raised``; ``None`` when the entry leaves it open.
    number
        For entries that are numbers (years, days).
    day
        From when it is known; ``None`` for what was known from the start.
    reason
        Why it was not done.
    entered_by
        ``case.yaml`` or ``reader``.
    """

    address: str
    place: str
    text: str
    word: str | None = None
    number: float | None = None
    day: date | None = None
    reason: NotDoneReason | None = None
    entered_by: str = CASE_FILE


def case_entries(case: Case, presentation: date | None) -> tuple[Entry, ...]:
    """Everything the case says in single keys, in the order of the format."""
    return (
        *_patient(case),
        *_onset(case, presentation),
        *_pain(case),
        *_statements(case),
        *_named(case),
        *_laboratory(case),
        *_density(case),
        *_structures(case),
        *_treatments(case),
    )


def known_addresses() -> frozenset[str]:
    """Every address that an entry can have, so that a rule cannot name another."""
    words = case_words()
    return frozenset(
        (
            *("patient.age", "patient.sex", "patient.pregnancy", "dxa"),
            *("onset.manner", "onset.duration_days"),
            *(f"earlier_episodes.{what}" for what in ("other_site", "same_site", "undetermined")),
            "pain.moved",
            *(f"pain.{sign}" for sign in PAIN_SIGNS),
            *STATEMENTS,
            *(f"risk_factors.{key}" for key in words.keys("risk_factors")),
            *(f"comorbidities.{key}" for key in words.keys("comorbidities")),
            *(f"laboratory.{key}" for key in words.keys("laboratory")),
            *(f"treatments.{word.treatment_class}" for word in words.treatments),
            *(f"structures.{t}.{word.key}" for word in words.changes for t in word.tissues),
        )
    )


def joint_text(joint: str, side: Side) -> str:
    """A joint in words, as ``right knee``."""
    label = vocabulary().joint(joint).label
    return label if side is Side.UNKNOWN else f"{side.value} {label}"


def pain_text(pain: Pain) -> str:
    """The joint that hurts, in words."""
    return joint_text(pain.joint, pain.side)


def _patient(case: Case) -> Iterator[Entry]:
    patient = case.patient
    if patient.age is not None:
        text = f"age {patient.age} years" if patient.age <= OLDEST_TOLD else "age 90 or older"
        yield Entry("patient.age", "patient.age", text, number=patient.age)
    if patient.sex is not None:
        text = "man" if patient.sex == "M" else "woman"
        yield Entry("patient.sex", "patient.sex", text, word=patient.sex)
    if patient.pregnancy is not None:
        state = patient.pregnancy.state
        text = state.replace("_", " ")
        yield Entry("patient.pregnancy", "patient.pregnancy", text, word=state)


def _onset(case: Case, presentation: date | None) -> Iterator[Entry]:
    onset = case.onset
    if onset is None:
        return
    if onset.manner is not None:
        text = f"{onset.manner} onset"
        yield Entry("onset.manner", "onset.manner", text, word=onset.manner)
    days, place = onset.duration_days, "onset.duration_days"
    if days is None and onset.date and presentation and onset.date <= presentation:
        days, place = (presentation - onset.date).days, "onset.date"
    if days is not None:
        text = f"complaints for {days} days at the first visit"
        yield Entry("onset.duration_days", place, text, number=days)


def _pain(case: Case) -> Iterator[Entry]:
    for index, pain in enumerate(case.pain):
        for sign, label in PAIN_SIGNS.items():
            if (state := getattr(pain, sign)) is not None:
                yield Entry(
                    f"pain.{sign}",
                    f"pain[{index}].{sign}",
                    f"{label} of the {pain_text(pain)}: {state.value}",
                    word=state.value,
                    day=pain.start,
                )


def _statements(case: Case) -> Iterator[Entry]:
    for key, label in STATEMENTS.items():
        statement: Statement | None = getattr(case, key)
        if statement is not None:
            yield _stated(key, key, label, statement)


def _named(case: Case) -> Iterator[Entry]:
    words = case_words()
    for index, risk in enumerate(case.risk_factors):
        label = words.label("risk_factors", risk.name)
        yield _stated(f"risk_factors.{risk.name}", f"risk_factors[{index}]", label, risk)
    for index, illness in enumerate(case.comorbidities):
        label = words.label("comorbidities", illness.name)
        address, place = f"comorbidities.{illness.name}", f"comorbidities[{index}]"
        yield _stated(address, place, label, illness)


def _stated(address: str, place: str, label: str, statement: Statement) -> Entry:
    text = f"{label}: {_readable(statement.state.value)}"
    return Entry(address, place, text, word=statement.state.value, reason=statement.reason)


def _laboratory(case: Case) -> Iterator[Entry]:
    for index, result in enumerate(case.laboratory):
        label = case_words().label("laboratory", result.name)
        word = result.state or result.measured_state
        text = f"{label}: {_readable(word)}"
        address, place = f"laboratory.{result.name}", f"laboratory[{index}]"
        yield Entry(address, place, text, word, day=result.date, reason=result.reason)


def _density(case: Case) -> Iterator[Entry]:
    for index, measured in enumerate(case.dxa):
        word = measured.state or measured.measured_state
        where = f" of the {case_words().label('dxa_sites', measured.site)}" if measured.site else ""
        text = f"DXA{where}: {_readable(word)}"
        yield Entry("dxa", f"dxa[{index}]", text, word, day=measured.date, reason=measured.reason)


def _structures(case: Case) -> Iterator[Entry]:
    words = case_words()
    for index, seen in enumerate(case.structures):
        structure = words.structure(seen.structure)
        side = "" if seen.side is Side.UNKNOWN else f"{seen.side.value} "
        change = words.label("changes", seen.change)
        yield Entry(
            f"structures.{structure.tissue}.{seen.change}",
            f"structures[{index}]",
            f"{change} of the {side}{structure.label}: {_readable(seen.state.value)}",
            word=seen.state.value,
            day=seen.visit,
            reason=seen.reason,
            entered_by=seen.entered_by,
        )


def _treatments(case: Case) -> Iterator[Entry]:
    for index, given in enumerate(case.treatments):
        treatment = case_words().treatment(given.name)
        word = given.response
        text = f"{treatment.label}: response {word or 'not told'}"
        address = f"treatments.{treatment.treatment_class}"
        day = given.end or given.start
        yield Entry(address, f"treatments[{index}]", text, word, day=day)


def _readable(word: str | None) -> str:
    return word.replace("_", " ") if word else "no state"
