"""Moves that nobody states, but that a reader's readings of oedema show by place and day.

Only what somebody entered is compared here, by the rule of :mod:`marrowtrail.diagnosis.moves`. What
the program found is compared where it is measured, bone by bone and beyond the noise; here it only
shows that a place is not new.

* Readings of one visit are of one moment: a second joint imaged some days after the first is no
  later one.
* A place of which a reading without a date speaks may have been first; it is never new.
* That oedema left an earlier place must have been read: where it was not looked at again, oedema
  may have been at both from the start, and the move is equivocal.
* What is stated of a move holds against what follows from readings of that day or before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.diagnosis.joints import joints_of_site
from marrowtrail.diagnosis.moves import FINDING_OF, Moved, is_known, moves_seen
from marrowtrail.record.findings import SOFTWARE, Finding, FindingState
from marrowtrail.record.sites import Side, Site

ONE_VISIT_DAYS = 7
"""Studies this close are one visit, as everywhere in the program."""

OEDEMA = "bme_present"

BASIS = "follows from the readings of oedema by place and day"
STAYS = "an earlier place still shows it"
UNREAD = "nobody read the earlier one as clear"
"""Why a move is only possible, after :data:`BASIS` and a semicolon."""

P, A, E = FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL


@dataclass(frozen=True, slots=True)
class Place:
    """A site that can be compared with others; joints are those of its bone where no region is."""

    site: Site

    @property
    def joints(self) -> frozenset[str]:
        """Joints at which it may be."""
        return frozenset(joints_of_site(self.site))

    @property
    def is_precise(self) -> bool:
        """A region is named, or the bone is at one joint alone."""
        return self.site.region is not None or len(self.joints) == 1

    def same_joint(self, other: object) -> bool:
        """One joint of one side, or of a side that is not told."""
        if not isinstance(other, Place) or {self.site.side, other.site.side} == {
            Side.LEFT,
            Side.RIGHT,
        }:
            return False
        same_bone = self.site.bone == other.site.bone
        return bool(self.joints & other.joints) or (same_bone and not self.joints)

    def lies_in(self, other: object) -> bool:
        """The same region, or a region of the bone that the other names as a whole."""
        if not isinstance(other, Place) or self.site.bone != other.site.bone:
            return False
        return other.site.region in (None, self.site.region)


@dataclass(frozen=True, slots=True)
class Moment:
    """One visit's readings: places with oedema, those a person read, and places read as clear."""

    day: date
    active: tuple[Place, ...]
    entered: frozenset[Place]
    clear: tuple[Place, ...]
    new: tuple[Place, ...] = ()


def moves_in_readings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of moves that follow from readings of oedema and that nobody states."""
    known = list(findings)
    undated = [Place(f.site) for f in known if _is_reading(f, P) and f.site and f.visit is None]
    found = _moves(_moments(known), undated)
    return tuple(f for f in found if not _is_stated(f, known))


def _moves(moments: Sequence[Moment], undated: Sequence[Place]) -> Iterator[Finding]:
    before: list[Place] = []
    latest: tuple[Place, ...] = ()
    clear_since: list[Place] = []
    for moment in moments:
        clear_since += moment.clear
        has_left = any(is_known(place, clear_since) for place in latest)
        for moved in moves_seen(moment, before):
            places = [p for p in moved.places if p in moment.entered and not is_known(p, undated)]
            if places:
                yield _stated(moved, places[0], moment.day, has_left=has_left)
        before += moment.active
        if moment.active:
            latest, clear_since = moment.active, []


def _stated(moved: Moved[Place], to: Place, day: date, *, has_left: bool) -> Finding:
    state = moved.state if has_left else E
    doubt = "" if state is P else f"; {STAYS if has_left else UNREAD}"
    return Finding(FINDING_OF[moved.scope], state, to.site, day, explanation=BASIS + doubt)


def _moments(findings: Iterable[Finding]) -> list[Moment]:
    dated = [(f.visit, f) for f in findings if f.key == OEDEMA and f.visit and f.site]
    groups: list[list[tuple[date, Finding]]] = []
    for day, finding in sorted(dated, key=lambda one: (one[0], str(one[1].site))):
        if not groups or (day - groups[-1][0][0]).days > ONE_VISIT_DAYS:
            groups.append([])
        groups[-1].append((day, finding))
    return [_moment(group) for group in groups]


def _moment(group: Sequence[tuple[date, Finding]]) -> Moment:
    active = [(Place(f.site), f) for _, f in group if f.site and f.state is P]
    clear = [Place(f.site) for _, f in group if f.site and f.state is A and _is_entered(f)]
    return Moment(
        group[0][0],
        tuple(dict.fromkeys(place for place, _ in active)),
        frozenset(place for place, f in active if _is_entered(f)),
        tuple(dict.fromkeys(clear)),
    )


def _is_reading(finding: Finding, state: FindingState) -> bool:
    return finding.key == OEDEMA and finding.state is state


def _is_entered(finding: Finding) -> bool:
    return finding.entered_by != SOFTWARE


def _is_stated(follows: Finding, findings: Iterable[Finding]) -> bool:
    """Whether somebody says of that move what holds on that day."""
    return any(
        f.key == follows.key
        and f.state in (P, A, E)
        and f.is_confirmed
        and (f.visit is None or (follows.visit is not None and f.visit >= follows.visit))
        for f in findings
    )
