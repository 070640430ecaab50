"""How an evaluation of bones is shared out over its sources, in blocks that stand alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from marrowtrail.errors import InputError
from marrowtrail.evaluation.bones_sources import (
    PHANTOM_JOINTS,
    KneeSource,
    PhantomSource,
    Source,
    label_maps,
    real_sources,
    visit_pairs,
)
from marrowtrail.evaluation.bones_visits import PairSource

IMAGES_A_COMPARISON = 20
"""One comparison of two visits is made for so many images drawn."""

BLOCK = 20
"""Images of one source that are drawn without a look at any others: what parts are made of."""

EXAMS_A_BLOCK = 100
"""Numbers that a block has for its exams, of one image at least."""

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


@dataclass(frozen=True, slots=True)
class Share:
    """How many images a source is to give, in exams numbered from ``first``."""

    source: Source
    images: int
    first: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of two visits."""

    source: PairSource
    number: int

    @property
    def key(self) -> str:
        """Its name in the log."""
        return f"{self.source.key}-{self.number}"


def drawn(settings: BonesSettings) -> tuple[list[Share], list[Comparison]]:
    """Joints of the phantom; no two visits."""
    sources = [PhantomSource(joint, settings.seed) for joint in PHANTOM_JOINTS]
    return shared_out(sources, settings.count), []


def given(data: Path, settings: BonesSettings) -> tuple[list[Share], list[Comparison]]:
    """What a folder holds: label maps with their pairs of visits, labelled images.

    Raises
    ------
    InputError
        If it holds neither.
    """
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
            Comparison(source, number)
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
