"""Small pieces of FHIR R4B JSON: codes, references, quantities, ids.

A resource is a plain JSON object until :mod:`marrowtrail.exchange.fhir` has checked the whole
bundle; no other room sees one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import Code, UnknownWordError, vocabulary

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json]"
Resource: TypeAlias = dict[str, Json]

OWN = "urn:marrowtrail:fhir"
"""Stem of our own extensions and identifiers; nothing needs to be fetched from it."""

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": "http://unitsofmeasure.org",
    "HP": "http://human-phenotype-ontology.org",
    "MONDO": "http://purl.obolibrary.org/obo/mondo.owl",
    "UBERON": "http://purl.obolibrary.org/obo/uberon.owl",
}
"""Addresses by which FHIR names the schemes of the vocabulary."""

PREFIXED = {"HP", "MONDO", "UBERON"}
"""Schemes whose codes carry their name, as ``HP:6000917``."""

SIDES = {Side.LEFT: ("7771000", "Left"), Side.RIGHT: ("24028007", "Right")}

_NAMESPACE = uuid.UUID("0d1f8d9e-5a0b-5b52-9b0b-3f0f6f1f7d01")
"""Drawn once; ids of resources are UUIDs of version 5 within it."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that depend on input, settings and version alone: the same run gives the same ones."""

    seed: str

    def of(self, kind: str, key: str) -> str:
        """The id of a resource."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.seed}|{kind}|{key}"))

    def reference(self, kind: str, key: str) -> Resource:
        """A reference to a resource of the bundle."""
        return {"reference": f"urn:uuid:{self.of(kind, key)}"}


def coding(scheme: str, value: str, meaning: str) -> Resource:
    """A code of a scheme of the vocabulary."""
    code = f"{scheme}:{value}" if scheme in PREFIXED else value
    return {"system": SYSTEMS[scheme], "code": code, "display": meaning}


def hl7(system: str, code: str) -> Resource:
    """A code of one of HL7's own small code systems."""
    return {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}


def concept(text: str, codings: Iterable[Resource] = ()) -> Resource:
    """A concept by its name, with codes where there are any."""
    codes: list[Json] = [*codings]
    return {"coding": codes, "text": text} if codes else {"text": text}


def codings_of(codes: Iterable[Code]) -> tuple[Resource, ...]:
    """The codes of a word that were verified and have an address in FHIR."""
    return tuple(
        coding(code.scheme, code.value, code.meaning)
        for code in codes
        if code.verified and code.scheme in SYSTEMS
    )


def diagnosis_concept(key: str, label: str) -> Resource:
    """A diagnosis as the report names it."""
    try:
        return concept(label, codings_of(vocabulary().diagnosis(key).codes))
    except UnknownWordError:
        return concept(label)


def site_concept(bone: str, region: str | None, text: str) -> Resource:
    """A place: coded as its region where that has a code, else as its bone; the side in words."""
    try:
        term = vocabulary().bone(bone)
    except UnknownWordError:
        return concept(text)
    named = next((one for one in term.regions if one.key == region), None)
    codes = codings_of(named.codes) if named else ()
    return concept(text, codes or codings_of(term.codes))


def ucum(value: float, unit: str) -> Resource:
    """A number with its unit, to four figures."""
    return {"value": figures(value), "unit": unit, "system": SYSTEMS["UCUM"], "code": unit}


def figures(value: float) -> float:
    """A number to four significant figures: none of ours is known better."""
    return float(f"{value:.4g}")


def days(first: str | None, last: str | None) -> Resource:
    """When something holds: nothing, a day or a period."""
    if first is None or last is None:
        return {}
    if first == last:
        return {"effectiveDateTime": first}
    return {"effectivePeriod": {"start": first, "end": last}}
