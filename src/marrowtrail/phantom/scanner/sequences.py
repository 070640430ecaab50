"""Timing of every sequence on the menu, in ranges usual at 1.5 T and 3 T.

Spin echoes are turbo spin echoes of joints as vendors deliver them; the gradient-echo Dixon
takes its two echoes in and out of phase.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from marrowtrail.imaging.series import Dixon, Weighting
from marrowtrail.phantom.scanner.plan import ImagingPlan, Kind
from marrowtrail.phantom.scanner.tissue import Timing, Tissue

DIXON_IMAGES = (Dixon.WATER, Dixon.IN_PHASE, Dixon.OPPOSED_PHASE, Dixon.FAT)

IN_PHASE_MS = {1.5: 4.77, 3.0: 2.46}
"""Echo time at which water and fat are first in phase."""

_SPIN_ECHO: dict[Kind, tuple[Weighting, tuple[float, float], tuple[float, float]]] = {
    Kind.PD: (Weighting.PD, (2200, 4200), (14, 38)),
    Kind.PD_FS: (Weighting.PD, (2600, 4200), (28, 44)),
    Kind.T1: (Weighting.T1, (480, 760), (9, 18)),
    Kind.T1_FS: (Weighting.T1, (480, 760), (9, 16)),
    Kind.T1_AGENT: (Weighting.T1, (480, 760), (9, 16)),
    Kind.T2: (Weighting.T2, (3200, 5500), (70, 105)),
    Kind.T2_FS: (Weighting.T2, (3000, 5200), (62, 85)),
    Kind.DIXON: (Weighting.PD, (2800, 4400), (30, 46)),
    Kind.DIXON_T1: (Weighting.T1, (500, 760), (10, 18)),
    Kind.PD_3D: (Weighting.PD, (1150, 1600), (28, 42)),
}
"""Weighting, repetition and echo time in ms."""

_ECHO_TRAIN: dict[Weighting, tuple[int, int]] = {
    Weighting.T1: (3, 5),
    Weighting.PD: (7, 14),
    Weighting.T2: (10, 18),
    Weighting.STIR: (7, 14),
}

_SATURATED = frozenset({Kind.PD_FS, Kind.T1_FS, Kind.T1_AGENT, Kind.T2_FS, Kind.PD_3D})

_DIXON = frozenset({Kind.DIXON, Kind.DIXON_T1, Kind.DIXON_GRE})


def images_of(kind: Kind) -> tuple[Dixon | None, ...]:
    """What is calculated from an acquisition: one image, or the four of a Dixon series."""
    return DIXON_IMAGES if kind in _DIXON else (None,)


def fluid_kind(plan: ImagingPlan, rng: np.random.Generator) -> Kind:
    """The fluid-sensitive sequence of an exam."""
    return Kind(plan.fluid_kinds[int(rng.integers(len(plan.fluid_kinds)))])


def timing_of(kind: Kind, plan: ImagingPlan, field_t: float, rng: np.random.Generator) -> Timing:
    """Draw the timing of a sequence. ``Kind.FLUID`` is drawn first."""
    if kind is Kind.FLUID:
        kind = fluid_kind(plan, rng)
    if kind is Kind.STIR:
        return _stir(plan, field_t, rng)
    if kind is Kind.DIXON_GRE:
        repetition, flip = _whole(rng, 110, 180), _whole(rng, 50, 75)
        return Timing(
            Weighting.T1, repetition, IN_PHASE_MS[field_t], None, 1.0, field_t, flip_deg=flip
        )
    weighting, repetitions, echoes = _SPIN_ECHO[kind]
    timing = Timing(weighting, _whole(rng, *repetitions), _whole(rng, *echoes), None, 1.0, field_t)
    if kind in _SATURATED:
        timing = replace(timing, fat_left=plan.fat_left.draw(rng))
    return replace(timing, after_agent=kind is Kind.T1_AGENT)


def echo_train(kind: Kind, weighting: Weighting, rng: np.random.Generator) -> int:
    """Echoes of one shot."""
    if kind is Kind.DIXON_GRE:
        return 1
    if kind is Kind.PD_3D:
        return int(rng.integers(40, 90))
    return int(rng.integers(*_ECHO_TRAIN[weighting]))


def _stir(plan: ImagingPlan, field_t: float, rng: np.random.Generator) -> Timing:
    """An inversion that misses the null of fat a little.

    Pulses invert less than everything, and fat has more than one T1: some of it is left.
    """
    fat = Tissue.FAT.value
    t1 = fat.t1_15_ms if field_t < 2.0 else fat.t1_30_ms
    inversion = float(round(t1 * np.log(2.0) * rng.uniform(0.95, 1.03)))
    repetition, echo = _whole(rng, 3800, 5600), _whole(rng, 28, 58)
    fallen, full = np.exp(-inversion / t1), np.exp(-repetition / t1)
    inverted = (1.0 - fallen - plan.inversion_left.draw(rng)) / (fallen - full)
    return Timing(
        Weighting.STIR, repetition, echo, inversion, 1.0, field_t, inverted=float(inverted)
    )


def _whole(rng: np.random.Generator, low: float, high: float) -> float:
    return float(round(rng.uniform(low, high)))
