"""From a patient's difficulty to how strong an imperfection of one series is."""

from __future__ import annotations

import numpy as np

LEAST_OFTEN = 0.2
"""How often an imperfection that need not be there is there in an easy patient; always at
difficulty 1."""

MOST_DIFFICULT_FROM = 0.6
"""Failures that spoil a whole series only happen beyond this difficulty."""


def graded(ends: tuple[float, float], difficulty: float, rng: np.random.Generator) -> float:
    """A strength between the best, ``ends[0]``, and what difficulty allows towards the worst.

    The square of a uniform number: most series of a patient are better than the worst.
    """
    best, worst = ends
    return best + (worst - best) * difficulty * float(rng.random()) ** 2


def evenly_graded(ends: tuple[float, float], difficulty: float, rng: np.random.Generator) -> float:
    """As :func:`graded`, in ratios and in the upper half of what difficulty allows.

    For what differs from scanner to scanner and is never perfect, as noise: both ends are
    above 0.
    """
    best, worst = ends
    return float(best * (worst / best) ** (difficulty * rng.uniform(0.5, 1.0)))


def sometimes(ends: tuple[float, float], difficulty: float, rng: np.random.Generator) -> float:
    """As :func:`graded` for what many series do not have at all: then the best end."""
    is_there = rng.random() < LEAST_OFTEN + (1.0 - LEAST_OFTEN) * difficulty
    strength = graded(ends, difficulty, rng)
    return strength if is_there else ends[0]


def happens(chance: float, difficulty: float, rng: np.random.Generator) -> bool:
    """Whether a rare failure happens: never up to a difficulty of 0.6, ``chance`` at 1."""
    beyond = max(0.0, difficulty - MOST_DIFFICULT_FROM) / (1.0 - MOST_DIFFICULT_FROM)
    return bool(rng.random() < chance * beyond)
