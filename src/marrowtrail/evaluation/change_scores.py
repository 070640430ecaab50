"""Whether what became of lesions was named as it is true: new, resolved, grown, shrunk, stable.

The program names one change a track, the last; it is held against the last true change of the
same lesions. Lesions that the truth cannot compare (their joint was imaged once) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.evaluation.truth_matching import FOUND_MM3, LesionAgreement
from marrowtrail.follow_up.track import Change
from marrowtrail.phantom import PatientTruth
from marrowtrail.phantom.truth import ChangeKind, ChangeTruth
from marrowtrail.result.inputs import Measured

KINDS: dict[Change, ChangeKind] = {
    Change.NEW: "new",
    Change.RESOLVED: "resolved",
    Change.GROWING: "grown",
    Change.SHRINKING: "shrunk",
    Change.WITHIN_NOISE: "stable",
    Change.SPLIT: "split",
    Change.MERGED: "merged",
    Change.RECURRED: "recurred",
}
"""The truth's word for each change; what is not here claims nothing."""


def score_changes(
    measured: Measured, truth: PatientTruth, lesions: LesionAgreement
) -> tuple[int, int, int]:
    """Right, found and true changes; lesions below 0.3 ml throughout do not count.

    A track that is no true lesion counts as found, and is wrong.
    """
    volumes = {one.id: one.volume_mm3 for one in truth.lesions}
    there = {
        family: change.kind
        for family, change in _families(truth.changes).items()
        if max(volumes[one] for one in family) >= FOUND_MM3
    }
    right = found = 0
    for track in measured.followed.tracks:
        kind = KINDS.get(track.change)
        names = {lesions.identity[one] for one in track.lesions if one in lesions.identity}
        true = [family for family in there if names & family]
        largest = max(measured.lesions[one].volume.mm3 for one in track.lesions)
        is_false = not names and largest >= FOUND_MM3
        if kind is not None and (true or is_false):
            found += 1
            right += any(there[family] == kind for family in true)
    return right, found, len(there)


def _families(changes: Sequence[ChangeTruth]) -> dict[frozenset[str], ChangeTruth]:
    """Lesions that changes tie together, each with the last change among them."""
    families: dict[frozenset[str], ChangeTruth] = {}
    for change in sorted(changes, key=lambda one: one.to_visit):
        members = frozenset((*change.earlier, *change.later))
        for family in [one for one in families if one & members]:
            del families[family]
            members |= family
        families[members] = change
    return families
