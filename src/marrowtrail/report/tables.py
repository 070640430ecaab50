"""The report's tables: what stands in each row, in words.

A :class:`Table` knows nothing of HTML; the template draws it as a table on a wide screen and
as one block per row on a narrow one.
"""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.diagnosis.differential import Cause, LedgerStatus
from marrowtrail.follow_up.track import Change
from marrowtrail.lesions.lesion import SignKind, SignState
from marrowtrail.record.findings import SOFTWARE, FindingState
from marrowtrail.report.coverage import coverage
from marrowtrail.report.words import (
    bone_name,
    capital,
    joint_name,
    ml_interval,
    percent,
    percent_interval,
    plain,
    region_name,
    spoken,
    visit_when,
)
from marrowtrail.result.model import (
    FindingRow,
    LesionRow,
    ResultDocument,
    SignRow,
    TrackRow,
    VisitRow,
)

CHANGES = {
    Change.NEW: "new",
    Change.RESOLVED: "resolved",
    Change.GROWING: "growing",
    Change.SHRINKING: "shrinking",
    Change.WITHIN_NOISE: "no change beyond measurement error",
    Change.SPLIT: "split",
    Change.MERGED: "merged",
    Change.RECURRED: "back again",
    Change.UNCLEAR: "unclear",
    Change.SINGLE: "seen once, nothing to compare",
}

SIGNS = {
    SignKind.SUBCHONDRAL_LINE: "subchondral fracture line",
    SignKind.LOW_SIGNAL_AREA: "low-signal area on the subchondral plate",
    SignKind.DEMARCATION: "demarcation line",
}

LEDGER = {
    LedgerStatus.EXCLUDED_BY_TEST: "excluded by test",
    LedgerStatus.EXCLUDED_IF_CONFIRMED: "excluded if a reader confirms it",
    LedgerStatus.UNLIKELY: "unlikely",
    LedgerStatus.OPEN: "open",
    LedgerStatus.SUPPORTED: "supported",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a cell. ``tone`` marks a state: ``good``, ``bad``, ``open`` or ``quiet``."""

    text: str
    tone: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, column heads, and rows of as many cells; the first cell names its row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def follow_up_table(document: ResultDocument) -> Table:
    """One row for each lesion followed, one column for each visit."""
    rows = {row.id: row for row in document.lesions}
    heads = tuple(f"Visit {n}, {visit_when(v)}" for n, v in enumerate(document.visits, 1))
    body = tuple(_follow_up_row(track, document.visits, rows) for track in document.tracks)
    return Table(
        "Each lesion through the visits: volume with its interval",
        ("Lesion", *heads, "Change", "Why"),
        body,
    )


def _follow_up_row(
    track: TrackRow, visits: tuple[VisitRow, ...], rows: dict[str, LesionRow]
) -> tuple[Cell, ...]:
    lesions = [rows[key] for key in track.lesions]
    largest = max(lesions, key=lambda row: row.volume_mm3)
    cells = [Cell(capital(region_name(track.bone, largest.region, track.side)))]
    for visit in visits:
        here = [row for row in lesions if row.visit == visit.id]
        if here:
            cells.append(Cell(" and ".join(_volume(row) for row in here), is_number=True))
        else:
            cells.append(Cell(coverage(visit, track, largest.region).value, "quiet"))
    change = CHANGES[track.change]
    return (
        *cells,
        Cell(change if track.verified else f"{change} (not verified)"),
        Cell(plain(track.explanation)),
    )


def lesion_table(document: ResultDocument) -> Table:
    """Every lesion of every visit with the regions that it fills."""
    numbers = _numbers(document)
    body = tuple(
        (
            Cell(capital(region_name(row.bone, row.region, row.side))),
            Cell(f"{numbers[row.visit]}"),
            Cell(_volume(row), is_number=True),
            Cell(_shares(row)),
            Cell(percent(row.share_of_bone), is_number=True),
            Cell(f"{row.contrast:.1f} times", is_number=True),
        )
        for row in document.lesions
    )
    columns = (
        "Lesion",
        "Visit",
        "Volume",
        "Where it lies",
        "Of the imaged bone",
        "Signal against normal marrow",
    )
    return Table("Lesions, visit by visit", columns, body)


def sign_table(document: ResultDocument) -> Table:
    """Signs that were looked for, and why one could not be assessed."""
    numbers = _numbers(document)
    body = tuple(_sign_row(row, numbers, document) for row in document.signs)
    return Table(
        "Signs looked for", ("Sign", "Where", "Visit", "Result", "Size", "Confidence", "Why"), body
    )


def _sign_row(row: SignRow, numbers: dict[str, int], document: ResultDocument) -> tuple[Cell, ...]:
    tones = {
        SignState.PRESENT: "bad",
        SignState.ABSENT: "good",
        SignState.EQUIVOCAL: "open",
        SignState.NOT_ASSESSABLE: "open",
    }
    lesion = next((found for found in document.lesions if found.id == row.lesion), None)
    where = region_name(row.bone, lesion.region if lesion else None, row.side)
    assessed = row.state is not SignState.NOT_ASSESSABLE
    return (
        Cell(capital(SIGNS[row.kind])),
        Cell(where),
        Cell(f"{numbers[row.visit]}"),
        Cell(spoken(row.state.value), tones[row.state]),
        Cell(_size(row), is_number=True),
        Cell(percent(row.confidence) if assessed else "", is_number=True),
        Cell(plain(row.reason)),
    )


def bone_table(document: ResultDocument) -> Table:
    """Which bones were read at each visit, and why others were not."""
    labels = {s.id: s.label for visit in document.visits for s in visit.series}
    body = tuple(
        (
            Cell(capital(bone_name(row.bone, row.side, row.end))),
            Cell(f"{n}"),
            Cell("read", "good") if row.is_read else Cell("not read", "open"),
            Cell(labels.get(row.series or "", "")),
            Cell("cut by the field of view" if row.cut_by_field_of_view else "whole"),
            Cell(f"{capital(row.source)}; {spoken(row.verdict)}" if row.source else row.verdict),
            Cell(plain(row.reason)),
        )
        for n, visit in enumerate(document.visits, 1)
        for row in visit.bones
    )
    columns = ("Bone", "Visit", "Read for oedema", "Series", "Extent", "Outline", "Why")
    return Table("Bones, visit by visit", columns, body)


def series_table(document: ResultDocument) -> Table:
    """Series that were used."""
    body = tuple(
        (
            Cell(f"{row.label}, {row.plane}"),
            Cell(f"{n}"),
            Cell(joint_name(row.body_part, row.side)),
            Cell("can show oedema", "good")
            if row.is_fluid_sensitive
            else Cell("cannot show oedema", "quiet"),
            Cell(" × ".join(f"{size:.2g}" for size in row.spacing_mm) + " mm", is_number=True),
            Cell(" × ".join(f"{count}" for count in row.shape), is_number=True),
            Cell(row.weighting_reason),
        )
        for n, visit in enumerate(document.visits, 1)
        for row in visit.series
    )
    columns = ("Series", "Visit", "Part", "Use", "Voxel", "Grid", "How its weighting was read")
    return Table("Series used", columns, body)


def set_aside_table(document: ResultDocument) -> Table:
    """What the folder held and was not used."""
    body = tuple(
        (Cell(row.what), Cell(f"{row.files}", is_number=True), Cell(plain(row.reason)))
        for row in document.set_aside
    )
    return Table("Set aside", ("What", "Files", "Why"), body)


def ledger_table(document: ResultDocument) -> Table:
    """Alternatives, and what answered each."""
    tones = {
        LedgerStatus.EXCLUDED_BY_TEST: "good",
        LedgerStatus.EXCLUDED_IF_CONFIRMED: "open",
        LedgerStatus.UNLIKELY: "good",
        LedgerStatus.OPEN: "open",
        LedgerStatus.SUPPORTED: "bad",
    }
    body = tuple(
        (
            Cell(capital(line.label)),
            Cell(percent(line.probability), is_number=True),
            Cell(LEDGER[line.status], tones[line.status]),
            Cell(plain(line.explanation)),
        )
        for line in document.ledger
    )
    return Table(
        "What has to be answered before the leading cause is established",
        ("Alternative", "Probability", "Status", "What answers it"),
        body,
    )


def next_step_table(document: ResultDocument) -> Table:
    """Tests not done yet, most informative first."""
    steps = sorted(document.next_steps, key=lambda step: -step.bits)
    body = tuple(
        (
            Cell(capital(step.label)),
            Cell(f"{step.bits:.2f} bit", is_number=True),
            Cell(spoken(step.delay)),
            Cell(spoken(step.cost)),
            Cell(spoken(step.burden)),
            Cell(plain(step.why)),
        )
        for step in steps
    )
    columns = ("Test", "Expected information", "Delay", "Cost", "Burden", "Why")
    return Table("Tests not done yet, most informative first", columns, body)


def finding_table(document: ResultDocument, *, done: bool) -> Table:
    """Findings that someone looked for, or those that nobody did."""
    rows = [f for f in document.findings if (f.state is not FindingState.NOT_DONE) is done]
    caption = (
        "What was looked for, and what was found"
        if done
        else "Not done: nobody looked, so these count for nothing"
    )
    columns = ("Finding", "Result", "Where and when", "Entered by", "Confirmed by", "How")
    return Table(caption, columns, tuple(_finding_row(row, document) for row in rows))


def _finding_row(row: FindingRow, document: ResultDocument) -> tuple[Cell, ...]:
    tones = {FindingState.PRESENT: "", FindingState.ABSENT: "quiet"}
    confirmed = row.confirmed_by or ("" if row.entered_by == SOFTWARE else "as entered")
    state = spoken((row.reason or row.state).value)
    return (
        Cell(capital(row.label)),
        Cell(state, tones.get(row.state, "open")),
        Cell(_place_and_time(row, document)),
        Cell("proposed by the program" if row.entered_by == SOFTWARE else row.entered_by),
        Cell(confirmed) if confirmed else Cell("nobody yet", "open"),
        Cell(plain(row.explanation)),
    )


def _place_and_time(row: FindingRow, document: ResultDocument) -> str:
    parts = []
    if row.bone is not None and row.side is not None:
        parts.append(region_name(row.bone, row.region, row.side))
    elif row.site:
        parts.append(row.site)
    if row.visit is not None:
        days = {visit.date: n for n, visit in enumerate(document.visits, 1) if visit.date}
        number = days.get(row.visit)
        parts.append(f"visit {number}" if number else f"{row.visit.day} {row.visit:%b %Y}")
    return ", ".join(parts) or "whole record"


def registration_table(document: ResultDocument) -> Table:
    """How bones were aligned between visits, and whether that was verified."""
    numbers = _numbers(document)
    tones = {"verified": "good", "unverified": "open", "impossible": "bad"}
    body = tuple(
        (
            Cell(capital(bone_name(row.bone, row.side, row.end))),
            Cell(f"{numbers[row.from_visit]} to {numbers[row.to_visit]}"),
            Cell(spoken(row.verification), tones.get(row.verification, "open")),
            Cell(
                f"{row.surface_gap_mm:.1f} mm" if row.surface_gap_mm is not None else "",
                is_number=True,
            ),
            Cell(plain(row.reason)),
        )
        for row in document.registrations
    )
    columns = ("Bone", "Visits", "Alignment", "Gap between its surfaces", "Why")
    return Table("Alignment between visits, bone by bone", columns, body)


def cause_table(document: ResultDocument) -> Table:
    """The whole ranking after each visit."""
    heads = tuple(f"After visit {n}" for n in range(1, len(document.course) + 1))
    body = tuple(
        (
            Cell(capital(cause.label)),
            *(
                Cell(_probability(step.causes, cause.diagnosis), is_number=True)
                for step in document.course
            ),
        )
        for cause in document.differential
    )
    return Table("Probability of every cause after each visit", ("Cause", *heads), body)


def _probability(causes: tuple[Cause, ...], diagnosis: str) -> str:
    for cause in causes:
        if cause.diagnosis == diagnosis:
            return percent_interval(cause.probability, cause.low, cause.high)
    return ""


def _numbers(document: ResultDocument) -> dict[str, int]:
    return {visit.id: n for n, visit in enumerate(document.visits, 1)}


def _volume(row: LesionRow) -> str:
    return ml_interval(row.volume_mm3, row.volume_low_mm3, row.volume_high_mm3)


def _shares(row: LesionRow) -> str:
    return "; ".join(
        f"{percent(part.share_of_lesion)} in the {part.label}, "
        f"filling {percent(part.share_of_region)} of it"
        for part in row.region_shares
    )


def _size(row: SignRow) -> str:
    sizes = ((row.length_mm, "long"), (row.thickness_mm, "thick"))
    return ", ".join(f"{size:.1f} mm {word}" for size, word in sizes if size is not None)
