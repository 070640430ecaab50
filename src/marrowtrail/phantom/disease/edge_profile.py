"""How oedema fades at its edge.

A profile gives the share of a lesion's water at a distance from its edge (mm, positive
inside). Every profile is one half at 0: the true edge is where the mean signal is half way
between normal marrow and the lesion. The two families share no profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import erf, expit, logit

from marrowtrail.phantom.disease.plan import Edge
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.ranges import Range

CORE_MM = 4.0
HALO = 0.62
"""Of a lesion in two zones the core begins this deep; the halo has this share of its water."""


class Profile(Enum):
    """Forms of an edge."""

    SIGMOID = "sigmoid"
    TWO_ZONE = "two_zone"
    EXPONENTIAL = "exponential"
    LINEAR = "linear"
    SKEWED = "skewed"


@dataclass(frozen=True, slots=True)
class EdgeProfile:
    """An edge: its form, its width in mm, and how far fingers reach along trabeculae."""

    profile: Profile
    width_mm: float
    fringe_mm: float = 0.0

    def share(self, depth: Field) -> Field:
        """Share of the water (0 to 1) at millimetres inside the edge."""
        shared = _SHARE[self.profile](depth, np.float32(self.width_mm))
        return np.asarray(shared, dtype=np.float32)


def draw_edge(wanted: Edge, family: Family, rng: np.random.Generator) -> EdgeProfile:
    """An edge of the family, sharp or soft as wanted."""
    kinds = [kind for kind in _KINDS[family] if wanted in ("any", kind.edge)]
    kind = kinds[int(rng.integers(len(kinds)))]
    return EdgeProfile(kind.profile, kind.width_mm.draw(rng), kind.fringe_mm.draw(rng))


NO_FRINGE = Range(low=0, high=0)


@dataclass(frozen=True, slots=True)
class _Kind:
    profile: Profile
    edge: Edge
    width_mm: Range
    fringe_mm: Range = NO_FRINGE


_KINDS: Mapping[Family, tuple[_Kind, ...]] = {
    Family.BUILDING: (
        _Kind(Profile.SIGMOID, "sharp", Range(low=0.4, high=0.7)),
        _Kind(Profile.SIGMOID, "soft", Range(low=1.1, high=1.8)),
        _Kind(Profile.SIGMOID, "soft", Range(low=0.6, high=1.0), Range(low=0.7, high=1.4)),
        _Kind(Profile.TWO_ZONE, "soft", Range(low=0.7, high=1.2)),
    ),
    Family.EVALUATION: (
        _Kind(Profile.LINEAR, "sharp", Range(low=0.8, high=1.5)),
        _Kind(Profile.LINEAR, "soft", Range(low=2.5, high=4.5)),
        _Kind(Profile.EXPONENTIAL, "soft", Range(low=1.0, high=2.0)),
        _Kind(Profile.SKEWED, "soft", Range(low=1.2, high=2.2), Range(low=0.0, high=1.4)),
    ),
}


def _sigmoid(depth: Field, width: np.float32) -> Field:
    return np.asarray(expit(depth / width), dtype=np.float32)


def _two_zone(depth: Field, width: np.float32) -> Field:
    """A halo of less water, and a core; the halo's border is shifted so that 0 is half way."""
    core = (1.0 - HALO) * expit(-CORE_MM / width)
    shift = np.float32(width * logit((0.5 - core) / HALO))
    halo = np.float32(HALO) * expit((depth + shift) / width)
    return np.asarray(halo + (1 - HALO) * expit((depth - CORE_MM) / width), dtype=np.float32)


def _exponential(depth: Field, width: np.float32) -> Field:
    fall = 0.5 * np.exp(-np.abs(depth) / width)
    return np.asarray(np.where(depth < 0, fall, 1.0 - fall), dtype=np.float32)


def _linear(depth: Field, width: np.float32) -> Field:
    return np.asarray(np.clip(0.5 + 0.5 * depth / width, 0.0, 1.0), dtype=np.float32)


def _skewed(depth: Field, width: np.float32) -> Field:
    """Rises slowly inside and falls fast outside."""
    local = np.where(depth > 0, 1.8 * width, 0.6 * width)
    return np.asarray(0.5 * (1.0 + erf(depth / local)), dtype=np.float32)


_SHARE: Mapping[Profile, Callable[[Field, np.float32], Field]] = {
    Profile.SIGMOID: _sigmoid,
    Profile.TWO_ZONE: _two_zone,
    Profile.EXPONENTIAL: _exponential,
    Profile.LINEAR: _linear,
    Profile.SKEWED: _skewed,
}
