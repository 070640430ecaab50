"""The result as a FHIR R4B bundle: what a hospital's record can take in.

One collection with a diagnostic report, its observations, the ranked differential, the causes
as differential conditions, the program as a device, and where it all came from. Nobody is named
in it unless an identity is given. The same result gives the same bytes; so the time at which it
was recorded is left to the system that stores it.

https://hl7.org/fhir/R4B/
"""

from __future__ import annotations

import base64
import hashlib
import html
import json

from marrowtrail.errors import Severity
from marrowtrail.exchange.fhir_checks import check_bundle
from marrowtrail.exchange.fhir_observations import Observed, is_read, observe
from marrowtrail.exchange.fhir_parts import (
    OWN,
    Ids,
    Json,
    Resource,
    coding,
    concept,
    days,
    hl7,
)
from marrowtrail.exchange.fhir_reasoning import conditions, risk_assessments
from marrowtrail.record.findings import FindingState
from marrowtrail.result.identity import Identity
from marrowtrail.result.model import ResultDocument
from marrowtrail.result.spoken_ids import spoken_ids

REPORT_CODE = coding("LN", "18748-4", "Diagnostic imaging study")
TEST_DATA = hl7("v3-ActReason", "HTEST")
"""Label of a resource that is about nobody."""

SEXES = {"sex_male": "male", "sex_female": "female"}
UNKNOWN_TIME = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def fhir_bundle(
    document: ResultDocument, pdf: bytes | None = None, identity: Identity | None = None
) -> str:
    """The bundle as JSON text.

    Parameters
    ----------
    document
        All that is said.
    pdf
        The report for the record, carried within the diagnostic report.
    identity
        Who the patient is; without it nobody is named.

    Raises
    ------
    ValueError
        If the bundle would break a rule of R4B; that is a mistake of this program.
    """
    bundle = _bundle(document, pdf, identity)
    check_bundle(bundle)
    return json.dumps(bundle, indent=1, ensure_ascii=False) + "\n"


def _bundle(document: ResultDocument, pdf: bytes | None, identity: Identity | None) -> Resource:
    ids = Ids(_seed(document))
    observed = observe(document, ids)
    assessed = risk_assessments(document, ids)
    causes = conditions(document, ids)
    report = _report(document, observed, ids, pdf)
    told = (report, *assessed, *causes, *observed.all)
    resources = (
        report,
        _patient(document, ids, identity),
        *observed.all,
        *assessed,
        *causes,
        _device(document, ids),
        _provenance(document, told, ids),
    )
    if document.is_synthetic:
        resources = tuple({**one, "meta": {"security": [TEST_DATA]}} for one in resources)
    entries: list[Json] = [
        {"fullUrl": f"urn:uuid:{one['id']}", "resource": {**_in_order(one)}} for one in resources
    ]
    bundle: Resource = {
        "resourceType": "Bundle",
        "id": ids.of("Bundle", ""),
        "type": "collection",
        "entry": entries,
    }
    if document.is_synthetic:
        bundle["meta"] = {"security": [TEST_DATA]}
    return bundle


def _in_order(resource: Resource) -> Resource:
    """The type and the id first, as people look for them."""
    first = ("resourceType", "id", "meta")
    return {key: resource[key] for key in first if key in resource} | resource


def _seed(document: ResultDocument) -> str:
    made = document.provenance
    settings = ",".join(f"{key}={value}" for key, value in sorted(made.settings.items()))
    parts = (made.input_hash, made.program_version, made.knowledge_hash, settings)
    return "|".join(parts)


def _report(document: ResultDocument, observed: Observed, ids: Ids, pdf: bytes | None) -> Resource:
    dated = [visit.date.isoformat() for visit in document.visits if visit.date is not None]
    sentences = _conclusion(document)
    results: list[Json] = [{"reference": f"urn:uuid:{one['id']}"} for one in observed.all]
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in sentences)
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "id": ids.of("DiagnosticReport", ""),
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>',
        },
        "status": "final"
        if document.findings and all(map(is_read, document.findings))
        else "preliminary",
        "category": [concept("Radiology", [hl7("v2-0074", "RAD")])],
        "code": concept("Bone marrow oedema on serial MRI", [REPORT_CODE]),
        "subject": ids.reference("Patient", ""),
        "conclusion": " ".join(sentences),
    }
    report |= days(min(dated, default=None), max(dated, default=None))
    if results:
        report["result"] = results
    if pdf is not None:
        report["presentedForm"] = [
            {
                "contentType": "application/pdf",
                "language": "en-GB",
                "data": base64.b64encode(pdf).decode("ascii"),
                "size": len(pdf),
                "hash": base64.b64encode(hashlib.sha1(pdf, usedforsecurity=False).digest()).decode(
                    "ascii"
                ),
                "title": "Bone marrow oedema on serial MRI",
            }
        ]
    return report


def _conclusion(document: ResultDocument) -> tuple[str, ...]:
    """The headline, how far it can be relied on, and what it is not for."""
    open_findings = sum(not is_read(row) for row in document.findings)
    basis = (
        f"Proposed: no reader has confirmed {open_findings} of the findings."
        if open_findings
        else "Every finding was entered or confirmed by a reader."
    )
    flags = [
        f"{flag.category.replace('_', ' ')}: {flag.explanation}" for flag in document.red_flags
    ]
    grave = [
        f"Unverified: {row.what} ({row.where})"
        for row in document.warnings
        if row.severity == Severity.UNVERIFIED
    ]
    made_up = ["Synthetic patient: nobody was examined."] if document.is_synthetic else []
    texts = (document.headline, basis, *flags, *grave, *made_up, document.notice)
    return tuple(spoken_ids(text) for text in texts)


def _patient(document: ResultDocument, ids: Ids, identity: Identity | None) -> Resource:
    known = {row.finding for row in document.findings if row.state is FindingState.PRESENT}
    sex = next((gender for key, gender in SEXES.items() if key in known), "unknown")
    patient: Resource = {
        "resourceType": "Patient",
        "id": ids.of("Patient", ""),
        "gender": sex,
    }
    if identity is None:
        return patient
    if identity.family_name or identity.given_names:
        name: Resource = {"use": "official"}
        if identity.family_name:
            name["family"] = identity.family_name
        if identity.given_names:
            name["given"] = [*identity.given_names]
        patient["name"] = [name]
    if identity.patient_id:
        patient["identifier"] = [{"use": "usual", "value": identity.patient_id}]
    if identity.birth_date:
        patient["birthDate"] = identity.birth_date
    return patient


def _device(document: ResultDocument, ids: Ids) -> Resource:
    made = document.provenance
    limits: list[Json] = [{"text": text} for text in (document.notice, *made.known_limits)]
    return {
        "resourceType": "Device",
        "id": ids.of("Device", ""),
        "status": "active",
        "deviceName": [{"name": made.program, "type": "model-name"}],
        "type": concept("research software, not a medical device"),
        "version": [{"value": made.program_version}],
        "note": limits,
    }


def _provenance(document: ResultDocument, told: tuple[Resource, ...], ids: Ids) -> Resource:
    made = document.provenance
    targets: list[Json] = [{"reference": f"urn:uuid:{one['id']}"} for one in told]
    agents: list[Json] = [
        {
            "type": concept("author", [hl7("provenance-participant-type", "author")]),
            "who": ids.reference("Device", ""),
        }
    ]
    if any(row.confirmed_by is not None and is_read(row) for row in document.findings):
        agents.append(
            {
                "type": concept("verifier", [hl7("provenance-participant-type", "verifier")]),
                "who": {"display": "reader who confirmed findings"},
            }
        )
    sources: list[Json] = [
        _source("input-sha256", made.input_hash, "images and case record"),
        _source("knowledge-sha256", made.knowledge_hash, f"knowledge {made.knowledge_version}"),
    ]
    if made.bone_network is not None:
        network = made.bone_network
        name = f"bone networks {network.version}"
        sources.append(_source("network-sha256", network.coarse_sha256, f"{name}, coarse"))
        sources.append(_source("network-sha256", network.fine_sha256, f"{name}, fine"))
    return {
        "resourceType": "Provenance",
        "id": ids.of("Provenance", ""),
        "target": targets,
        "_recorded": {"extension": [{"url": UNKNOWN_TIME, "valueCode": "unknown"}]},
        "agent": agents,
        "entity": sources,
    }


def _source(kind: str, value: str, display: str) -> Resource:
    identifier: Resource = {"system": f"{OWN}:{kind}", "value": value}
    return {"role": "source", "what": {"identifier": identifier, "display": display}}
