"""The course as parts of the evidence: what was seen in time, weighed for every diagnosis.

Three parts stand beside the groups of findings: healing or collapse at the first place, a shift
within the joint, a move to another joint. Each has one likelihood per point of the grid of rates,
whatever the disease; a disease weighs the points by its literature.

Labels of one disease are stages of it: of the transient disease, *migratory* means that another
joint has been reached by now. So the likelihood of a label is that of the looks together with its
stage, divided by how likely the stage was, which is the label's share of the starting probability.
A label is therefore no rival of the others before a move was seen: it has what time alone gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marrowtrail.diagnosis.arrays import Floats, Indices
from marrowtrail.diagnosis.course_chain import (
    move_likelihoods,
    place_likelihood,
)
from marrowtrail.diagnosis.course_rates import Course
from marrowtrail.diagnosis.course_reading import Seen, Sightings
from marrowtrail.diagnosis.course_schema import Move, OneDisease, Scope
from marrowtrail.record.findings import FindingState

SCOPES: tuple[Scope, ...] = ("within_joint", "another_joint")

LEAST_SHARE = 1e-9
"""A stage less likely than this is taken to be as likely as this, so that nothing divides by 0."""


@dataclass(frozen=True, slots=True, eq=False)
class CoursePart:
    """What was seen of one part of the course, for D diagnoses and Q points of the grid.

    Parameters
    ----------
    key
        ``place``, ``within_joint`` or ``another_joint``.
    label
        What the part is about.
    seen
        The looks in words, by day.
    weights
        (D, Q) weights of the points by the literature, each row summing to 1.
    values
        (D, Q) likelihood at each point.
    owner
        (D,) row that holds the weights.
    definitional
        Diagnoses whose meaning, and not the literature, makes the likelihood.
    clear_joints
        Other joints that were imaged and clear.
    """

    key: str
    label: str
    seen: tuple[Seen, ...]
    weights: Floats
    values: Floats
    owner: Indices
    definitional: frozenset[str]
    clear_joints: int = 0

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings that were read, each once."""
        return tuple(dict.fromkeys(one.finding for one in self.seen)) or (self.key,)

    @property
    def state(self) -> FindingState:
        """Present if any look is, as for findings at several sites."""
        for state in (FindingState.PRESENT, FindingState.EQUIVOCAL):
            if any(one.state is state for one in self.seen):
                return state
        return FindingState.ABSENT

    def likelihood(self) -> Floats:
        """(D,) likelihood, the rates integrated out."""
        found: Floats = np.einsum("dq,dq->d", self.weights, self.values)
        return found

    def draw(self, picked: Indices | None, draws: int, rng: np.random.Generator) -> Floats:
        """(S, D) likelihoods at drawn points; those of ``picked`` (S,) drawn given the looks."""
        held = np.unique(self.owner)
        points = np.empty((draws, len(self.owner)), dtype=np.intp)
        for row in held:
            points[:, self.owner == row] = _pick(self.weights[row], rng.random(draws))[:, None]
        if picked is not None:
            for row in np.unique(picked):
                mine = np.flatnonzero(picked == row)
                chosen = _pick(self.weights[row] * self.values[row], rng.random(len(mine)))
                shared = np.flatnonzero(self.owner == self.owner[row])
                points[np.ix_(mine, shared)] = chosen[:, None]
        drawn: Floats = self.values[np.arange(len(self.owner)), points]
        return drawn


def course_parts(
    sightings: Sightings,
    course: Course,
    diagnoses: Sequence[str],
    until_day: float | None = None,
) -> tuple[CoursePart, ...]:
    """The parts of which anything was seen.

    Parameters
    ----------
    until_day
        Day whose stage gives the labels; the last day of the record by default.
    """
    until = sightings.until_day if until_day is None else until_day
    parts: list[CoursePart] = []
    if sightings.place or sightings.collapse:
        parts.append(place_part(sightings, course, len(diagnoses)))
    for scope in SCOPES:
        if sightings.looks(scope):
            parts.append(move_part(scope, sightings, course, diagnoses, until))
    return tuple(parts)


def place_part(sightings: Sightings, course: Course, size: int) -> CoursePart:
    """Healing and collapse at the first place."""
    values = place_likelihood(
        sightings.place,
        sightings.collapse,
        course.grid,
        sightings.healing_speed,
        sightings.treated_from,
    ).reshape(-1)
    return CoursePart(
        "place",
        "course at the first place",
        sightings.place_seen,
        course.place,
        np.broadcast_to(values, (size, len(values))),
        course.owner,
        frozenset(),
    )


def move_part(
    scope: Scope, sightings: Sightings, course: Course, diagnoses: Sequence[str], until: float
) -> CoursePart:
    """A move of one scope, with the stage that gives a label its name."""
    move = course.rules.move(scope)
    weights = course.moved[scope]
    values = np.empty_like(weights)
    for days in {course.days_before(d) for d in diagnoses}:
        states = _states(move, sightings, days, until)
        before = _states(move, Sightings(), days, until)
        for row, diagnosis in enumerate(diagnoses):
            if course.days_before(diagnosis) != days:
                continue
            belongs = _belongs(diagnosis, scope, course.disease_of.get(diagnosis))
            share = float((before * belongs[:, None]).sum(axis=0) @ weights[row])
            values[row] = (states * belongs[:, None]).sum(axis=0) / max(share, LEAST_SHARE)
    return CoursePart(
        scope,
        move.label,
        sightings.seen(scope),
        weights,
        values,
        course.owner,
        frozenset(d for d in diagnoses if d in course.disease_of),
        sightings.joints_clear if scope == "another_joint" else 0,
    )


def label_shares(course: Course, diagnoses: Sequence[str], until_day: float) -> dict[str, float]:
    """Share of its disease that bears a label that is a stage, by label, on some day."""
    shares: dict[str, float] = {}
    for disease in course.rules.families:
        left = 1.0
        for label in disease.labels:
            row = diagnoses.index(label.diagnosis)
            move = course.rules.move(label.moved)
            before = _states(move, Sightings(), disease.days_before_first_scan, until_day)
            moved = float(before[2] @ course.moved[label.moved][row])
            shares[label.diagnosis] = left * moved
            left *= 1.0 - moved
    return shares


def chance_of_move(
    scope: Scope, sightings: Sightings, course: Course, row: int, days_before: float, further: float
) -> tuple[float, float, float]:
    """Chance of a move within some further days of one that has not moved, and its interval.

    The interval holds four in five of the shares and times that the literature allows.
    """
    move = course.rules.move(scope)
    states = _states(move, sightings, days_before, sightings.until_day)
    not_yet = states[0] + states[1]
    weights = course.moved[scope][row] * not_yet
    taus = np.tile(np.array(move.mean_days), len(not_yet) // len(move.mean_days))
    chances = states[1] / not_yet * (1.0 - np.exp(-further / taus))
    by_share = (len(not_yet) // len(move.mean_days), len(move.mean_days))
    mass = weights.reshape(by_share).sum(axis=1)
    mean = (weights * chances).reshape(by_share).sum(axis=1) / np.maximum(mass, 1e-300)
    order = np.argsort(mean)
    cumulated = np.cumsum(mass[order]) / mass.sum()
    low, high = (float(mean[order][np.searchsorted(cumulated, q)]) for q in (0.1, 0.9))
    return low, float((weights @ chances) / weights.sum()), high


def _states(move: Move, sightings: Sightings, days_before: float, until: float) -> Floats:
    """(3, Q T) likelihood of the looks with never, not yet and moved."""
    found = move_likelihoods(
        sightings.looks(move.scope), move.mean_days, move.stays_days, -days_before, until
    )
    flat: Floats = found.reshape(3, -1)
    return flat


def _belongs(diagnosis: str, scope: Scope, disease: OneDisease | None) -> Floats:
    """(3,) which states belong to a diagnosis; all of them but for labels that are stages.

    Labels come from the furthest stage back: one further back has not reached any before it.
    """
    if disease is None:
        return np.ones(3)
    scopes = [label.moved for label in disease.labels]
    mine = next((label.moved for label in disease.labels if label.diagnosis == diagnosis), None)
    if mine == scope:
        return np.array([0.0, 0.0, 1.0])
    if mine is not None and scopes.index(scope) > scopes.index(mine):
        return np.ones(3)
    return np.array([1.0, 1.0, 0.0])


def _pick(weights: Floats, uniform: Floats) -> Indices:
    """Points drawn with unnormalised weights."""
    cumulated = np.cumsum(weights)
    found = np.searchsorted(cumulated, uniform * cumulated[-1], side="right")
    picked: Indices = np.minimum(found, len(weights) - 1)
    return picked
