"""The differential in FHIR: ranked risk assessments, and the causes as conditions.

A probability of FHIR is in percent and stands without an interval; ours stands beside it in an
extension. Conditions are ``differential``: none of them is a diagnosis that somebody made.
"""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Cause, LedgerLine
from marrowtrail.exchange.fhir_observations import finding_key, is_confirmed, is_read
from marrowtrail.exchange.fhir_parts import (
    OWN,
    Ids,
    Json,
    Resource,
    concept,
    diagnosis_concept,
    figures,
    hl7,
)
from marrowtrail.record.findings import FindingState
from marrowtrail.result.model import RankingRow, ResultDocument
from marrowtrail.result.spoken_ids import spoken_ids

INTERVAL_LEVEL = 80
"""Percent of the draws of rates, as the literature allows them, that an interval holds."""

LEAST_CONDITION = 0.01
"""A cause below one in a hundred is ranked and makes no condition of its own."""

NO_DISEASE = "none_of_these"


def risk_assessments(document: ResultDocument, ids: Ids) -> tuple[Resource, ...]:
    """One for the ranking from all findings, one for that from confirmed findings alone."""
    return tuple(_assessment(ranking, document, ids) for ranking in document.rankings)


def _assessment(ranking: RankingRow, document: ResultDocument, ids: Ids) -> Resource:
    only_confirmed = ranking.basis == "confirmed"
    basis: list[Json] = [
        ids.reference("finding", finding_key(n, row))
        for n, row in enumerate(document.findings)
        if row.state is not FindingState.NOT_DONE and (is_confirmed(row) or not only_confirmed)
    ]
    all_read = all(
        is_read(row) for row in document.findings if is_confirmed(row) or not only_confirmed
    )
    heading = (
        "confirmed findings only" if only_confirmed else "all findings, proposed ones included"
    )
    made = document.provenance
    why = {} if only_confirmed else {line.diagnosis: line for line in document.ledger}
    predictions: list[Json] = [_prediction(cause, why) for cause in ranking.causes]
    notes = [
        f"From {heading}. {ranking.conclusion}",
        *([] if only_confirmed else _next_steps(document)),
        document.notice,
    ]
    resource: Resource = {
        "resourceType": "RiskAssessment",
        "id": ids.of("RiskAssessment", ranking.basis),
        "status": "final" if all_read else "preliminary",
        "method": concept(
            f"Bayesian ranking of causes by {made.program} {made.program_version}, knowledge "
            f"{made.knowledge_version}, setting {ranking.setting.replace('_', ' ')}"
        ),
        "code": concept(f"Differential diagnosis of bone marrow oedema from {heading}"),
        "subject": ids.reference("Patient", ""),
        "performer": ids.reference("Device", ""),
        "prediction": predictions,
        "note": [{"text": spoken_ids(text)} for text in notes],
    }
    if basis:
        resource["basis"] = basis
    last = document.visits[-1].date if document.visits else None
    if last is not None:
        resource["occurrenceDateTime"] = last.isoformat()
    return resource


def _prediction(cause: Cause, why: dict[str, LedgerLine]) -> Resource:
    made: Resource = {
        "extension": [
            {
                "url": f"{OWN}:interval",
                "extension": [
                    {"url": "low", "valueDecimal": figures(100 * cause.low)},
                    {"url": "high", "valueDecimal": figures(100 * cause.high)},
                    {"url": "level", "valueDecimal": INTERVAL_LEVEL},
                ],
            }
        ],
        "outcome": diagnosis_concept(cause.diagnosis, cause.label),
        "probabilityDecimal": figures(100 * cause.probability),
    }
    line = why.get(cause.diagnosis)
    if line is not None:
        made["rationale"] = _answered(line)
    return made


def _answered(line: LedgerLine) -> str:
    status = line.status.value.replace("_", " ")
    return f"{status[:1].upper()}{status[1:]}. {spoken_ids(line.explanation)}"


def _next_steps(document: ResultDocument) -> list[str]:
    labels = ", ".join(step.label for step in document.next_steps)
    return [f"Tests not done yet, most informative first: {labels}."] if labels else []


def conditions(document: ResultDocument, ids: Ids) -> tuple[Resource, ...]:
    """The causes worth a line of their own, as differential diagnoses in order of rank."""
    why = {line.diagnosis: line for line in document.ledger}
    return tuple(
        _condition(cause, why.get(cause.diagnosis), document, ids)
        for cause in document.differential
        if cause.probability >= LEAST_CONDITION and cause.diagnosis != NO_DISEASE
    )


def _condition(
    cause: Cause, line: LedgerLine | None, document: ResultDocument, ids: Ids
) -> Resource:
    share = f"{100 * cause.probability:.0f} % ({100 * cause.low:.0f} to {100 * cause.high:.0f})"
    unread = sum(not is_read(row) for row in document.findings)
    doubt = f", {unread} of which no reader has confirmed" if unread else ""
    by = document.provenance.program
    texts = [f"Probability {share} by {by} from all findings{doubt}; no diagnosis."]
    texts += [_answered(line)] if line else []
    return {
        "resourceType": "Condition",
        "id": ids.of("Condition", cause.diagnosis),
        "verificationStatus": concept(
            "differential", [hl7("condition-ver-status", "differential")]
        ),
        "code": diagnosis_concept(cause.diagnosis, cause.label),
        "subject": ids.reference("Patient", ""),
        "note": [{"text": text} for text in (*texts, document.notice)],
    }
