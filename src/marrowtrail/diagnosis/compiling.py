"""From validated rows to the table of Beta distributions that reasoning uses.

Which rows speak for a cell is decided here (own, inherited from a population, shared by the
labels of one disease); how rows become a distribution is decided in
:mod:`marrowtrail.diagnosis.cells`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.diagnosis.cells import (
    DEFINITION_PATIENTS,
    Counts,
    background_rate,
    pool,
    rate_distribution,
    shrinkage,
    with_mean,
)
from marrowtrail.diagnosis.knowledge_base import CellTable
from marrowtrail.diagnosis.schema import (
    Basis,
    CellFile,
    CellRow,
    Definition,
    Exclusive,
    Family,
    FindingUses,
    Population,
)

Rows = dict[tuple[str, str], list[CellRow]]
"""Rows by (diagnosis, finding)."""


@dataclass(frozen=True, slots=True)
class Literature:
    """Rows that are a diagnosis's own, rows that it inherits, and which sources are one study."""

    own: Rows
    inherited: Rows
    study_of: Mapping[str, str]


def compile_table(
    *,
    diagnoses: Sequence[str],
    finding_order: Sequence[str],
    groups: Mapping[str, str],
    uses: FindingUses,
    literature: Literature,
    families: Sequence[Family],
    definitions: Sequence[Definition],
    exclusive: Sequence[Exclusive],
) -> CellTable:
    """The table of cells; rows are ``diagnoses`` and, last, the background as a class.

    Parameters
    ----------
    diagnoses
        Keys in the order of the vocabulary, without the class for none of these.
    finding_order
        All findings of the vocabulary; those that count as evidence become columns.
    """
    signature = {f for row in uses.signature for f in row}
    evidence = signature | {f for row in uses.ordinary for f in row}
    findings = tuple(f for f in finding_order if f in evidence)
    size = (len(diagnoses) + 1, len(findings))
    alpha, beta = np.empty(size), np.empty(size)
    owner = np.tile(np.arange(size[0], dtype=np.intp)[:, None], (1, size[1]))
    background = np.empty(size[1])
    described = np.zeros(size[1], dtype=np.intp)
    rows: dict[tuple[str, str], tuple[CellRow, ...]] = {}
    for j, finding in enumerate(findings):
        owner[:-1, j] = owners_of(finding, diagnoses, groups, families)
        members = members_of(diagnoses, owner[:-1, j])
        cells = pooled(finding, members, literature)
        alpha[:, j], beta[:, j], background[j] = compile_rates(
            cells, owner[:, j], signature=finding in signature
        )
        described[j] = len(cells)
        for i, diagnosis in enumerate(diagnoses):
            cell = cells.get(int(owner[i, j]))
            if cell is not None:
                rows[diagnosis, finding] = cell.rows
    definitional = _define(alpha, beta, diagnoses, findings, definitions)
    for group in exclusive:
        _normalise(alpha, beta, findings, group)
    return CellTable(
        findings, alpha, beta, owner, background, described, rows, frozenset(definitional)
    )


def compile_rates(
    cells: Mapping[int, Counts], owner: NDArray[np.intp], *, signature: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """(D,) alpha and beta of one finding, and the background that stands in where cells are silent.

    Parameters
    ----------
    cells
        Effective counts by owning row.
    owner
        (D,) row that holds each cell; the last row is the class for none of these.
    """
    spoken = list(cells.values())
    silent = len(set(owner[:-1])) - len(spoken)
    background = background_rate(spoken, silent, signature=signature)
    m = shrinkage(spoken, background)
    alpha, beta = (np.full(len(owner), value) for value in with_mean(background, m))
    for i, held_by in enumerate(owner):
        cell = cells.get(int(held_by))
        if cell is not None:
            alpha[i], beta[i] = rate_distribution(cell, background, m)
    return alpha, beta, background


def gather(
    files: Sequence[CellFile],
    populations: Sequence[Population],
    families: Sequence[Family],
    groups: Mapping[str, str],
    study_of: Mapping[str, str],
    *,
    use_memory: bool,
) -> Literature:
    """Rows by the diagnosis that they speak for; single cases and, if asked, memory left out.

    ``study_of`` gives sources that are another key of the same study.
    """
    by_key = {p.key: p for p in populations}
    literature = Literature(defaultdict(list), defaultdict(list), study_of)
    for file in files:
        for row in _usable(file, use_memory):
            if row.population is None:
                assert file.diagnosis is not None  # the model admits nothing else
                literature.own[file.diagnosis, row.finding].append(row)
                continue
            population = by_key[row.population]
            if row.finding in population.selected_by:
                continue
            whole = _is_whole_family(population, families, groups)
            for diagnosis in population.applies_to:
                kept = literature.own if whole else literature.inherited
                kept[diagnosis, row.finding].append(row)
    return literature


def _usable(file: CellFile, use_memory: bool) -> list[CellRow]:
    """Rows of a file with those from memory written out."""
    rows = [row for row in file.cells if row.basis is not Basis.SINGLE_CASE]
    rows += [
        CellRow(finding=finding, ordinal=word, basis=Basis.MEMORY)
        for word, listed in file.memory.items()
        for finding in listed
    ]
    return [row for row in rows if use_memory or row.basis is not Basis.MEMORY]


def _is_whole_family(
    population: Population, families: Sequence[Family], groups: Mapping[str, str]
) -> bool:
    """A mixed cohort of all labels of one disease speaks for each as its own rows would."""
    return any(
        {d for d, group in groups.items() if group == family.key} == set(population.applies_to)
        for family in families
    )


def owners_of(
    finding: str,
    diagnoses: Sequence[str],
    groups: Mapping[str, str],
    families: Sequence[Family],
) -> NDArray[np.intp]:
    """Row that holds each diagnosis's cell: the first label of its disease where shared."""
    owners = np.arange(len(diagnoses), dtype=np.intp)
    for family in families:
        if finding not in family.own_findings:
            members = [i for i, d in enumerate(diagnoses) if groups[d] == family.key]
            owners[members] = members[0]
    return owners


def members_of(diagnoses: Sequence[str], owners: NDArray[np.intp]) -> dict[int, tuple[str, ...]]:
    """Diagnoses that share a cell, by the row that holds it."""
    return {
        owner: tuple(d for d, held_by in zip(diagnoses, owners, strict=True) if held_by == owner)
        for owner in sorted({int(o) for o in owners})
    }


def pooled(
    finding: str, members: Mapping[int, Sequence[str]], literature: Literature
) -> dict[int, Counts]:
    """Effective counts by owning row, for the cells that any row speaks for."""
    found: dict[int, Counts] = {}
    for owner, named in members.items():
        own = _distinct(row for d in named for row in literature.own.get((d, finding), ()))
        inherited = _distinct(
            row for d in named for row in literature.inherited.get((d, finding), ())
        )
        cell = pool(own, inherited, literature.study_of)
        if cell is not None:
            found[owner] = cell
    return found


def _distinct(rows: Iterable[CellRow]) -> list[CellRow]:
    """Rows once each: a cohort of the whole family reaches its members by several ways."""
    seen: dict[int, CellRow] = {}
    for row in rows:
        if row.basis is Basis.MEMORY or all(row is not other for other in seen.values()):
            seen[id(row)] = row
    return list(seen.values())


def _define(
    alpha: NDArray[np.float64],
    beta: NDArray[np.float64],
    diagnoses: Sequence[str],
    findings: Sequence[str],
    definitions: Sequence[Definition],
) -> set[tuple[str, str]]:
    """Put in what follows from a definition; the literature says nothing beside it."""
    cells: set[tuple[str, str]] = set()
    for definition in definitions:
        j = findings.index(definition.finding)
        for diagnosis, rate in definition.rates.items():
            i = diagnoses.index(diagnosis)
            alpha[i, j], beta[i, j] = with_mean(rate, DEFINITION_PATIENTS)
            cells.add((diagnosis, definition.finding))
    return cells


def _normalise(
    alpha: NDArray[np.float64],
    beta: NDArray[np.float64],
    findings: Sequence[str],
    group: Exclusive,
) -> None:
    """Scale the rates of an exclusive group to sum to 1, keeping each cell's patients."""
    columns = [findings.index(f) for f in group.members]
    patients = alpha[:, columns] + beta[:, columns]
    rates = alpha[:, columns] / patients
    rates /= rates.sum(axis=1, keepdims=True)
    alpha[:, columns] = rates * patients
    beta[:, columns] = (1.0 - rates) * patients
    for member, parts in group.parts.items():
        whole = group.members.index(member)
        for part, share in parts.items():
            j = findings.index(part)
            alpha[:, j] = rates[:, whole] * share * patients[:, whole]
            beta[:, j] = (1.0 - rates[:, whole] * share) * patients[:, whole]
