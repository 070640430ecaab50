"""Observations: what was found, what was measured, and what nobody could tell.

A finding that is not done carries a ``dataAbsentReason`` and no value: it is not absent. What
the program proposed and no reader confirmed is ``preliminary``. Sentences that people wrote stay
out, since they may name somebody.
"""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.exchange.fhir_parts import (
    SIDES,
    Ids,
    Json,
    Resource,
    coding,
    codings_of,
    concept,
    days,
    hl7,
    site_concept,
    ucum,
)
from marrowtrail.lesions.lesion import SignState
from marrowtrail.record.findings import CASE_RECORD, SOFTWARE, FindingState, NotDoneReason
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import Code, UnknownWordError, vocabulary
from marrowtrail.result.follow_up_rows import TrackRow
from marrowtrail.result.model import FindingRow, LesionRow, ResultDocument, SignRow
from marrowtrail.result.spoken_ids import spoken_ids

STATES = {
    FindingState.PRESENT: ("52101004", "Present"),
    FindingState.ABSENT: ("272519000", "Absent"),
    FindingState.EQUIVOCAL: ("42425007", "Equivocal"),
}
"""SNOMED CT, as DICOM PS3.16 uses them."""

REASONS = {
    NotDoneReason.NOT_PERFORMED: "not-performed",
    NotDoneReason.NOT_ASSESSABLE: "unknown",
    NotDoneReason.NOT_REPORTED: "not-asked",
}
"""``unknown``: a value is expected to exist; ``not-asked``: nothing led to its being known."""

CATEGORIES = {"imaging": "imaging", "laboratory": "laboratory", "clinical": "exam"}
"""Domains of findings that FHIR has a category for; the others have none."""

MM3_IN_ML = 1000.0

OEDEMA = "bme_present"
"""The finding whose codes stand for oedema itself."""


@dataclass(frozen=True, slots=True)
class Observed:
    """Observations in order: of findings, lesions, tracks and signs.

    ``findings`` runs parallel to the findings of the document.
    """

    findings: tuple[Resource, ...]
    lesions: tuple[Resource, ...]
    tracks: tuple[Resource, ...]
    signs: tuple[Resource, ...]

    @property
    def all(self) -> tuple[Resource, ...]:
        """Every one of them."""
        return (*self.findings, *self.lesions, *self.tracks, *self.signs)


def observe(document: ResultDocument, ids: Ids) -> Observed:
    """All observations of a document."""
    return Observed(
        tuple(_finding(n, row, ids) for n, row in enumerate(document.findings)),
        tuple(_lesion(row, document, ids) for row in document.lesions),
        tuple(_track(row, document, ids) for row in document.tracks),
        tuple(
            _sign(n, row, document, ids)
            for n, row in enumerate(document.signs)
            if row.state is not SignState.NOT_ASSESSABLE
        ),
    )


def is_confirmed(row: FindingRow) -> bool:
    """A reader or the case record stands behind a finding."""
    return row.entered_by != SOFTWARE or row.confirmed_by is not None


def is_read(row: FindingRow) -> bool:
    """A reader or the case record, not an option that accepts all, stands behind a finding."""
    return is_confirmed(row) and row.confirmed_by != ACCEPTED_BY_OPTION


def finding_key(number: int, row: FindingRow) -> str:
    """What the id of a finding's observation is made of."""
    return f"{number}|{row.finding}|{row.site}|{row.visit}"


def _observation(kind: str, key: str, ids: Ids, *, final: bool, code: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "id": ids.of(kind, key),
        "status": "final" if final else "preliminary",
        "code": code,
        "subject": ids.reference("Patient", ""),
    }


def _finding(number: int, row: FindingRow, ids: Ids) -> Resource:
    codes, category = _word(row.finding)
    made = _observation(
        "finding",
        finding_key(number, row),
        ids,
        final=is_read(row),
        code=concept(row.label, codings_of(codes)),
    )
    if category:
        made["category"] = [concept(category, [hl7("observation-category", category)])]
    made |= _at(row)
    told = spoken_ids(row.explanation) if row.entered_by == SOFTWARE else ""
    if row.reason is not None:
        why = told or row.reason.value.replace("_", " ")
        absent = hl7("data-absent-reason", REASONS[row.reason])
        made["dataAbsentReason"] = concept(why, [absent])
    else:
        made["valueCodeableConcept"] = _state(row.state)
        if told:
            made["note"] = [{"text": told}]
    made |= _who(row, ids)
    return made


def _word(key: str) -> tuple[tuple[Code, ...], str]:
    try:
        term = vocabulary().finding(key)
    except UnknownWordError:
        return (), ""
    return term.codes, CATEGORIES.get(term.domain, "")


def _at(row: FindingRow) -> Resource:
    where: Resource = {}
    if row.bone is not None:
        where["bodySite"] = site_concept(row.bone, row.region, row.site or row.bone)
        where |= _components(_side(row.side))
    return where | (days(row.visit.isoformat(), row.visit.isoformat()) if row.visit else {})


def _who(row: FindingRow, ids: Ids) -> Resource:
    """The program as the device, or a role: who a reader is stays out."""
    if row.entered_by == SOFTWARE:
        return {"device": ids.reference("Device", "")}
    role = "case record" if row.entered_by == CASE_RECORD else "reader"
    return {"performer": [{"display": role}]}


def _state(state: FindingState) -> Resource:
    code, meaning = STATES[state]
    return concept(meaning.lower(), [coding("SCT", code, meaning)])


def _side(side: Side | None) -> tuple[Resource, ...]:
    if side not in SIDES:
        return ()
    code, meaning = SIDES[side]
    what = concept("laterality", [coding("SCT", "272741003", "Laterality")])
    value = concept(meaning.lower(), [coding("SCT", code, meaning)])
    return ({"code": what, "valueCodeableConcept": value},)


def _components(parts: tuple[Resource, ...]) -> Resource:
    listed: list[Json] = [*parts]
    return {"component": listed} if listed else {}


def _lesion(row: LesionRow, document: ResultDocument, ids: Ids) -> Resource:
    """Volume of a lesion at one visit, with its interval and its identity through the visits."""
    codes, _ = _word(OEDEMA)
    made = _observation(
        "lesion",
        row.id,
        ids,
        final=_is_confirmed_lesion(row, document),
        code=concept("volume of bone marrow oedema", codings_of(codes)),
    )
    made["category"] = [concept("imaging", [hl7("observation-category", "imaging")])]
    made["bodySite"] = site_concept(row.bone, row.region, row.label)
    made |= _visit_day(row.visit, document)
    made["valueQuantity"] = ucum(row.volume_mm3 / MM3_IN_ML, "mL")
    tracking = concept(
        "tracking UID of the lesion", [coding("DCM", "112040", "Tracking Unique Identifier")]
    )
    made |= _components(
        (
            *_side(row.side),
            _measure("lower end of the interval", row.volume_low_mm3 / MM3_IN_ML, "mL"),
            _measure("upper end of the interval", row.volume_high_mm3 / MM3_IN_ML, "mL"),
            _measure("share of the imaged bone", 100 * row.share_of_bone, "%"),
            {"code": tracking, "valueString": row.tracking_uid},
        )
    )
    made["device"] = ids.reference("Device", "")
    return made


def _measure(name: str, value: float, unit: str) -> Resource:
    return {"code": concept(name), "valueQuantity": ucum(value, unit)}


def _is_confirmed_lesion(row: LesionRow, document: ResultDocument) -> bool:
    """A reader confirmed the oedema of this place at this visit."""
    day = next((visit.date for visit in document.visits if visit.id == row.visit), None)
    return day is not None and any(
        one.finding == OEDEMA
        and one.state is FindingState.PRESENT
        and one.confirmed_by not in (None, ACCEPTED_BY_OPTION)
        and (one.bone, one.side, one.region, one.visit) == (row.bone, row.side, row.region, day)
        for one in document.findings
    )


def _visit_day(visit_id: str, document: ResultDocument) -> Resource:
    day = next((visit.date for visit in document.visits if visit.id == visit_id), None)
    return days(day.isoformat(), day.isoformat()) if day else {}


def _track(row: TrackRow, document: ResultDocument, ids: Ids) -> Resource:
    """What became of a lesion over the visits."""
    lesions = [one for one in document.lesions if one.id in row.lesions]
    largest = max(lesions, key=lambda one: one.volume_mm3)
    made = _observation(
        "track", row.id, ids, final=False, code=concept("course of bone marrow oedema")
    )
    made["category"] = [concept("imaging", [hl7("observation-category", "imaging")])]
    made["bodySite"] = site_concept(row.bone, largest.region, largest.label)
    made["valueCodeableConcept"] = concept(row.change.value.replace("_", " "))
    doubt = "" if row.verified else " The alignment behind this is not verified."
    made["note"] = [{"text": f"{spoken_ids(row.explanation)}.{doubt}"}]
    members: list[Json] = [ids.reference("lesion", one.id) for one in lesions]
    made["derivedFrom"] = members
    made |= _components(_side(row.side))
    made["device"] = ids.reference("Device", "")
    return made


def _sign(number: int, row: SignRow, document: ResultDocument, ids: Ids) -> Resource:
    """A sign that was measured on the images."""
    made = _observation(
        "sign", f"{number}", ids, final=False, code=concept(row.kind.value.replace("_", " "))
    )
    made["category"] = [concept("imaging", [hl7("observation-category", "imaging")])]
    lesion = next((one for one in document.lesions if one.id == row.lesion), None)
    text = lesion.label if lesion else row.bone
    made["bodySite"] = site_concept(row.bone, lesion.region if lesion else None, text)
    made |= _visit_day(row.visit, document)
    made["valueCodeableConcept"] = _state(FindingState(row.state.value))
    sizes = ((row.length_mm, "length"), (row.thickness_mm, "thickness"))
    made |= _components(
        (
            *_side(row.side),
            *(_measure(name, size, "mm") for size, name in sizes if size is not None),
        )
    )
    if row.reason:
        made["note"] = [{"text": spoken_ids(row.reason)}]
    made["device"] = ids.reference("Device", "")
    return made
