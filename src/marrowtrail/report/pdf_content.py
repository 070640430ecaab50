"""What the PDF says, in the order in which the patient's next doctor needs it.

The same words, numbers and drawings as on the page (:class:`~marrowtrail.report.html.Page`),
cut to a few sheets of paper: what is left out is counted where it is left out. Names of
readers stay out, as in every output that is not asked to identify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from marrowtrail.diagnosis.differential import LedgerStatus
from marrowtrail.diagnosis.wording import inside
from marrowtrail.lesions.lesion import SignState
from marrowtrail.report import explanations, tables
from marrowtrail.report.html import LINE_COLOURS, VISIT_COLOURS, Page, Ranking, page_of
from marrowtrail.report.pdf_drawings import chart_drawing, slice_pictures, trail_drawing
from marrowtrail.report.pdf_paper import Alert, BarText, Paper, RankingText, Room, Strip, VisitText
from marrowtrail.report.pdf_places import known_lines, period, unknown_lines
from marrowtrail.report.reasons import Reason, Reasons
from marrowtrail.report.story import VisitStory
from marrowtrail.report.tables import Cell, Table
from marrowtrail.report.words import capital, percent, percent_interval, plain, spoken
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
        title="Bone marrow oedema on serial MRI",
        patient=document.patient,
        identity=identity.words if identity else "",
        period=period(document),
        notice=document.notice,
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
        elsewhere=tuple(f"{e.why}: {e.text} (visit {e.visit})." for e in page.trail.elsewhere),
        follow_up=_follow_up(document, shown, room),
        strips=_strips(page, shown, room, figures),
        strips_note=_strips_note(page, shown, room),
        standing=(
            capital(behind.standing.value),
            explanations.standing_tone(document),
            behind.standing_why,
        ),
        against=tuple(_reason(r, lead) for r in lead.against[: room.reasons]) if lead else (),
        against_none=_against_none(lead),
        turns=_short(explanations.turn_table(document), room) if behind.turns else None,
        rankings=tuple(_ranking(one, page) for one in page.rankings),
        supporting=tuple(_reason(r, lead) for r in lead.supporting[: room.reasons]) if lead else (),
        leading=inside(lead.cause.label) if lead else "",
        ledger=ledger,
        next_steps=_short(_without(tables.next_step_table(document), "Cost"), room),
        outlook=_short(_without(explanations.outlook_table(document), "Sources"), room),
        unknown=_cut_lines(unknown_lines(document), room),
        known=known_lines(document),
        signs=_short(_signs_seen(document), room),
        provenance=_provenance(document),
        limits=document.provenance.known_limits,
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
    between = "the second" if left == 1 else f"{left} visits between"
    return f"The first visit and the latest; {between} stand in report.html."


def _visit(story: VisitStory) -> VisitText:
    lines = tuple(
        (lesion.site, "; ".join((lesion.volume, *lesion.arrivals))) for lesion in story.lesions
    )
    when = story.when if story.when == f"day {story.day}" else f"{story.when}, day {story.day}"
    quiet = tuple(text for text in (story.smaller, story.verdict) if text)
    colour = f"v{(story.number - 1) % VISIT_COLOURS + 1}"
    return VisitText(story.number, colour, when, f"{story.imaged} imaged", lines, quiet)


def _alerts(page: Page, room: Room) -> tuple[Alert, ...]:
    """Red flags and warnings that keep the result from being verified, then the notes."""
    flags = [
        Alert("bad", f"Red flag, {spoken(flag.category)}:", plain(flag.explanation))
        for flag in page.document.red_flags
    ]
    grave = [_warning("open", group.first, len(group.others)) for group in page.warnings]
    notes = [_warning("quiet", row, 0) for row in page.notes]
    everything = (*flags, *grave, *notes)
    left = len(everything) - room.warnings
    if left <= 0:
        return everything
    return (*everything[: room.warnings], Alert("quiet", "", f"{left} more in report.html."))


def _warning(tone: str, row: WarningRow, others: int) -> Alert:
    more = f" {others} more of this kind." if others else ""
    remedy = plain(row.remedy)
    end = "" if not remedy or remedy[-1] in ".!?" else "."
    where = plain(row.where)
    text = f"{capital(where)}. {capital(remedy)}{end}{more}".strip()
    return Alert(tone, plain(row.what), text)


def _verdict(page: Page) -> str:
    document = page.document
    texts = []
    if not document.lesions:
        found = "No marrow oedema was found in the bones that were read."
        nothing = "No bone could be read for oedema, so nothing is said about it."
        texts.append(found if page.any_bone_read else nothing)
    if len(document.visits) == 1:
        texts.append("One visit only: nothing can be followed.")
    elif document.lesions and not document.shifts:
        texts.append("No shift: no oedema faded in one place while it appeared in another.")
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
        parts.append(f"{spots} smaller or later place{'' if spots == 1 else 's'}")
    if visits:
        parts.append(f"{visits} visit{'' if visits == 1 else 's'} between")
    return f"Left out here: {' and '.join(parts)}; see report.html." if parts else ""


def _ranking(ranking: Ranking, page: Page) -> RankingText:
    confirmed = "From confirmed findings only"
    others = len(ranking.row.causes) - len(ranking.bars)
    rest = f"{others} other causes together {percent(ranking.rest)}. " if others else ""
    return RankingText(
        confirmed if ranking.is_confirmed else page.proposed_heading,
        ranking.is_confirmed,
        ranking.row.conclusion,
        tuple(
            BarText(
                capital(cause.label),
                percent_interval(cause.probability, cause.low, cause.high),
                cause.probability,
                cause.low,
                cause.high,
            )
            for cause in ranking.bars
        ),
        f"{rest}Setting: {spoken(ranking.row.setting)}.",
    )


def _reason(reason: Reason, lead: Reasons) -> str:
    memory = any(not note.citation.read for note in reason.footnotes)
    doubt = "; a source is from memory, not read again" if memory else ""
    return (
        f"{reason.label} ({reason.words} in {inside(lead.cause.label)} than in the others{doubt})"
    )


def _against_none(lead: Reasons | None) -> str:
    if lead is None:
        return "No finding spoke for or against a cause."
    return "" if lead.against else f"No finding speaks against {inside(lead.cause.label)}."


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
    last = (Cell(f"{left} more in report.html", "quiet"), *blank)
    return replace(table, rows=(*table.rows[: room.rows], last))


def _cut_lines(lines: tuple[tuple[str, str], ...], room: Room) -> tuple[tuple[str, str], ...]:
    left = len(lines) - room.rows
    if left <= 0:
        return lines
    return (*lines[: room.rows], (f"{left} more in report.html", ""))


def _provenance(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    made = document.provenance
    network = made.bone_network
    bones = (
        f"network {network.version}, where no mask was handed in"
        if network
        else "masks that were handed in"
    )
    settings = "; ".join(f"{spoken(key)}: {value}" for key, value in sorted(made.settings.items()))
    return (
        ("Program", f"{made.program} {made.program_version}, result {document.schema_version}"),
        ("Knowledge", f"{made.knowledge_version}, {made.knowledge_hash[:16]}"),
        ("Bones", bones),
        ("Input", made.input_hash[:16]),
        ("Settings", settings),
    )


def _left_out(document: ResultDocument) -> str:
    series = sum(len(visit.series) for visit in document.visits)
    aside = sum(row.files for row in document.set_aside)
    files = f"; {aside} files were set aside" if aside else ""
    return (
        f"{series} series were read{files}. Every number, series and source stands in "
        "report.html and result.json, which belong to this page."
    )
