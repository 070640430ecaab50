"""The differential against published cases: ``marrowtrail evaluate cases``.

Each case is read as findings by tables of words (:mod:`marrowtrail.evaluation.cases_findings`) and
ranked in two views, at presentation and with follow-up. Probabilities of diagnoses are added to
categories; those outside the categories are left out. A paper that feeds the tables is left out of
them when its own case is ranked. Cases without an answer are ranked and not scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from marrowtrail.diagnosis.evidence import Reading, read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import probabilities
from marrowtrail.diagnosis.red_flags import red_flags
from marrowtrail.diagnosis.starting import joints_of_onset, prior
from marrowtrail.evaluation.cases_baselines import by_constants, plain_product, said_of
from marrowtrail.evaluation.cases_file import PublishedCase, View, read_cases
from marrowtrail.evaluation.cases_findings import CaseReading, read_case
from marrowtrail.evaluation.cases_scoring import (
    Ranking,
    Share,
    ViewScores,
    calibration_slope,
    family_sums,
    of_families,
    ordered,
    score,
    wilson,
)
from marrowtrail.evaluation.cases_tables import CaseGold, case_gold, case_words

Floats = NDArray[np.float64]
Categories = tuple[tuple[str, float], ...]
Say = Callable[[str], None]

DEFAULT_SETTING = "bone_clinic"
"""Prior of the only setting with a source: whom a clinic for bone disease is sent with oedema."""

BEST_TIERS = ("A", "B")
"""Cases with imaging that can be read; those of tier C test missing data only."""

DANGEROUS = ("INFECTION", "MALIGNANCY")
SAFE_PLACES = 3


class RankedCase(BaseModel):
    """The answer to one case: categories likeliest first, and red flags in the serial view.

    The probability of a family is the sum over its categories.
    """

    id: str
    presentation: Categories
    serial: Categories
    presentation_families: Categories
    serial_families: Categories
    red_flags: tuple[str, ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]


class TwoViews(BaseModel):
    """Scores in both views; ``None`` where no case was scored."""

    presentation: ViewScores | None
    serial: ViewScores | None


class CaseScores(BaseModel):
    """All figures. ``slope`` is that of both views together; ``None`` where nothing was scored.

    ``best_tiers_families`` scores families, each with the sum of its categories: which disease it
    is, whatever its label.
    """

    knowledge_version: str
    knowledge_hash: str
    setting: str
    presentation: ViewScores | None
    serial: ViewScores | None
    best_tiers: TwoViews
    best_tiers_families: TwoViews
    safety: float | None
    safety_interval: Share | None
    flagged_elsewhere: Share | None
    slope: float | None
    without_memory: TwoViews
    baselines: dict[str, TwoViews]
    papers_left_out: int
    not_scored: tuple[str, ...]
    unknown_words: dict[str, int]
    cases: tuple[RankedCase, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A case in one view: what it says, and what the knowledge makes of that."""

    case: PublishedCase
    view: View
    said: CaseReading
    reading: Reading
    knowledge: Knowledge


def score_cases(folder: Path, say: Say, setting: str = DEFAULT_SETTING) -> CaseScores:
    """Rank every case of a folder and score those with an answer.

    Raises
    ------
    InputError
        If the folder holds no case, a file is not one, or there is no such setting.
    """
    gold, cases = case_gold(), read_cases(folder)
    say(f"ranking {len(cases)} cases")
    reads = {view: [_read(case, view, use_memory=True) for case in cases] for view in View}
    ranked = {view: [_ranked(read, setting, gold) for read in reads[view]] for view in View}
    say("ranking them without cells from memory")
    sourced = {view: [_read(case, view, use_memory=False) for case in cases] for view in View}
    bare = {view: [_ranked(read, setting, gold) for read in sourced[view]] for view in View}
    say("ranking them in simpler ways")
    own = load_knowledge()
    scored = {view: _rankings(reads[view], ranked[view], gold) for view in View}
    flags = [_flags(read, gold) for read in reads[View.SERIAL]]
    flags_of = {case.blind_id: flagged for case, flagged in zip(cases, flags, strict=True)}
    safe, elsewhere = _safety(scored[View.SERIAL], flags_of)
    both = [*scored[View.PRESENTATION], *scored[View.SERIAL]]
    return CaseScores(
        knowledge_version=own.version,
        knowledge_hash=own.hash,
        setting=setting,
        presentation=score(scored[View.PRESENTATION]),
        serial=score(scored[View.SERIAL]),
        best_tiers=_views({v: _best(scored[v]) for v in View}),
        best_tiers_families=_views(
            {v: [of_families(r, gold.family_of) for r in _best(scored[v])] for v in View}
        ),
        safety=safe.share if safe else None,
        safety_interval=safe,
        flagged_elsewhere=elsewhere,
        slope=calibration_slope(both).slope if both else None,
        without_memory=_views({v: _best(_rankings(sourced[v], bare[v], gold)) for v in View}),
        baselines=_baselines(reads, setting, gold),
        papers_left_out=sum(bool(_papers(case)) for case in cases),
        not_scored=tuple(c.blind_id for c in cases if not _is_scored(c, gold)),
        unknown_words=dict(
            Counter(word for read in reads[View.SERIAL] for word in read.said.unknown)
        ),
        cases=tuple(
            RankedCase(
                id=case.blind_id,
                presentation=first,
                serial=later,
                presentation_families=family_sums(first, gold.family_of),
                serial_families=family_sums(later, gold.family_of),
                red_flags=flagged,
                unused=tuple(f"{u.word}: {u.reason}" for u in read.said.unused),
                unknown=read.said.unknown,
            )
            for case, first, later, flagged, read in zip(
                cases,
                ranked[View.PRESENTATION],
                ranked[View.SERIAL],
                flags,
                reads[View.SERIAL],
                strict=True,
            )
        ),
    )


def _read(case: PublishedCase, view: View, *, use_memory: bool) -> _Read:
    knowledge = _knowledge(_papers(case), use_memory)
    said = read_case(case, view, case_words())
    return _Read(case, view, said, read_findings(said.findings, knowledge), knowledge)


@cache
def _knowledge(without: frozenset[str], use_memory: bool) -> Knowledge:
    return load_knowledge(
        use_memory=use_memory, without=without | frozenset(case_gold().left_out_always)
    )


@cache
def _references() -> tuple[tuple[str, str], ...]:
    return tuple((s.key, s.reference.lower()) for s in load_knowledge().sources.values())


def _papers(case: PublishedCase) -> frozenset[str]:
    """Sources of the knowledge that are the paper of the case."""
    ids = [str(i).lower() for i in (case.source.doi, case.source.pmid, case.source.pmcid) if i]
    return frozenset(key for key, text in _references() if any(_names(i, text) for i in ids))


def _names(identifier: str, reference: str) -> bool:
    words = reference.replace("doi:", " ").replace(";", " ").replace(",", " ").split()
    return identifier in words


def _ranked(read: _Read, setting: str, gold: CaseGold) -> Categories:
    found = probabilities(read.said.findings, read.knowledge, setting=setting)
    return _categories(found, gold, read)


def _categories(found: Floats, gold: CaseGold, read: _Read) -> Categories:
    """Probabilities of the categories given that one of them holds, likeliest first."""
    rows = {d: i for i, d in enumerate(read.knowledge.diagnoses)}
    sums = {
        name: sum(float(found[rows[d]]) for d in category.diagnoses)
        for name, category in gold.categories.items()
    }
    total = sum(sums.values())
    return ordered((name, share / total) for name, share in sums.items())


def _is_scored(case: PublishedCase, gold: CaseGold) -> bool:
    return case.gold is not None and case.gold.category in gold.categories


def _rankings(
    reads: Sequence[_Read], ranked: Sequence[Categories], gold: CaseGold
) -> list[Ranking]:
    """Rankings of the cases with an answer."""
    return [
        Ranking(
            read.case.blind_id,
            categories,
            read.case.gold.right(read.view),
            read.case.gold.category,
            gold.categories[read.case.gold.category].family,
            read.case.meta.difficulty,
            read.case.meta.tier,
        )
        for read, categories in zip(reads, ranked, strict=True)
        if read.case.gold is not None and _is_scored(read.case, gold)
    ]


def _best(rankings: Sequence[Ranking]) -> list[Ranking]:
    return [r for r in rankings if r.tier in BEST_TIERS]


def _views(rankings: dict[View, list[Ranking]]) -> TwoViews:
    return TwoViews(
        presentation=score(rankings[View.PRESENTATION]), serial=score(rankings[View.SERIAL])
    )


def _flags(read: _Read, gold: CaseGold) -> tuple[str, ...]:
    called = [flag.category for flag in red_flags(read.reading, read.knowledge)]
    return tuple(gold.red_flags[category] for category in called if category in gold.red_flags)


def _safety(
    serial: Sequence[Ranking], flags: dict[str, tuple[str, ...]]
) -> tuple[Share | None, Share | None]:
    """Dangerous cases that are in the first places or flagged; other cases that are flagged."""
    dangerous = [r for r in serial if r.category in DANGEROUS]
    others = [r for r in serial if r.category not in DANGEROUS]
    caught = sum(r.is_within(SAFE_PLACES) or r.category in flags[r.case] for r in dangerous)
    flagged = sum(bool(flags[r.case]) for r in others)
    return (
        wilson(caught, len(dangerous)) if dangerous else None,
        wilson(flagged, len(others)) if others else None,
    )


def _baselines(reads: dict[View, list[_Read]], setting: str, gold: CaseGold) -> dict[str, TwoViews]:
    """Scores of simpler ways, over the cases of the best tiers."""

    def starting(read: _Read) -> Floats:
        joints = joints_of_onset(read.said.findings, read.knowledge)
        return prior(read.knowledge, setting, joints, read.reading.days_followed)

    ways: dict[str, Callable[[_Read], Floats]] = {
        "prior_only": starting,
        "plain_product": lambda r: plain_product(
            said_of(r.reading, r.knowledge), starting(r), r.knowledge
        ),
        "constants": lambda r: by_constants(
            said_of(r.reading, r.knowledge), starting(r), r.knowledge
        ),
    }
    ranked = {
        name: {v: [_categories(way(r), gold, r) for r in reads[v]] for v in View}
        for name, way in ways.items()
    }
    common = _frequencies([read.case for read in reads[View.SERIAL]], gold)
    ranked["always_the_commonest"] = {v: [common] * len(reads[v]) for v in View}
    return {
        name: _views({v: _best(_rankings(reads[v], mine[v], gold)) for v in View})
        for name, mine in ranked.items()
    }


def _frequencies(cases: Sequence[PublishedCase], gold: CaseGold) -> Categories:
    """How common every category is among the cases themselves: better than anybody could know."""
    counts = Counter(case.gold.category for case in cases if case.gold is not None)
    total = sum(counts[name] + 1 for name in gold.categories)
    return ordered((name, (counts[name] + 1) / total) for name in gold.categories)
