"""Painting tissues into two layers: what is water, and what is fat.

The two are kept apart until the scanner adds them up: fat precesses more slowly, so it lies
shifted along the read-out direction, is suppressed well or badly from place to place, and a
Dixon series shows either alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.phantom.grids import Box, Field
from marrowtrail.phantom.scanner.tissue import Signal, Tissue

Layers = NDArray[np.float32]
"""(2, i, j, k): signal of water, then of fat."""

Levels = Mapping[Tissue, Signal]
"""Signal of every tissue under the timing of a series."""


def blank(geometry: Geometry) -> Layers:
    """Air everywhere."""
    return np.zeros((2, *geometry.shape), dtype=np.float32)


def window(layers: Layers, box: Box) -> Layers:
    """A box of both layers; painting into it paints into the layers."""
    return layers[(slice(None), *box)]


def paint(layers: Layers, mask: Field, value: Layers | Signal) -> None:
    """Lay a tissue over what is there, as far as the mask (0 to 1) covers a voxel."""
    layers += mask * (value - layers)


def inside(distance: Field, width: float) -> Field:
    """Share of a pixel inside a surface at that signed distance (negative inside)."""
    share = np.float32(0.5) - distance / np.float32(width)
    return np.asarray(np.clip(share, 0.0, 1.0), dtype=np.float32)
