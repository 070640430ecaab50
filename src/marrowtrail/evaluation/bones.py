"""Bones found against bones known, in images that the finder was not made from.

Reads label maps of knees (imaged synthetically) or real images with labels from a folder, else
draws joints of the phantom's evaluation family. One exam is held in memory at a time. With a log,
an evaluation that was stopped goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.evaluation.bones_figures import (
    BonesScores,
    ExamScore,
    ImageScore,
    PairScore,
    figures_of,
)
from marrowtrail.evaluation.bones_finding import Finder, find, finder_of
from marrowtrail.evaluation.bones_images import Imaged, ImagedExam
from marrowtrail.evaluation.bones_log import Log
from marrowtrail.evaluation.bones_scoring import FoundMask, score_bones_of
from marrowtrail.evaluation.bones_shares import BonesSettings, Comparison, Share, drawn, given
from marrowtrail.evaluation.bones_sources import KneeExams, PhantomSource, RealSource, Source
from marrowtrail.evaluation.bones_visits import Limbs, PairSource, compare_visits
from marrowtrail.record.sites import Side

Say = Callable[[str], None]


def score_bones(
    data: Path | None,
    settings: BonesSettings,
    say: Say = lambda _: None,
    finder: Finder | None = None,
) -> BonesScores:
    """Try a finder on a folder, or on drawn joints; the program's own where none is given.

    Raises
    ------
    InputError
        If the folder has neither layout, or its files, the log or the weights cannot be used.
    """
    shares, pairs = drawn(settings) if data is None else given(data, settings)
    log = Log.read(settings.log, settings.seed)
    finder = finder or finder_of(settings.weights)
    exams = _score_exams(settings.part.of_list(shares), log, say, finder)
    compared = _compare(settings.part.of_list(pairs), log, say, finder)
    return figures_of(exams, compared)


def _score_exams(shares: Sequence[Share], log: Log, say: Say, finder: Finder) -> list[ExamScore]:
    scored = list[ExamScore]()
    total = sum(share.images for share in shares)
    opened = _Opened()
    for share in shares:
        left, number = share.images, share.first
        while left > 0:
            score = log.exams.get(_exam_key(share.source, number))
            if score is None:
                done = sum(len(one.images) for one in scored)
                say(f"{done} of {total} images scored; {share.source.key}, exam {number}")
                exam = opened.exams_of(share.source).exam(number, left)
                score = score_exam(exam, log.seed, finder)
                log.add(score)
            scored.append(score)
            left -= len(score.images)
            number += 1
    return scored


@dataclass(slots=True, eq=False)
class _Opened:
    """The source read last: reading a label map takes as long as drawing several images."""

    source: Source | None = None
    exams: KneeExams | PhantomSource | RealSource | None = None

    def exams_of(self, source: Source) -> KneeExams | PhantomSource | RealSource:
        if self.exams is None or source != self.source:
            self.exams = None
            self.source, self.exams = source, source.open()
        return self.exams


def _exam_key(source: Source, number: int) -> str:
    return source.key if isinstance(source, RealSource) else f"{source.key}-{number}"


def score_exam(exam: ImagedExam, seed: int, finder: Finder) -> ExamScore:
    """The finder's bones in every image of an exam, against the true ones."""
    found = find([image.series for image in exam.images], finder)
    return ExamScore(
        key=exam.key,
        seed=seed,
        seconds=found.seconds,
        peak_mb=found.peak_mb,
        images=tuple(
            _score_image(exam.joint, image, bones)
            for image, bones in zip(exam.images, found.bones, strict=True)
        ),
    )


def _score_image(joint: str, image: Imaged, found: Sequence[FoundMask]) -> ImageScore:
    series = image.series
    return ImageScore(
        joint=joint,
        plane=series.plane.value,
        contrast=series.contrast.label,
        thin=image.thin,
        side_in_header=series.side is not Side.UNKNOWN,
        bones=score_bones_of(image.truth, found, series.volume.geometry),
    )


def _compare(
    comparisons: Sequence[Comparison], log: Log, say: Say, finder: Finder
) -> list[PairScore]:
    scored = list[PairScore]()
    read: tuple[PairSource, Limbs] | None = None
    for one in comparisons:
        score = log.pairs.get(one.key)
        if score is None:
            say(f"{len(scored)} of {len(comparisons)} comparisons of two visits; {one.key}")
            if read is None or read[0] != one.source:
                read = one.source, one.source.open()
            bones = compare_visits(one.source, read[1], one.number, finder)
            score = PairScore(key=one.key, seed=log.seed, bones=bones)
            log.add(score)
        scored.append(score)
    return scored
