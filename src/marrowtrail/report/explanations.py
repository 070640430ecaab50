"""What stands behind the ranking: what would turn it, other priors, and the outlook, as tables."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Standing
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.tables import Cell, Table, heads
from marrowtrail.report.words import capital, percent, spoken
from marrowtrail.result.model import ResultDocument

STANDINGS = {
    Standing.ESTABLISHED: "good",
    Standing.PROVISIONAL: "open",
    Standing.UNDECIDED: "quiet",
}
"""Tone of each standing."""

BASES = {
    "judgement": "prior.judgement",
    "convention": "prior.convention",
    "audit": "prior.audit",
}
"""What a setting's prior rests on: texts of the catalogue."""


def standing_tone(document: ResultDocument) -> str:
    """Tone of the leading diagnosis's standing."""
    return STANDINGS[document.explanation.standing]


def two_diseases(document: ResultDocument) -> tuple[tuple[str, float], ...]:
    """Two diseases in one patient with their probability, over all labels of the first."""
    shares: dict[str, float] = {}
    for one in document.explanation.two_diseases:
        shares[one.label] = shares.get(one.label, 0.0) + one.probability
    return tuple((told(label), share) for label, share in shares.items())


def turn_table(document: ResultDocument) -> Table:
    """Single findings that would put another disease first, the likeliest first."""
    body = tuple(
        (
            Cell(capital(told(turn.words))),
            Cell(percent(turn.chance), is_number=True),
            Cell(
                message(
                    "table.then",
                    cause=capital(told(turn.label)),
                    share=percent(turn.probability),
                )
            ),
        )
        for turn in document.explanation.turns
    )
    columns = heads("if_found", "chance", "then_first")
    return Table(message("table.turns"), columns, body)


def setting_table(document: ResultDocument) -> Table:
    """The first causes for a patient of another clinic."""
    body = tuple(
        (
            Cell(capital(told(one.label))),
            Cell(
                "; ".join(f"{capital(told(c.label))} {percent(c.probability)}" for c in one.causes)
            ),
            Cell(message(BASES[one.basis])),
        )
        for one in document.explanation.under_settings
    )
    columns = heads("clinic", "first_causes", "prior_is")
    return Table(message("table.settings"), columns, body)


def outlook_table(document: ResultDocument) -> Table:
    """What studies found of the leading diseases."""
    labels = {cause.diagnosis: cause.label for cause in document.differential}
    body = tuple(
        (
            Cell(capital(told(labels[line.diagnosis]))),
            Cell(spoken(line.kind)),
            Cell(capital(told(line.text))),
            Cell(told(line.width)),
            Cell("; ".join(line.sources)),
        )
        for line in document.explanation.outlook
    )
    columns = heads("disease", "of", "studies_found", "width", "sources")
    return Table(message("table.outlook"), columns, body)
