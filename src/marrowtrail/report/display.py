"""How a slice is laid on the page: radiological display, the same for pixels, outlines and letters.

A viewer expects: sagittal, anterior on the left and superior on top; coronal, the patient's
right on the left and superior on top; axial, the patient's right on the left and anterior on
top. Series are stored in any order of axes and any direction, so :class:`DisplayedSlice`
chooses, from the geometry alone, which stored axis runs to the right of the page and which
down it, and which of them is reversed. Of the eight ways to lay a slice on a page only the
four that do not mirror it are considered, so that a picture is never a mirror image, however
oblique the plane.

Pixels (:meth:`DisplayedSlice.page`), points (:meth:`DisplayedSlice.to_page`) and letters
(:attr:`DisplayedSlice.letters`) all follow from that one choice and cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import THICK_SLICES, Geometry
from marrowtrail.imaging.series import Plane

LEFT_LPS = np.array([1.0, 0.0, 0.0])
POSTERIOR_LPS = np.array([0.0, 1.0, 0.0])
FEET_LPS = np.array([0.0, 0.0, -1.0])

PAGE = {
    Plane.SAGITTAL: (POSTERIOR_LPS, FEET_LPS),
    Plane.CORONAL: (LEFT_LPS, FEET_LPS),
    Plane.AXIAL: (LEFT_LPS, POSTERIOR_LPS),
}
"""What lies to the right of the page and what below, for each plane."""

NORMAL_AXIS = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}
"""The LPS axis that a plane is perpendicular to."""

LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))
"""Letters towards the negative and the positive end of x, y and z in LPS."""

SECOND_LETTER_COSINE = 0.5
"""An axis tilted by more than 30 degrees out of an anatomical one gets a second letter."""


def direction_letters(direction_lps: NDArray[np.float64]) -> str:
    """Letters of the side of the patient that a unit LPS vector points to, as ``L`` or ``PH``."""
    order = np.argsort(-np.abs(direction_lps), kind="stable")
    named = [order[0], *(a for a in order[1:] if abs(direction_lps[a]) > SECOND_LETTER_COSINE)]
    return "".join(LETTERS[axis][int(direction_lps[axis] > 0)] for axis in named)


def slice_axis(geometry: Geometry, plane: Plane) -> int:
    """The stored axis (0, 1 or 2) that runs through the slices.

    A block without thick slices can be cut any way, and the nominal plane of the series decides.
    """
    spacing = np.sort(geometry.spacing_mm)
    if spacing[2] > THICK_SLICES * spacing[1]:
        return geometry.through_plane_axis
    return int(np.argmax(np.abs(geometry.directions[NORMAL_AXIS[plane]])))


@dataclass(frozen=True, slots=True)
class DisplayedSlice:
    """One native slice and how it lies on the page.

    Parameters
    ----------
    geometry
        Grid of the volume.
    axis, index
        Stored axis through the slices, and the slice along it.
    across, down
        Stored axes that run to the right of the page and down it.
    reverse_across, reverse_down
        Whether the page counts that axis from its end.
    """

    geometry: Geometry
    axis: int
    index: int
    across: int
    down: int
    reverse_across: bool
    reverse_down: bool

    @classmethod
    def of(cls, geometry: Geometry, axis: int, index: int) -> DisplayedSlice:
        """Lay slice ``index`` along stored ``axis`` in radiological display."""
        directions = geometry.directions
        nearest = int(np.argmax(np.abs(directions[:, axis])))
        plane = next(p for p, normal in NORMAL_AXIS.items() if normal == nearest)
        right, below = PAGE[plane]
        into_page = np.cross(right, below)
        first, second = (a for a in range(3) if a != axis)

        def fit(layout: tuple[tuple[int, int], bool, bool]) -> float:
            (across, down), reverse_across, reverse_down = layout
            x = directions[:, across] * (-1 if reverse_across else 1)
            y = directions[:, down] * (-1 if reverse_down else 1)
            mirrored = np.cross(x, y) @ into_page <= 0
            return -np.inf if mirrored else float(x @ right + y @ below)

        layouts = product(((first, second), (second, first)), (False, True), (False, True))
        (across, down), reverse_across, reverse_down = max(layouts, key=fit)
        return cls(geometry, axis, index, across, down, reverse_across, reverse_down)

    @classmethod
    def through(
        cls, geometry: Geometry, plane: Plane, point_lps: NDArray[np.float64]
    ) -> DisplayedSlice:
        """The native slice nearest to a (3,) LPS point, in the plane of the series."""
        axis = slice_axis(geometry, plane)
        last = geometry.shape[axis] - 1
        index = int(np.clip(np.rint(geometry.to_ijk(point_lps)[axis]), 0, last))
        return cls.of(geometry, axis, index)

    @property
    def page_shape(self) -> tuple[int, int]:
        """Rows and columns of :meth:`page`."""
        return self.geometry.shape[self.down], self.geometry.shape[self.across]

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Height and width of a native pixel on the page."""
        spacing = self.geometry.spacing_mm
        return spacing[self.down], spacing[self.across]

    @property
    def right_lps(self) -> NDArray[np.float64]:
        """(3,) unit LPS vector to the right of the page."""
        column = self.geometry.directions[:, self.across]
        return -column if self.reverse_across else column

    @property
    def below_lps(self) -> NDArray[np.float64]:
        """(3,) unit LPS vector down the page."""
        column = self.geometry.directions[:, self.down]
        return -column if self.reverse_down else column

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Letters at the left, right, top and bottom edge of the page."""
        return (
            direction_letters(-self.right_lps),
            direction_letters(self.right_lps),
            direction_letters(-self.below_lps),
            direction_letters(self.below_lps),
        )

    def page(self, data: NDArray[Any]) -> NDArray[Any]:
        """(rows, columns) of a volume's array on this grid, as they lie on the page."""
        plane = np.moveaxis(data, (self.down, self.across, self.axis), (0, 1, 2))[:, :, self.index]
        step_down = -1 if self.reverse_down else 1
        step_across = -1 if self.reverse_across else 1
        return plane[::step_down, ::step_across]

    def to_page(self, ijk: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) indices to (..., 2) column and row of :meth:`page`; whole at pixel centres."""
        ijk = np.asarray(ijk, dtype=np.float64)
        rows, columns = self.page_shape
        x, y = ijk[..., self.across], ijk[..., self.down]
        x = columns - 1 - x if self.reverse_across else x
        y = rows - 1 - y if self.reverse_down else y
        return np.stack([x, y], axis=-1)
