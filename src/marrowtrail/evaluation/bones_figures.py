"""From the scores of single bones to the figures that are published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import beta

from marrowtrail.evaluation.bones_scoring import BoneScore, Outcome
from marrowtrail.evaluation.bones_visits import VisitScore

BOUND = 0.95
"""Confidence of the one-sided upper bound of a share."""


class ImageScore(BaseModel):
    """The bones of one image."""

    model_config = ConfigDict(frozen=True)

    joint: str
    plane: str
    contrast: str
    thin: bool
    side_in_header: bool
    bones: tuple[BoneScore, ...]


class ExamScore(BaseModel):
    """The images of one exam; seconds for all of them together. One line of the log."""

    model_config = ConfigDict(frozen=True)

    key: str
    seed: int
    seconds: float
    peak_mb: float
    images: tuple[ImageScore, ...]


class PairScore(BaseModel):
    """One comparison of two visits. One line of the log."""

    model_config = ConfigDict(frozen=True)

    key: str
    seed: int
    bones: tuple[VisitScore, ...]


class BoneFigures(BaseModel):
    """One bone.

    ``dice`` is over all ``n`` that were asked for, 0 where missed; distances over those found.
    ``accepted_bad``, ``refused_good`` and ``false`` count what was not asked for as well.
    """

    model_config = ConfigDict(frozen=True)

    n: int
    dice: float | None
    dice_accepted: float | None
    surface_mm: float | None
    surface_95_mm: float | None
    accepted: int
    unsure: int
    missed: int
    accepted_bad: int
    refused_good: int
    false: int


class VisitFigures(BaseModel):
    """Volume of a bone between two visits beyond the labels' change, in per cent."""

    model_config = ConfigDict(frozen=True)

    n: int
    mean_percent: float
    median_percent: float
    worst_percent: float


class BonesScores(BaseModel):
    """All figures.

    ``side_errors`` counts bones with the name of another side or bone; ``side_open`` those whose
    side the finder left open. ``accepted_bad`` counts masks handed on with a Dice below 0.85, false
    bones among them; ``accepted_bad_upper`` is the upper 95 % bound of their share.
    ``refused_good`` counts masks held back for nothing. Seconds by kind are over exams of one kind.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    exams: int
    bones: dict[str, BoneFigures]
    side_errors: int
    swapped: int
    side_open: int
    accepted: int
    accepted_bad: int
    accepted_bad_share: float | None
    accepted_bad_upper: float | None
    refused_good: int
    missed: int
    false: int
    seconds_per_series: float | None
    seconds_thick: float | None
    seconds_thin: float | None
    peak_memory_mb: float | None
    visits: dict[str, VisitFigures]
    kinds: dict[str, dict[str, BoneFigures]]


def figures_of(exams: Sequence[ExamScore], pairs: Sequence[PairScore]) -> BonesScores:
    """All figures of an evaluation."""
    images = [image for exam in exams for image in exam.images]
    bones = [bone for image in images for bone in image.bones]
    accepted = sum(one.outcome is Outcome.ACCEPTED for one in bones)
    bad = sum(one.is_accepted_bad for one in bones)
    return BonesScores(
        images=len(images),
        exams=len(exams),
        bones=_by_bone(bones),
        side_errors=sum(one.is_side_error for one in bones),
        swapped=sum(one.swapped for one in bones),
        side_open=sum(one.side_open for one in bones),
        accepted=accepted,
        accepted_bad=bad,
        accepted_bad_share=bad / accepted if accepted else None,
        accepted_bad_upper=upper_bound(bad, accepted) if accepted else None,
        refused_good=sum(one.is_refused_good for one in bones),
        missed=sum(one.asked and one.outcome is Outcome.MISSED for one in bones),
        false=sum(is_false(one) for one in bones),
        seconds_per_series=_seconds(exams),
        seconds_thick=_seconds([e for e in exams if not any(i.thin for i in e.images)]),
        seconds_thin=_seconds([e for e in exams if all(i.thin for i in e.images)]),
        peak_memory_mb=max((exam.peak_mb for exam in exams), default=None),
        visits=_visits(pairs),
        kinds=_kinds(images),
    )


def upper_bound(count: int, n: int) -> float:
    """One-sided upper 95 % bound of a share (Clopper and Pearson, 10.1093/biomet/26.4.404)."""
    return 1.0 if count >= n else float(beta.ppf(BOUND, count + 1, n - count))


def is_false(score: BoneScore) -> bool:
    """Found where no bone of that name and side is."""
    return score.true_mm3 == 0.0


def _seconds(exams: Sequence[ExamScore]) -> float | None:
    series = sum(len(exam.images) for exam in exams)
    return sum(exam.seconds for exam in exams) / series if series else None


def _by_bone(scores: Iterable[BoneScore]) -> dict[str, BoneFigures]:
    groups: dict[str, list[BoneScore]] = defaultdict(list)
    for score in scores:
        groups[score.bone].append(score)
    return {bone: _figures(groups[bone]) for bone in sorted(groups)}


def _figures(scores: Sequence[BoneScore]) -> BoneFigures:
    asked = [one for one in scores if one.asked]
    accepted = [one for one in asked if one.outcome is Outcome.ACCEPTED]
    found = [one for one in asked if one.surface_mm is not None]
    return BoneFigures(
        n=len(asked),
        dice=_mean([one.dice for one in asked]),
        dice_accepted=_mean([one.dice for one in accepted]),
        surface_mm=_mean([one.surface_mm for one in found if one.surface_mm is not None]),
        surface_95_mm=_mean([one.surface_95_mm for one in found if one.surface_95_mm is not None]),
        accepted=len(accepted),
        unsure=sum(one.outcome is Outcome.UNSURE for one in asked),
        missed=sum(one.outcome is Outcome.MISSED for one in asked),
        accepted_bad=sum(one.is_accepted_bad for one in scores),
        refused_good=sum(one.is_refused_good for one in scores),
        false=sum(is_false(one) for one in scores),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _kinds(images: Sequence[ImageScore]) -> dict[str, dict[str, BoneFigures]]:
    """Figures by kind of image, then by whether the field of view cuts the bone."""
    namers: tuple[Callable[[ImageScore], str], ...] = (
        lambda image: "thin slices" if image.thin else "thick slices",
        lambda image: f"plane {image.plane}",
        lambda image: f"contrast {image.contrast}",
        lambda image: f"joint {image.joint}",
        lambda image: "side in the header" if image.side_in_header else "no side in the header",
    )
    groups: dict[str, list[BoneScore]] = defaultdict(list)
    for image in images:
        for namer in namers:
            groups[namer(image)] += image.bones
        for bone in image.bones:
            groups["bone cut" if bone.cut else "bone whole"].append(bone)
    return {kind: _by_bone(groups[kind]) for kind in sorted(groups)}


def _visits(pairs: Sequence[PairScore]) -> dict[str, VisitFigures]:
    beyond: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        for one in pair.bones:
            if one.accepted:
                beyond[one.bone].append(100.0 * one.beyond)
    return {
        bone: VisitFigures(
            n=len(values),
            mean_percent=float(np.mean(values)),
            median_percent=float(np.median(values)),
            worst_percent=max(values),
        )
        for bone, values in sorted(beyond.items())
    }
