"""Bones found against bones known, in images that the finder was not made from.

Reads label maps of knees (imaged synthetically) or real images with labels from a folder, else
draws joints of the phantom's evaluation family. One exam is held in memory at a time. With a log,
an evaluation that was stopped goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    KneeSource,
    PhantomSource,
    RealSource,
    Source,
    label_maps,
    real_sources,
    visit_pairs,
)
from marrowtrail.evaluation.bones_visits import PairSource, compare_visits
from marrowtrail.record.sites import Side

IMAGES_A_COMPARISON = 20
"""One comparison of two visits is made for so many images drawn."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BonesSettings:
    """What an evaluation may be told: see ``marrowtrail evaluate bones --help``."""

    seed: int = 1
    count: int = 600
    held_out: bool = False
    log: Path | None = None
    weights: Path | None = None


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
    exams = _score_exams(shares, log, say, finder)
    compared = _compare(pairs, -(-settings.count // IMAGES_A_COMPARISON), log, say, finder)
    return figures_of(exams, compared)


@dataclass(frozen=True, slots=True)
class _Share:
    """How many images a source is to give."""

    source: Source
    images: int


def _drawn(settings: BonesSettings) -> tuple[list[_Share], list[PairSource]]:
    sources = [PhantomSource(joint, settings.seed) for joint in PHANTOM_JOINTS]
    return _shared_out(sources, settings.count), []


def _given(data: Path, settings: BonesSettings) -> tuple[list[_Share], list[PairSource]]:
    maps, real = label_maps(data, held_out=settings.held_out), real_sources(data)
    if not maps and not real:
        raise InputError(
            "Expected label maps of knees (*.nii.gz) or folders with image.nii.gz, labels.nii.gz "
            "and labels.json; found neither.",
            where="the folder named",
            remedy="name a folder of either layout, or none to draw joints of the phantom",
        )
    shares = _shared_out([KneeSource(one, settings.seed) for one in maps], settings.count)
    pairs = [PairSource(first, last, settings.seed) for first, last in visit_pairs(maps)]
    return [*shares, *(_Share(one, 1) for one in real)], pairs


def _shared_out(sources: Sequence[KneeSource | PhantomSource], count: int) -> list[_Share]:
    """The images shared out evenly; the first sources give one more where it does not come out."""
    each, over = divmod(count, len(sources)) if sources else (0, 0)
    return [_Share(one, each + (number < over)) for number, one in enumerate(sources)]


def _score_exams(shares: Sequence[_Share], log: _Log, say: Say, finder: Finder) -> list[ExamScore]:
    scored = list[ExamScore]()
    total = sum(share.images for share in shares)
    for share in shares:
        left, number, opened = share.images, 0, None
        while left > 0:
            score = log.exams.get(_exam_key(share.source, number))
            if score is None:
                done = sum(len(one.images) for one in scored)
                say(f"{done} of {total} images scored; {share.source.key}, exam {number + 1}")
                opened = opened or share.source.open()
                score = score_exam(opened.exam(number, left), log.seed, finder)
                log.add(score)
            scored.append(score)
            left -= len(score.images)
            number += 1
    return scored


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
    pairs: Sequence[PairSource], count: int, log: _Log, say: Say, finder: Finder
) -> list[PairScore]:
    """So many comparisons in all, shared out over the pairs."""
    scored = list[PairScore]()
    each, over = divmod(count, len(pairs)) if pairs else (0, 0)
    for place, source in enumerate(pairs):
        limbs = None
        for number in range(each + (place < over)):
            key = f"{source.key}-{number}"
            score = log.pairs.get(key)
            if score is None:
                say(f"{len(scored)} of {count} comparisons of two visits; {source.key}")
                limbs = limbs or source.open()
                bones = compare_visits(source, limbs, number, finder)
                score = PairScore(key=key, seed=log.seed, bones=bones)
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
