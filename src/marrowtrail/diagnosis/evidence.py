"""From a record's findings to the evidence that is weighed: each thing once.

* A finding read at several sites or visits is one piece of evidence: present if it was present
  anywhere, else equivocal, else absent. Not done counts for nothing.
* Where a reader and the program speak of the same site and visit, the reader holds. Otherwise
  present and absent at the same site and visit contradict each other: equivocal.
* Of an exclusive group the finest present member counts; of a nested group the shortest term
  within which oedema went and the longest after which it was still there.
* What is no evidence is not dropped silently: it comes back with the reason.

A piece of evidence is linear in the rate of its finding: likelihood ``u * rate + v * (1 -
rate)``. Present is (1 - e, e), absent (e, 1 - e), with e the chance that a reading is wrong.
However often a finding is read, it is weighed once with that error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.schema import Exclusive, Nested
from marrowtrail.record.findings import Finding, FindingState

EQUIVOCAL_WEIGHT = 2.0 / 3.0
"""An equivocal finding is taken to be twice as likely where the finding is there: a convention."""

FEWEST_DESCRIBED = 5
"""An ordinary finding described for fewer diagnoses cannot compare them."""

UNDATED_FOLLOW_UP_DAYS = 183.0
"""Follow-up assumed behind an awaited finding that is absent without a date."""

_RANK = {
    FindingState.PRESENT: 3,
    FindingState.EQUIVOCAL: 2,
    FindingState.ABSENT: 1,
    FindingState.NOT_DONE: 0,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding as it is weighed.

    ``column`` is its place in the table; ``present_weight`` and ``absent_weight`` are ``u`` and
    ``v``. ``followed_share`` is the share of those that ever show an awaited finding who would
    have shown it by now; 1 for findings that need no waiting.
    """

    finding: str
    column: int
    state: FindingState
    present_weight: float
    absent_weight: float
    followed_share: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a record says: the evidence in the order of the table, and what is left out and why.

    ``first_oedema`` is the first dated visit with oedema (else the first dated imaging finding);
    ``oedema`` is the state of oedema over all sites, ``None`` where nobody speaks of it;
    ``last_visit`` is the last day of the record with an imaging finding.
    """

    evidence: tuple[Evidence, ...]
    states: tuple[Finding, ...]
    unused: tuple[str, ...]
    first_oedema: date | None
    oedema: FindingState | None
    last_visit: date | None

    @property
    def days_followed(self) -> float:
        """Days from the first oedema to the last visit of the record; 0 where not known."""
        if self.first_oedema is None or self.last_visit is None:
            return 0.0
        return float((self.last_visit - self.first_oedema).days)

    def state_of(self, finding: str) -> FindingState | None:
        """State of a finding over all sites and visits; ``None`` where nobody speaks of it."""
        known = self.finding(finding)
        return None if known is None else known.state

    def finding(self, key: str) -> Finding | None:
        """The finding that the state of ``key`` rests on."""
        return next((f for f in self.states if f.key == key), None)


def read_findings(findings: Iterable[Finding], knowledge: Knowledge) -> Reading:
    """Weigh each finding once, whatever their order."""
    known = list(findings)
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
    evidence: list[Evidence] = []
    spoken = {k: f for k, f in merged.items() if f.state is not FindingState.NOT_DONE}
    for key, finding in spoken.items():
        reason = _why_unused(key, knowledge)
        if reason is None:
            evidence.append(_weigh(key, finding, knowledge, first))
        else:
            unused.append(f"{knowledge.finding_labels.get(key, key)}: {reason}")
    evidence, dropped = _resolve_groups(evidence, knowledge)
    evidence, softened = _soften(evidence, spoken.keys(), knowledge)
    unused += dropped + softened
    oedema = merged.get("bme_present")
    return Reading(
        tuple(sorted(evidence, key=lambda e: e.column)),
        tuple(merged.values()),
        tuple(sorted(unused)),
        first,
        oedema.state if oedema else None,
        max((f.visit for f in known if f.visit and f.site is not None), default=None),
    )


def follow_up_share(days: float, tau_days: float) -> float:
    """Share of those that ever show an awaited finding who have shown it after ``days``."""
    return 1.0 - math.exp(-max(days, 0.0) / tau_days)


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
        _RANK[finding.state],
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


def _first_oedema(findings: Iterable[Finding]) -> date | None:
    seen = [
        f.visit
        for f in findings
        if f.visit and f.key == "bme_present" and f.state is FindingState.PRESENT
    ]
    imaged = [f.visit for f in findings if f.visit and f.site is not None]
    return min(seen or imaged, default=None)


def _why_unused(key: str, knowledge: Knowledge) -> str | None:
    """Why a finding is no evidence; ``None`` when it is."""
    if key not in knowledge.finding_labels:
        return "not a word of the vocabulary"
    if key in knowledge.same_as:
        return "says something only when it is present"
    return knowledge.set_aside.get(key) or _too_little_known(key, knowledge)


def _too_little_known(key: str, knowledge: Knowledge) -> str | None:
    """Why a finding cannot compare the diagnoses; groups are scaled as a whole, so they can."""
    if key in knowledge.exclusive_of or key in knowledge.nested_of:
        return None
    described = int(knowledge.table.described[knowledge.table.findings.index(key)])
    if described == 0:
        return "no source read says how often it occurs"
    if described < FEWEST_DESCRIBED and key not in knowledge.signature:
        return f"described for {described} causes only, too few to compare them"
    return None


def is_evidence(key: str, knowledge: Knowledge) -> bool:
    """Whether a finding would count if it were known."""
    return _why_unused(key, knowledge) is None


def _weigh(key: str, finding: Finding, knowledge: Knowledge, first: date | None) -> Evidence:
    present, absent = state_weights(finding.state, knowledge.reading_error[key])
    share = 1.0
    if finding.state is FindingState.ABSENT and key in knowledge.tau_days_of:
        days = UNDATED_FOLLOW_UP_DAYS
        if finding.visit is not None and first is not None:
            days = float((finding.visit - first).days)
        share = follow_up_share(days, knowledge.tau_days_of[key])
        # absence says nothing of those who would not have shown it yet
        present, absent = 1.0 - share + share * present, 1.0 - share + share * absent
    column = knowledge.table.findings.index(key)
    return Evidence(key, column, finding.state, present, absent, share)


def state_weights(state: FindingState, error: float) -> tuple[float, float]:
    """(u, v) of a state read with that chance of error: likelihood u * rate + v * (1 - rate)."""
    if state is FindingState.PRESENT:
        return 1.0 - error, error
    if state is FindingState.ABSENT:
        return error, 1.0 - error
    return EQUIVOCAL_WEIGHT, 1.0 - EQUIVOCAL_WEIGHT


def _resolve_groups(
    evidence: list[Evidence], knowledge: Knowledge
) -> tuple[list[Evidence], list[str]]:
    """Keep what counts of exclusive and nested groups, and say what contradicts itself."""
    grouped = knowledge.exclusive_of.keys() | knowledge.nested_of.keys()
    kept = [e for e in evidence if e.finding not in grouped]
    dropped: list[str] = []
    for group in knowledge.dependence.exclusive:
        mine = [e for e in evidence if knowledge.exclusive_of.get(e.finding) is group]
        present = _finest_present(mine, group)
        if len(present) > 1:
            named = " and ".join(knowledge.finding_labels[e.finding] for e in present)
            dropped.append(f"{group.label}: {named} exclude each other, so neither counts")
        else:
            kept += present or mine
    for nested in knowledge.dependence.nested:
        mine = [e for e in evidence if e.finding in nested.members]
        tightest = _tightest(mine, nested)
        if mine and not tightest:
            dropped.append(f"{nested.label}: the entries contradict each other, so none counts")
        kept += tightest
    return kept, dropped


def _soften(
    evidence: Sequence[Evidence], known: Collection[str], knowledge: Knowledge
) -> tuple[list[Evidence], list[str]]:
    """Let healing under a treatment count in part, and say so."""
    weights: dict[str, float] = {}
    for rule in knowledge.dependence.confounded:
        if any(finding in known for finding in rule.by):
            members = next(n for n in knowledge.dependence.nested if n.key == rule.nested).members
            weights |= dict.fromkeys(members, rule.weight)
    softened: list[Evidence] = []
    said: list[str] = []
    for piece in evidence:
        weight = weights.get(piece.finding)
        if weight is None or piece.state is not FindingState.PRESENT:
            softened.append(piece)
            continue
        present = 1.0 - weight + weight * piece.present_weight
        absent = 1.0 - weight + weight * piece.absent_weight
        softened.append(replace(piece, present_weight=present, absent_weight=absent))
        label = knowledge.finding_labels[piece.finding]
        said.append(f"{label}: counted in part, since a treatment was given that may have done it")
    return softened, said


def _finest_present(mine: Sequence[Evidence], group: Exclusive) -> list[Evidence]:
    """Members that are present, without one of which a part is present too."""
    present = {e.finding: e for e in mine if e.state is FindingState.PRESENT}
    whole = {
        m for m, parts in group.parts.items() if m in present and parts.keys() & present.keys()
    }
    return [e for key, e in present.items() if key not in whole]


def _tightest(mine: Sequence[Evidence], group: Nested) -> list[Evidence]:
    """The first member present and the last absent before it; none if a later one is absent."""
    ordered = sorted(mine, key=lambda e: group.members.index(e.finding))
    present = [e for e in ordered if e.state is FindingState.PRESENT][:1]
    absent = [e for e in ordered if e.state is FindingState.ABSENT][-1:]
    if present and absent and ordered.index(absent[0]) > ordered.index(present[0]):
        return []
    equivocal = [e for e in ordered if e.state is FindingState.EQUIVOCAL]
    return [*absent, *present] or equivocal[:1]
