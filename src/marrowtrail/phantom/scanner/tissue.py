"""What a tissue's signal is under a sequence's timing.

Relaxation times are round figures chosen near those measured in knees at 3 T (Jordan et al.,
10.1016/j.ejrad.2011.09.021; T2 by sequence: Pai et al., 10.1016/j.mri.2008.02.017), with
shorter T1 at 1.5 T; those of oedema lie between muscle and fluid. Fat is given the long T2
that it shows in echo trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.series import Weighting

Signal = NDArray[np.float32]
"""Signal of water and of fat, along the first axis."""


RELAXIVITY = 0.004
"""Of gadolinium chelates in blood, in 1/(ms mmol/l): 4 per s and mmol/l, as at 1.5 T and 3 T
(Rohrer et al., 10.1097/01.rli.0000184756.66360.d3)."""

T2_STAR_SHARE = 0.5
"""T2* of tissue in a joint against its T2, roughly."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Proton density (0 to 1), T1 at 1.5 T and at 3 T, T2, in ms; fat or water.

    ``uptake_mmol_l`` is the concentration of a contrast agent some minutes after it was given,
    in mmol/l.
    """

    density: float
    t1_15_ms: float
    t1_30_ms: float
    t2_ms: float
    is_fat: bool = False
    uptake_mmol_l: float = 0.0


class Tissue(Enum):
    """Tissues that are drawn."""

    FAT = Relaxation(0.95, 245.0, 320.0, 110.0, is_fat=True)
    YELLOW_MARROW = Relaxation(0.85, 250.0, 325.0, 100.0, is_fat=True)
    RED_MARROW = Relaxation(0.75, 850.0, 1100.0, 50.0, uptake_mmol_l=0.15)
    OEDEMA = Relaxation(0.95, 1100.0, 1350.0, 90.0, uptake_mmol_l=0.6)
    MUSCLE = Relaxation(0.72, 1020.0, 1420.0, 32.0, uptake_mmol_l=0.12)
    CARTILAGE = Relaxation(0.76, 1060.0, 1240.0, 44.0)
    FLUID = Relaxation(1.0, 2850.0, 3600.0, 600.0)
    VEIN = Relaxation(0.90, 1500.0, 1900.0, 130.0)
    FIBROUS = Relaxation(0.14, 700.0, 900.0, 18.0)
    CORTEX = Relaxation(0.06, 500.0, 600.0, 10.0)
    SKIN = Relaxation(0.60, 800.0, 1000.0, 28.0, uptake_mmol_l=0.3)
    AIR = Relaxation(0.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Timing:
    """What a sequence's physics tags say.

    ``fat_left`` is the share of fat signal that its fat saturation leaves; 1 without.
    ``inverted`` is how far an inversion pulse turns magnetisation over: 1 for a perfect one.
    ``flip_deg`` is set for a spoiled gradient echo, ``None`` for a spin echo. ``after_agent``
    is true after a contrast agent.
    """

    weighting: Weighting
    repetition_ms: float
    echo_ms: float
    inversion_ms: float | None
    fat_left: float
    field_t: float
    inverted: float = 1.0
    flip_deg: float | None = None
    after_agent: bool = False

    @property
    def is_fat_suppressed(self) -> bool:
        """By saturation or by inversion."""
        return self.fat_left < 1.0 or self.inversion_ms is not None


def signal(tissue: Tissue, timing: Timing) -> float:
    """Signal of a tissue, 0 to 1, a magnitude (after inversion as well)."""
    it = tissue.value
    t1 = it.t1_15_ms if timing.field_t < 2.0 else it.t1_30_ms
    if timing.after_agent:
        t1 = 1.0 / (1.0 / t1 + RELAXIVITY * it.uptake_mmol_l)
    decay = it.t2_ms if timing.flip_deg is None else T2_STAR_SHARE * it.t2_ms
    kept = timing.fat_left if it.is_fat else 1.0
    return float(it.density * _excited(t1, timing) * np.exp(-timing.echo_ms / decay) * kept)


def _excited(t1_ms: float, timing: Timing) -> float:
    """Transverse magnetisation right after excitation, as a share of all there is."""
    left = np.exp(-timing.repetition_ms / t1_ms)
    if timing.flip_deg is not None:
        flip = np.radians(timing.flip_deg)
        return float(np.sin(flip) * (1.0 - left) / (1.0 - np.cos(flip) * left))
    if timing.inversion_ms is None:
        return float(1.0 - left)
    turned = (1.0 + timing.inverted) * np.exp(-timing.inversion_ms / t1_ms)
    return float(abs(1.0 - turned + timing.inverted * left))


def signal_parts(tissue: Tissue, timing: Timing) -> Signal:
    """(2, 1, 1, 1) signal of a tissue's water and of its fat, ready to paint into two layers."""
    strength = signal(tissue, timing)
    parts = (0.0, strength) if tissue.value.is_fat else (strength, 0.0)
    return np.array(parts, dtype=np.float32).reshape(2, 1, 1, 1)
