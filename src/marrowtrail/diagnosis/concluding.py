"""One or two plain sentences, as a clinician would write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marrowtrail.diagnosis.differential import Bar, Cause, LedgerLine, LedgerStatus
from marrowtrail.diagnosis.evidence import Reading
from marrowtrail.diagnosis.knowledge_base import NONE_OF_THESE
from marrowtrail.diagnosis.schema import Claim, Family, Setting
from marrowtrail.diagnosis.starting import LOWER_LIMB
from marrowtrail.diagnosis.wording import capital, inside, listed, percent, span_of
from marrowtrail.record.findings import FindingState

STANDS_OUT_FROM = 0.3
"""Below this share no cause is said to lead."""

SPEAKS_FROM = 0.15
"""log10 ratio from which a finding is named for or against: a factor of 1.4."""

WORTH_NAMING = 0.05
"""Share from which a disease's withheld label is spoken of though it does not lead."""

STARTS_BY = {
    "judgement": "set by judgement",
    "convention": "set by convention",
    "audit": "set from an audit",
}
"""Where a starting point comes from; nobody has published how far off it may be."""

NAMED = 3
"""Findings named for and against the leading cause, and causes named where none leads."""


NO_OEDEMA = (
    "No bone marrow oedema was found, so there is none to explain; the list only repeats how "
    "common the causes of oedema are in general and says nothing about this patient."
)

BEYOND_SCOPE = (
    "The oedema lies outside the lower limb, for which the evidence was gathered: it holds here "
    "in part only."
)


@dataclass(frozen=True, slots=True)
class Disease:
    """A disease as it is spoken of.

    ``label``, ``probability`` and range are of the likeliest label alone where the course allows
    that and it leads all causes, otherwise of all labels together, which ``summed`` names. ``lead``
    is that label; ``withheld`` is the claim that the course does not yet allow, if any.
    """

    lead: str
    label: str
    probability: float
    low: float
    high: float
    withheld: Claim | None
    summed: tuple[str, ...] = ()


def conclude(
    diseases: Sequence[Disease],
    bars: Sequence[Bar],
    ledger: Sequence[LedgerLine],
    reading: Reading,
    setting: Setting,
    joints: Sequence[str],
) -> str:
    """The conclusion, unless oedema is absent. ``diseases`` come likeliest first."""
    if reading.says_nothing:
        return (
            f"No finding that could tell the causes apart was given: the list is the starting "
            f"point for a {setting.label}, {STARTS_BY[setting.basis]} and without an interval, and "
            f"says nothing about this patient."
        )
    lead = diseases[0]
    if lead.probability < STANDS_OUT_FROM or lead.lead == NONE_OF_THESE:
        sentences = [_undecided(diseases)]
    else:
        sentences = [_leading(lead), _reasons(lead, bars), _withheld(lead), _still_open(ledger)]
    if joints and not set(joints) & set(LOWER_LIMB):
        sentences.append(BEYOND_SCOPE)
    return " ".join(sentence for sentence in sentences if sentence)


def what_may_be_said(lead: Cause, family: Family, reading: Reading) -> tuple[bool, Claim | None]:
    """Whether the course allows the label, and the furthest label that it does not yet allow.

    Claims of a family are listed from the furthest course back.
    """
    seen = [c for c in family.claims if reading.state_of(c.needs) is FindingState.PRESENT]
    own = next((c for c in family.claims if c.diagnosis == lead.diagnosis), None)
    is_claimed = own in seen if own else bool(seen)
    further = family.claims[: family.claims.index(own)] if own and is_claimed else family.claims
    return is_claimed, next((c for c in further if c not in seen), None)


def withheld_labels(families: Sequence[Family], reading: Reading) -> tuple[str, ...]:
    """Diagnoses whose name needs a course that has not been seen."""
    return tuple(
        claim.diagnosis
        for family in families
        for claim in family.claims
        if reading.state_of(claim.needs) is not FindingState.PRESENT
    )


def _leading(lead: Disease) -> str:
    parts = [inside(label) for label in lead.summed]
    summed = f"; the sum of {listed(parts)}" if len(parts) > 1 else ""
    return (
        f"{lead.label} is the leading explanation ({percent(lead.probability)}, likely range "
        f"{span_of(lead.low, lead.high)}{summed})."
    )


def _reasons(lead: Disease, bars: Sequence[Bar]) -> str:
    """Counter-evidence first."""
    mine = [b for b in bars if b.diagnosis == lead.lead and not b.explained_by]
    against = [b.label for b in mine if b.log10_ratio <= -SPEAKS_FROM][:NAMED]
    speaking_for = [b.label for b in mine if b.log10_ratio >= SPEAKS_FROM][:NAMED]
    said = [f"Against it: {'; '.join(against)}." if against else ""]
    said.append(f"For it: {'; '.join(speaking_for)}." if speaking_for else "")
    second = [b.label for b in bars if b.diagnosis == lead.lead and b.explained_by]
    said.append(f"Explained by a second disease: {'; '.join(second)}." if second else "")
    return " ".join(part for part in said if part)


def _withheld(lead: Disease) -> str:
    return capital(lead.withheld.unclaimed) + "." if lead.withheld else ""


def _still_open(ledger: Sequence[LedgerLine]) -> str:
    still = [line for line in ledger if line.status in (LedgerStatus.OPEN, LedgerStatus.SUPPORTED)]
    if not still:
        return ""
    ordered = sorted(still, key=lambda line: -line.probability)
    return f"Not yet excluded: {listed([_with_share(x.label, x.probability) for x in ordered])}."


def _undecided(diseases: Sequence[Disease]) -> str:
    first = [_with_share(d.label, d.probability) for d in diseases[:NAMED]]
    held = next(
        (d.withheld for d in diseases if d.withheld and d.probability >= WORTH_NAMING), None
    )
    said = f"No cause stands out; {listed(first)} come first."
    return f"{said} {capital(held.unclaimed)}." if held else said


def _with_share(label: str, probability: float) -> str:
    return f"{inside(label)} ({percent(probability)})"
