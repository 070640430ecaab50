"""The greatest extent of a cloud of points."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 400
"""The greatest width is looked for along this many directions, spread evenly over half a
sphere: the nearest lies within 5 degrees of any, so at most 0.4 % of a length is missed."""


@cache
def _directions() -> NDArray[np.float64]:
    """(n, 3) unit vectors on a spiral over the upper half of a sphere."""
    n = np.arange(DIRECTIONS) + 0.5
    z = n / DIRECTIONS
    turn = np.pi * (1.0 + 5.0**0.5) * n
    flat = np.sqrt(1.0 - z**2)
    return np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])


def greatest_extent(points: NDArray[np.floating]) -> float:
    """Greatest distance in mm between two of (n, 3) points; 0 for none or one."""
    if len(points) < 2:
        return 0.0
    along = np.einsum("nx,dx->nd", points.astype(np.float64), _directions())
    return float(np.ptp(along, axis=0).max())
