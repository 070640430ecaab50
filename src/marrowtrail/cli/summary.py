"""The answer of a run, in the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.diagnosis.differential import Differential
from marrowtrail.errors import Severity
from marrowtrail.result.model import ResultDocument

SHOWN_CAUSES = 5


def show(document: ResultDocument, out: Path) -> None:
    """Headline, lesions, leading causes, warnings, and where the report is."""
    answers.print(f"\n[bold]{escape(document.headline)}[/]\n")
    if document.lesions:
        answers.print(_lesions(document))
    answers.print(_causes(document))
    for warning in document.warnings:
        colour = "red" if warning.severity == Severity.UNVERIFIED else "yellow"
        answers.print(f"[{colour}]{escape(warning.what)}[/] ({escape(warning.where)})")
    answers.print(f"\nReport: {escape(str(out / 'report.html'))}")
    answers.print(f"[dim]{escape(document.notice)}[/]")


def _lesions(document: ResultDocument) -> Table:
    days = {visit.id: visit.day for visit in document.visits}
    table = Table("visit", "day", "oedema in", "ml", "interval")
    for one in document.lesions:
        interval = f"{one.volume_low_mm3 / 1000:.1f} to {one.volume_high_mm3 / 1000:.1f}"
        day = str(days[one.visit])
        table.add_row(one.visit, day, one.label, f"{one.volume_mm3 / 1000:.1f}", interval)
    return table


def _causes(document: ResultDocument) -> Table:
    table = Table("cause (proposed findings, no reader has confirmed them)", "%", "interval")
    for cause in document.differential[:SHOWN_CAUSES]:
        interval = f"{100 * cause.low:.0f} to {100 * cause.high:.0f}"
        table.add_row(cause.label, f"{100 * cause.probability:.0f}", interval)
    return table


def show_differential(differential: Differential) -> None:
    """The answer of ``diagnose``: conclusion, causes, what is still open."""
    answers.print(f"\n[bold]{escape(differential.conclusion)}[/]\n")
    table = Table("cause", "%", "interval")
    for cause in differential.causes:
        interval = f"{100 * cause.low:.0f} to {100 * cause.high:.0f}"
        table.add_row(cause.label, f"{100 * cause.probability:.1f}", interval)
    answers.print(table)
    for line in differential.ledger:
        status = line.status.value.replace("_", " ")
        answers.print(f"{escape(line.label)}: {status}. {escape(line.explanation)}")
    for flag in differential.red_flags:
        answers.print(f"[bold red]{escape(flag.category)}[/]: {escape(flag.explanation)}")
