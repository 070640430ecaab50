"""From a record's findings to the evidence that is weighed: each thing once.

* A finding read at several sites or visits is one piece of evidence: present if it was present
  anywhere, else equivocal, else absent. Not done counts for nothing.
* Where a reader and the program speak of the same site and visit, the reader holds. Otherwise
  present and absent at the same site and visit contradict each other: equivocal.
* Of an exclusive group the finest present member counts.
* Findings of the course, and what only tells of it again, go to
  :mod:`marrowtrail.diagnosis.course_reading` and are not weighed here.
* A move that follows from a reader's readings of oedema counts as if it had been stated.
* What is no evidence is not dropped silently: it comes back with the reason.

A piece of evidence is linear in the rate of its finding: likelihood ``u * rate + v * (1 -
rate)``. Present is (1 - e, e), absent (e, 1 - e), with e the chance that a reading is wrong.
However often a finding is read, it is weighed once with that error. What the program looks for
by itself and nobody has confirmed has the program's errors, which it was measured to make.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marrowtrail.diagnosis.course_reading import Joint, Sightings, joints_at, read_course
from marrowtrail.diagnosis.impossible import without_impossible
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.move_readings import moves_in_readings
from marrowtrail.diagnosis.schema import Exclusive
from marrowtrail.diagnosis.weights import RANK, Errors, state_weights
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.treatments import Given

FEWEST_DESCRIBED = 5
"""An ordinary finding described for fewer diagnoses cannot compare them."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding as it is weighed.

    ``column`` is its place in the table; ``present_weight`` and ``absent_weight`` are ``u`` and
    ``v``.
    """

    finding: str
    column: int
    state: FindingState
    present_weight: float
    absent_weight: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a record says: the evidence in the order of the table, and what is left out and why.

    ``first_oedema`` is the first dated visit with oedema (else the first dated imaging finding);
    ``oedema`` is the state of oedema over all sites, ``None`` where nobody speaks of it;
    ``course`` is what was seen in time; ``notes`` say what counts in another way than entered;
    ``known`` are all findings that can be, in a fixed order.
    """

    evidence: tuple[Evidence, ...]
    states: tuple[Finding, ...]
    unused: tuple[str, ...]
    first_oedema: date | None
    oedema: FindingState | None
    course: Sightings
    notes: tuple[str, ...] = ()
    known: tuple[Finding, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether nothing was said that could tell the causes apart."""
        course = self.course
        looks = (course.place, course.collapse, course.within_joint, course.another_joint)
        return not self.evidence and not any(looks)

    @property
    def days_followed(self) -> float:
        """Days from the first oedema to the last look at its course; 0 where not known."""
        return self.course.until_day

    def state_of(self, finding: str) -> FindingState | None:
        """State of a finding over all sites and visits; ``None`` where nobody speaks of it."""
        known = self.finding(finding)
        return None if known is None else known.state

    @property
    def joints_since(self) -> dict[Joint, date | None]:
        """Joints that have shown oedema, each with the first day on which it did, if known.

        A bone of which no end is named is at no joint for certain and counts at none.
        """
        since: dict[Joint, date | None] = {}
        for finding in self.known:
            shows = finding.key == "bme_present" and finding.state is FindingState.PRESENT
            if not shows or finding.site is None or len(joints_at(finding.site)) != 1:
                continue
            (joint,) = joints_at(finding.site)
            days = [day for day in (since.get(joint), finding.visit) if day]
            since[joint] = min(days, default=None)
        return since

    def finding(self, key: str) -> Finding | None:
        """The finding that the state of ``key`` rests on."""
        return next((f for f in self.states if f.key == key), None)


def read_findings(
    findings: Iterable[Finding], knowledge: Knowledge, given: Sequence[Given] = ()
) -> Reading:
    """Weigh each finding once, whatever their order; ``given`` are the treatments."""
    entered = list(findings)
    known, refused = without_impossible(entered, knowledge)
    follows = moves_in_readings(known)
    known += follows
    contradicted: list[str] = []
    by_key: dict[str, list[Finding]] = defaultdict(list)
    for finding in known:
        by_key[_meaning(finding, knowledge)].append(finding)
    merged = {key: _merge(key, group, contradicted) for key, group in sorted(by_key.items())}
    first = _first_oedema(known)
    unused = [
        f"{knowledge.finding_labels[key]}: entered as present and as absent for one site and "
        "visit; counted as equivocal"
        for key in contradicted
        if key in knowledge.finding_labels
    ]
    unused += refused
    notes = [_follows(finding, knowledge) for finding in follows]
    course = _course(known, first, knowledge, given)
    evidence: list[Evidence] = []
    spoken = {k: f for k, f in merged.items() if f.state is not FindingState.NOT_DONE}
    for key, finding in spoken.items():
        if key in knowledge.course.rules.findings or key in course.taken:
            continue
        reason = _why_unused(key, knowledge) or _told_again(key, merged, knowledge)
        if reason is None:
            evidence.append(_weigh(key, finding, knowledge))
        else:
            unused.append(f"{knowledge.finding_labels.get(key, key)}: {reason}")
    evidence, dropped = _resolve_groups(evidence, knowledge)
    unused += dropped
    if course.treated:
        notes.append(_treated(course))
    unused += [
        f"{one.name.replace('_', ' ')}: nobody wrote since when it was given"
        for one in given
        if one.start is None and one.name in {t.drug for t in knowledge.course.rules.treatments}
    ]
    oedema = merged.get("bme_present")
    return Reading(
        tuple(sorted(evidence, key=lambda e: e.column)),
        tuple(merged.values()),
        tuple(sorted(unused)),
        first,
        oedema.state if oedema else None,
        course,
        tuple(sorted(notes)),
        tuple(sorted(known, key=_fixed)),
    )


def _follows(finding: Finding, knowledge: Knowledge) -> str:
    """A move that nobody stated, in words."""
    label = knowledge.finding_labels[finding.key]
    day = f" on {finding.visit.isoformat()}" if finding.visit else ""
    _, _, doubt = finding.explanation.partition("; ")
    if not doubt:
        reason = "since oedema was read at another place than before"
        return f"{label}: counted as seen{day}, {reason}"
    return f"{label}: counted as possible{day}, since oedema was read at another place; {doubt}"


def _treated(course: Sightings) -> str:
    return (
        f"healing: counted as {course.healing_speed:g} times as fast from day "
        f"{course.treated_from:.0f} on, since a treatment was given: {course.treated}"
    )


def _course(
    findings: Sequence[Finding], first: date | None, knowledge: Knowledge, given: Sequence[Given]
) -> Sightings:
    last = max((f.visit for f in findings if _is_reading_of_a_place(f) and f.visit), default=None)
    followed = float((last - first).days) if first and last else 0.0
    rules = knowledge.course.rules
    error = knowledge.reading_error[rules.collapse.finding]
    return read_course(_one_voice(findings), first, followed, rules, error, given)


def _one_voice(findings: Sequence[Finding]) -> list[Finding]:
    """Findings without the proposals that a reader or the record spoke on, place by place."""
    confirmed = {(f.key, str(f.site), f.visit) for f in findings if f.is_confirmed}
    return [f for f in findings if f.is_confirmed or (f.key, str(f.site), f.visit) not in confirmed]


def _told_again(key: str, known: Mapping[str, Finding], knowledge: Knowledge) -> str | None:
    """Why a finding is no second event where the course has seen the first."""
    for told in knowledge.course.rules.told_again:
        of = known.get(told.of)
        if key == told.finding and of is not None and of.state is FindingState.PRESENT:
            return f"it tells of {knowledge.finding_labels[told.of]}, which counts already"
    return None


def _meaning(finding: Finding, knowledge: Knowledge) -> str:
    """The word that a finding counts under; only what is present stands for another word."""
    if finding.state is FindingState.PRESENT:
        return knowledge.same_as.get(finding.key, finding.key)
    return finding.key


def _merge(key: str, group: Sequence[Finding], contradicted: list[str]) -> Finding:
    """One finding for all sites and visits: the strongest state, where it was seen last."""
    places: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in group:
        places[str(finding.site), str(finding.visit)].append(finding)
    held: list[Finding] = []
    for place in places.values():
        spoken = [f for f in place if f.state is not FindingState.NOT_DONE]
        confirmed = [f for f in spoken if f.is_confirmed] or spoken or place
        states = {f.state for f in confirmed}
        best = max(confirmed, key=_order)
        if {FindingState.PRESENT, FindingState.ABSENT} <= states:
            contradicted.append(key)
            best = _as_equivocal(best)
        held.append(best)
    return max(held, key=_order)


def _order(finding: Finding) -> tuple[int, date, str, str]:
    """Strongest state first, then latest; the rest only makes the choice independent of order."""
    return (
        RANK[finding.state],
        finding.visit or date.min,
        str(finding.site),
        finding.explanation,
    )


def _as_equivocal(finding: Finding) -> Finding:
    return Finding(
        finding.key,
        FindingState.EQUIVOCAL,
        finding.site,
        finding.visit,
        explanation=finding.explanation,
        entered_by=finding.entered_by,
        confirmed_by=finding.confirmed_by,
    )


def _fixed(finding: Finding) -> tuple[str, ...]:
    return (
        finding.key,
        finding.state.value,
        str(finding.site),
        str(finding.visit),
        finding.entered_by,
        finding.confirmed_by or "",
        finding.explanation,
    )


def _first_oedema(findings: Iterable[Finding]) -> date | None:
    seen = [
        f.visit
        for f in findings
        if f.visit and f.key == "bme_present" and f.state is FindingState.PRESENT
    ]
    imaged = [f.visit for f in findings if _is_reading_of_a_place(f) and f.visit]
    return min(seen or imaged, default=None)


def _is_reading_of_a_place(finding: Finding) -> bool:
    """Whether somebody saw something at a place; what was not done says nothing, not even when."""
    return finding.site is not None and finding.state is not FindingState.NOT_DONE


def _why_unused(key: str, knowledge: Knowledge) -> str | None:
    """Why a finding is no evidence; ``None`` when it is."""
    if key not in knowledge.finding_labels:
        return "not a word of the vocabulary"
    if key in knowledge.same_as:
        return "says something only when it is present"
    return knowledge.set_aside.get(key) or _too_little_known(key, knowledge)


def _too_little_known(key: str, knowledge: Knowledge) -> str | None:
    """Why a finding cannot compare the diagnoses; groups are scaled as a whole, so they can."""
    if key in knowledge.exclusive_of:
        return None
    described = int(knowledge.table.described[knowledge.table.findings.index(key)])
    if described == 0:
        return "no source read says how often it occurs"
    if described < FEWEST_DESCRIBED and key not in knowledge.signature:
        return f"described for {described} causes only, too few to compare them"
    return None


def is_evidence(key: str, knowledge: Knowledge) -> bool:
    """Whether a finding would count in the product if it were known; the course counts others."""
    return key not in knowledge.course.rules.findings and _why_unused(key, knowledge) is None


def _weigh(key: str, finding: Finding, knowledge: Knowledge) -> Evidence:
    error: float | Errors = knowledge.reading_error[key]
    if not finding.is_confirmed or finding.confirmed_by == ACCEPTED_BY_OPTION:
        error = knowledge.program_error.get(key, error)
    present, absent = state_weights(finding.state, error)
    column = knowledge.table.findings.index(key)
    return Evidence(key, column, finding.state, present, absent)


def _resolve_groups(
    evidence: list[Evidence], knowledge: Knowledge
) -> tuple[list[Evidence], list[str]]:
    """Keep what counts of exclusive groups, and say what contradicts itself."""
    kept = [e for e in evidence if e.finding not in knowledge.exclusive_of]
    dropped: list[str] = []
    for group in knowledge.dependence.exclusive:
        mine = [e for e in evidence if knowledge.exclusive_of.get(e.finding) is group]
        present = _finest_present(mine, group)
        if len(present) > 1:
            named = " and ".join(knowledge.finding_labels[e.finding] for e in present)
            dropped.append(f"{group.label}: {named} exclude each other, so neither counts")
        else:
            kept += present or mine
    return kept, dropped


def _finest_present(mine: Sequence[Evidence], group: Exclusive) -> list[Evidence]:
    """Members that are present, without one of which a part is present too."""
    present = {e.finding: e for e in mine if e.state is FindingState.PRESENT}
    whole = {
        m for m, parts in group.parts.items() if m in present and parts.keys() & present.keys()
    }
    return [e for key, e in present.items() if key not in whole]
