"""Lints the evidence: ``marrowtrail knowledge check``.

Loading refuses what cannot be used. This says what can be used and still should be better: a
source without DOI, PMID or a reason why it has none, a cell from memory that decides between
causes, a source that nothing cites, one study counted under two keys, a red flag that no finding
of the record can raise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from marrowtrail.diagnosis.engine import mean_rates
from marrowtrail.diagnosis.evidence import is_evidence
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import knowledge_files, load_knowledge
from marrowtrail.diagnosis.memory_weight import MemoryCell, memory_cells
from marrowtrail.diagnosis.schema import Basis, CellFile, CellRow, Source

IDENTIFIER = re.compile(r"10\.\d{4,9}/\S+|PMID\s*\d+|PMC\d+", re.IGNORECASE)
"""A DOI, a PMID or a PMCID."""

DECIDES_FROM = 3.0
"""Ratio of a rate to the background from which a cell from memory decides rankings."""


TO_SOURCE = 40
"""Cells listed as those whose sourcing would pay most."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to better; an error makes the knowledge unusable or untraceable."""

    where: str
    what: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Lint:
    """What the linter found, errors first, and how much of the knowledge rests on what.

    ``to_source`` are the cells from memory alone that weigh most, the weightiest first.
    """

    version: str
    hash: str
    problems: tuple[Problem, ...]
    counts: Mapping[str, int]
    to_source: tuple[MemoryCell, ...] = ()


def lint_knowledge(folder: Path | None = None) -> Lint:
    """Everything there is to say about the knowledge of this version, or of a folder.

    Raises
    ------
    InputError
        If the knowledge cannot be loaded; names the file and the entry.
    """
    knowledge = load_knowledge(folder)
    files = knowledge_files(folder)
    problems = [*_sources(files.sources, files.cells), *_cells(files.cells)]
    problems += [*_rivals(knowledge), *_priors(knowledge), *_flags(knowledge), *_memory(knowledge)]
    problems.sort(key=lambda one: (not one.is_error, one.where, one.what))
    return Lint(
        knowledge.version,
        knowledge.hash,
        tuple(problems),
        _counts(files.cells, files.sources, knowledge),
        memory_cells(knowledge)[:TO_SOURCE],
    )


def lint_json(found: Lint) -> str:
    """The same for machines."""
    return TypeAdapter(Lint).dump_json(found).decode()


def _sources(sources: tuple[Source, ...], cells: Mapping[str, CellFile]) -> Iterator[Problem]:
    cited = {cell.source for file in cells.values() for cell in file.cells}
    keys = Counter(source.key for source in sources)
    by_identifier: dict[str, list[Source]] = {}
    for source in sources:
        found = IDENTIFIER.findall(source.reference)
        if keys[source.key] > 1:
            yield Problem("sources.yaml", f"{source.key} stands there twice", True)
        if not found and not source.no_identifier:
            yield Problem("sources.yaml", f"{source.key} has no DOI, PMID or reason", True)
        if found and source.no_identifier:
            what = f"{source.key} has an identifier and a reason for having none"
            yield Problem("sources.yaml", what, True)
        if source.status == "not_seen" and source.key in cited:
            yield Problem("sources.yaml", f"{source.key} was not seen and is cited", True)
        for identifier in found:
            by_identifier.setdefault(identifier.lower(), []).append(source)
    for identifier, group in by_identifier.items():
        joined = {one.study or one.key for one in group}
        if len(joined) > 1:
            named = ", ".join(sorted(one.key for one in group))
            what = f"{named} share {identifier} and are not joined by `study`"
            yield Problem("sources.yaml", what, False)


def _cells(cells: Mapping[str, CellFile]) -> Iterator[Problem]:
    for name, file in cells.items():
        for cell in file.cells:
            back_calculated = cell.k is not None and cell.k != int(cell.k)
            if back_calculated and not cell.caveat:
                yield Problem(
                    name, f"{cell.finding}: k is no whole number and nothing says why", True
                )
            if cell.basis is Basis.READ and not cell.fact and cell.ordinal is None:
                yield Problem(
                    name, f"{cell.finding}: no fact says what {cell.source} states", False
                )
            if not _holds_its_interval(cell):
                what = f"{cell.finding}: the percentage lies outside its interval"
                yield Problem(name, what, False)


def _holds_its_interval(cell: CellRow) -> bool:
    if cell.percent is None or cell.low is None or cell.high is None:
        return True
    return cell.low <= cell.percent <= cell.high


def _rivals(knowledge: Knowledge) -> Iterator[Problem]:
    """Diagnoses of one group that the ledger can answer, and does not where the other leads."""
    for must in knowledge.ledger.must_answer:
        for rival in knowledge.alternative_of:
            is_own = knowledge.groups[rival] == must.lead
            others = [d for d, group in knowledge.groups.items() if group == must.lead]
            is_rival = is_own and set(others) - set(knowledge.disease(rival))
            if is_rival and rival not in (*must.alternatives, *must.no_rivals):
                what = f"{rival} is not answered where another of its group {must.lead} leads"
                yield Problem("ledger.yaml", what, True)


def _priors(knowledge: Knowledge) -> Iterator[Problem]:
    for setting in knowledge.priors.settings:
        if setting.basis == "judgement":
            yield Problem("priors.yaml", f"{setting.key} rests on judgement", False)


def _flags(knowledge: Knowledge) -> Iterator[Problem]:
    for rule in knowledge.red_flags:
        for needed in rule.any_of:
            twice = sorted({f for f in needed if needed.count(f) > 1})
            if twice:
                yield Problem(
                    "red_flags.yaml", f"{rule.category}: {twice[0]} stands there twice", True
                )


def _memory(knowledge: Knowledge) -> Iterator[Problem]:
    """Cells from memory alone that move a ranking: those that pay most to be sourced."""
    rates, table = mean_rates(knowledge), knowledge.table
    for (diagnosis, finding), rows in table.rows.items():
        if any(row.basis is not Basis.MEMORY for row in rows) or not is_evidence(
            finding, knowledge
        ):
            continue
        rate = rates[knowledge.diagnoses.index(diagnosis), table.findings.index(finding)]
        background = table.background[table.findings.index(finding)]
        if rate / background >= DECIDES_FROM:
            what = f"{finding} is from memory and {rate / background:.1f} times the background"
            yield Problem(f"cells/{diagnosis}.yaml", what, False)


def _counts(
    cells: Mapping[str, CellFile], sources: tuple[Source, ...], knowledge: Knowledge
) -> dict[str, int]:
    rows = [cell for file in cells.values() for cell in file.cells]
    memory = sum(len(listed) for file in cells.values() for listed in file.memory.values())
    described = knowledge.table.rows.values()
    return {
        "diagnoses": len(knowledge.diagnoses),
        "findings that count as evidence": len(knowledge.table.findings),
        "sources": len(knowledge.sources),
        "sources without DOI, PMID or PMCID": sum(
            not IDENTIFIER.search(source.reference) for source in sources
        ),
        "counts": sum(row.k is not None for row in rows),
        "percentages": sum(row.percent is not None for row in rows),
        "words from a source": sum(
            row.ordinal is not None and row.basis is not Basis.MEMORY for row in rows
        ),
        "words from memory": memory + sum(row.basis is Basis.MEMORY for row in rows),
        "rows of single cases, never used": sum(row.basis is Basis.SINGLE_CASE for row in rows),
        "cells with a source": sum(
            any(row.basis is not Basis.MEMORY for row in used) for used in described
        ),
        "cells from memory alone": sum(
            all(row.basis is Basis.MEMORY for row in used) for used in described
        ),
    }
