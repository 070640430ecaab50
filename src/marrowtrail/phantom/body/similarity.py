"""Turn, shift and scale one bone onto another's distance map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.spatial.transform import Rotation

from marrowtrail.imaging.geometry import Points

DistanceAt = Callable[[Points], NDArray[np.float64]]
"""Signed distances in mm at (n, 3) points."""

TURN_STEP_RAD, SHIFT_STEP_MM, LOG_SCALE_STEP = 0.02, 1.0, 0.02
"""What moves the surface of an epiphysis by about a millimetre: the solver's units."""

MOST_ROUNDS = 40
"""Evaluations of the solver. Knees settle within 20."""


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """``p -> scale * rotation @ (p - centre) + centre + shift``, in mm.

    ``rotation`` is (3, 3); ``shift`` and ``centre`` are (3,).
    """

    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: float
    centre: NDArray[np.float64]

    def apply(self, points: Points) -> Points:
        """(..., 3) points, moved."""
        moved = self.scale * (points - self.centre) @ self.rotation.T + self.centre + self.shift
        return np.asarray(moved)

    def undo(self, points: Points) -> Points:
        """(..., 3) points, moved back."""
        back = (points - self.centre - self.shift) @ self.rotation / self.scale + self.centre
        return np.asarray(back)


def aligned(
    points: Points,
    centre: NDArray[np.float64],
    onto: DistanceAt,
    onto_centre: NDArray[np.float64],
    scale: float | None = None,
) -> Similarity:
    """The similarity that brings surface points onto the zero of a distance map.

    Parameters
    ----------
    points
        (n, 3) points of a surface, in mm.
    centre, onto_centre
        (3,) points that correspond to each other roughly: where the search starts.
    onto
        Distances to the surface aimed at, for the (n, 3) points in their order.
    scale
        The scale to keep; ``None`` leaves it free.
    """

    def placed(x: NDArray[np.float64]) -> Similarity:
        return Similarity(
            Rotation.from_rotvec(x[:3]).as_matrix(),
            onto_centre - centre + x[3:6],
            float(np.exp(x[6])) if scale is None else scale,
            centre,
        )

    units = [TURN_STEP_RAD] * 3 + [SHIFT_STEP_MM] * 3 + [LOG_SCALE_STEP]
    count = 7 if scale is None else 6
    found = optimize.least_squares(
        lambda x: onto(placed(x).apply(points)),
        np.zeros(count),
        loss="soft_l1",
        x_scale=np.array(units[:count]),
        diff_step=1e-4,
        max_nfev=MOST_ROUNDS,
    )
    return placed(found.x)
