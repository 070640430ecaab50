"""Which scans the battery makes: a designed subset of every way to store a knee.

A row is one way to lie in the scanner, to lay the slices and to write them down. Rows are
chosen one after another, each the candidate whose pairs of levels were seen least so far, until
every pair of levels of every two factors stands in several rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from functools import cache
from itertools import combinations, product

import numpy as np

ROWS = 304
"""Each pair of levels stands in three of them at least."""

CANDIDATES = 24
"""Drawn for each row; more hardly even out the pairs."""

LEVELS: dict[str, tuple[str, ...]] = {
    "position": ("HFS", "FFS", "HFP", "FFP", "HFDR", "HFDL", "FFDR", "FFDL"),
    "plane": ("sagittal", "coronal", "axial"),
    "obliquity": ("straight", "single", "double", "steep"),
    "in_plane": (
        *("as planned", "rows negated", "columns negated", "both negated"),
        *("swapped", "swapped, rows negated", "swapped, columns negated", "swapped, both negated"),
    ),
    "files": ("ascending", "descending", "shuffled"),
    "numbers": ("ascending", "descending", "shuffled"),
    "limb": ("left", "right"),
    "acquisition": ("2D thick", "3D isotropic"),
    "mask_axes": ("012", "021", "102", "120", "201", "210"),
    "mask_flips": ("+++", "++-", "+-+", "+--", "-++", "-+-", "--+", "---"),
}
"""Factors of the design. ``mask_axes`` and ``mask_flips`` are the order and the directions in
which the NIfTI copy of the bone mask stores the voxels of the DICOM series; ``in_plane`` is what
became of the planned rows and columns, pixels and cosines together."""


@dataclass(frozen=True)
class Combination:
    """One level of each factor."""

    position: str
    plane: str
    obliquity: str
    in_plane: str
    files: str
    numbers: str
    limb: str
    acquisition: str
    mask_axes: str
    mask_flips: str

    def __str__(self) -> str:
        return "-".join(getattr(self, one.name).replace(" ", "_") for one in fields(self))

    @property
    def seed(self) -> int:
        """Draws what is free in a scan: the limb's lie, the sense of tilts, shuffles."""
        return sum((n + 1) * ord(c) for n, c in enumerate(str(self)))


def pairs_of(row: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Every (factor, level, factor, level) that a row of level numbers holds."""
    return [(a, row[a], b, row[b]) for a, b in combinations(range(len(row)), 2)]


@cache
def battery() -> tuple[Combination, ...]:
    """The rows of the design, the same at every call."""
    rng = np.random.default_rng(3)
    sizes = [len(levels) for levels in LEVELS.values()]
    seen: Counter[tuple[int, int, int, int]] = Counter()
    rows: list[tuple[int, ...]] = []
    while len(rows) < ROWS:
        drawn = rng.integers(0, sizes, (CANDIDATES, len(sizes)))
        # A pair not seen yet outweighs any number of pairs seen once.
        best = max(
            map(tuple, drawn.tolist()),
            key=lambda row: sum(20.0 ** -seen[pair] for pair in pairs_of(row)),
        )
        if best not in rows:
            rows.append(best)
            seen.update(pairs_of(best))
    names = list(LEVELS)
    return tuple(
        Combination(**{name: LEVELS[name][level] for name, level in zip(names, row, strict=True)})
        for row in rows
    )


def missing_pairs(rows: tuple[Combination, ...], *, fewest: int = 1) -> list[tuple[str, str]]:
    """Pairs of levels, as ``plane=axial``, that stand in fewer rows than asked for."""
    seen: Counter[tuple[str, str]] = Counter()
    for row in rows:
        words = [f"{name}={getattr(row, name)}" for name in LEVELS]
        seen.update(combinations(words, 2))
    wanted = [
        (f"{a}={one}", f"{b}={other}")
        for a, b in combinations(LEVELS, 2)
        for one, other in product(LEVELS[a], LEVELS[b])
    ]
    return [pair for pair in wanted if seen[pair] < fewest]
