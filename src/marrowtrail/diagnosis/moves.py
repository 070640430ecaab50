"""The rule by which places with oedema, day by day, are a move: for records and published cases.

* Oedema *moved to another joint* when a joint shows it that did not before, and *within the joint*
  when another named region of the joint shows it.
* Where the joint still shows it at an earlier place, and nobody calls the place new, oedema may
  only have spread: equivocal.
* A place that is not named (a bone whose end or region nobody tells) is new only at a joint that
  showed none, or where it is called new.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from marrowtrail.diagnosis.course_schema import Scope
from marrowtrail.record.findings import FindingState

FINDING_OF: dict[Scope, str] = {
    "within_joint": "shift_same_bone_or_joint",
    "another_joint": "shift_other_joint",
}
"""The finding that states a move of a scope."""


class Spot(Protocol):
    """A place that can be compared with others of its kind."""

    @property
    def is_precise(self) -> bool:
        """Whether a region is named, or the bone is small enough to be one place."""
        ...

    def same_joint(self, other: object, /) -> bool:
        """Whether both may be at one joint of one side."""
        ...

    def lies_in(self, other: object, /) -> bool:
        """Whether the place, of the same joint, is the other or a part of it."""
        ...


S = TypeVar("S", bound=Spot)
S_co = TypeVar("S_co", bound=Spot, covariant=True)


class Shown(Protocol[S_co]):
    """One day's places with oedema, and those of them that are called new."""

    @property
    def active(self) -> Sequence[S_co]:
        """Places with oedema."""
        ...

    @property
    def new(self) -> Sequence[S_co]:
        """Places that the record itself calls new."""
        ...


@dataclass(frozen=True, slots=True)
class Moved(Generic[S]):
    """A move seen on one day: to which places, present or equivocal."""

    scope: Scope
    state: FindingState
    places: tuple[S, ...]


def moves_seen(now: Shown[S], known: Sequence[S]) -> Iterator[Moved[S]]:
    """Moves that a day shows, given the places that showed oedema on earlier days."""
    if not known:
        return
    fresh = [p for p in now.active if not is_known(p, known)]
    fresh = [p for p in fresh if p.is_precise or p in now.new or not joint_known(p, known)]
    stays = any(is_known(p, known) for p in now.active)
    by_scope: dict[Scope, tuple[S, ...]] = {
        "within_joint": tuple(p for p in fresh if joint_known(p, known)),
        "another_joint": tuple(p for p in fresh if not joint_known(p, known)),
    }
    for scope, places in by_scope.items():
        if places:
            may_have_spread = stays and not any(p in now.new for p in places)
            state = FindingState.EQUIVOCAL if may_have_spread else FindingState.PRESENT
            yield Moved(scope, state, places)


def is_known(place: Spot, known: Sequence[Spot]) -> bool:
    """Whether the place, or one that holds it, showed oedema before."""
    return any(place.same_joint(k) and place.lies_in(k) for k in known)


def joint_known(place: Spot, known: Sequence[Spot]) -> bool:
    """Whether the joint of the place showed oedema before."""
    return any(place.same_joint(k) for k in known)
