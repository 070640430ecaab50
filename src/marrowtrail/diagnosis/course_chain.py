"""Stages of marrow oedema in continuous time, and the likelihood of what was seen at visits.

At the first scan a patient has oedema that will heal or that lasts. Oedema that heals resolves in
two equal steps (so that none is gone at once), and may come back; either kind may end in a joint
surface that gives way::

    heals ─► resolving ─► gone ─► heals (relapse)          lasts ─► collapsed
      └──────────┴─► collapsed

Beside it runs a second chain for each scope of a move: not moved, seen elsewhere, moved and gone
there again; a share of patients never moves. The two are taken to be independent in one disease.

Between visits a chain advances by the exponential of its generator, so visits may lie at any
distance; at a visit it is weighed by the chance of the reading in each stage (the forward
algorithm). Rates are uncertain: they lie on a fixed grid, shared by all diseases, and a disease is
a distribution over it. What was seen has one likelihood per point of the grid, for all diseases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

import numpy as np
from scipy.special import gammainc

from marrowtrail.diagnosis.arrays import Floats

HEALS, RESOLVING, GONE, LASTS, COLLAPSED = range(5)
"""Stages at the place of the first oedema."""

NOT_MOVED, ELSEWHERE, WAS_ELSEWHERE = range(3)
"""Stages of a move."""

HEALING_SHARES = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Grid of the share of patients whose oedema heals."""

HEALING_DAYS = (30.0, 60.0, 90.0, 120.0, 180.0, 270.0, 400.0, 600.0, 900.0)
"""Grid of their mean days from the first scan until it is gone."""

COLLAPSE_EDGES = (0.0, 0.01, 0.1, 0.3, 0.6, 1.0)
COLLAPSE_SHARES = (0.003, 0.05, 0.2, 0.45, 0.8)
"""Bins of the share whose joint surface gives way within the knowledge's term, and their points."""

MOVE_EDGES = (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MOVE_SHARES = tuple((a + b) / 2 for a, b in pairwise(MOVE_EDGES))
"""Bins of the share of patients who ever move, and their middles."""

SHOWS_WHEN_COLLAPSED = 0.9
"""Chance that marrow beside a collapsed surface shows oedema: a convention (oedema peaks there)."""

TAYLOR_NORM, TAYLOR_ORDER = 0.5, 14
"""At this norm the series is exact to 1e-16 after so many terms."""

STEPS_TO_HEAL = 2
"""Exponential steps from the first scan until the oedema has gone."""


@dataclass(frozen=True, slots=True)
class Look:
    """A reading on one day: ``present_weight`` where the thing is there, else ``absent_weight``."""

    day: float
    present_weight: float
    absent_weight: float


@dataclass(frozen=True, slots=True)
class MoveLook(Look):
    """A reading of a move. One that ``counts_past`` speaks of moves that have gone again, too."""

    counts_past: bool = True


@dataclass(frozen=True, slots=True)
class PlaceGrid:
    """What all diseases share of the chain at the first place.

    ``collapse_days`` is the term of :data:`COLLAPSE_SHARES`; ``relapse_days`` the mean time to a
    relapse of those who relapse.
    """

    collapse_days: float
    relapse_days: float

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Points by share that heals, mean days, collapse, and whether it relapses."""
        return len(HEALING_SHARES), len(HEALING_DAYS), len(COLLAPSE_SHARES), 2


def healed_share(days: float) -> Floats:
    """(S, M) share gone by some days on the grid of shares and mean times; nobody relapses."""
    means = np.array(HEALING_DAYS)
    by_then = gammainc(STEPS_TO_HEAL, STEPS_TO_HEAL * days / means)
    shares: Floats = np.array(HEALING_SHARES)[:, None] * by_then[None, :]
    return shares


def place_likelihood(
    oedema: Sequence[Look],
    collapse: Sequence[Look],
    grid: PlaceGrid,
    healing_speed: float = 1.0,
    treated_from: float = 0.0,
) -> Floats:
    """(S, M, C, 2) likelihood of readings at the first place on the grid; days from its first scan.

    ``healing_speed`` multiplies the rates of healing from the day ``treated_from`` on, as a
    treatment may.
    """
    starts = np.eye(5)[[HEALS, LASTS]]
    forward = np.broadcast_to(starts, (*grid.shape[1:], 2, 5))
    emissions: list[tuple[float, Floats]] = [(look.day, _oedema_seen(look)) for look in oedema]
    emissions += [(look.day, _collapse_seen(look)) for look in collapse]
    now = 0.0
    for day, emission in sorted(emissions, key=lambda one: one[0]):
        untreated = min(day, treated_from) - now if healing_speed != 1.0 else day - now
        if untreated > 0.0:
            forward = forward @ _place_steps(grid, untreated, 1.0)
            now += untreated
        if day > now:
            forward = forward @ _place_steps(grid, day - now, healing_speed)
            now = day
        forward = forward * emission
    heals, lasts = forward.sum(axis=-1)[..., 0], forward.sum(axis=-1)[..., 1]
    share = np.array(HEALING_SHARES)[:, None, None, None]
    found: Floats = share * heals + (1.0 - share) * lasts
    return found


def move_likelihoods(
    looks: Sequence[MoveLook],
    mean_days: Sequence[float],
    stays_days: float,
    from_day: float,
    until_day: float,
) -> Floats:
    """(3, Q, T) likelihood of readings of a move together with each state at ``until_day``.

    States: never moves; will move and has not; has moved. Q are shares who ever move, T the mean
    days; a mover waits from ``from_day``.
    """
    taus = np.array(mean_days)
    waiting = np.zeros((len(taus), 3))
    waiting[:, NOT_MOVED] = 1.0
    never, now = 1.0, from_day
    for look in sorted(looks, key=lambda one: one.day):
        waiting = _advance(waiting, taus, stays_days, look.day - now)
        now = max(now, look.day)
        past = look.present_weight if look.counts_past else look.absent_weight
        waiting = waiting * np.array([look.absent_weight, look.present_weight, past])
        never *= look.absent_weight
    waiting = _advance(waiting, taus, stays_days, until_day - now)
    share = np.array(MOVE_SHARES)[:, None]
    return np.stack(
        [
            np.broadcast_to((1.0 - share) * never, (len(share), len(taus))),
            share * waiting[None, :, NOT_MOVED],
            share * (waiting[None, :, ELSEWHERE] + waiting[None, :, WAS_ELSEWHERE]),
        ]
    )


def exponentials(matrices: Floats) -> Floats:
    """(B, N, N) exponentials of a batch, by scaling and squaring of a Taylor series.

    SciPy's ``expm`` goes through its batch one by one with a threaded library: 90 matrices of 5 x 5
    take 1 ms on an idle machine and 3 s where others compute too; this takes 0.4 ms on both.
    """
    largest = float(np.abs(matrices).sum(axis=-1).max())
    halvings = max(0, math.ceil(math.log2(largest / TAYLOR_NORM))) if largest > 0.0 else 0
    scaled = matrices / 2.0**halvings
    term = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    total: Floats = term.copy()
    for order in range(1, TAYLOR_ORDER + 1):
        term = term @ scaled / order
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def place_generator(mean_days: float, collapse: float, relapse: float, speed: float) -> Floats:
    """(5, 5) generator a day; ``collapse`` and ``relapse`` are rates a day."""
    heal = speed * STEPS_TO_HEAL / mean_days
    generator = np.zeros((5, 5))
    generator[HEALS, RESOLVING] = generator[RESOLVING, GONE] = heal
    generator[[HEALS, RESOLVING, LASTS], COLLAPSED] = collapse
    generator[GONE, HEALS] = relapse
    generator[np.diag_indices(5)] = -generator.sum(axis=1)
    return generator


def move_generator(mean_days: float, stays_days: float) -> Floats:
    """(3, 3) generator a day of those who will move."""
    rate, leave = 1.0 / mean_days, 1.0 / stays_days
    return np.array([[-rate, rate, 0.0], [0.0, -leave, leave], [0.0, 0.0, 0.0]])


@lru_cache(maxsize=512)
def _place_steps(grid: PlaceGrid, days: float, speed: float) -> Floats:
    """(M, C, 2, 5, 5) transition matrices over a span."""
    collapse_rates = [-np.log(1.0 - c) / grid.collapse_days for c in COLLAPSE_SHARES]
    generators = np.stack(
        [
            place_generator(mean, collapse, relapse, speed)
            for mean, collapse, relapse in product(
                HEALING_DAYS, collapse_rates, (0.0, 1.0 / grid.relapse_days)
            )
        ]
    )
    steps: Floats = exponentials(generators * days).reshape(*grid.shape[1:], 5, 5)
    return steps


def _advance(waiting: Floats, taus: Floats, stays_days: float, days: float) -> Floats:
    if days <= 0.0:
        return waiting
    steps = _move_steps(tuple(taus), stays_days, days)
    advanced: Floats = np.einsum("ti,tij->tj", waiting, steps)
    return advanced


@lru_cache(maxsize=512)
def _move_steps(mean_days: tuple[float, ...], stays_days: float, days: float) -> Floats:
    """(T, 3, 3) transition matrices over a span."""
    generators = np.stack([move_generator(mean, stays_days) for mean in mean_days])
    return exponentials(generators * days)


def _oedema_seen(look: Look) -> Floats:
    """(5,) chance of a reading of oedema in each stage."""
    there, gone = look.present_weight, look.absent_weight
    shows = SHOWS_WHEN_COLLAPSED
    return np.array([there, there, gone, there, shows * there + (1.0 - shows) * gone])


def _collapse_seen(look: Look) -> Floats:
    whole = look.absent_weight
    return np.array([whole, whole, whole, whole, look.present_weight])
