"""What the report's viewer shows: stacks of slices of one bone, all on one grid.

The grid of a place is that of the latest visit's series, cut to the bone and turned as the page
shows it: rows run down the page, columns to the right, slices away from the first. Pictures of
every other visit were brought onto it by the registration of that one bone, so that the same
pixel is the same spot of the bone at every visit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from marrowtrail.record.sites import Side
from marrowtrail.result.row import Row


class ViewerContrast(StrEnum):
    """Kinds of pictures that can be chosen."""

    FLUID = "fluid"
    T1 = "t1"


class ViewerPlaneRow(Row):
    """One way to cut the grid.

    ``axis``, ``across`` and ``down`` are axes of the grid (0 rows, 1 columns, 2 slices): the one
    cut across, the one to the right of the page and the one down it. ``letters`` stand at the
    left, right, top and bottom edge, ``ends`` at the first and the last cut. ``is_acquired`` is
    false for planes that are calculated from the slices.
    """

    name: str
    axis: int
    across: int
    down: int
    reverse_across: bool
    reverse_down: bool
    letters: tuple[str, str, str, str]
    ends: tuple[str, str]
    is_acquired: bool


class ViewerStackRow(Row):
    """The slices of one series, side by side in one picture of ``viewer/``.

    Level 255 is ``top`` of the place's contrast, in units of normal marrow; 0 is no signal.
    ``is_reformatted``: acquired in another plane than the grid's.
    """

    contrast: ViewerContrast
    visit: str
    series: str
    file: str
    label: str
    is_reformatted: bool
    is_verified: bool


ViewerOutlineKind = Literal["imaged", "bone", "lesion"]


class ViewerOutlineRow(Row):
    """An outline on the series of one frame, slice by slice: SVG paths in half pixels.

    ``kind`` is ``bone``, ``lesion``, or ``imaged`` for what the series' field of view holds. Paths
    count from the corner of the slice.
    """

    visit: str
    series: tuple[str, ...]
    kind: ViewerOutlineKind
    name: str
    paths: tuple[str, ...]


class ViewerRangeRow(Row):
    """Signal of one contrast: ``top`` is stored white, ``white`` is drawn white at first.

    Both are multiples of normal marrow.
    """

    contrast: ViewerContrast
    top: float
    white: float


class ViewerPlaceRow(Row):
    """One bone through the visits, on the grid of ``home_visit``.

    ``shape`` counts rows, columns and slices; ``spacing_mm`` likewise. A picture holds
    ``tiles_across`` slices in a row, each in a tile of ``tile`` (width, height) pixels whose
    top left corner it fills. ``start`` is the slice through ``spot``, a lesion or empty.
    """

    bone: str
    side: Side
    end: str
    spot: str
    home_visit: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    native_pixel_mm: float
    tile: tuple[int, int]
    tiles_across: int
    start: tuple[int, int, int]
    planes: tuple[ViewerPlaneRow, ...]
    ranges: tuple[ViewerRangeRow, ...]
    stacks: tuple[ViewerStackRow, ...]
    outlines: tuple[ViewerOutlineRow, ...]
