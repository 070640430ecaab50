"""Compiles ``course.yaml`` and the rows that it takes over into a :class:`Course`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from marrowtrail.diagnosis.arrays import Floats, Indices
from marrowtrail.diagnosis.cells import Counts
from marrowtrail.diagnosis.compiling import (
    Literature,
    compile_rates,
    members_of,
    owners_of,
    pooled,
)
from marrowtrail.diagnosis.course_rates import (
    Course,
    Rate,
    collapse_weights,
    healing_weights,
    move_weights,
    place_weights,
)
from marrowtrail.diagnosis.course_schema import CourseRules, Move, Scope
from marrowtrail.diagnosis.schema import CellRow, Family

Rows = dict[tuple[str, str], tuple[CellRow, ...]]


def compile_course(
    rules: CourseRules,
    diagnoses: Sequence[str],
    groups: Mapping[str, str],
    families: Sequence[Family],
    literature: Literature,
) -> Course:
    """The course of ``diagnoses`` and, last, of the class for none of these."""
    rows: Rows = {}
    owner = owners_of("", diagnoses, groups, families)
    members = members_of(diagnoses, owner)
    whole: Indices = np.append(owner, len(diagnoses)).astype(np.intp)
    place = _places(rules, diagnoses, whole, members, literature, rows)
    moved: dict[Scope, Floats] = {}
    counted = dict(members)
    for disease in rules.families:
        (held_by,) = {int(o) for d, o in zip(diagnoses, owner, strict=True) if d in disease.counted}
        counted[held_by] = disease.counted
    for move in rules.moves:
        moved[move.scope] = _moves(move, diagnoses, whole, counted, literature, rows)
    disease_of = {d: one for one in rules.families for d in diagnoses if groups[d] == one.family}
    return Course(rules, place, moved, whole, rows, disease_of)


def _places(
    rules: CourseRules,
    diagnoses: Sequence[str],
    owner: Indices,
    members: Mapping[int, Sequence[str]],
    literature: Literature,
    rows: Rows,
) -> Floats:
    """(D, P) weights at the first place."""
    by_days = {e.days: pooled(e.finding, members, literature) for e in rules.healed_by}
    held = sorted({int(o) for o in owner})
    counts = [{days: cells[o] for days, cells in by_days.items() if o in cells} for o in held]
    healing = dict(zip(held, healing_weights(counts), strict=True))
    collapse = pooled(rules.collapse.finding, members, literature)
    alpha, beta, _ = compile_rates(collapse, owner, signature=True)
    relapse = {known.diagnosis: known.share for known in rules.relapse.known}
    for entry in rules.healed_by:
        _keep(entry.finding, by_days[entry.days], diagnoses, owner, rows)
    _keep(rules.collapse.finding, collapse, diagnoses, owner, rows)
    return np.stack(
        [
            place_weights(
                healing[int(owner[i])],
                collapse_weights(Rate(float(alpha[i]), float(beta[i]))),
                relapse.get(diagnosis, rules.relapse.share),
            )
            for i, diagnosis in enumerate([*diagnoses, ""])
        ]
    )


def _moves(
    move: Move,
    diagnoses: Sequence[str],
    owner: Indices,
    members: Mapping[int, Sequence[str]],
    literature: Literature,
    rows: Rows,
) -> Floats:
    """(D, Q T) weights of one scope."""
    cells = pooled(move.finding, members, literature)
    alpha, beta, _ = compile_rates(cells, owner, signature=True)
    _keep(move.finding, cells, diagnoses, owner, rows)
    constants = len(move.mean_days)
    return np.stack(
        [
            move_weights(Rate(float(a), float(b)), constants)
            for a, b in zip(alpha, beta, strict=True)
        ]
    )


def _keep(
    finding: str,
    cells: Mapping[int, Counts],
    diagnoses: Sequence[str],
    owner: Indices,
    rows: Rows,
) -> None:
    for i, diagnosis in enumerate(diagnoses):
        cell = cells.get(int(owner[i]))
        if cell is not None:
            rows[diagnosis, finding] = cell.rows
