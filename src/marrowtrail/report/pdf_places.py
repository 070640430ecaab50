"""Findings gathered for a page: one line where the report's table has one a bone and visit."""

from __future__ import annotations

from collections.abc import Iterable

from marrowtrail.record.findings import CASE_RECORD, SOFTWARE, FindingState
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.report.coverage import Coverage, shown
from marrowtrail.report.language import message
from marrowtrail.report.stored import told
from marrowtrail.report.words import (
    bone_name,
    capital,
    day_of,
    plain,
    region_name,
    spoken,
    visit_when,
)
from marrowtrail.result.model import FindingRow, ResultDocument

STATES = (FindingState.PRESENT, FindingState.EQUIVOCAL, FindingState.ABSENT)
"""In the order in which a reader asks."""


def known_lines(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    """What was looked for and found or not, by who tells it and in which state."""
    groups: dict[tuple[int, str, str], dict[str, list[FindingRow]]] = {}
    for row in document.findings:
        if row.state in STATES:
            place, source = _source(row)
            state = capital(spoken(row.state.value))
            heading = message("paper.known", state=state, source=source)
            key = (place, f"{STATES.index(row.state)}", heading)
            groups.setdefault(key, {}).setdefault(told(row.label), []).append(row)
    return tuple(
        (heading, "; ".join(_told(label, rows, document) for label, rows in labels.items()))
        for (_, _, heading), labels in sorted(groups.items(), key=lambda item: item[0])
    )


def _told(label: str, rows: list[FindingRow], document: ResultDocument) -> str:
    where = _where(rows, document)
    joined = ": " if any(_place(row) for row in rows) else ", "
    return f"{label}{joined}{where}" if where else label


def unknown_lines(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    """What nobody could tell, each with its reason: ``(what, why)``.

    Findings that nobody looked for or could judge, bones that could not be read, and places of
    a lesion that a visit does not show. None of it counts as absent.
    """
    return (*_not_done(document), *_not_read(document), *_not_shown(document))


def _source(row: FindingRow) -> tuple[int, str]:
    """Where a finding comes from, without the name of who entered or confirmed it."""
    if row.entered_by == CASE_RECORD:
        return 0, message("paper.from_record")
    if row.entered_by != SOFTWARE:
        return 1, message("paper.from_reader")
    if row.confirmed_by and row.confirmed_by != ACCEPTED_BY_OPTION:
        return 2, message("paper.from_both")
    return 3, message("paper.from_program")


def _not_done(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    groups: dict[tuple[str, str], list[FindingRow]] = {}
    for row in document.findings:
        if row.state is FindingState.NOT_DONE and not _answered(row, document):
            reason = spoken(row.reason.value) if row.reason else message("paper.not_done")
            said = plain(row.explanation) if row.entered_by == SOFTWARE else ""
            why = f"{reason}: {said}" if said else reason
            groups.setdefault((told(row.label), why), []).append(row)
    return tuple(
        (f"{capital(label)}, {where}" if (where := _where(rows, document)) else capital(label), why)
        for (label, why), rows in groups.items()
    )


def _answered(row: FindingRow, document: ResultDocument) -> bool:
    """A reader or the record told of the same bone at the same visit what the program could not."""
    return row.visit is not None and any(
        other.state is not FindingState.NOT_DONE
        and (other.finding, other.visit, other.bone, other.side)
        == (row.finding, row.visit, row.bone, row.side)
        for other in document.findings
    )


def _not_read(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    """Bones without a reading, gathered by reason; a bone of two ends is named by its end."""
    groups: dict[str, dict[str, list[int]]] = {}
    for number, visit in enumerate(document.visits, 1):
        for bone in visit.bones:
            if not bone.is_read:
                name = bone_name(bone.bone, bone.side, bone.end)
                why = plain(bone.reason) or spoken(bone.verdict)
                groups.setdefault(why, {}).setdefault(name, []).append(number)
    return tuple(
        (
            message("paper.oedema_of", places=_joined(places)),
            message("paper.not_read", why=why),
        )
        for why, places in groups.items()
    )


def _not_shown(document: ResultDocument) -> tuple[tuple[str, str], ...]:
    rows = {row.id: row for row in document.lesions}
    groups: dict[tuple[str, str], list[int]] = {}
    for track in document.tracks:
        largest = max((rows[key] for key in track.lesions), key=lambda row: row.volume_mm3)
        site = region_name(track.bone, largest.region, track.side)
        seen = {rows[key].visit for key in track.lesions}
        for number, visit in enumerate(document.visits, 1):
            said = shown(document, visit, track, largest.region)
            if visit.id not in seen and said is not Coverage.CLEAR:
                numbers = groups.setdefault((site, said.words), [])
                numbers.extend([number] if number not in numbers else [])
    return tuple(
        (message("paper.oedema_at", places=site, visits=visits(numbers)), why)
        for (site, why), numbers in groups.items()
    )


def _where(rows: Iterable[FindingRow], document: ResultDocument) -> str:
    numbers = {visit.date: n for n, visit in enumerate(document.visits, 1) if visit.date}
    places: dict[str, list[int]] = {}
    days: dict[str, None] = {}
    for row in rows:
        place = _place(row)
        at = places.setdefault(place, [])
        if row.visit in numbers:
            if (number := numbers[row.visit]) not in at:
                at.append(number)
        elif row.visit is not None:
            days[day_of(row.visit)] = None
    return "; ".join(text for text in (_joined(places), ", ".join(days)) if text)


def _place(row: FindingRow) -> str:
    if row.bone is not None and row.side is not None:
        return region_name(row.bone, row.region, row.side)
    return told(row.site or "")


def _joined(places: dict[str, list[int]]) -> str:
    """``right femur (visits 1 and 2), right tibia (visit 2)``."""
    texts = []
    for place, numbers in places.items():
        if place and numbers:
            texts.append(f"{place} ({visits(sorted(numbers))})")
        elif place or numbers:
            texts.append(place or visits(sorted(numbers)))
    return ", ".join(texts)


def visits(numbers: list[int]) -> str:
    """``visit 1``, ``visits 1 and 2``, ``visits 1, 2 and 4``."""
    if len(numbers) == 1:
        return message("time.visit", number=numbers[0])
    first = ", ".join(map(str, numbers[:-1]))
    return message("time.visits", numbers=first, last=numbers[-1])


def period(document: ResultDocument) -> str:
    """``3 visits, 28 Nov 2019 to 15 Jul 2020``."""
    shown = document.visits
    if not shown:
        return message("time.no_visit")
    if len(shown) == 1:
        return message("time.one_visit", when=visit_when(shown[0]))
    first, last = visit_when(shown[0]), visit_when(shown[-1])
    return message("time.period", count=len(shown), first=first, last=last)
