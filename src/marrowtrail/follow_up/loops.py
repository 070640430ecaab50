"""Loops over three visits: going round must end where it began.

Registrations of three pairs of visits are made independently. Where one of them is wrong, the
loop does not close, though each may look right by itself. Which of the three is wrong it does
not say, so all of them are doubted that no other loop vouches for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.follow_up.surface_alignment import displacement_mm
from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.record.sites import BoneId

LOOP_MM = 1.5
"""A loop of registrations that are right closes better: each is good to about 0.3 mm, three of
them to 0.5 mm. One that is wrong by 2 mm leaves it open by more than this."""

Points = Mapping[tuple[str, BoneId], NDArray[np.float64]]


def heed_loops(
    registrations: Sequence[BoneRegistration], visit_order: Sequence[str], points_lps: Points
) -> tuple[BoneRegistration, ...]:
    """The registrations, those unverified that stand in open loops only.

    Parameters
    ----------
    registrations
        As measured and judged pair by pair.
    visit_order
        Visit ids, earliest first.
    points_lps
        (n, 3) points of each bone, by the series that it was registered on: where a loop is
        measured.
    """
    by_pair = {
        (one.bone, one.from_visit, one.to_visit): number
        for number, one in enumerate(registrations)
        if one.verification is Verification.VERIFIED
    }
    errors: dict[int, list[tuple[float, tuple[str, str, str]]]] = defaultdict(list)
    for bone in dict.fromkeys(one.bone for one in registrations):
        known = {visit for key in by_pair if key[0] == bone for visit in key[1:]}
        mine = [visit for visit in visit_order if visit in known]
        for first, middle, last in combinations(mine, 3):
            sides = [(bone, first, middle), (bone, middle, last), (bone, first, last)]
            if not all(side in by_pair for side in sides):
                continue
            there, onward, straight = (registrations[by_pair[side]] for side in sides)
            meets = there.to_frame == onward.from_frame, onward.to_frame == straight.to_frame
            if not all(meets) or there.from_frame != straight.from_frame:
                continue
            round_trip = onward.transform @ there.transform
            points = points_lps[straight.from_series, bone]
            open_mm = float(displacement_mm(round_trip, straight.transform, points).mean())
            for side in sides:
                errors[by_pair[side]].append((open_mm, (first, middle, last)))
    return tuple(_heeded(one, errors[number]) for number, one in enumerate(registrations))


def _heeded(
    one: BoneRegistration, loops: Sequence[tuple[float, tuple[str, str, str]]]
) -> BoneRegistration:
    if not loops:
        return one
    open_mm, visits = min(loops)
    if open_mm <= LOOP_MM:
        return replace(one, loop_mm=round(open_mm, 3))
    reason = f"going round {visits[0]}, {visits[1]} and {visits[2]} ends {open_mm:.1f} mm off"
    return replace(
        one, verification=Verification.UNVERIFIED, reason=reason, loop_mm=round(open_mm, 3)
    )
