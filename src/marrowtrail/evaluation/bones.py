"""Bones found against bones known, in images that the finder was not made from.

Reads label maps of knees (imaged synthetically) or real images with labels from a folder, else
draws joints of the phantom's evaluation family. One exam is held in memory at a time. With a log,
an evaluation that was stopped goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from marrowtrail.errors import InputError
from marrowtrail.evaluation.bones_figures import (
    BonesScores,
    ExamScore,
    ImageScore,
    PairScore,
    figures_of,
)
from marrowtrail.evaluation.bones_finding import Finder, find, finder_of
from marrowtrail.evaluation.bones_images import Imaged, ImagedExam
from marrowtrail.evaluation.bones_scoring import FoundMask, score_bones_of
from marrowtrail.evaluation.bones_sources import (
    PHANTOM_JOINTS,
    KneeExams,
    KneeSource,
    PhantomSource,
    RealSource,
    Source,
    label_maps,
    real_sources,
    visit_pairs,
)
from marrowtrail.evaluation.bones_visits import Limbs, PairSource, compare_visits
from marrowtrail.record.sites import Side

IMAGES_A_COMPARISON = 20
"""One comparison of two visits is made for so many images drawn."""

BLOCK = 20
"""Images of one source that are drawn without a look at any others: what parts are made of."""

EXAMS_A_BLOCK = 100
"""Numbers that a block has for its exams, of one image at least."""

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One of several parts of an evaluation, counted from 1, which may run beside each other."""

    number: int = 1
    of: int = 1

    def of_list(self, whole: Sequence[T]) -> Sequence[T]:
        """What of a list belongs to the part."""
        return whole[self.number - 1 :: self.of]


@dataclass(frozen=True, slots=True)
class BonesSettings:
    """What an evaluation may be told: see ``marrowtrail evaluate bones --help``."""

    seed: int = 1
    count: int = 600
    held_out: bool = False
    log: Path | None = None
    weights: Path | None = None
    part: Part = Part()


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
    shares, pairs = _drawn(settings) if data is None else _given(data, settings)
    log = _Log.read(settings)
    finder = finder or finder_of(settings.weights)
    exams = _score_exams(settings.part.of_list(shares), log, say, finder)
    compared = _compare(settings.part.of_list(pairs), log, say, finder)
    return figures_of(exams, compared)


@dataclass(frozen=True, slots=True)
class Share:
    """How many images a source is to give, in exams numbered from ``first``."""

    source: Source
    images: int
    first: int = 0


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison of two visits."""

    source: PairSource
    number: int

    @property
    def key(self) -> str:
        return f"{self.source.key}-{self.number}"


def _drawn(settings: BonesSettings) -> tuple[list[Share], list[_Comparison]]:
    sources = [PhantomSource(joint, settings.seed) for joint in PHANTOM_JOINTS]
    return shared_out(sources, settings.count), []


def _given(data: Path, settings: BonesSettings) -> tuple[list[Share], list[_Comparison]]:
    maps, real = label_maps(data, held_out=settings.held_out), real_sources(data)
    if not maps and not real:
        raise InputError(
            "Expected label maps of knees (*.nii.gz) or folders with image.nii.gz, labels.nii.gz "
            "and labels.json; found neither.",
            where="the folder named",
            remedy="name a folder of either layout, or none to draw joints of the phantom",
        )
    shares = shared_out([KneeSource(one, settings.seed) for one in maps], settings.count)
    pairs = [PairSource(first, last, settings.seed) for first, last in visit_pairs(maps)]
    comparisons = -(-settings.count // IMAGES_A_COMPARISON)
    return (
        [*shares, *(Share(one, 1) for one in real)],
        [
            _Comparison(source, number)
            for source, share in _evenly(pairs, comparisons)
            for number in range(share)
        ],
    )


def shared_out(sources: Sequence[KneeSource | PhantomSource], count: int) -> list[Share]:
    """The images shared out evenly, in blocks."""
    return [
        Share(source, min(BLOCK, images - start), EXAMS_A_BLOCK * (start // BLOCK))
        for source, images in _evenly(sources, count)
        for start in range(0, images, BLOCK)
    ]


def _evenly(sources: Sequence[T], count: int) -> list[tuple[T, int]]:
    """So many of each that they sum up; the first give one more where it does not come out."""
    each, over = divmod(count, len(sources)) if sources else (0, 0)
    return [(one, each + (place < over)) for place, one in enumerate(sources)]


def _score_exams(shares: Sequence[Share], log: _Log, say: Say, finder: Finder) -> list[ExamScore]:
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
    comparisons: Sequence[_Comparison], log: _Log, say: Say, finder: Finder
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


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    """What was scored before, and where what is scored now is written, a line each."""

    seed: int
    path: Path | None
    exams: dict[str, ExamScore]
    pairs: dict[str, PairScore]

    @staticmethod
    def read(settings: BonesSettings) -> _Log:
        log = _Log(settings.seed, settings.log, {}, {})
        if settings.log is None or not settings.log.is_file():
            return log
        for number, line in enumerate(settings.log.read_text(encoding="utf-8").splitlines(), 1):
            log._take(line, number)
        return log

    def _take(self, line: str, number: int) -> None:
        kept: ExamScore | PairScore
        try:
            kept = (ExamScore if '"images"' in line else PairScore).model_validate_json(line)
        except ValidationError as error:
            raise InputError(
                "Expected a line that an evaluation of bones wrote; got another.",
                where=f"the log, line {number}",
                remedy="take that line out, or name another file",
            ) from error
        if kept.seed != self.seed:
            raise InputError(
                f"Expected scores drawn with seed {self.seed}, got seed {kept.seed}.",
                where=f"the log, line {number}",
                remedy="name another log, or the same seed",
            )
        if isinstance(kept, ExamScore):
            self.exams[kept.key] = kept
        else:
            self.pairs[kept.key] = kept

    def add(self, score: ExamScore | PairScore) -> None:
        """Write a line at once, so that stopping loses one exam at most."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(score.model_dump_json() + "\n")
