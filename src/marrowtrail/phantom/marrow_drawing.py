"""Draw healthy marrow: its fat and its water."""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting import Layers, Levels
from marrowtrail.phantom.tissue import Tissue

NORMAL_WATER = 0.10
"""Water share of yellow marrow at knee and ankle of an adult."""

TEXTURE_WATER = 0.022
"""Standard deviation of the water share from place to place."""


def draw_marrow(grain: Field, level: Levels) -> Layers:
    """(2, i, j, k) signal of yellow marrow whose water share varies with its texture."""
    water = np.float32(NORMAL_WATER) + np.float32(TEXTURE_WATER) * grain
    yellow, red = level[Tissue.YELLOW_MARROW], level[Tissue.RED_MARROW]
    return np.asarray(yellow + water * (red - yellow), dtype=np.float32)
