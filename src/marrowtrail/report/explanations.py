"""What stands behind the ranking: what would turn it, other priors, and the outlook, as tables."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Standing
from marrowtrail.report.tables import Cell, Table
from marrowtrail.report.words import capital, percent, spoken
from marrowtrail.result.model import ResultDocument

STANDINGS = {
    Standing.ESTABLISHED: "good",
    Standing.PROVISIONAL: "open",
    Standing.UNDECIDED: "quiet",
}
"""Tone of each standing."""

BASES = {
    "judgement": "a judgement",
    "convention": "a convention",
    "audit": "counted in patients",
}
"""What a setting's prior rests on, in words."""


def standing_tone(document: ResultDocument) -> str:
    """Tone of the leading diagnosis's standing."""
    return STANDINGS[document.explanation.standing]


def two_diseases(document: ResultDocument) -> tuple[tuple[str, float], ...]:
    """Two diseases in one patient with their probability, over all labels of the first."""
    shares: dict[str, float] = {}
    for one in document.explanation.two_diseases:
        shares[one.label] = shares.get(one.label, 0.0) + one.probability
    return tuple(shares.items())


def turn_table(document: ResultDocument) -> Table:
    """Single findings that would put another disease first, the likeliest first."""
    body = tuple(
        (
            Cell(capital(turn.words)),
            Cell(percent(turn.chance), is_number=True),
            Cell(f"{capital(turn.label)}, then {percent(turn.probability)}"),
        )
        for turn in document.explanation.turns
    )
    caption = "One finding, not known yet, that would put another disease first"
    return Table(caption, ("If it were found", "Chance of finding it", "Then first"), body)


def setting_table(document: ResultDocument) -> Table:
    """The first causes for a patient of another clinic."""
    body = tuple(
        (
            Cell(capital(one.label)),
            Cell("; ".join(f"{capital(c.label)} {percent(c.probability)}" for c in one.causes)),
            Cell(BASES[one.basis]),
        )
        for one in document.explanation.under_settings
    )
    caption = "The same findings in a patient of another clinic"
    return Table(caption, ("Clinic", "First causes", "Its starting point is"), body)


def outlook_table(document: ResultDocument) -> Table:
    """What studies found of the leading diseases."""
    labels = {cause.diagnosis: cause.label for cause in document.differential}
    body = tuple(
        (
            Cell(capital(labels[line.diagnosis])),
            Cell(spoken(line.kind)),
            Cell(capital(line.text)),
            Cell(line.width),
            Cell("; ".join(line.sources)),
        )
        for line in document.explanation.outlook
    )
    columns = ("Disease", "Of", "What studies found", "Range or number", "Sources")
    return Table("What studies found: information, not advice", columns, body)
