"""The answer of a run, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.diagnosis.differential import Differential, RedFlag
from marrowtrail.errors import Severity
from marrowtrail.evaluation.follow_up import FollowUpScores
from marrowtrail.evaluation.oedema import OedemaScores
from marrowtrail.report.story import may_be_oedema
from marrowtrail.report.words import basis, ml, percent
from marrowtrail.result.limits import NOTICE
from marrowtrail.result.model import ResultDocument

if TYPE_CHECKING:
    from marrowtrail.evaluation.realism import RealismScores
    from marrowtrail.evaluation.regions import RegionScores

SHOWN_CAUSES = 5


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
    return "none" if low == high else f"{percent(low).removesuffix(' %')} to {percent(high)}"


def _red_flags(flags: Sequence[RedFlag]) -> None:
    for flag in flags:
        answers.print(f"[bold red]{escape(flag.category)}[/]: {escape(flag.explanation)}")


def differential_json(differential: Differential) -> str:
    """The answer of ``diagnose`` for machines."""
    return TypeAdapter(Differential).dump_json(differential, indent=1).decode()


def show_differential(differential: Differential, unused: tuple[str, ...]) -> None:
    """The answer of ``diagnose``: conclusion, causes, what is still open, what was not used."""
    answers.print(f"\n[bold]{escape(differential.conclusion)}[/]\n")
    table = Table("cause", "%", "interval")
    for cause in differential.causes:
        width = _width(cause.low, cause.high)
        table.add_row(cause.label, f"{100 * cause.probability:.1f}", width)
    answers.print(table)
    for line in differential.ledger:
        status = line.status.value.replace("_", " ")
        answers.print(f"{escape(line.label)}: {status}. {escape(line.explanation)}")
    _red_flags(differential.red_flags)
    for one in (*unused, *differential.unused):
        answers.print(f"[dim]not used: {escape(one)}[/]")
    answers.print(f"[dim]{escape(NOTICE)}[/]")


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


def show_follow_up_scores(scores: FollowUpScores) -> None:
    """The figures, one a line."""
    registration, migration = scores.registration, scores.migration
    found = sum(one.story_found for one in scores.patients if one.shifts_there)
    moved = sum(one.shifts_there > 0 for one in scores.patients)
    shifted = sum(one.shifts_found > 0 for one in scores.patients if not one.shifts_there)
    for name, value in (
        ("patients", str(len(scores.patients))),
        ("registered bone pairs", str(registration.pairs)),
        ("registration error, median mm", _number(registration.median_error_mm)),
        ("registration error, 95th percentile mm", _number(registration.p95_error_mm)),
        ("verified and right", _number(registration.verified_right)),
        ("verified and wrong by more than 1.5 mm", str(registration.verified_wrong)),
        ("oedema Dice, lesions above 0.5 ml", _number(scores.mean_dice)),
        ("lesions above 0.3 ml found", _number(scores.lesions_found)),
        ("false lesions a patient", _number(scores.false_lesions_per_patient)),
        ("volume interval covers the truth", _number(scores.interval_coverage)),
        ("identity, edge F1", _number(scores.edge_f1)),
        ("what became of lesions, F1", _number(scores.change_f1)),
        ("called changed without change", _number(scores.false_change)),
        ("shifts: whole story found", f"{found} of {moved}"),
        ("shifts where there are none", f"{shifted} of {len(scores.patients) - moved}"),
        ("migration sensitivity", _number(migration.sensitivity)),
        ("migration specificity", _number(migration.specificity)),
    ):
        answers.print(f"{name:42} {value}")


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
