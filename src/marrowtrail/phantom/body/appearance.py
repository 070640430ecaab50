"""How one patient looks beside the bones: build, marrow, what little fluid a joint holds.

Drawn once for a patient's joint and the same at every visit, so that nothing of it can be
mistaken for a change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marrowtrail.phantom.ranges import Range

OFFSET_MM = 100.0
"""Tiles of grain are read from anywhere within this."""

MUSCLE_SCALE = Range(low=0.98, high=1.22)
FAT_SCALE = Range(low=0.55, high=1.6)
"""From a lean athlete to an obese patient: 5 to 14 mm of fat over the muscle of the knee."""

MUSCLE_FAT = Range(low=0.0, high=1.0)
RED_MARROW = Range(low=0.3, high=0.8)
RED_FAINT = Range(low=0.0, high=0.12)
"""Extent of red marrow where a knee shows islands of it, and elsewhere."""

RED_IN_MEN, RED_IN_WOMEN, RED_BY_DIFFICULTY = 0.02, 0.19, 0.3
"""How often it shows: 29 of 154 women and none of 173 men aged 31 to 41
(10.3390/diagnostics11091531); and more where images are drawn to be hard."""

SCAR = Range(low=0.1, high=0.6)
"""Darkness of the growth plate's scar: it fades with age, and rarely quite."""

TRABECULAR = Range(low=0.13, high=0.22)
"""Contrast of trabeculae against marrow fat, as a share of its signal, before a thick slice
averages it: real T1 marrow varies by 0.06 to 0.13 in 9 mm squares (`evaluate realism`)."""

JOINT_FLUID = Range(low=0.0, high=0.25)
"""Fluid of a healthy joint, in the units of an effusion (0 none to 1 a tense one)."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """What is drawn of a patient's tissue; the ranges are those of this module."""

    grain_offset_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    muscle_scale: float = 1.0
    fat_scale: float = 1.0
    muscle_fat: float = 0.3
    red_marrow: float = 0.2
    trabecular: float = 0.16
    joint_fluid: float = 0.1
    scar: float = 0.3
    build_seed: int = 0


PLAIN = Appearance()


def draw_appearance(sex: str, difficulty: float, rng: np.random.Generator) -> Appearance:
    """A patient's tissue. ``sex`` is M or F; ``difficulty`` runs from 0 to 1."""
    x, y, z = rng.uniform(0.0, OFFSET_MM, 3)
    often = (RED_IN_WOMEN if sex == "F" else RED_IN_MEN) + RED_BY_DIFFICULTY * difficulty
    red = RED_MARROW if rng.random() < often else RED_FAINT
    return Appearance(
        grain_offset_mm=(float(x), float(y), float(z)),
        muscle_scale=MUSCLE_SCALE.draw(rng),
        fat_scale=FAT_SCALE.draw(rng),
        muscle_fat=MUSCLE_FAT.draw(rng) ** 2,
        red_marrow=red.draw(rng),
        trabecular=TRABECULAR.draw(rng),
        scar=SCAR.draw(rng),
        joint_fluid=JOINT_FLUID.draw(rng),
        build_seed=int(rng.integers(2**31)),
    )
