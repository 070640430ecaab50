"""One visit's series beside the grid of a place, and how to get from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.transform import RigidTransform


@dataclass(frozen=True, slots=True, eq=False)
class ViewerFrame:
    """``motion`` maps a point of the grid's frame to the same tissue of the bone in the series'.

    ``verified``: every registration on the way was verified.
    """

    series: Series
    grid: Geometry
    motion: RigidTransform
    verified: bool
