"""A sheet of slices, synthetic ones on the left and real ones on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from marrowtrail.imaging.volume import Volume
from marrowtrail.phantom.implants.tissue_samples import slices_first

Tile = NDArray[np.uint8]

SIDE = 192
"""Pixels of a tile."""

COLUMNS = 5
GAP = 8
WINDOW = 99.5
"""Percentile of a slice that is shown white."""


def tile_of(volume: Volume, rng: np.random.Generator) -> Tile:
    """(SIDE, SIDE) grey picture of a random slice from the middle half, rows downwards."""
    data = slices_first(volume)
    count = len(data)
    plane = data[int(rng.integers(count // 4, max(count // 4 + 1, 3 * count // 4)))].T
    white = max(float(np.percentile(plane, WINDOW)), 1e-6)
    grey = np.asarray(np.clip(plane / white, 0.0, 1.0) * 255, dtype=np.uint8)
    picture = Image.fromarray(grey)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    tile = np.zeros((SIDE, SIDE), dtype=np.uint8)
    tile[: picture.height, : picture.width] = np.asarray(picture)
    return tile


def draw_sheet(synthetic: Sequence[Tile], real: Sequence[Tile], path: Path) -> None:
    """Write both blocks side by side as PNG; a white bar parts them."""
    left, right = _block(synthetic), _block(real)
    height = max(len(left), len(right))
    blocks = [np.pad(one, ((0, height - len(one)), (0, 0))) for one in (left, right)]
    bar = np.full((height, GAP), 255, dtype=np.uint8)
    Image.fromarray(np.hstack([blocks[0], bar, blocks[1]])).save(path)


def _block(tiles: Sequence[Tile]) -> Tile:
    rows = max(1, -(-len(tiles) // COLUMNS))
    block = np.zeros((rows * SIDE, COLUMNS * SIDE), dtype=np.uint8)
    for number, tile in enumerate(tiles):
        i, j = divmod(number, COLUMNS)
        block[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE] = tile
    return block
