"""Does the phantom look like real series? A table of numbers, and a sheet of pictures.

Each feature of :mod:`marrowtrail.evaluation.series_features` is measured on real series and on
drawn ones, by the same rule, and compared kind by kind. A feature gives the phantom away where
the median of its draws lies clearly outside the range of the real series. There are few real
series (a pelvis of six patients, one knee), so a feature inside their range is no proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from marrowtrail.evaluation.realism_series import Kind, Shown, real_series, synthetic_series
from marrowtrail.evaluation.realism_sheet import Tile, draw_sheet, tile_of
from marrowtrail.evaluation.series_features import OF_ANATOMY, Feature, measure_series

RANGE_WIDENED = 0.25
"""The real range is widened by this share at both ends: it comes from three to six series."""

SMALLEST_SCALE = 0.02
"""Differences are told in widths of the real range, and a range narrower than this share of its
middle, or than this number, is taken to be so wide."""

SHEET_TILES = 30
"""Synthetic slices on a sheet, and as many real ones beside them."""

TILES_A_SERIES = 3


@dataclass(slots=True)
class Measured:
    """Values of every feature, some slices to show, and which kinds show a pelvis."""

    values: dict[tuple[Kind, Feature], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    tiles: list[Tile] = field(default_factory=list)
    of_pelvis: set[Kind] = field(default_factory=set)

    def add(self, shown: Shown, rng: np.random.Generator) -> None:
        """Measure one series more."""
        found = measure_series(shown.volume, shown.samples, shown.bone, shown.oedema)
        for feature, value in found.items():
            self.values[shown.kind, feature].append(value)
        self.tiles += [tile_of(shown.volume, rng) for _ in range(TILES_A_SERIES)]
        if shown.pelvis:
            self.of_pelvis.add(shown.kind)


class Compared(BaseModel):
    """One feature in one kind of series: range of real ones, 5 to 95 % of drawn ones.

    ``outside`` is how far the drawn median lies outside the real range, in widths of that range
    (0 inside); ``other_anatomy`` says that the real series show another part of the body and the
    feature depends on it, so that it gives nothing away.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    feature: str
    real_low: float
    real_median: float
    real_high: float
    real_series: int
    drawn_low: float
    drawn_median: float
    drawn_high: float
    drawn_series: int
    outside: float
    other_anatomy: bool
    gives_away: bool


class RealismScores(BaseModel):
    """All features, those that give the phantom away first, the worst first."""

    model_config = ConfigDict(frozen=True)

    draws: int
    compared: tuple[Compared, ...]

    @property
    def giving_away(self) -> tuple[Compared, ...]:
        """What gives the phantom away."""
        return tuple(one for one in self.compared if one.gives_away)


def compare(
    data: Path,
    seed: int,
    count: int,
    say: Callable[[str], None] = lambda _: None,
    sheet: Path | None = None,
) -> RealismScores:
    """Measure real series and drawn ones, and compare them.

    Parameters
    ----------
    data
        Folder of the real series, see :func:`marrowtrail.evaluation.realism_series.real_series`.
    seed, count
        First draw, and how many.
    sheet
        Where to write a picture of slices of both, if anywhere. It holds real images: it is for
        looking at, not for publishing.

    Raises
    ------
    InputError
        If the folder holds no real series.
    """
    rng = np.random.default_rng([seed, 61])
    say("measuring real series")
    real, drawn = Measured(), Measured()
    for one in real_series(data):
        real.add(one, rng)
    for number in range(seed, seed + count):
        say(f"drawing patient {number}")
        for one in synthetic_series(number):
            drawn.add(one, rng)
    if sheet is not None:
        draw_sheet(_some(drawn.tiles, rng), _some(real.tiles, rng), sheet)
    rows = [
        compare_one(kind, feature, values, drawn.values[kind, feature], kind in real.of_pelvis)
        for (kind, feature), values in real.values.items()
        if drawn.values[kind, feature]
    ]
    rows.sort(key=lambda one: (not one.gives_away, -one.outside, one.kind, one.feature))
    return RealismScores(draws=count, compared=tuple(rows))


def compare_one(
    kind: Kind, feature: Feature, real: list[float], drawn: list[float], pelvis: bool
) -> Compared:
    """One feature: real values beside drawn ones, neither empty."""
    low, high = min(real), max(real)
    middle = float(np.median(drawn))
    width = max(high - low, SMALLEST_SCALE * max(abs(high + low) / 2, 1.0))
    outside = max(low - middle, middle - high, 0.0) / width
    other = pelvis and feature in OF_ANATOMY
    return Compared(
        kind=kind.value,
        feature=feature.value,
        real_low=low,
        real_median=float(np.median(real)),
        real_high=high,
        real_series=len(real),
        drawn_low=float(np.percentile(drawn, 5)),
        drawn_median=middle,
        drawn_high=float(np.percentile(drawn, 95)),
        drawn_series=len(drawn),
        outside=outside,
        other_anatomy=other,
        gives_away=outside > RANGE_WIDENED and not other,
    )


def _some(tiles: list[Tile], rng: np.random.Generator) -> list[Tile]:
    order = rng.permutation(len(tiles))[:SHEET_TILES]
    return [tiles[number] for number in order]
