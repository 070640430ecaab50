"""Which lesion of a later visit holds the tissue of which lesion of an earlier one.

Matching is many-to-many: one lesion may split and two may merge. Where the bone's
registration is verified, lesions match by the tissue that they share; where it is not, by
region only, and the match is marked unverified.
"""

from __future__ import annotations

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


def match_lesions(
    readings: Sequence[BoneReading], registrations: Sequence[BoneRegistration]
) -> tuple[Match, ...]:
    """Match the lesions of each registered pair of visits."""
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
    if registration.verification is Verification.IMPOSSIBLE:
        return []
    verified = registration.verification is Verification.VERIFIED
    pairs = [(a, b) for a in earlier for b in later]
    if not verified:
        return [Match(a.id, b.id, 0.0, False) for a, b in pairs if a.main_region == b.main_region]
    return [
        Match(a.id, b.id, overlap, True)
        for a, b in pairs
        if (overlap := shared_fraction(a, b, registration.transform)) >= MIN_OVERLAP
    ]


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
    points = transform.apply(mask.geometry.to_lps(np.argwhere(mask.data)))
    inside = sample_nearest(other, points)
    return float(np.count_nonzero(inside)) * mask.geometry.voxel_mm3


def sample_nearest(mask: Volume, points_lps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether (n, 3) points lie in a mask; outside its grid they do not."""
    ijk = np.rint(mask.geometry.to_ijk(points_lps)).astype(int)
    within = np.all((ijk >= 0) & (ijk < np.asarray(mask.geometry.shape)), axis=-1)
    result = np.zeros(len(points_lps), dtype=bool)
    result[within] = np.asarray(mask.data, dtype=bool)[tuple(ijk[within].T)]
    return result
