"""Figures of the detectors of signs, from one case for each bone and sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.cases_scoring import Share, wilson
from marrowtrail.lesions.lesion import SignKind, SignState

ASKED_SPECIFICITY = 0.98
"""Sensitivity is also given where the limit is moved until so many bones without are let go."""


@dataclass(frozen=True, slots=True)
class Stands:
    """The finest pixel of an exam, and contrast over noise of dark tissue in its oedema."""

    pixel_mm: float
    over_noise: float | None


class SignCase(BaseModel):
    """One sign of one bone: what is true, and what was said.

    ``certainty`` is that it is there, 0 where it was not assessable. ``is_asked_for`` are true
    signs at least a pixel thick whose contrast is twice the noise.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    kind: SignKind
    difficulty: float
    oedema_found: bool
    state: SignState
    certainty: float
    is_there: bool
    is_asked_for: bool
    pixel_mm: float
    true_length_mm: float | None
    true_thickness_mm: float | None
    length_mm: float | None
    thickness_mm: float | None


class DecileOfSign(BaseModel):
    """Found of those there, and false of those not there, in a tenth of difficulty."""

    model_config = ConfigDict(frozen=True)

    decile: int
    found: int
    there: int
    false: int
    not_there: int


class KindScores(BaseModel):
    """One sign. Intervals are Wilson's, 95 %; empty where no case tells.

    ``sensitivity`` is over signs that are asked for, ``sensitivity_all`` over all; ``equivocal``
    counts as not found. ``specificity`` is over bones with oedema that were assessed.
    """

    model_config = ConfigDict(frozen=True)

    sensitivity: float | None
    sensitivity_low: float | None
    sensitivity_high: float | None
    found: int
    asked_for: int
    sensitivity_all: float | None
    there: int
    specificity: float | None
    specificity_low: float | None
    specificity_high: float | None
    false: int
    not_there: int
    sensitivity_at_098: float | None
    equivocal_there: int
    equivocal_not_there: int
    not_assessable_there: int
    not_assessable_not_there: int
    length_error_mm: float | None
    thickness_error_mm: float | None
    thickness_error_px: float | None
    deciles: tuple[DecileOfSign, ...]


class SignScores(BaseModel):
    """All signs. Errors are medians over signs that were found."""

    model_config = ConfigDict(frozen=True)

    exams: int
    line: KindScores
    low_signal_area: KindScores
    demarcation: KindScores
    seconds_per_visit: float | None
    cases: tuple[SignCase, ...]


def sum_up(cases: Sequence[SignCase], exams: int, seconds: Sequence[float]) -> SignScores:
    """The figures of an evaluation."""
    kinds = {kind: kind_scores([one for one in cases if one.kind is kind]) for kind in SignKind}
    return SignScores(
        exams=exams,
        line=kinds[SignKind.SUBCHONDRAL_LINE],
        low_signal_area=kinds[SignKind.LOW_SIGNAL_AREA],
        demarcation=kinds[SignKind.DEMARCATION],
        seconds_per_visit=round(float(np.median(seconds)), 2) if seconds else None,
        cases=tuple(cases),
    )


def kind_scores(cases: Sequence[SignCase]) -> KindScores:
    """The figures of one sign."""
    there = [one for one in cases if one.is_there]
    asked = [one for one in there if one.is_asked_for]
    without = [one for one in cases if not one.is_there]
    assessed = [one for one in without if one.state is not SignState.NOT_ASSESSABLE]
    found, false = _count(asked, SignState.PRESENT), _count(assessed, SignState.PRESENT)
    sensitivity = _share(found, len(asked))
    specificity = _share(len(assessed) - false, len(assessed))
    hits = [one for one in there if one.state is SignState.PRESENT]
    return KindScores(
        sensitivity=_value(sensitivity),
        sensitivity_low=sensitivity and sensitivity.low,
        sensitivity_high=sensitivity and sensitivity.high,
        found=found,
        asked_for=len(asked),
        sensitivity_all=_value(_share(_count(there, SignState.PRESENT), len(there))),
        there=len(there),
        specificity=_value(specificity),
        specificity_low=specificity and specificity.low,
        specificity_high=specificity and specificity.high,
        false=false,
        not_there=len(assessed),
        sensitivity_at_098=_at_specificity(asked, assessed),
        equivocal_there=_count(there, SignState.EQUIVOCAL),
        equivocal_not_there=_count(without, SignState.EQUIVOCAL),
        not_assessable_there=_count(there, SignState.NOT_ASSESSABLE),
        not_assessable_not_there=_count(without, SignState.NOT_ASSESSABLE),
        length_error_mm=_median([_gap(one.length_mm, one.true_length_mm) for one in hits]),
        thickness_error_mm=_median([_gap(one.thickness_mm, one.true_thickness_mm) for one in hits]),
        thickness_error_px=_median(
            [_gap(one.thickness_mm, one.true_thickness_mm, one.pixel_mm) for one in hits]
        ),
        deciles=_deciles(there, assessed),
    )


def _count(cases: Sequence[SignCase], state: SignState) -> int:
    return sum(one.state is state for one in cases)


def _share(right: int, n: int) -> Share | None:
    return wilson(right, n) if n else None


def _value(share: Share | None) -> float | None:
    return None if share is None else round(share.share, 4)


def _gap(mine: float | None, true: float | None, unit: float = 1.0) -> float | None:
    return None if mine is None or true is None or unit <= 0 else abs(mine - true) / unit


def _median(gaps: Sequence[float | None]) -> float | None:
    known = [one for one in gaps if one is not None]
    return round(float(np.median(known)), 3) if known else None


def _at_specificity(there: Sequence[SignCase], without: Sequence[SignCase]) -> float | None:
    """Sensitivity at the lowest limit that lets so many bones without the sign go."""
    if not there or not without:
        return None
    allowed = int((1.0 - ASKED_SPECIFICITY) * len(without) + 1e-9)
    limit = sorted((one.certainty for one in without), reverse=True)[allowed]
    return round(sum(one.certainty > limit for one in there) / len(there), 4)


def _deciles(there: Sequence[SignCase], without: Sequence[SignCase]) -> tuple[DecileOfSign, ...]:
    def of(one: SignCase) -> int:
        return min(9, int(one.difficulty * 10))

    return tuple(
        DecileOfSign(
            decile=decile + 1,
            found=_count([one for one in there if of(one) == decile], SignState.PRESENT),
            there=sum(of(one) == decile for one in there),
            false=_count([one for one in without if of(one) == decile], SignState.PRESENT),
            not_there=sum(of(one) == decile for one in without),
        )
        for decile in range(10)
        if any(of(one) == decile for one in (*there, *without))
    )
