"""How bright soft tissue is about the bones: what marrow is compared with beside itself.

Contrast to the yellow marrow in the same bone depends on how well its fat was suppressed; the
muscle beside it does not, and is the reference that readers use for red marrow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.volume import Volume

NEAR_MM, FAR_MM = 4.0, 35.0
"""Soft tissue is looked at between these distances from bone: nearer lie cartilage and fluid,
further away skin and the edge of the coil."""

STEP_MM = 2.0
"""Pixels are thinned out to about this: a level needs thousands, not a million."""

AIR_SHARE = 0.35
"""Darker than this share of the bones' usual signal is air or tendon, not soft tissue."""

PARTED = 1.3
"""Suppressed fat and muscle are two classes if the mean of the brighter is this many times that
of the darker; in STIR of the pelvis they are not."""

MUSCLE_SHARE = 0.15
"""A smaller class is an effusion or vessels, not muscle."""

MIN_VOXELS = 300
ROUNDS = 20


def soft_tissue_level(series: Volume, bones: Sequence[Bone]) -> float | None:
    """Usual signal of muscle about some bones of a fat-suppressed series.

    Where muscle and fat are equally bright, that of both. ``None`` where too little soft
    tissue is in the image.
    """
    if not bones:
        return None
    spacing = series.geometry.spacing_mm
    steps = tuple(slice(None, None, max(1, round(STEP_MM / one))) for one in spacing)
    inside = np.zeros(series.data[steps].shape, dtype=bool)
    for bone in bones:
        inside |= np.asarray(bone.mask.data[steps], dtype=bool)
    if not inside.any():
        return None
    signal = np.asarray(series.data[steps], dtype=np.float64)
    thinned = [one * (step.step or 1) for one, step in zip(spacing, steps, strict=True)]
    away = ndimage.distance_transform_edt(~inside, sampling=thinned)
    air = AIR_SHARE * float(np.median(signal[inside]))
    shell = signal[(away > NEAR_MM) & (away < FAR_MM) & (signal > max(air, 1e-6))]
    if len(shell) < MIN_VOXELS:
        return None
    return float(np.exp(_upper_level(np.log(shell))))


def _upper_level(values: NDArray[np.float64]) -> float:
    """Median of the brighter of two classes; of all where there are not two."""
    low, high = np.percentile(values, (20, 80))
    for _ in range(ROUNDS):
        is_high = values > (low + high) / 2
        if is_high.all() or not is_high.any():
            return float(np.median(values))
        low, high = values[~is_high].mean(), values[is_high].mean()
    is_muscle = high - low > np.log(PARTED) and is_high.mean() > MUSCLE_SHARE
    chosen = values[is_high] if is_muscle else values
    return float(np.median(chosen))
