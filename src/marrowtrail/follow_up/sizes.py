"""How the size of oedema at one visit compares with that at another, if it can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.follow_up.change import compare, level_in_words
from marrowtrail.follow_up.cover import COMPARED_SHARE, Atlas
from marrowtrail.follow_up.track import Change
from marrowtrail.lesions.lesion import Lesion, VolumeEstimate

CUT = "part of its place was not imaged at {}; volumes cannot be compared"
"""Why two sightings of a lesion tell nothing of its size."""


def cut_at(atlas: Atlas, first: Sequence[Lesion], second: Sequence[Lesion]) -> str | None:
    """The visit of two that did not image enough of the other one's lesions to compare them.

    ``None`` where both did, and where no verified registration tells.
    """
    shares = {
        there[0].visit_id: share
        for here, there in ((first, second), (second, first))
        if (share := _imaged_share(atlas, here, there[0].visit_id)) is not None
    }
    worst = min(shares, key=shares.__getitem__, default=None)
    return worst if worst is not None and shares[worst] < COMPARED_SHARE else None


def _imaged_share(atlas: Atlas, lesions: Sequence[Lesion], visit: str) -> float | None:
    """Share of the volume of some lesions that lies in the bone as imaged at another visit."""
    held = 0.0
    for one in lesions:
        share = atlas.imaged_share(one, visit)
        if share is None:
            return None
        held += share * one.volume.mm3
    return held / total(lesions).mm3


def volume_change(first: Sequence[Lesion], second: Sequence[Lesion]) -> tuple[Change, str]:
    """How the volume of some lesions compares with that of others, and the figures."""
    before, after = total(first), total(second)
    text = (
        f"{after.mm3 / before.mm3:.2f} times its volume from {first[0].visit_id} to "
        f"{second[0].visit_id}; {level_in_words(before, after)}"
    )
    return compare(before, after), text


def total(lesions: Sequence[Lesion]) -> VolumeEstimate:
    """Volumes and their bounds, added up."""
    volumes = [lesion.volume for lesion in lesions]
    return VolumeEstimate(
        sum(v.mm3 for v in volumes),
        sum(v.low_mm3 for v in volumes),
        sum(v.high_mm3 for v in volumes),
    )
