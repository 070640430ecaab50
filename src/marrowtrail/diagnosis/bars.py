"""What each finding says: bars for the leading diseases, with interval and sources.

A bar compares a diagnosis with the causes outside its disease, weighted by what they would have
without this finding: labels of one disease (as a single site and a migrating one) are no rivals
here. Its interval comes from rates drawn from the literature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.bands import INTERVAL
from marrowtrail.diagnosis.composites import Hypotheses
from marrowtrail.diagnosis.course import CoursePart
from marrowtrail.diagnosis.differential import Bar, Citation
from marrowtrail.diagnosis.engine import Part
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.part_words import describe_part
from marrowtrail.diagnosis.schema import Basis, CellRow
from marrowtrail.diagnosis.wording import inside
from marrowtrail.record.findings import FindingState

LEADING = 3
"""Diseases that get bars."""


def leading_diseases(posterior: Floats, knowledge: Knowledge, count: int = LEADING) -> list[int]:
    """Row of the likeliest label of each of the likeliest diseases, likeliest disease first."""
    rows_of: dict[tuple[str, ...], list[int]] = {}
    for row, diagnosis in enumerate(knowledge.diagnoses):
        rows_of.setdefault(knowledge.disease(diagnosis), []).append(row)
    ordered = sorted(rows_of.values(), key=lambda rows: -float(posterior[rows].sum()))
    return [max(rows, key=lambda row: float(posterior[row])) for rows in ordered[:count]]


def bars_for(
    groups: Sequence[Part],
    known: Hypotheses,
    weighed: Floats,
    likelihoods: Floats,
    drawn: Floats,
    knowledge: Knowledge,
) -> tuple[Bar, ...]:
    """Bars of each leading disease, those that speak loudest first.

    A diagnosis of which a composite is likelier than itself alone shows the bars of that composite.

    Parameters
    ----------
    known
        The H hypotheses.
    weighed
        (H,) posterior.
    likelihoods
        (D, G) at the mean rates.
    drawn
        (S, D, G) at rates drawn from the literature.
    """
    closed_form = known.fold(weighed)
    chosen = [known.likeliest(row, weighed) for row in range(len(closed_form))]
    speaks, column = known.rows[chosen], np.arange(len(groups))
    likelihoods, drawn = likelihoods[speaks, column], drawn[:, speaks, column]
    leading = leading_diseases(closed_form, knowledge)
    bars: list[Bar] = []
    for row in leading:
        rival = next(other for other in leading if other != row)
        mine = [
            _bar(g, group, (row, rival, speaks[row, g]), closed_form, likelihoods, drawn, knowledge)
            for g, group in enumerate(groups)
        ]
        bars += sorted(mine, key=lambda b: (-abs(b.log10_ratio), b.findings))
    return tuple(bars)


def _bar(
    g: int,
    group: Part,
    rows: tuple[int, int, int],
    closed_form: Floats,
    likelihoods: Floats,
    drawn: Floats,
    knowledge: Knowledge,
) -> Bar:
    row, rival, speaks = rows
    is_second = row != speaks
    diagnosis, speaker = knowledge.diagnoses[row], knowledge.diagnoses[speaks]
    weights = _weights_of_others(row, closed_form / likelihoods[:, g], knowledge)
    # what the literature says, before the power that the ranking raises it to
    literal = 1.0 / knowledge.calibration.likelihood_power
    likelihoods, drawn = likelihoods**literal, drawn**literal
    ratio = _log10_ratio(likelihoods[None, :, g], row, weights)[0]
    low, high = np.percentile(_log10_ratio(drawn[:, :, g], row, weights), INTERVAL)
    against_rival = np.log10(likelihoods[row, g] / likelihoods[rival, g])
    return Bar(
        diagnosis=diagnosis,
        findings=group.findings,
        label=describe_part(group, knowledge),
        state=_state(group),
        log10_ratio=float(ratio),
        low=float(min(low, ratio)),
        high=float(max(high, ratio)),
        against_runner_up=float(against_rival),
        citations=_citations(group, speaker, knowledge),
        note=_shared_note(speaker, knowledge) if is_second else _note(group, diagnosis, knowledge),
        explained_by=speaker if is_second else "",
    )


def _weights_of_others(row: int, without: Floats, knowledge: Knowledge) -> Floats:
    """(D,) weights of the causes outside the disease, as they stand without this finding."""
    weights = without.copy()
    for label in knowledge.disease(knowledge.diagnoses[row]):
        weights[knowledge.diagnoses.index(label)] = 0.0
    scaled: Floats = weights / weights.sum()
    return scaled


def _log10_ratio(likelihoods: Floats, row: int, weights: Floats) -> Floats:
    """(S,) ratios for likelihoods (S, D)."""
    ratio: Floats = np.log10(likelihoods[:, row] / (likelihoods @ weights))
    return ratio


def _state(group: Part) -> FindingState:
    """The state of a group: present if any member is, as for readings at several sites."""
    if isinstance(group, CoursePart):
        return group.state
    states = {e.state for e in group.evidence}
    for state in (FindingState.PRESENT, FindingState.EQUIVOCAL):
        if state in states:
            return state
    return FindingState.ABSENT


def _citations(group: Part, diagnosis: str, knowledge: Knowledge) -> tuple[Citation, ...]:
    rows = {
        id(row): row
        for finding in _behind(group, knowledge)
        for row in knowledge.rows_behind(diagnosis, finding)
        if (diagnosis, finding) not in knowledge.table.definitional
    }
    return tuple(_citation(row, knowledge) for row in rows.values())


def _behind(group: Part, knowledge: Knowledge) -> tuple[str, ...]:
    """Findings whose rows make the number: of the course, all those that its rates come from."""
    if not isinstance(group, CoursePart):
        return group.findings
    rules = knowledge.course.rules
    if group.key != "place":
        return tuple(move.finding for move in rules.moves if move.scope == group.key)
    surface = {rules.collapse.finding, "contour_collapse"} & set(group.findings)
    healed = () if surface.issuperset(group.findings) else rules.healed_by
    return (*(e.finding for e in healed), *([rules.collapse.finding] if surface else []))


def _citation(row: CellRow, knowledge: Knowledge) -> Citation:
    said = f"{knowledge.finding_labels[row.finding]}: {_number(row)}"
    if row.fact:
        said += f" ({row.fact})"
    if row.source is None:
        text = f"{said}. Clinical knowledge, not yet checked against a source."
        return Citation("memory", text, "", read=False)
    source = knowledge.sources[row.source]
    text = f"{said}. {source.citation}"
    return Citation(source.key, text, source.reference, read=row.basis is Basis.READ)


def _number(row: CellRow) -> str:
    if row.ordinal is not None:
        return row.ordinal.value
    if row.percent is not None:
        return f"{row.percent:g} %"
    return f"{row.k:g} of {row.n:g}"


def _shared_note(second_disease: str, knowledge: Knowledge) -> str:
    second = inside(knowledge.labels[second_disease])
    return f"explained by a second disease that this patient is taken to have: {second}"


def _note(group: Part, diagnosis: str, knowledge: Knowledge) -> str:
    if isinstance(group, CoursePart):
        if diagnosis in group.definitional:
            return (
                "definitional: the labels of this disease are stages of it, so where it has moved "
                "is part of what the label means, not evidence beside it"
            )
        known = any(knowledge.rows_behind(diagnosis, f) for f in _behind(group, knowledge))
        return (
            "" if known else f"the literature is silent on its {group.label}; the others stand in"
        )
    cells = [(diagnosis, finding) for finding in group.findings]
    if any(cell in knowledge.table.definitional for cell in cells):
        return "definitional: it is part of what the diagnosis means, not evidence beside it"
    silent = [
        finding for cell in cells if cell not in knowledge.table.rows for finding in [cell[1]]
    ]
    if silent:
        named = ", ".join(knowledge.finding_labels[f] for f in silent)
        return f"the literature is silent on {named} here; the background rate stands in"
    return ""
