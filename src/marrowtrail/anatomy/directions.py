"""Turning and tilting a bone's axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marrowtrail.anatomy.bones import BoneAxes

Vector = NDArray[np.float64]

MAX_TILT_DEG = 35.0
"""A long axis farther from the first guess is not believed: short pieces of bone are wider
than long and their centres scatter."""

MAX_TURN_DEG = 35.0
"""A turn of the limb about its axis beyond this is not believed; feet point outward by 5 to
25 degrees when a patient lies at ease."""


def orthonormal(
    origin_lps: Vector, lateral: Vector, proximal: Vector, towards_front: Vector
) -> BoneAxes:
    """Keep ``proximal``, straighten ``lateral`` to it; ``anterior`` is what is left.

    The handedness differs between left and right, so ``anterior`` is taken from the cross
    product with the sign that points to the front. All vectors are LPS.
    """
    proximal = proximal / np.linalg.norm(proximal)
    lateral = lateral - (lateral @ proximal) * proximal
    lateral = lateral / np.linalg.norm(lateral)
    anterior = np.cross(lateral, proximal)
    return BoneAxes(origin_lps, lateral, anterior * np.sign(anterior @ towards_front), proximal)


def turned(axes: BoneAxes, angle_rad: float) -> BoneAxes:
    """Turn about ``proximal``; positive moves ``lateral`` towards ``anterior``."""
    if abs(np.degrees(angle_rad)) > MAX_TURN_DEG:
        return axes
    lateral = np.cos(angle_rad) * axes.lateral + np.sin(angle_rad) * axes.anterior
    return orthonormal(axes.origin_lps, lateral, axes.proximal, axes.anterior)
