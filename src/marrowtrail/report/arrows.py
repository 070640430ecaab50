"""Curved arrows between markers of the drawn limb."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BULGE = 0.3
"""How far a curve swings out, as part of its length."""

MOST_BULGE = 78.0
"""Drawing units; a long arrow still runs beside the limb and not off the panel."""

HEAD = 9.0
"""Length of an arrow's head in drawing units."""

CLEARANCE = 2.0
"""Drawing units between a marker's edge and an arrow."""

Place = tuple[float, float, float]
"""x, y and radius of a marker."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A quadratic curve and its head as SVG, and where its text stands.

    ``note`` are lines below the text. ``is_dashed`` where the shift is not verified, or where
    nobody had imaged the place that it leads to.
    """

    path: str
    head: str
    text_x: float
    text_y: float
    anchor: str
    text: str = ""
    note: tuple[str, ...] = ()
    verified: bool = True
    is_dashed: bool = False

    @property
    def said(self) -> str:
        """Text and note in one line."""
        return " ".join((self.text, *self.note))


def arrow_between(start: Place, end: Place, *, bulge_right: bool) -> Arrow:
    """An arrow from edge to edge that swings out to the viewer's right or left."""
    first, last = np.array(start[:2]), np.array(end[:2])
    along = last - first
    length = float(np.linalg.norm(along))
    if length == 0:
        along, length = np.array([0.0, 1.0]), 1.0
    normal = np.array([along[1], -along[0]]) / length
    outward = 1.0 if bulge_right else -1.0
    if normal[0] * outward < 0 or (abs(normal[0]) < 1e-9 and normal[1] > 0):
        normal = -normal
    control = (first + last) / 2 + normal * 2 * min(BULGE * length, MOST_BULGE)
    tip = _towards(last, control, end[2] + CLEARANCE)
    neck = _towards(last, control, end[2] + CLEARANCE + HEAD * 0.8)
    tail = _towards(first, control, start[2] + CLEARANCE)
    middle = 0.25 * tail + 0.5 * control + 0.25 * neck
    return Arrow(
        path=f"M{_xy(tail)}Q{_xy(control)} {_xy(neck)}",
        head=_head(tip, control),
        text_x=round(float(middle[0] + outward * 7), 1),
        text_y=round(float(middle[1] + 4), 1),
        anchor="start" if bulge_right else "end",
    )


def _towards(
    point: NDArray[np.float64], other: NDArray[np.float64], distance: float
) -> NDArray[np.float64]:
    gap = other - point
    unit: NDArray[np.float64] = gap / max(float(np.linalg.norm(gap)), 1e-9)
    return np.asarray(point + unit * distance, dtype=np.float64)


def _head(tip: NDArray[np.float64], control: NDArray[np.float64]) -> str:
    base = _towards(tip, control, HEAD)
    across = np.array([-(base - tip)[1], (base - tip)[0]]) * 0.5
    return f"M{_xy(tip)}L{_xy(base + across)}L{_xy(base - across)}Z"


def _xy(point: NDArray[np.float64]) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
