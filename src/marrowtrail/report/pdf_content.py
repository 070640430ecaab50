"""What the PDF says, in the order in which the patient's next doctor needs it.

The same words, numbers and drawings as on the page (:class:`~marrowtrail.report.html.Page`),
cut to a few sheets of paper: what is left out is counted where it is left out. Names of
readers stay out, as in every output that is not asked to identify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from marrowtrail.diagnosis.differential import LedgerStatus
from marrowtrail.lesions.lesion import SignState
from marrowtrail.report import explanations, tables
from marrowtrail.report.html import LINE_COLOURS, VISIT_COLOURS, Page, Ranking, page_of
from marrowtrail.report.language import counted, message, section
from marrowtrail.report.pdf_drawings import chart_drawing, slice_pictures, trail_drawing
from marrowtrail.report.pdf_paper import Alert, BarText, Paper, RankingText, Room, Strip, VisitText
from marrowtrail.report.pdf_places import known_lines, period, unknown_lines
from marrowtrail.report.reasons import Reason, Reasons
from marrowtrail.report.stored import told
from marrowtrail.report.story import VisitStory
from marrowtrail.report.tables import Cell, Table
from marrowtrail.report.words import (
    capital,
    inside,
    percent,
    percent_interval,
    plain,
    spoken,
)
from marrowtrail.result.identity import Identity
from marrowtrail.result.model import ResultDocument, WarningRow


def paper_of(
    document: ResultDocument,
    figures: Mapping[str, bytes],
    room: Room,
    identity: Identity | None = None,
) -> Paper:
    """The content of the PDF, cut to a room.

    Raises
    ------
    KeyError
        If the bytes of a figure of the document are missing.
    """
    page = page_of(document, figures)
    shown = shown_visits(len(document.visits), room.visits)
    lead = page.reasons[0] if page.reasons else None
    ledger = _ledger(document, room)
    behind = document.explanation
    summary = page.trail.summary
    volumes = page.volumes
    return Paper(
        language=message("language.tag"),
        region=message("language.region"),
        words=section("pdf"),
        title=message("paper.title"),
        patient=told(document.patient),
        identity=identity.words if identity else "",
        period=period(document),
        notice=told(document.notice),
        language_note=message("language.note"),
        is_synthetic=document.is_synthetic,
        headline=plain(document.headline),
        basis=page.proposed_heading,
        confirmed_leader=page.confirmed_leader,
        alerts=_alerts(page, room),
        verdict=_verdict(page),
        trail=trail_drawing(summary) if summary and document.lesions else None,
        trail_mm=room.trail_mm,
        visits=tuple(_visit(one) for one in _cut_visits(page.visits, room.visits + 1)),
        visits_note=_visits_note(len(page.visits), room.visits + 1),
        volumes=chart_drawing(volumes) if volumes else None,
        legend=tuple(
            (f"line{line.index % LINE_COLOURS + 1}", line.name)
            for line in (volumes.lines if volumes else ())
        ),
        elsewhere=tuple(
            message("trail.elsewhere", why=e.why, what=e.text, number=e.visit)
            for e in page.trail.elsewhere
        ),
        follow_up=_follow_up(document, shown, room),
        strips=_strips(page, shown, room, figures),
        strips_note=_strips_note(page, shown, room),
        standing=(
            capital(spoken(behind.standing.value)),
            explanations.standing_tone(document),
            told(behind.standing_why),
        ),
        against=tuple(_reason(r, lead) for r in lead.against[: room.reasons]) if lead else (),
        against_none=_against_none(lead),
        turns=_short(explanations.turn_table(document), room) if behind.turns else None,
        rankings=tuple(_ranking(one, page) for one in page.rankings),
        supporting=tuple(_reason(r, lead) for r in lead.supporting[: room.reasons]) if lead else (),
        leading=inside(lead.cause.label) if lead else "",
        ledger=ledger,
        next_steps=_short(_without(tables.next_step_table(document), message("table.cost")), room),
        outlook=_short(
            _without(explanations.outlook_table(document), message("table.sources")), room
        ),
        unknown=_cut_lines(unknown_lines(document), room),
        known=known_lines(document),
        signs=_short(_signs_seen(document), room),
        provenance=_provenance(document),
        limits=tuple(told(limit) for limit in document.provenance.known_limits),
        left_out=_left_out(document),
    )


def shown_visits(count: int, most: int) -> tuple[int, ...]:
    """Numbers of the visits that columns are made of: the first one and the latest."""
    if count <= most:
        return tuple(range(1, count + 1))
    return (1, *range(count - most + 2, count + 1))


def _cut_visits(visits: tuple[VisitStory, ...], most: int) -> tuple[VisitStory, ...]:
    numbers = shown_visits(len(visits), most)
    return tuple(one for one in visits if one.number in numbers)


def _visits_note(count: int, most: int) -> str:
    left = count - most
    if left <= 0:
        return ""
    if left == 1:
        return message("paper.second_visit")
    return message("paper.visits_between", count=left)


def _visit(story: VisitStory) -> VisitText:
    lines = tuple(
        (lesion.site, "; ".join((lesion.volume, *lesion.arrivals))) for lesion in story.lesions
    )
    day = message("time.day", day=story.day)
    when = day if story.when == day else f"{story.when}, {day}"
    quiet = tuple(text for text in (story.smaller, story.verdict) if text)
    imaged = message("story.imaged", places=story.imaged)
    colour = f"v{(story.number - 1) % VISIT_COLOURS + 1}"
    return VisitText(story.number, colour, when, imaged, lines, quiet)


def _alerts(page: Page, room: Room) -> tuple[Alert, ...]:
    """Red flags and warnings that keep the result from being verified, then the notes."""
    flags = [
        Alert(
            "bad",
            message("paper.flag", category=spoken(flag.category)),
            plain(flag.explanation),
        )
        for flag in page.document.red_flags
    ]
    grave = [_warning("open", group.first, len(group.others)) for group in page.warnings]
    notes = [_warning("quiet", row, 0) for row in page.notes]
    everything = (*flags, *grave, *notes)
    left = len(everything) - room.warnings
    if left <= 0:
        return everything
    return (*everything[: room.warnings], Alert("quiet", "", message("paper.more", count=left)))


def _warning(tone: str, row: WarningRow, others: int) -> Alert:
    more = message("paper.more_of_kind", count=others) if others else ""
    remedy = plain(row.remedy)
    end = "" if not remedy or remedy[-1] in ".!?" else "."
    where = plain(row.where)
    text = f"{capital(where)}. {capital(remedy)}{end}{more}".strip()
    return Alert(tone, plain(row.what), text)


def _verdict(page: Page) -> str:
    document = page.document
    texts = []
    if not document.lesions:
        texts.append(message("verdict.none_found" if page.any_bone_read else "verdict.none_read"))
    if len(document.visits) == 1:
        texts.append(message("paper.one_visit"))
    elif document.lesions and not document.shifts:
        texts.append(message("paper.no_shift"))
    return " ".join(texts)


def _follow_up(document: ResultDocument, shown: tuple[int, ...], room: Room) -> Table | None:
    if not document.lesions:
        return None
    table = tables.follow_up_table(document)
    kept = (0, *shown, len(table.columns) - 2, len(table.columns) - 1)
    if len(document.visits) == 1:
        kept = (0, 1)
    rows = tuple(tuple(row[n] for n in kept) for row in table.rows)
    return _short(Table(table.caption, tuple(table.columns[n] for n in kept), rows), room)


def _strips(
    page: Page, shown: tuple[int, ...], room: Room, figures: Mapping[str, bytes]
) -> tuple[Strip, ...]:
    whens = {visit.number: visit.when for visit in page.visits}
    large = [spot for spot in page.spots if not spot.is_minor][: room.spots]
    return tuple(Strip(s.title, slice_pictures(s, shown, whens, figures)) for s in large)


def _strips_note(page: Page, shown: tuple[int, ...], room: Room) -> str:
    large = sum(not spot.is_minor for spot in page.spots)
    spots = len(page.spots) - min(large, room.spots)
    visits = len(page.visits) - len(shown)
    parts = []
    if spots:
        parts.append(counted("paper.smaller_places", spots))
    if visits:
        parts.append(counted("paper.left_visits", visits))
    return message("paper.left_out", what=message("join.and").join(parts)) if parts else ""


def _ranking(ranking: Ranking, page: Page) -> RankingText:
    others = len(ranking.row.causes) - len(ranking.bars)
    rest = [message("page.other_causes", count=others, share=percent(ranking.rest))]
    setting = message("page.setting", setting=spoken(ranking.row.setting))
    return RankingText(
        message("basis.confirmed_only") if ranking.is_confirmed else page.proposed_heading,
        ranking.is_confirmed,
        told(ranking.row.conclusion),
        tuple(
            BarText(
                capital(told(cause.label)),
                percent_interval(cause.probability, cause.low, cause.high),
                cause.probability,
                cause.low,
                cause.high,
            )
            for cause in ranking.bars
        ),
        " ".join([*(rest if others else ()), setting]),
    )


def _reason(reason: Reason, lead: Reasons) -> str:
    memory = any(not note.citation.read for note in reason.footnotes)
    return message(
        "paper.reason_from_memory" if memory else "paper.reason",
        finding=reason.label,
        times=reason.words,
        cause=inside(lead.cause.label),
    )


def _against_none(lead: Reasons | None) -> str:
    if lead is None:
        return message("page.no_reason")
    if lead.against:
        return ""
    return message("page.nothing_against", cause=inside(lead.cause.label))


def _ledger(document: ResultDocument, room: Room) -> Table:
    """What is open or supported comes before what is answered."""
    order = (
        LedgerStatus.SUPPORTED,
        LedgerStatus.OPEN,
        LedgerStatus.EXCLUDED_IF_CONFIRMED,
        LedgerStatus.UNLIKELY,
        LedgerStatus.EXCLUDED_BY_TEST,
    )
    lines = sorted(document.ledger, key=lambda line: order.index(line.status))
    return _short(tables.ledger_table(document.model_copy(update={"ledger": tuple(lines)})), room)


def _signs_seen(document: ResultDocument) -> Table:
    """Signs that are or may be there, with their size; absent ones stand among the findings."""
    seen = (SignState.PRESENT, SignState.EQUIVOCAL)
    rows = tuple(row for row in document.signs if row.state in seen)
    return tables.sign_table(document.model_copy(update={"signs": rows}))


def _without(table: Table, column: str) -> Table:
    """A table with one column less."""
    at = table.columns.index(column)
    rows = tuple(row[:at] + row[at + 1 :] for row in table.rows)
    return Table(table.caption, table.columns[:at] + table.columns[at + 1 :], rows)


def _short(table: Table, room: Room) -> Table:
    """The first rows, and in a last one how many more there are."""
    left = len(table.rows) - room.rows
    if left <= 0:
        return table
    blank = (Cell(""),) * (len(table.columns) - 1)
    last = (Cell(message("paper.more_row", count=left), "quiet"), *blank)
    return replace(table, rows=(*table.rows[: room.rows], last))


def _cut_lines(lines: tuple[tuple[str, str], ...], room: Room) -> tuple[tuple[str, str], ...]:
    left = len(lines) - room.rows
    if left <= 0:
        return lines
    return (*lines[: room.rows], (message("paper.more_row", count=left), ""))


def _provenance(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    made = document.provenance
    network = made.bone_network
    bones = message("page.masks")
    if network:
        bones = message("paper.bones_network", version=network.version)
    program = message(
        "paper.program",
        program=made.program,
        version=made.program_version,
        format=document.schema_version,
    )
    settings = "; ".join(
        f"{spoken(key)}: {told(value)}" for key, value in sorted(made.settings.items())
    )
    return (
        (message("page.program"), program),
        (message("page.knowledge"), f"{made.knowledge_version}, {made.knowledge_hash[:16]}"),
        (message("page.bones"), bones),
        (message("page.input"), made.input_hash[:16]),
        (message("paper.settings"), settings),
    )


def _left_out(document: ResultDocument) -> str:
    series = sum(len(visit.series) for visit in document.visits)
    aside = sum(row.files for row in document.set_aside)
    if aside:
        return message("paper.series_aside", series=series, files=aside)
    return message("paper.series_read", series=series)
