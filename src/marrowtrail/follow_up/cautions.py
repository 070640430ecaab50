"""What a reader must know about how far visits could be compared."""

from __future__ import annotations

from marrowtrail.errors import Caution, Severity
from marrowtrail.follow_up.track import FollowUp, MovedSeries, Verification


def follow_up_cautions(followed: FollowUp, visits: int) -> tuple[Caution, ...]:
    """One visit only, visits without a common bone, and registrations that are not verified."""
    moved = tuple(_moved(one) for one in followed.moved)
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
    cautions = [
        Caution(
            f"registration-{one.verification.value}",
            Severity.UNVERIFIED,
            f"The {one.bone} of {one.from_visit} and {one.to_visit} could not be aligned "
            f"reliably: {one.reason}. "
            + (
                "Its lesions were not matched."
                if one.verification is Verification.IMPOSSIBLE
                else "Its lesions were matched by region only."
            ),
            f"{one.from_visit} and {one.to_visit}",
            "compare the two visits by eye for this bone",
        )
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


def _moved(one: MovedSeries) -> Caution:
    return Caution(
        "moved-between-series",
        Severity.UNVERIFIED,
        f"The patient moved by {one.apart_mm:.1f} mm between {one.home_id} and {one.series_id}. "
        f"Visits were compared without {one.series_id}.",
        f"{one.visit_id}, series {one.series_id}",
        "do not carry a place from the one series to the other by their coordinates",
    )
