"""Rigid motion of a body in LPS millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LAST_ROW, _UNTURNED = np.array([0.0, 0.0, 0.0, 1.0]), np.eye(3)


def _close(values: NDArray[np.float64], to: NDArray[np.float64], atol: float) -> bool:
    """``np.allclose``, whose care for infinities takes most of a registration's small steps."""
    return bool((np.abs(values - to) <= atol + 1e-5 * np.abs(to)).all())


@dataclass(frozen=True, slots=True, eq=False)
class RigidTransform:
    """Maps points of one visit to where the same tissue lies in another.

    Parameters
    ----------
    matrix
        (4, 4) LPS millimetres to LPS millimetres, a proper rotation and a translation.

    Raises
    ------
    ValueError
        If the matrix has another shape, or mirrors, scales or shears.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not _close(matrix[3], _LAST_ROW, 1e-8):
            raise ValueError(
                f"A rigid transform is a (4, 4) matrix whose last row is 0 0 0 1, got {matrix!r}."
            )
        turn = matrix[:3, :3]
        if not _close(turn @ turn.T, _UNTURNED, 1e-6) or np.linalg.det(turn) < 0:
            raise ValueError(f"A rigid transform must turn and shift only, got {matrix!r}.")
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls) -> RigidTransform:
        """No motion."""
        return cls(np.eye(4))

    @classmethod
    def about(
        cls,
        centre_lps: NDArray[np.float64],
        rotation_vector_rad: NDArray[np.float64],
        shift_mm: NDArray[np.float64],
    ) -> RigidTransform:
        """Turn about ``centre_lps`` by a rotation vector, then shift."""
        from scipy.spatial.transform import Rotation  # noqa: PLC0415 (as in volume.py)

        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_rotvec(rotation_vector_rad).as_matrix()
        matrix[:3, 3] = centre_lps + shift_mm - matrix[:3, :3] @ centre_lps
        return cls(matrix)

    def apply(self, points_lps: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) points to (..., 3) points."""
        return np.asarray(points_lps) @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def inverse(self) -> RigidTransform:
        """The motion back."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.matrix[:3, :3].T
        matrix[:3, 3] = -matrix[:3, :3] @ self.matrix[:3, 3]
        return RigidTransform(matrix)

    def __matmul__(self, first: RigidTransform) -> RigidTransform:
        """``(b @ a).apply(p)`` is ``b.apply(a.apply(p))``."""
        return RigidTransform(self.matrix @ first.matrix)

    @property
    def angle_deg(self) -> float:
        """How far it turns."""
        from scipy.spatial.transform import Rotation  # noqa: PLC0415 (as in volume.py)

        return float(np.degrees(Rotation.from_matrix(self.matrix[:3, :3]).magnitude()))
