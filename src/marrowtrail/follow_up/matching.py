"""Which lesion of a later visit holds the tissue of which lesion of an earlier one.

Matching is many-to-many: one lesion may split and two may merge. Where the bone's
registration is verified, and holds in the very frames that the lesions were drawn in, lesions
match by the tissue that they share; where it is not, by region only, and the match is marked
unverified. Which of the candidates become edges of the graph is decided in :mod:`.graph`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marrowtrail.follow_up.track import BoneRegistration, Match, Verification
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume
from marrowtrail.lesions.lesion import BoneReading, Lesion

MIN_OVERLAP = 0.15
"""Two lesions are one if they share this much of the smaller one. Registration is good to
half a millimetre, slices are 3 to 4 mm apart: a lesion of 5 mm that did not change still
shares a third of itself with its image one slice off."""

SHOWN_OVERLAP = 0.05
"""Lesions that share less of the smaller one are not even an alternative: two outlines that
touch at their rims share that much."""

WRONG_MM = 1.5
"""A verified registration that is off by more counts as wrong: what an edge has to bear."""

REGION_CONFIDENCE = 0.5
"""Confidence of the only match that a region allows where nothing is aligned: no better than
even, since nothing but the region's name speaks for it. A judgement, not a measurement."""

ASIDE = WRONG_MM * np.array(
    [
        (0, 0, 0),
        *np.concatenate([np.eye(3), -np.eye(3)]),
        *(np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / np.sqrt(3)),
    ]
)
"""(15, 3) displacements at which an edge is tried again: none, and fourteen directions."""


def candidates(
    readings: Sequence[BoneReading], registrations: Sequence[BoneRegistration]
) -> tuple[Match, ...]:
    """Every pair of lesions that may be one, those included that share too little.

    The confidence of a pair that was aligned is the share of :data:`ASIDE` under which both
    still share :data:`MIN_OVERLAP`: 1 where no error that a verified registration may have
    would part them. By region it is :data:`REGION_CONFIDENCE` over the pairs that compete.
    """
    by_visit_and_bone = {(one.visit_id, one.bone): one for one in readings}
    matches = []
    for registration in registrations:
        earlier = by_visit_and_bone.get((registration.from_visit, registration.bone))
        later = by_visit_and_bone.get((registration.to_visit, registration.bone))
        if earlier is not None and later is not None:
            matches.extend(_match_bone(earlier.lesions, later.lesions, registration))
    return tuple(matches)


def _match_bone(
    earlier: Sequence[Lesion], later: Sequence[Lesion], registration: BoneRegistration
) -> list[Match]:
    if registration.verification is Verification.IMPOSSIBLE or not earlier or not later:
        return []
    frames = (frame_of(earlier[0]), frame_of(later[0]))
    if registration.within(*frames) is not Verification.VERIFIED:
        return _by_region(earlier, later)
    matches = []
    for a in earlier:
        for b in later:
            overlap = shared_fraction(a, b, registration.transform)
            if overlap >= SHOWN_OVERLAP:
                confidence = _confidence(a, b, registration.transform)
                matches.append(Match(a.id, b.id, overlap, True, confidence))
    return matches


def _by_region(earlier: Sequence[Lesion], later: Sequence[Lesion]) -> list[Match]:
    before, after = (Counter(one.main_region for one in side) for side in (earlier, later))
    return [
        Match(
            a.id,
            b.id,
            0.0,
            False,
            REGION_CONFIDENCE / max(before[a.main_region], after[a.main_region]),
        )
        for a in earlier
        for b in later
        if a.main_region == b.main_region
    ]


def _confidence(earlier: Lesion, later: Lesion, transform: RigidTransform) -> float:
    """Share of :data:`ASIDE` under which two lesions still share enough."""
    least = MIN_OVERLAP * min(earlier.volume.mm3, later.volume.mm3)
    there = transform.apply(_points(earlier.mask))
    back = transform.inverse().apply(_points(later.mask))
    returned = ASIDE @ transform.matrix[:3, :3]
    held = sum(
        max(
            _inside_mm3(there + aside, earlier.mask, later.mask),
            _inside_mm3(back - against, later.mask, earlier.mask),
        )
        >= least
        for aside, against in zip(ASIDE, returned, strict=True)
    )
    return held / len(ASIDE)


def frame_of(lesion: Lesion) -> str | None:
    """The frame of reference that a lesion was drawn in."""
    return lesion.mask.geometry.frame_of_reference


def shared_fraction(earlier: Lesion, later: Lesion, transform: RigidTransform) -> float:
    """Shared volume over the smaller lesion's volume, 0 to 1.

    Each lesion is carried into the other's grid; the larger answer counts, since the one
    drawn on the coarser grid is sampled too thinly there.
    """
    smaller = min(earlier.volume.mm3, later.volume.mm3)
    if smaller <= 0:
        return 0.0
    there = _volume_inside(earlier.mask, later.mask, transform)
    back = _volume_inside(later.mask, earlier.mask, transform.inverse())
    return min(1.0, max(there, back) / smaller)


def _volume_inside(mask: Volume, other: Volume, transform: RigidTransform) -> float:
    """Volume in mm3 of a mask whose voxels, once moved, lie inside the other."""
    return _inside_mm3(transform.apply(_points(mask)), mask, other)


def _points(mask: Volume) -> NDArray[np.float64]:
    return mask.geometry.to_lps(np.argwhere(mask.data))


def _inside_mm3(points_lps: NDArray[np.float64], mask: Volume, other: Volume) -> float:
    """Volume of those voxels of a mask, at given places, that lie inside the other."""
    inside = sample_nearest(other, points_lps)
    return float(np.count_nonzero(inside)) * mask.geometry.voxel_mm3


def sample_nearest(mask: Volume, points_lps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether (n, 3) points lie in a mask; outside its grid they do not."""
    ijk = np.rint(mask.geometry.to_ijk(points_lps)).astype(int)
    within = np.all((ijk >= 0) & (ijk < np.asarray(mask.geometry.shape)), axis=-1)
    result = np.zeros(len(points_lps), dtype=bool)
    result[within] = np.asarray(mask.data, dtype=bool)[tuple(ijk[within].T)]
    return result
