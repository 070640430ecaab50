"""What ``inspect`` shows in the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.overview import FolderSeen, GridSeen, Problem, SeriesSeen, VisitSeen
from marrowtrail.cli.terminal import answers
from marrowtrail.errors import Severity

_LEGEND = (
    "* fluid-sensitive with dark fat: oedema is measured on it. Spacing, gap (between slices) and "
    "field in mm."
)


def show_overview(seen: FolderSeen) -> None:
    """Visits with their series, then what was set aside, then problems with what to do."""
    answers.print(f"\n[bold]{_headline(seen)}[/]")
    for visit in seen.visits:
        answers.print(f"\n[bold]{visit.id}[/]  {visit.date.isoformat()}{_days(visit)}")
        answers.print(_table(visit))
    if seen.visits:
        answers.print(f"\n[dim]{_LEGEND}[/]")
    if seen.set_aside:
        answers.print("\n[bold]Set aside[/]")
        answers.print(_set_aside(seen))
    if seen.problems:
        answers.print("\n[bold]Problems, and what to do[/]")
    for one, places in _told_once(seen):
        colour = "red" if one.severity is Severity.UNVERIFIED else "yellow"
        answers.print(f"[{colour}]- {escape(one.what)}[/] ({escape('; '.join(places))})")
        answers.print(f"  {escape(one.remedy[:1].upper() + one.remedy[1:])}.")


def _told_once(seen: FolderSeen) -> list[tuple[Problem, list[str]]]:
    """Problems in their order, each once with every place where it is."""
    places: dict[tuple[str, str], tuple[Problem, list[str]]] = {}
    for one in seen.problems:
        places.setdefault((one.what, one.remedy), (one, []))[1].append(one.where)
    return list(places.values())


def _headline(seen: FolderSeen) -> str:
    series = sum(len(visit.series) for visit in seen.visits)
    parts = (
        _count(len(seen.visits), "visit", "visits"),
        f"{series} series",
        _count(seen.bone_masks, "bone mask", "bone masks"),
        _count(sum(one.files for one in seen.set_aside), "file set aside", "files set aside"),
    )
    return ", ".join(parts)


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _days(visit: VisitSeen) -> str:
    return f"  (day {visit.day})" if visit.day else ""


def _table(visit: VisitSeen) -> Table:
    """One row a series; it fits into 80 columns, which is what a pipe gets."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for name in ("series", "shows", "contrast", "plane", "matrix", "spacing", "gap", "field"):
        table.add_column(name, no_wrap=name not in ("shows", "contrast"))
    for one in visit.series:
        across, down, step = one.grid.spacing_mm
        table.add_row(
            one.id,
            escape(_shows(one)),
            escape(_contrast(one, visit)) + (" *" if one.is_fluid_sensitive else ""),
            " ".join(filter(None, (one.plane, one.grid.acquisition))),
            "×".join(map(str, one.grid.matrix)),
            f"{across:.2f}×{down:.2f}×{step:.1f}",
            _gap(one.grid),
            "×".join(f"{length:.0f}" for length in one.grid.field_mm),
        )
    return table


def _contrast(one: SeriesSeen, visit: VisitSeen) -> str:
    """With the echo time where nothing else tells the echoes of a series apart."""
    alike = [
        other
        for other in visit.series
        if (_shows(other), other.contrast, other.plane) == (_shows(one), one.contrast, one.plane)
    ]
    told_apart = len({other.echo_time_ms for other in alike}) > 1
    return f"{one.contrast}, TE {one.echo_time_ms or 0:.0f}" if told_apart else one.contrast


def _shows(one: SeriesSeen) -> str:
    joint = "joint?" if one.joint == "unknown" else one.joint
    return joint if one.side in ("unknown", "midline") else f"{one.side} {joint}"


def _gap(grid: GridSeen) -> str:
    """Between slices; a minus where they overlap, a question mark where it is not known."""
    return "?" if grid.gap_mm is None else f"{grid.gap_mm:.1f}"


def _set_aside(seen: FolderSeen) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("files", justify="right")
    table.add_column("what")
    table.add_column("why")
    for one in seen.set_aside:
        table.add_row(str(one.files), escape(one.what), escape(one.reason))
    return table
