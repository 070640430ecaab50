"""What the studies of a case say together: sites that came and went.

The layout states oedema site by site and study by study; that it moved, stayed or healed follows
from that here, by the definitions of the vocabulary:

* it *shifted* by the rule of :mod:`marrowtrail.diagnosis.moves`, as in any record;
* it has *resolved* when none of the places of the first joint shows it any more; the shortest
  span that holds counts. A study without a date proves no span shorter than two years;
* a move within the joint is *absent* where the joint was imaged again and showed no new place. A
  move to another joint is never absent: no study of the layout says that all joints were seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

from marrowtrail.diagnosis.moves import FINDING_OF, joint_known, moves_seen
from marrowtrail.evaluation.cases_file import Study
from marrowtrail.evaluation.cases_places import LEVEL, OTHER, Place, place_of
from marrowtrail.evaluation.cases_tables import CaseWords
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side

FIRST_DAY = date(2000, 1, 1)
"""Stands for day 0: the layout counts days and holds no dates."""

GONE_WITHIN = (
    ("resolves_by_3m", 92),
    ("resolves_by_4m", 122),
    ("resolves_by_6m", 183),
    ("resolves_by_12m", 366),
    ("resolves_by_24m", 731),
)
"""Days of the spans that findings name; months of 30.4 days, as the layout counts them."""

SEEN = ("present", "increased", "residual", "decreased")
GONE = ("resolved", "absent", "normalised")
_FILMS = ("XR", "XR_or_MRI", "CT")

P, A = FindingState.PRESENT, FindingState.ABSENT


@dataclass(frozen=True, slots=True)
class Moment:
    """What one day's studies showed: places with oedema, and without.

    ``day`` is ``None`` where the case gives none; ``active`` holds places with oedema or, on
    films, with the thinning that it leaves; ``oedema`` those with oedema alone; ``new`` those that
    the case calls new.
    """

    day: float | None
    active: tuple[Place, ...]
    oedema: tuple[Place, ...]
    quiet: tuple[Place, ...]
    new: tuple[Place, ...]

    @property
    def date(self) -> date | None:
        """The day as a date."""
        return None if self.day is None else FIRST_DAY + timedelta(days=round(self.day))


def moments(studies: Sequence[Study], words: CaseWords) -> tuple[Moment, ...]:
    """Studies of one day and phase together, in the order given."""
    gathered: dict[object, list[Study]] = {}
    for index, study in enumerate(studies):
        key: object = (study.is_later, study.day)
        if study.day is None:
            key = index if study.is_later else (study.phase, None)
        gathered.setdefault(key, []).append(study)
    return tuple(_moment(group, words) for group in gathered.values())


def course_findings(studies: Sequence[Study], words: CaseWords) -> tuple[Finding, ...]:
    """Findings that follow from places and days."""
    seen = moments(studies, words)
    return (*_oedema(seen), *_extent(seen), *_shifts(seen), *_healing(seen))


def _moment(group: Sequence[Study], words: CaseWords) -> Moment:
    active: list[Place] = []
    oedema: list[Place] = []
    quiet: list[Place] = []
    new: list[Place] = []
    for study in group:
        for site in study.sites:
            place = place_of(site, words)
            if site.bme in SEEN:
                oedema.append(place)
            if site.bme in SEEN or site.change == "new" or _thins(study):
                active.append(place)
            elif site.bme in GONE:
                quiet.append(place)
            if site.change == "new":
                new.append(place)
    return Moment(group[0].day, tuple(active), tuple(oedema), tuple(quiet), tuple(new))


def _thins(study: Study) -> bool:
    """Osteopenia of a place on films: what marrow oedema of this kind leaves there."""
    said = study.findings.get("osteopenia")
    status = said.get("status") if isinstance(said, dict) else None
    return study.modality in _FILMS and status == "present"


def _oedema(seen: Sequence[Moment]) -> Iterator[Finding]:
    for moment in seen:
        for state, places in ((P, moment.oedema), (A, moment.quiet)):
            for place in places:
                if place.site is not None:
                    yield Finding("bme_present", state, place.site, moment.date)


def _extent(seen: Sequence[Moment]) -> Iterator[Finding]:
    """How many bones, sides and joints at one time."""
    for moment in seen:
        pairs = list(combinations(moment.oedema, 2))
        if any({a.side, b.side} == {Side.LEFT, Side.RIGHT} and _twins(a, b) for a, b in pairs):
            yield Finding("bilateral", P, None, moment.date)
        if any(a.same_joint(b) and a.bone != b.bone for a, b in pairs):
            yield Finding("multiple_bones_same_region", P, None, moment.date)
        if any(_is_remote(a, b) for a, b in pairs):
            yield Finding("skeletal_multifocal_remote", P, None, moment.date)


def _twins(a: Place, b: Place) -> bool:
    return a.joint == b.joint and a.bone == b.bone


def _is_remote(a: Place, b: Place) -> bool:
    """Two joints that are not the same of both sides; pelvic bones count as one region."""
    pelvis = {"hip", "sacroiliac", "pelvis"}
    if {a.joint, b.joint} <= pelvis:
        return False
    return a.joint != b.joint or (a.joint == OTHER and a.bone != b.bone)


def _shifts(seen: Sequence[Moment]) -> Iterator[Finding]:
    known: list[Place] = []
    dated = [m.date for m in seen if m.date and any(place.site for place in m.oedema)]
    first = min(dated, default=FIRST_DAY)
    for moment in seen:
        moved = list(moves_seen(moment, known))
        for one in moved:
            # days count from the first oedema read; what history or films show before has none
            day = moment.date if moment.date and moment.date > first else None
            yield Finding(FINDING_OF[one.scope], one.state, one.places[0].site, day)
            if one.scope == "another_joint" and any(_is_lower(p, known) for p in one.places):
                yield Finding("proximal_to_distal_spread", P, one.places[0].site, moment.date)
        again = [p for p in (*moment.active, *moment.quiet) if joint_known(p, known)]
        if known and again and not moved:
            yield Finding("shift_same_bone_or_joint", A, again[0].site, moment.date)
        known += moment.active


def _is_lower(place: Place, known: Sequence[Place]) -> bool:
    levels = [LEVEL[k.joint] for k in known if k.joint in LEVEL]
    return bool(levels) and place.joint in LEVEL and LEVEL[place.joint] > min(levels)


def _healing(seen: Sequence[Moment]) -> Iterator[Finding]:
    first = next((m for m in seen if m.active), None)
    if first is None:
        return
    for moment in seen[seen.index(first) + 1 :]:
        mine = [p for p in first.active if any(p.same_joint(q) for q in moment.quiet)]
        stays = [p for p in moment.active if any(p.same_joint(q) for q in first.active)]
        days = None
        if moment.day is not None and first.day is not None:
            days = moment.day - first.day
        if mine and not stays:
            within = next((k for k, limit in GONE_WITHIN if days is not None and days <= limit), "")
            yield Finding(within or "resolves_by_24m", P, mine[0].site, moment.date)
        elif stays and days is not None:
            lasted = [key for key, limit in GONE_WITHIN if days >= limit - 7]
            if lasted:
                yield Finding(lasted[-1], A, stays[0].site, moment.date)
