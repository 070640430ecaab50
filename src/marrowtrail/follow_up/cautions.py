"""What a reader must know about how far visits could be compared."""

from __future__ import annotations

from marrowtrail.errors import Caution, Severity
from marrowtrail.follow_up.track import (
    BoneRegistration,
    FollowUp,
    MovedSeries,
    Verification,
)


def follow_up_cautions(followed: FollowUp, visits: int) -> tuple[Caution, ...]:
    """One visit only, visits without a common bone, and registrations that are not verified."""
    moved = tuple(_moved(one, is_alone=visits == 1) for one in followed.moved)
    if visits == 1:
        return (
            *moved,
            Caution(
                "one-visit",
                Severity.NOTE,
                "There is one visit only: nothing can be followed.",
                "v1",
                "add an earlier or a later visit to the folder",
            ),
        )
    ways = {(one.bone, one.from_visit, one.to_visit) for one in followed.bridged}
    cautions = [
        _unaligned(one, has_way=(one.bone, one.from_visit, one.to_visit) in ways)
        for one in followed.registrations
        if one.verification is not Verification.VERIFIED
    ]
    if not followed.registrations:
        cautions.append(
            Caution(
                "no-common-bone",
                Severity.UNVERIFIED,
                "No two visits show the same bone: nothing can be followed.",
                f"{visits} visits",
                "check that the visits belong together and that sides are right",
            )
        )
    return (*moved, *cautions)


def _unaligned(one: BoneRegistration, *, has_way: bool) -> Caution:
    """``has_way``: the two visits were compared through others, by verified alignments."""
    if has_way:
        outcome = "Its lesions were compared through other visits."
    elif one.verification is Verification.IMPOSSIBLE:
        outcome = "Its lesions were not matched."
    else:
        outcome = "Its lesions were matched by region only."
    return Caution(
        "registration-bridged" if has_way else f"registration-{one.verification.value}",
        Severity.NOTE if has_way else Severity.UNVERIFIED,
        f"The {one.bone} of {one.from_visit} and {one.to_visit} could not be aligned "
        f"reliably: {one.reason}. {outcome}",
        f"{one.from_visit} and {one.to_visit}",
        "compare the two visits by eye for this bone",
    )


def _moved(one: MovedSeries, *, is_alone: bool) -> Caution:
    text = f"The patient moved by {one.apart_mm:.1f} mm between {one.home_id} and {one.series_id}."
    if not is_alone:
        text += f" Visits were compared without {one.series_id}."
    return Caution(
        "moved-between-series",
        Severity.UNVERIFIED,
        text,
        f"{one.visit_id}, series {one.series_id}",
        "do not carry a place from the one series to the other by their coordinates",
    )
