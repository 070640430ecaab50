"""The findings that people stand behind as a GA4GH Phenopacket, version 2, to share a case.

Made for clinical genetics, it cannot say all that a result says; what is lost stands in
``docs/output.md``. Above all, an excluded feature is read as *never there*, so a finding that was
absent on one scan is excluded only if no other scan or site showed it; and nothing in it is
"proposed", so what no person has confirmed stays out, the ranking of causes with it.

https://phenopacket-schema.readthedocs.io (v2), doi:10.1038/s41587-022-01357-4
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import date

from marrowtrail.exchange.fhir_observations import is_read
from marrowtrail.exchange.fhir_parts import Ids, Json, Resource
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import Code, UnknownWordError, vocabulary
from marrowtrail.result.model import FindingRow, ResultDocument

SCHEMA_VERSION = "2.0"

SIDES = {Side.RIGHT: ("HP:0012834", "Right"), Side.LEFT: ("HP:0012835", "Left")}
"""Of HPO's clinical modifiers."""

QUALIFIERS = frozenset({"0011009", "0003587", "0025301", "0025279"})
"""Acute, insidious onset, nocturnal, migratory: HPO terms that qualify a feature and are none."""

SEXES = {"sex_male": "MALE", "sex_female": "FEMALE"}

NO_DAY = date(1970, 1, 1)
"""The schema asks when a packet was made. The same result gives the same bytes, so that is the day
of the last visit, and this one where dates are left out."""

ONTOLOGY: Resource = {
    "id": "hp",
    "name": "Human Phenotype Ontology",
    "url": "http://purl.obolibrary.org/obo/hp.owl",
    "version": "2026",
    "namespacePrefix": "HP",
    "iriPrefix": "http://purl.obolibrary.org/obo/HP_",
}


def phenopacket(document: ResultDocument) -> str:
    """The packet as JSON text; the same result gives the same bytes, and nobody is named."""
    made = document.provenance
    ids = Ids(f"{made.input_hash}|{made.program_version}|{made.knowledge_hash}")
    findings = [row for row in document.findings if is_read(row)]
    doubted = {row.finding for row in document.findings if row.state in _SPEAKING_FOR}
    last = max((visit.date for visit in document.visits if visit.date), default=NO_DAY)
    features: list[Json] = [*_features(findings, doubted)]
    packet: Resource = {
        "id": ids.of("Phenopacket", ""),
        "subject": {"id": ids.of("Patient", ""), "sex": _sex(findings)},
        "phenotypicFeatures": features,
        "metaData": {
            "created": _at(last),
            "createdBy": f"{made.program} {made.program_version}. {_caveat(document)}",
            "resources": [ONTOLOGY],
            "phenopacketSchemaVersion": SCHEMA_VERSION,
        },
    }
    return json.dumps(packet, indent=1, ensure_ascii=False) + "\n"


def _caveat(document: ResultDocument) -> str:
    made_up = " Synthetic patient: nobody was examined." if document.is_synthetic else ""
    return f"{document.notice}{made_up}"


def _sex(findings: Iterable[FindingRow]) -> str:
    known = {row.finding for row in findings if row.state is FindingState.PRESENT}
    return next((sex for key, sex in SEXES.items() if key in known), "UNKNOWN_SEX")


_SPEAKING_FOR = (FindingState.PRESENT, FindingState.EQUIVOCAL)


def _features(findings: Sequence[FindingRow], doubted: AbstractSet[str]) -> Iterable[Resource]:
    """Present ones site by site; excluded ones once, if nothing anywhere spoke for them.

    ``doubted`` are findings that something did speak for, be it only a proposal.
    """
    by_finding: dict[str, list[FindingRow]] = defaultdict(list)
    for row in findings:
        by_finding[row.finding].append(row)
    for key, rows in by_finding.items():
        code = _code(key)
        if code is None:
            continue
        states = {row.state for row in rows}
        if FindingState.PRESENT in states:
            yield from _present(code, rows)
        elif FindingState.ABSENT in states and key not in doubted:
            yield {"type": _term(code), "excluded": True}


def _present(code: Code, rows: Sequence[FindingRow]) -> Iterable[Resource]:
    by_site: dict[tuple[str | None, Side | None], list[FindingRow]] = defaultdict(list)
    for row in rows:
        by_site[row.site, row.side].append(row)
    for (site, side), mine in by_site.items():
        seen = [row for row in mine if row.state is FindingState.PRESENT]
        if not seen:
            continue
        feature: Resource = {"type": _term(code)}
        if site is not None:
            feature["description"] = site
        if side in SIDES:
            value, label = SIDES[side]
            feature["modifiers"] = [{"id": value, "label": label}]
        dates = [row.visit for row in seen if row.visit is not None]
        if dates:
            feature["onset"] = {"timestamp": _at(min(dates))}
            gone = _gone(mine, max(dates))
            if gone is not None:
                feature["resolution"] = {"timestamp": _at(gone)}
        yield feature


def _gone(rows: Iterable[FindingRow], last: date) -> date | None:
    """The first visit after the last sight of it that says it is absent."""
    days = [
        row.visit
        for row in rows
        if row.state is FindingState.ABSENT and row.visit is not None and row.visit > last
    ]
    return min(days, default=None)


def _code(finding: str) -> Code | None:
    """The one HPO class of a finding; none where there is none, or where the site would choose."""
    try:
        codes = vocabulary().finding(finding).codes
    except UnknownWordError:
        return None
    classes = [
        code
        for code in codes
        if code.scheme == "HP" and code.verified and code.value not in QUALIFIERS
    ]
    return classes[0] if len(classes) == 1 else None


def _term(code: Code) -> Resource:
    return {"id": f"{code.scheme}:{code.value}", "label": code.meaning}


def _at(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"
