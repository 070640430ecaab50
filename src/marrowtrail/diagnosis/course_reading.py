"""What a record says of the course: looks at the first place, and at what may lie elsewhere.

Days count from the first scan with oedema. Without dates a finding stands at the days it names.

* *First place.* ``resolves_by_...`` present: gone on the day of its reading, at the latest by the
  days that it names (the shortest counts); absent: still there then (the longest counts). Before
  that day, any dated reading of oedema at a place of the first scan is a look of its own.
* *Surface.* ``progression_collapse``, and a contour that gave way after an earlier reading saw it
  whole.
* *Moves.* A shift, once seen, is seen: its first reading counts. ``absent`` says that none has been
  seen so far, so the last such reading before counts; at a site of the first joint it says nothing
  of the others. Another joint that was imaged and shows no oedema tells by its share of the limb's
  joints; one that was never imaged tells nothing.

Several readings of one day are one look: present before equivocal before absent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.diagnosis.course_chain import Look, MoveLook
from marrowtrail.diagnosis.course_schema import CourseRules, Move, Scope, Treatment
from marrowtrail.diagnosis.joints import joints_of_site
from marrowtrail.diagnosis.weights import RANK, state_weights
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side, Site
from marrowtrail.record.treatments import Given

UNDATED_DAYS = 183.0
"""Follow-up assumed behind a move that is entered without a date."""

STILL_ACTS_DAYS = 365.0
"""A drug given longer before the first scan with oedema is not counted: zoledronate is given once a
year (Black 2007, 10.1056/NEJMoa067312), and no source followed a dose of years before."""

CONTOUR = "contour_collapse"
"""A sign of the first scan; where it came later, it is the course that shows it."""

OTHER_JOINTS = 5
"""Joints of the lower limb beside the first: hip, knee, and ankle with foot, of both sides. Each is
taken to be as likely to come next as another, since no source counts them."""

P, A, E = FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL

Joint = tuple[str, Side]


@dataclass(frozen=True, slots=True)
class Seen:
    """A look in words: what was read, in which state, after how many days."""

    finding: str
    state: FindingState
    day: float


@dataclass(frozen=True, slots=True)
class Sightings:
    """Looks of one record, and until when it was followed.

    ``until_day`` is the last day on which somebody looked at the course: at oedema anywhere, at
    its healing or for a move. What a label or a stage gains with time it gains by then, and not by
    the mere date of another finding. ``followed_days`` is when the record ends.

    ``healing_speed`` is what a known treatment makes of healing from ``treated_from`` on;
    ``treated`` names the drug and the reason.
    """

    place: tuple[Look, ...] = ()
    collapse: tuple[Look, ...] = ()
    within_joint: tuple[MoveLook, ...] = ()
    another_joint: tuple[MoveLook, ...] = ()
    place_seen: tuple[Seen, ...] = ()
    within_joint_seen: tuple[Seen, ...] = ()
    another_joint_seen: tuple[Seen, ...] = ()
    joints_clear: int = 0
    until_day: float = 0.0
    followed_days: float = 0.0
    healing_speed: float = 1.0
    treated_from: float = 0.0
    treated: str = ""

    @property
    def taken(self) -> frozenset[str]:
        """Findings that a look takes over here, though the product counts them elsewhere."""
        return frozenset(seen.finding for seen in self.place_seen if seen.finding == CONTOUR)

    def looks(self, scope: Scope) -> tuple[MoveLook, ...]:
        """Looks of a scope of moves."""
        return self.another_joint if scope == "another_joint" else self.within_joint

    def seen(self, scope: Scope) -> tuple[Seen, ...]:
        """Looks of a scope in words."""
        return self.another_joint_seen if scope == "another_joint" else self.within_joint_seen


def read_course(
    findings: Sequence[Finding],
    first: date | None,
    followed_days: float,
    rules: CourseRules,
    error: float,
    given: Sequence[Given] = (),
) -> Sightings:
    """Gather the looks.

    Parameters
    ----------
    first
        Day of the first scan with oedema.
    followed_days
        From then to the last finding of a place.
    error
        Chance that a look is wrong.
    given
        Treatments; one without a day counts for nothing, since nobody knows what came after it.
    """
    spoken = [f for f in findings if f.state is not FindingState.NOT_DONE]
    at_first = first_places(spoken, first)
    healed = _healed(spoken, first, rules)
    place = {**_place_looks(spoken, first, at_first, healed), **healed}
    collapse = _collapse(spoken, first, rules)
    here = {joint for place in at_first for joint in joints_at(place)}
    scopes: dict[Scope, dict[float, Seen]] = {
        move.scope: _cumulative(_days(_telling(spoken, move, here), move.finding, first))
        for move in rules.moves
    }
    clear = _clear_joints(spoken, first, at_first)
    moved = [s.day for s in scopes["another_joint"].values() if s.state is not A]
    clear = {day: joints for day, joints in clear.items() if not moved or day < min(moved)}
    beyond = [_move_look(s, error) for s in scopes["another_joint"].values()]
    beyond += [_clear_look(day, len(joints), error) for day, joints in sorted(clear.items())]
    days = [s.day for known in scopes.values() for s in known.values()]
    days += [day for f in spoken if _is_look(f, rules) and (day := _day(f, first)) is not None]
    until = max(days, default=0.0)
    treatment, since = _treatment(given, first, until, rules)
    return Sightings(
        tuple(_look(seen, error) for seen in place.values()),
        tuple(_look(seen, error) for seen in collapse),
        tuple(_move_look(s, error) for s in scopes["within_joint"].values()),
        tuple(beyond),
        tuple(sorted((*place.values(), *collapse), key=lambda s: (s.day, s.finding))),
        tuple(scopes["within_joint"].values()),
        tuple(scopes["another_joint"].values()),
        len({joint for joints in clear.values() for joint in joints}),
        until,
        max(followed_days, until),
        treatment.healing if treatment else 1.0,
        since,
        f"{treatment.label}; {treatment.reason}" if treatment else "",
    )


def _treatment(
    given: Sequence[Given], first: date | None, until: float, rules: CourseRules
) -> tuple[Treatment | None, float]:
    """The first treatment with a known effect on what was seen, and from which day it has it."""
    known = {t.drug: t for t in rules.treatments}
    if first is None:
        return None, 0.0
    dated = [
        (float((one.start - first).days), one.name)
        for one in given
        if one.start is not None and one.name in known
    ]
    acting = [one for one in dated if -STILL_ACTS_DAYS <= one[0] < until]
    if not acting:
        return None, 0.0
    day, name = min(acting)
    return known[name], max(0.0, day)


def _is_look(finding: Finding, rules: CourseRules) -> bool:
    return finding.key == "bme_present" or finding.key in rules.findings


def _look(seen: Seen, error: float) -> Look:
    return Look(seen.day, *state_weights(seen.state, error))


def _move_look(seen: Seen, error: float) -> MoveLook:
    return MoveLook(seen.day, *state_weights(seen.state, error))


def _clear_look(day: float, joints: int, error: float) -> MoveLook:
    """Some of the other joints were imaged without oedema."""
    present, absent = state_weights(A, error)
    share = min(joints / OTHER_JOINTS, 1.0)
    return MoveLook(day, 1 - share + share * present, 1 - share + share * absent, counts_past=False)


def _day(finding: Finding, first: date | None) -> float | None:
    """Days from the first scan; ``None`` where not known or not later."""
    if finding.visit is None or first is None or finding.visit <= first:
        return None
    return float((finding.visit - first).days)


def _healed(spoken: Iterable[Finding], first: date | None, rules: CourseRules) -> dict[float, Seen]:
    gone: list[Seen] = []
    there: list[Seen] = []
    unsure: list[Seen] = []
    for finding in spoken:
        term = rules.days_of(finding.key)
        if term is None:
            continue
        day = _day(finding, first)
        if finding.state is P:
            gone.append(Seen(finding.key, A, min(day or term, term)))
        elif finding.state is A:
            there.append(Seen(finding.key, P, max(day or term, term)))
        else:
            unsure.append(Seen(finding.key, E, day or term))
    kept = [*sorted(there, key=lambda s: -s.day)[:1], *sorted(gone, key=lambda s: s.day)[:1]]
    return {seen.day: seen for seen in (kept or unsure[:1])}


def first_places(spoken: Iterable[Finding], first: date | None) -> frozenset[Site]:
    """Where the first scan showed oedema."""
    return frozenset(
        f.site
        for f in spoken
        if f.key == "bme_present" and f.state is P and f.site and f.visit == first
    )


def _place_looks(
    spoken: Iterable[Finding],
    first: date | None,
    places: frozenset[Site],
    healed: dict[float, Seen],
) -> dict[float, Seen]:
    """Oedema read at the first places, until the record says that it has gone."""
    gone = min((s.day for s in healed.values() if s.state is A), default=float("inf"))
    looks: dict[float, Seen] = {}
    for finding in spoken:
        day = _day(finding, first)
        if finding.key != "bme_present" or day is None or day >= gone:
            continue
        if any(_is_at(finding, place) for place in places):
            known = looks.get(day)
            if known is None or RANK[finding.state] > RANK[known.state]:
                looks[day] = Seen("bme_present", finding.state, day)
    return looks


def _is_at(finding: Finding, place: Site) -> bool:
    """The same place; a bone read as a whole is clear at all of its places."""
    site = finding.site
    if site is None or (site.bone, site.side) != (place.bone, place.side):
        return False
    if site.region == place.region or place.region is None:
        return True
    return site.region is None and finding.state is A


def _collapse(spoken: Iterable[Finding], first: date | None, rules: CourseRules) -> list[Seen]:
    known = list(spoken)
    key = rules.collapse.finding
    found = [Seen(key, f.state, _day(f, first) or rules.collapse.days) for f in _of(known, key)]
    whole = [f for f in _of(known, CONTOUR) if f.state is A and f.visit is not None]
    for given_way in _of(known, CONTOUR):
        day = _day(given_way, first)
        if given_way.state is P and day is not None and given_way.visit is not None:
            before = [f for f in whole if f.visit is not None and f.visit < given_way.visit]
            found += [Seen(CONTOUR, P, day)] if before else []
    present = sorted((s for s in found if s.state is P), key=lambda s: s.day)
    if present:
        return present[:1]
    return sorted(found, key=lambda s: (RANK[s.state], s.day))[-1:]


def _of(findings: Iterable[Finding], key: str) -> list[Finding]:
    return [f for f in findings if f.key == key]


def _telling(spoken: Iterable[Finding], move: Move, here: Collection[Joint]) -> list[Finding]:
    """Readings that can speak of a move: "none" at the first joint says nothing of the others."""
    return [
        f
        for f in spoken
        if not (
            move.scope == "another_joint"
            and f.state is A
            and f.site is not None
            and set(joints_at(f.site)) & set(here)
        )
    ]


def _days(spoken: Iterable[Finding], key: str, first: date | None) -> dict[float, Seen]:
    """Strongest state of a finding by day."""
    by_day: dict[float, Seen] = {}
    for finding in _of(spoken, key):
        day = _day(finding, first)
        if day is None:
            if finding.state is A and finding.visit is not None:
                # nothing can have moved by the first scan, so none being seen then is no news
                continue
            day = UNDATED_DAYS
        known = by_day.get(day)
        if known is None or RANK[finding.state] > RANK[known.state]:
            by_day[day] = Seen(key, finding.state, day)
    return dict(sorted(by_day.items()))


def _cumulative(by_day: dict[float, Seen]) -> dict[float, Seen]:
    """One event, read whenever: the last reading without it before the first with it."""
    for state in (P, E):
        shown = [day for day, seen in by_day.items() if seen.state is state]
        if shown:
            before = [d for d, s in by_day.items() if s.state is A and d < shown[0]][-1:]
            return {day: by_day[day] for day in (*before, shown[0])}
    return {day: by_day[day] for day in list(by_day)[-1:]}


def _clear_joints(
    spoken: Iterable[Finding], first: date | None, places: frozenset[Site]
) -> dict[float, frozenset[Joint]]:
    """Joints other than the first, imaged without oedema, by day."""
    here = {joint for place in places for joint in joints_at(place)}
    clear: dict[float, set[Joint]] = {}
    shown: dict[float, set[Joint]] = {}
    for finding in _of(spoken, "bme_present"):
        day = _day(finding, first)
        # a bone without a region may be at either of its joints
        if day is None or finding.site is None or len(joints_at(finding.site)) != 1:
            continue
        kept = clear if finding.state is A else shown
        kept.setdefault(day, set()).update(joints_at(finding.site))
    return {
        day: frozenset(left)
        for day, joints in clear.items()
        if (left := joints - here - shown.get(day, set()))
    }


def joints_at(site: Site) -> tuple[Joint, ...]:
    """Joints of the lower limb at a site, each with the site's side; ankle and foot are one."""
    return tuple((joint, site.side) for joint in joints_of_site(site))
