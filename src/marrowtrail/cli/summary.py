"""The answer of a run, in the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.diagnosis.differential import Differential, RedFlag
from marrowtrail.diagnosis.wording import span_of
from marrowtrail.errors import Severity
from marrowtrail.evaluation.oedema import OedemaScores
from marrowtrail.report.story import may_be_oedema
from marrowtrail.report.words import basis, ml, percent
from marrowtrail.result.limits import NOTICE
from marrowtrail.result.model import ResultDocument

if TYPE_CHECKING:
    from marrowtrail.evaluation.realism import RealismScores
    from marrowtrail.evaluation.regions import RegionScores

SHOWN_CAUSES = 5

NO_WIDTH = 1e-9
"""Ends closer than this are one number: sums in another order differ by 1e-16, no draw does."""

SHOWN_BARS = 8
"""Findings shown for the leading cause."""

BAR_UNIT = 0.1
"""log10 ratio that one block of a bar stands for: a factor of 1.26."""

LONGEST_BAR = 20
"""Blocks; a longer bar is cut, the number beside it is whole."""


def show(document: ResultDocument, out: Path) -> None:
    """Headline, lesions, leading causes, warnings, and where the report is."""
    answers.print(f"\n[bold]{escape(document.headline)}[/]\n")
    if document.lesions:
        answers.print(_lesions(document))
    answers.print(_causes(document))
    _red_flags(document.red_flags)
    for warning in document.warnings:
        colour = "red" if warning.severity == Severity.UNVERIFIED else "yellow"
        answers.print(f"[{colour}]{escape(warning.what)}[/] ({escape(warning.where)})")
    answers.print(f"\nReport: {escape(str(out / 'report.html'))}")
    answers.print(f"[dim]{escape(document.notice)}[/]")


def _lesions(document: ResultDocument) -> Table:
    table = Table("visit", "day", "oedema in", "ml", "interval")
    for visit in document.visits:
        day = str(visit.day)
        here = [one for one in document.lesions if one.visit == visit.id]
        for one in here:
            interval = f"{ml(one.volume_low_mm3)} to {ml(one.volume_high_mm3)}"
            table.add_row(visit.id, day, one.label, ml(one.volume_mm3), interval)
        if not here:
            read = any(bone.is_read for bone in visit.bones)
            where = "no bone that was read" if read else "not known: no bone was read"
            if may_be_oedema(visit, document):
                where = "no bone for certain: a reader must decide"
            table.add_row(visit.id, day, where)
    return table


def _causes(document: ResultDocument) -> Table:
    table = Table("cause", "probability", "interval", title=basis(document.findings))
    for cause in document.differential[:SHOWN_CAUSES]:
        table.add_row(cause.label, percent(cause.probability), _width(cause.low, cause.high))
    return table


def _width(low: float, high: float) -> str:
    """Of a starting point nobody has published how far off it may be."""
    if math.isclose(low, high, abs_tol=NO_WIDTH):
        return "none"
    return span_of(low, high)


def _red_flags(flags: Sequence[RedFlag]) -> None:
    for flag in flags:
        answers.print(f"[bold red]{escape(flag.category)}[/]: {escape(flag.explanation)}")


def differential_json(differential: Differential) -> str:
    """The answer of ``diagnose`` for machines."""
    return TypeAdapter(Differential).dump_json(differential, indent=1).decode()


def show_differential(
    differential: Differential, unused: tuple[str, ...], notes: tuple[str, ...] = ()
) -> None:
    """The answer of ``diagnose``: conclusion, causes, reasons, what is open, what was not used."""
    answers.print(f"\n[bold]{escape(differential.conclusion)}[/]\n")
    table = Table("cause", "%", "interval")
    for cause in differential.causes:
        width = _width(cause.low, cause.high)
        is_withheld = cause.diagnosis in differential.withheld
        label = f"{cause.label} *" if is_withheld else cause.label
        table.add_row(label, f"{100 * cause.probability:.1f}", width)
    answers.print(table)
    if differential.withheld:
        answers.print(
            "[dim]* cannot be claimed yet: how likely the course is that gives it its name, which "
            "nobody has seen[/]"
        )
    if differential.bars:
        answers.print(_bars(differential))
    for line in differential.ledger:
        status = line.status.value.replace("_", " ")
        answers.print(f"{escape(line.label)}: {status}. {escape(line.explanation)}")
    _red_flags(differential.red_flags)
    for one in (*notes, *differential.notes):
        answers.print(f"note: {escape(one)}")
    for one in (*unused, *differential.unused):
        answers.print(f"[dim]not used: {escape(one)}[/]")
    answers.print(f"[dim]{escape(NOTICE)}[/]")


def _bars(differential: Differential) -> Table:
    """The findings that weigh most for or against the leading cause, against it first."""
    lead = differential.causes[0]
    table = Table("finding", "against", "for", "log10 ratio", title=f"why {lead.label}")
    mine = [bar for bar in differential.bars if bar.diagnosis == lead.diagnosis]
    heaviest = sorted(mine, key=lambda bar: -abs(bar.log10_ratio))[:SHOWN_BARS]
    for bar in sorted(heaviest, key=lambda bar: bar.log10_ratio):
        blocks = "█" * min(LONGEST_BAR, round(abs(bar.log10_ratio) / BAR_UNIT))
        is_against = bar.log10_ratio < 0
        table.add_row(
            escape(bar.label),
            blocks if is_against else "",
            "" if is_against else blocks,
            f"{bar.log10_ratio:+.2f} ({bar.low:+.2f} to {bar.high:+.2f})",
        )
    return table


def show_oedema_scores(scores: OedemaScores) -> None:
    """One line a patient, then the means."""
    table = Table("patient", "ml", "interval", "readers ml", "Dice against each read")
    for name, one in scores.patients.items():
        interval = f"{one.volume_low_mm3 / 1000:.1f} to {one.volume_high_mm3 / 1000:.1f}"
        readers = ", ".join(f"{volume / 1000:.1f}" for volume in one.reader_volumes_mm3)
        each = ", ".join(f"{value:.2f}" for value in one.dice)
        table.add_row(name, f"{one.volume_mm3 / 1000:.1f}", interval, readers, each)
    answers.print(table)
    answers.print(f"mean Dice {_number(scores.mean_dice)}")
    answers.print(f"Dice between two readers {_number(scores.inter_reader_dice)}")
    answers.print(f"volume within the readers' range {_number(scores.volume_in_range)}")


def show_realism(scores: RealismScores) -> None:
    """One line a feature, what gives the phantom away first."""
    table = Table("", "series", "feature", "real", "drawn, 5 to 95 %", "drawn, median")
    for one in scores.compared:
        mark = "gives away" if one.gives_away else "anatomy" if one.other_anatomy else ""
        table.add_row(
            mark,
            one.kind,
            one.feature,
            f"{one.real_low:.3g} to {one.real_high:.3g}",
            f"{one.drawn_low:.3g} to {one.drawn_high:.3g}",
            f"{one.drawn_median:.3g}",
        )
    answers.print(table)
    answers.print(f"{len(scores.giving_away)} of {len(scores.compared)} features give it away")


def show_region_scores(scores: RegionScores) -> None:
    """One line a region, one column a view: Dice, and distance of the borders in mm."""
    views = list(dict.fromkeys(one.view for one in scores.regions))
    table = Table("region", *views)
    cells: dict[str, dict[str, str]] = {}
    for one in scores.regions:
        border = "" if one.border_mm is None else f" ({one.border_mm:.1f})"
        row = cells.setdefault(f"{one.joint}: {one.bone} {one.region}", {})
        row[one.view] = f"{one.dice:.2f}{border}"
    for region, row in cells.items():
        table.add_row(region, *(row.get(view, "") for view in views))
    answers.print(table)
    answers.print(
        f"{scores.family} family, {scores.draws} draws of each joint: mean Dice "
        f"{scores.mean_dice:.3f}; lesions given the right name {scores.named_right:.3f}"
    )


def _number(value: float | None) -> str:
    return "not assessed" if value is None else f"{value:.3f}"
