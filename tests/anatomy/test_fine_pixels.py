"""An end that the image cuts is cut at any size of pixel."""

from __future__ import annotations

import numpy as np
import pytest

from marrowtrail.anatomy.extent import ends_in_view
from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume


@pytest.mark.parametrize("pixel_mm", [0.4, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("leaves", [True, False])
def test_a_shaft_that_leaves_the_image_has_no_end_there(pixel_mm: float, leaves: bool) -> None:
    rows = round(120 / pixel_mm)
    grid = Geometry((round(60 / pixel_mm), rows, 12), np.diag([pixel_mm, pixel_mm, 3.5, 1.0]))
    mask = np.zeros(grid.shape, dtype=bool)
    margin = round(8 / pixel_mm)
    wide = round(20 / pixel_mm)
    top = 0 if leaves else margin
    mask[wide:-wide, top:-margin, 3:9] = True
    mask[margin:-margin, -round(40 / pixel_mm) : -margin, 2:10] = True
    ijk = np.argwhere(mask)
    height = -ijk[:, 1] * pixel_mm
    seen = ends_in_view(Volume(mask, grid), ijk, height)
    assert seen.distal
    assert not seen.proximal  # cut by the image, or the light end of a piece
    if leaves:
        longer = np.concatenate([height, [height.min() - 200.0]])  # both ends, were none cut
        both = ends_in_view(Volume(mask, grid), np.vstack([ijk, ijk[-1:]]), longer)
        assert not both.proximal
