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
from marrowtrail.report.coverage import shown
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.words import (
    bone_name,
    capital,
    day_of,
    joint_name,
    ml_interval,
    number,
    percent,
    percent_interval,
    plain,
    region_name,
    spoken,
    visit_when,
)
from marrowtrail.result.follow_up_rows import TrackRow
from marrowtrail.result.model import (
    BoneRow,
    FindingRow,
    LesionRow,
    ResultDocument,
    SeriesRow,
    SignRow,
)

CHANGES = {
    Change.NEW: "change.new",
    Change.RESOLVED: "change.resolved",
    Change.GROWING: "change.growing",
    Change.SHRINKING: "change.shrinking",
    Change.WITHIN_NOISE: "change.within_noise",
    Change.SPLIT: "change.split",
    Change.MERGED: "change.merged",
    Change.RECURRED: "change.recurred",
    Change.UNCLEAR: "change.unclear",
    Change.SINGLE: "change.single",
}

SIGNS = {
    SignKind.SUBCHONDRAL_LINE: "sign.subchondral_line",
    SignKind.LOW_SIGNAL_AREA: "sign.low_signal_area",
    SignKind.DEMARCATION: "sign.demarcation",
}

LEDGER = {
    LedgerStatus.EXCLUDED_BY_TEST: "status.excluded_by_test",
    LedgerStatus.EXCLUDED_IF_CONFIRMED: "status.excluded_if_confirmed",
    LedgerStatus.UNLIKELY: "status.unlikely",
    LedgerStatus.OPEN: "status.open",
    LedgerStatus.SUPPORTED: "status.supported",
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


def heads(*names: str) -> tuple[str, ...]:
    """Column heads by their names in the catalogue, below ``table``."""
    return tuple(message("table." + name) for name in names)


def follow_up_table(document: ResultDocument) -> Table:
    """One row for each lesion followed, one column for each visit."""
    rows = {row.id: row for row in document.lesions}
    visits = tuple(
        message("time.visit_when", number=n, when=visit_when(v))
        for n, v in enumerate(document.visits, 1)
    )
    body = tuple(_follow_up_row(track, document, rows) for track in document.tracks)
    return Table(
        message("table.follow_up"),
        (message("table.lesion"), *visits, *heads("change", "why")),
        body,
    )


def _follow_up_row(
    track: TrackRow, document: ResultDocument, rows: dict[str, LesionRow]
) -> tuple[Cell, ...]:
    lesions = [rows[key] for key in track.lesions]
    largest = max(lesions, key=lambda row: row.volume_mm3)
    cells = [Cell(capital(region_name(track.bone, largest.region, track.side)))]
    for visit in document.visits:
        here = [row for row in lesions if row.visit == visit.id]
        if here:
            cells.append(
                Cell(message("join.and").join(_volume(row) for row in here), is_number=True)
            )
        else:
            cells.append(Cell(shown(document, visit, track, largest.region).words, "quiet"))
    change, why = _change(track.change, verified=track.verified), plain(track.explanation)
    since = track.since_first
    if since is not None and since.explanation != track.explanation:
        first, last = (_numbers(document)[one] for one in (since.from_visit, since.to_visit))
        words = _change(since.change, verified=since.verified)
        change = message("change.since_first", change=change, first=first, last=last, since=words)
        why = f"{why}; {plain(since.explanation)}"
    return *cells, Cell(change), Cell(why)


def _change(change: Change, *, verified: bool) -> str:
    words = message(CHANGES[change])
    return words if verified else message("change.not_verified", change=words)


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
            Cell(message("number.times", value=number(row.contrast, ".1f")), is_number=True),
        )
        for row in document.lesions
    )
    columns = heads("lesion", "visit", "volume", "where_it_lies", "of_bone", "contrast")
    return Table(message("table.lesions"), columns, body)


def sign_table(document: ResultDocument) -> Table:
    """Signs that were looked for, and why one could not be assessed."""
    numbers = _numbers(document)
    body = tuple(_sign_row(row, numbers, document) for row in document.signs)
    columns = heads("sign", "where", "visit", "result", "size", "confidence", "why")
    return Table(message("table.signs"), columns, body)


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
        Cell(capital(message(SIGNS[row.kind]))),
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
            Cell(message("table.read"), "good")
            if row.is_read
            else Cell(message("table.not_read"), "open"),
            Cell(told(labels.get(row.series or "", ""))),
            Cell(message("table.cut" if row.cut_by_field_of_view else "table.whole")),
            Cell(_source(row)),
            Cell(plain(row.reason)),
        )
        for n, visit in enumerate(document.visits, 1)
        for row in visit.bones
    )
    columns = heads("bone", "visit", "read_for_oedema", "series", "extent", "outline", "why")
    return Table(message("table.bones"), columns, body)


def _source(row: BoneRow) -> str:
    if not row.source:
        return told(row.verdict)
    source = capital(told(row.source))
    return message("table.source", source=source, verdict=spoken(row.verdict))


def series_table(document: ResultDocument) -> Table:
    """Series that were used."""
    body = tuple(
        (
            Cell(told(f"{row.label}, {row.plane}")),
            Cell(f"{n}"),
            Cell(joint_name(row.body_part, row.side)),
            Cell(message("table.shows_oedema"), "good")
            if row.is_fluid_sensitive
            else Cell(message("table.cannot_show"), "quiet"),
            Cell(_voxel(row), is_number=True),
            Cell(" × ".join(f"{count}" for count in row.shape), is_number=True),
            Cell(told(row.weighting_reason)),
        )
        for n, visit in enumerate(document.visits, 1)
        for row in visit.series
    )
    columns = heads("series", "visit", "part", "use", "voxel", "grid", "how_weighted")
    return Table(message("table.series_used"), columns, body)


def _voxel(row: SeriesRow) -> str:
    return message("number.mm", value=" × ".join(number(size, ".2g") for size in row.spacing_mm))


def set_aside_table(document: ResultDocument) -> Table:
    """What the folder held and was not used."""
    body = tuple(
        (Cell(told(row.what)), Cell(f"{row.files}", is_number=True), Cell(plain(row.reason)))
        for row in document.set_aside
    )
    columns = heads("what", "files", "why")
    return Table(message("table.set_aside"), columns, body)


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
            Cell(capital(told(line.label))),
            Cell(percent(line.probability), is_number=True),
            Cell(message(LEDGER[line.status]), tones[line.status]),
            Cell(plain(line.explanation)),
        )
        for line in document.ledger
    )
    return Table(
        message("table.ledger"),
        heads("alternative", "probability", "status", "answer"),
        body,
    )


def next_step_table(document: ResultDocument) -> Table:
    """Tests not done yet, most informative first."""
    steps = sorted(document.next_steps, key=lambda step: -step.bits)
    body = tuple(
        (
            Cell(capital(told(step.label))),
            Cell(message("number.bit", value=number(step.bits, ".2f")), is_number=True),
            Cell(spoken(step.delay)),
            Cell(spoken(step.cost)),
            Cell(spoken(step.burden)),
            Cell(plain(step.why)),
        )
        for step in steps
    )
    columns = heads("test", "information", "delay", "cost", "burden", "why")
    return Table(message("table.tests"), columns, body)


def finding_table(document: ResultDocument, *, done: bool) -> Table:
    """Findings that someone looked for, or those that nobody did."""
    rows = [f for f in document.findings if (f.state is not FindingState.NOT_DONE) is done]
    columns = heads("finding", "result", "where_and_when", "entered_by", "confirmed_by", "how")
    caption = message("table.findings" if done else "table.not_done")
    return Table(caption, columns, tuple(_finding_row(row, document) for row in rows))


def _finding_row(row: FindingRow, document: ResultDocument) -> tuple[Cell, ...]:
    tones = {FindingState.PRESENT: "", FindingState.ABSENT: "quiet"}
    confirmed = told(row.confirmed_by or "")
    if not confirmed and row.entered_by != SOFTWARE:
        confirmed = message("table.as_entered")
    state = spoken((row.reason or row.state).value)
    return (
        Cell(capital(told(row.label))),
        Cell(state, tones.get(row.state, "open")),
        Cell(_place_and_time(row, document)),
        Cell(message("table.by_program") if row.entered_by == SOFTWARE else told(row.entered_by)),
        Cell(confirmed) if confirmed else Cell(message("table.nobody_yet"), "open"),
        Cell(plain(row.explanation)),
    )


def _place_and_time(row: FindingRow, document: ResultDocument) -> str:
    parts = []
    if row.bone is not None and row.side is not None:
        parts.append(region_name(row.bone, row.region, row.side))
    elif row.site:
        parts.append(told(row.site))
    if row.visit is not None:
        days = {visit.date: n for n, visit in enumerate(document.visits, 1) if visit.date}
        seen = days.get(row.visit)
        parts.append(message("time.visit", number=seen) if seen else day_of(row.visit))
    return ", ".join(parts) or message("time.whole_record")


def registration_table(document: ResultDocument) -> Table:
    """How bones were aligned between visits, and whether that was verified."""
    numbers = _numbers(document)
    tones = {"verified": "good", "unverified": "open", "impossible": "bad"}
    body = tuple(
        (
            Cell(capital(bone_name(row.bone, row.side, row.end))),
            Cell(_between(numbers[row.from_visit], numbers[row.to_visit])),
            Cell(spoken(row.verification), tones.get(row.verification, "open")),
            Cell("" if row.surface_gap_mm is None else _mm(row.surface_gap_mm), is_number=True),
            Cell(plain(row.reason)),
        )
        for row in document.registrations
    )
    columns = heads("bone", "visits", "alignment", "gap", "why")
    return Table(message("table.alignment_caption"), columns, body)


def cause_table(document: ResultDocument) -> Table:
    """The whole ranking after each visit."""
    visits = range(1, len(document.course) + 1)
    after = tuple(message("time.after_visit", number=n) for n in visits)
    body = tuple(
        (
            Cell(capital(told(cause.label))),
            *(
                Cell(_probability(step.causes, cause.diagnosis), is_number=True)
                for step in document.course
            ),
        )
        for cause in document.differential
    )
    return Table(message("table.causes"), (message("table.cause"), *after), body)


def _probability(causes: tuple[Cause, ...], diagnosis: str) -> str:
    for cause in causes:
        if cause.diagnosis == diagnosis:
            return percent_interval(cause.probability, cause.low, cause.high)
    return ""


def _numbers(document: ResultDocument) -> dict[str, int]:
    return {visit.id: n for n, visit in enumerate(document.visits, 1)}


def _between(first: int, last: int) -> str:
    return message("table.from_to", first=first, last=last)


def _volume(row: LesionRow) -> str:
    return ml_interval(row.volume_mm3, row.volume_low_mm3, row.volume_high_mm3)


def _shares(row: LesionRow) -> str:
    return "; ".join(
        message(
            "table.share",
            share=percent(part.share_of_lesion),
            place=told(part.label),
            filled=percent(part.share_of_region),
        )
        for part in row.region_shares
    )


def _size(row: SignRow) -> str:
    sizes = ((row.length_mm, "sign.long"), (row.thickness_mm, "sign.thick"))
    return ", ".join(message(key, size=_mm(size)) for size, key in sizes if size is not None)


def _mm(size: float) -> str:
    return message("number.mm", value=number(size, ".1f"))
