"""How bright tissues are in one synthetic image: by physics, or by chance.

Networks that have seen chance contrasts read sequences nobody thought of (SynthSeg,
10.1016/j.media.2023.102789); those that have seen physical ones know that muscle is darker
than fat without suppression. Each image is one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.series import Weighting
from marrowtrail.phantom.scanner.tissue import Timing, Tissue, signal
from marrowtrail.training.label_set import AIR, CLASSES, FAT, FIBROUS, FLUID, JOINT, MUSCLE, VEIN

PHYSICAL_SHARE = 0.75

CARTILAGE, CORTEX, MARROW, LESION = 7, 8, 9, 10
"""Materials beside the tissues of a label set."""
MATERIALS = 11

JITTER = 0.2
"""Physical levels are still off by this (log, one standard deviation): scanners differ."""

OTHER_MARROW_SHARE = 0.2
"""How often marrow differs from bone to bone: red marrow, disuse, coil."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Signal of materials in one image, the brightest usual tissue near 1.

    ``unsuppressed`` holds levels where fat suppression fails; the same where there is none.
    ``marrow`` (12,) multiplies the marrow of each class of bone.
    """

    material: NDArray[np.float32]
    unsuppressed: NDArray[np.float32]
    marrow: NDArray[np.float32]


def draw_levels(rng: np.random.Generator) -> Levels:
    """The contrast of one image."""
    if rng.random() < PHYSICAL_SHARE:
        material, unsuppressed = _physical(rng)
    else:
        material = unsuppressed = _by_chance(rng)
    marrow = np.ones(len(CLASSES), dtype=np.float32)
    if rng.random() < OTHER_MARROW_SHARE:
        marrow *= np.exp(rng.normal(0.0, 0.3, len(CLASSES))).astype(np.float32)
    top = max(float(np.delete(material, [FLUID, LESION]).max()), 1e-3)
    return Levels(material / top, unsuppressed / top, marrow)


def _by_chance(rng: np.random.Generator) -> NDArray[np.float32]:
    level = rng.uniform(0.05, 1.0, MATERIALS)
    level[AIR] = 0.0
    # Cortex and tendon have next to no free water: dark in any sequence.
    level[[CORTEX, FIBROUS]] = rng.uniform(0.0, 0.15, 2)
    if rng.random() < 0.5:
        level[MARROW] = level[FAT] * rng.uniform(0.7, 1.1)
    return level.astype(np.float32)


def _physical(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    timing = _timing(rng)
    freed = replace(timing, fat_left=1.0)
    if timing.inversion_ms is not None:
        freed = replace(timing, inversion_ms=None)
    jitter = np.exp(rng.normal(0.0, JITTER, MATERIALS))
    red = float(rng.beta(1.0, 3.0))
    levels = [_material_levels(one, red) * jitter for one in (timing, freed)]
    if rng.random() < 0.08:  # the fat image of a Dixon series
        fat_only = levels[1] * 0.06
        fat_only[[FAT, MARROW]] = levels[1][[FAT, MARROW]]
        levels = [fat_only, fat_only]
    return levels[0].astype(np.float32), levels[1].astype(np.float32)


def _material_levels(timing: Timing, red: float) -> NDArray[np.float64]:
    level = np.zeros(MATERIALS)
    for index, tissue in (
        (FAT, Tissue.FAT),
        (MUSCLE, Tissue.MUSCLE),
        (FIBROUS, Tissue.FIBROUS),
        (VEIN, Tissue.VEIN),
        (FLUID, Tissue.FLUID),
        (JOINT, Tissue.FIBROUS),
        (CARTILAGE, Tissue.CARTILAGE),
        (CORTEX, Tissue.CORTEX),
        (LESION, Tissue.OEDEMA),
    ):
        level[index] = signal(tissue, timing)
    level[MARROW] = (1 - red) * signal(Tissue.YELLOW_MARROW, timing) + red * signal(
        Tissue.RED_MARROW, timing
    )
    return level


def _timing(rng: np.random.Generator) -> Timing:
    field_t = 1.5 if rng.random() < 0.5 else 3.0
    kind = rng.integers(6)
    fat_left = 1.0 if rng.random() < 0.5 else float(rng.uniform(0.03, 0.35))
    if kind == 0:
        return Timing(Weighting.T1, rng.uniform(400, 800), rng.uniform(8, 20), None, 1.0, field_t)
    if kind in (1, 2):
        tr, te = rng.uniform(1100, 4500), rng.uniform(12, 50)
        return Timing(Weighting.PD, tr, te, None, fat_left, field_t)
    if kind == 3:
        tr, te = rng.uniform(2800, 5500), rng.uniform(55, 110)
        return Timing(Weighting.T2, tr, te, None, fat_left, field_t)
    if kind == 4:
        t1 = Tissue.FAT.value.t1_15_ms if field_t < 2 else Tissue.FAT.value.t1_30_ms
        ti = t1 * np.log(2) * rng.uniform(0.85, 1.05)
        tr, te = rng.uniform(3000, 6000), rng.uniform(20, 65)
        return Timing(Weighting.STIR, tr, te, float(ti), 1.0, field_t)
    tr, te, flip = rng.uniform(12, 40), rng.uniform(3, 16), rng.uniform(15, 45)
    return Timing(Weighting.T2_STAR, tr, te, None, fat_left, field_t, flip_deg=flip)
