"""What a scan later would show of the course, by disease, given what has been seen.

Waiting changes labels as well as readings: who has not moved may have by then. So the question is
asked of the diagnoses as they will be on that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course import chance_of_move, move_part, place_part
from marrowtrail.diagnosis.course_chain import Look, MoveLook
from marrowtrail.diagnosis.course_rates import Course
from marrowtrail.diagnosis.course_reading import Sightings
from marrowtrail.diagnosis.course_schema import Scope
from marrowtrail.diagnosis.weights import state_weights
from marrowtrail.record.findings import FindingState

P, A = FindingState.PRESENT, FindingState.ABSENT


def still_to_see(findings: Sequence[str], sightings: Sequence[str], course: Course) -> list[str]:
    """Findings of the course that a later scan would answer, of those that a test lists.

    ``sightings`` are findings that have been seen present: what has healed or moved has.
    """
    rules = course.rules
    healed = {entry.finding for entry in rules.healed_by}
    settled = healed if healed & set(sightings) else set()
    known = rules.findings - {rules.collapse.finding}
    return [f for f in findings if f in known and f not in settled and f not in sightings]


def labels_ahead(
    now: Floats, sightings: Sightings, course: Course, diagnoses: Sequence[str], days: float
) -> Floats:
    """(D,) probabilities of the labels some days after the record ends, from those of now."""
    later = now.copy()
    for disease in course.rules.families:
        members = [i for i, d in enumerate(diagnoses) if course.disease_of.get(d) is disease]
        reached: list[int] = []
        for label in disease.labels:
            row = diagnoses.index(label.diagnosis)
            before = disease.days_before_first_scan
            further = sightings.followed_days - sightings.until_day + days
            _, chance, _ = chance_of_move(label.moved, sightings, course, row, before, further)
            for other in (m for m in members if m not in (*reached, row)):
                later[row] += chance * later[other]
                later[other] *= 1.0 - chance
            reached.append(row)
    return later


def outcomes_ahead(
    asked: Sequence[str],
    sightings: Sightings,
    course: Course,
    diagnoses: Sequence[str],
    days: float,
    error: float,
) -> Floats:
    """(O, D) chance of each joint outcome of a scan some days later, given each diagnosis then."""
    until = sightings.followed_days + days
    outcomes = np.ones((1, len(diagnoses)))
    if any(course.rules.days_of(finding) is not None for finding in asked):
        outcomes = _joined(outcomes, _place(sightings, course, len(diagnoses), until, error))
    for move in course.rules.moves:
        if move.finding in asked:
            part = _move(move.scope, sightings, course, diagnoses, until, error)
            outcomes = _joined(outcomes, part)
    return outcomes


def _place(sightings: Sightings, course: Course, size: int, until: float, error: float) -> Floats:
    looks = [Look(until, *state_weights(state, error)) for state in (P, A)]
    after = [
        place_part(replace(sightings, place=(*sightings.place, look)), course, size).likelihood()
        for look in looks
    ]
    return _shares(after)


def _move(
    scope: Scope,
    sightings: Sightings,
    course: Course,
    diagnoses: Sequence[str],
    until: float,
    error: float,
) -> Floats:
    after = []
    for state in (P, A):
        look = MoveLook(until, *state_weights(state, error))
        seen = (*sightings.looks(scope), look)
        more = (
            replace(sightings, another_joint=seen)
            if scope == "another_joint"
            else replace(sightings, within_joint=seen)
        )
        after.append(move_part(scope, more, course, diagnoses, until).likelihood())
    return _shares(after)


def _shares(likelihoods: Sequence[Floats]) -> Floats:
    """(2, D) chances of two outcomes from the likelihoods of the record with each."""
    both = np.stack(likelihoods)
    shares: Floats = both / both.sum(axis=0)
    return shares


def _joined(outcomes: Floats, part: Floats) -> Floats:
    joined: Floats = (outcomes[:, None, :] * part[None, :, :]).reshape(-1, outcomes.shape[1])
    return joined
