"""Where the same tissue of a bone lies at every visit, composed from the registrations.

A registration goes from an earlier visit to a later one. To follow a spot from any visit to
any other, registrations are chained and inverted. Points live in a frame: a visit may hold
several (knee and ankle examined on two days), so places are kept per visit *and* frame of
reference, and no point passes between two frames without a registration.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from marrowtrail.follow_up.track import BoneRegistration, Verification
from marrowtrail.imaging.series import Series, Study
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.record.sites import BoneId

UNVERIFIED_COST = 100
"""A chain of verified registrations is preferred over a shorter one with an unverified link;
no patient here has a hundred visits."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One coordinate frame of one visit; series without a frame of reference share theirs."""

    visit: str
    frame_of_reference: str | None

    @classmethod
    def of(cls, series: Series) -> Frame:
        """The frame that a series was acquired in."""
        return cls(series.visit_id, series.volume.geometry.frame_of_reference)


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """How to carry a point into another frame, and whether every link is verified."""

    transform: RigidTransform
    verified: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Link:
    start: Frame
    end: Frame
    transform: RigidTransform
    verified: bool


def paths_from(
    start: Frame, bone: BoneId, study: Study, registrations: tuple[BoneRegistration, ...]
) -> dict[Frame, Path]:
    """Every frame that a point of a bone can be carried to, ``start`` itself included.

    Registrations that were found impossible are not used.
    """
    links = list(_links(bone, study, registrations))
    reached: dict[Frame, Path] = {}
    order = count()
    waiting = [(0, next(order), start, Path(RigidTransform.identity(), True))]
    while waiting:
        cost, _, frame, path = heapq.heappop(waiting)
        if frame in reached:
            continue
        reached[frame] = path
        for link in links:
            if link.start == frame and link.end not in reached:
                price = cost + (1 if link.verified else UNVERIFIED_COST)
                onward = Path(link.transform @ path.transform, path.verified and link.verified)
                heapq.heappush(waiting, (price, next(order), link.end, onward))
    return reached


def _links(
    bone: BoneId, study: Study, registrations: tuple[BoneRegistration, ...]
) -> Iterator[_Link]:
    frames = {series.id: Frame.of(series) for visit in study.visits for series in visit.series}
    for found in registrations:
        if found.bone != bone or found.verification is Verification.IMPOSSIBLE:
            continue
        start, end = frames[found.from_series], frames[found.to_series]
        verified = found.verification is Verification.VERIFIED
        yield _Link(start, end, found.transform, verified)
        yield _Link(end, start, found.transform.inverse(), verified)
