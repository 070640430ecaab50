"""Findings of made-up patients, as the record and the measuring rooms would give them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from marrowtrail.record.findings import SOFTWARE, Finding, FindingState, NotDoneReason
from marrowtrail.record.sites import Side, Site

P, A, E = FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL

CONDYLE = Site("femur", Side.RIGHT, "medial_condyle")
PLATEAU = Site("tibia", Side.RIGHT, "lateral_plateau")
ANKLE = Site("tibia", Side.RIGHT, "distal_epiphysis")
HEAD = Site("femur", Side.LEFT, "head")
FIRST, SECOND, THIRD = date(2020, 1, 10), date(2020, 3, 20), date(2020, 7, 1)


def told(present: str, absent: str = "") -> list[Finding]:
    """Findings of the whole record."""
    return [Finding(k, P) for k in present.split()] + [Finding(k, A) for k in absent.split()]


def seen(site: Site, visit: date, present: str, absent: str = "") -> list[Finding]:
    """Findings proposed from one bone at one visit."""
    states = [(k, P) for k in present.split()] + [(k, A) for k in absent.split()]
    return [Finding(k, s, site, visit, entered_by=SOFTWARE) for k, s in states]


def not_done(keys: Iterable[str]) -> list[Finding]:
    return [Finding(k, FindingState.NOT_DONE, reason=NotDoneReason.NOT_PERFORMED) for k in keys]


NO_SIGN = "demarcation_band_serpiginous subchondral_line_thin subchondral_lowT2_thick_ge4mm_or_long"

SEED_FIRST = told(
    "sex_male age_30_59 spa_known hla_b27 onset_acute pain_weight_bearing",
    "trauma_history",
) + seen(CONDYLE, FIRST, "bme_present bme_large_diffuse", NO_SIGN)
SEED_SECOND = (
    SEED_FIRST
    + seen(CONDYLE, SECOND, "resolves_by_3m", "bme_present")
    + seen(PLATEAU, SECOND, "bme_present shift_same_bone_or_joint", NO_SIGN)
    + seen(PLATEAU, SECOND, "", "shift_other_joint")
)
SEED_THIRD = (
    SEED_SECOND
    + seen(PLATEAU, THIRD, "", "bme_present")
    + seen(ANKLE, THIRD, "bme_present shift_other_joint proximal_to_distal_spread", NO_SIGN)
    + told("migration_of_symptoms", "response_bisphosphonate")
)

NECROSIS = (
    told("sex_male age_30_59 steroid_use onset_insidious pain_weight_bearing")
    + seen(HEAD, FIRST, "bme_present demarcation_band_serpiginous")
    + seen(HEAD, THIRD, "bme_present", "resolves_by_3m shift_other_joint shift_same_bone_or_joint")
)

HEALTHY = told("sex_male") + seen(CONDYLE, FIRST, "", f"bme_present {NO_SIGN}")
