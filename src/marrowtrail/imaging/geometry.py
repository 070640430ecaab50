"""Where voxels are in the patient: one frame, LPS, millimetres, float64.

An array is indexed ``[i, j, k]``; its :class:`Geometry` maps a (fractional) index to a
point in the patient, x to the **left**, y to the back (**posterior**), z to the head
(**superior**). For a DICOM series *i* runs along a row (with the column index), *j* down
the rows, *k* through the slices. Other frames (NIfTI is RAS) are converted where files
are read and written, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Affine = NDArray[np.float64]
Points = NDArray[np.float64]

SAME_GRID_MM = 0.05
"""Corners of two grids that differ by less are the same grid.

DICOM stores positions with 16 characters and NIfTI its affine in float32, which moves a corner
by micrometres; a NIfTI file that carries only a quaternion loses more (0.010 mm in a real
sacroiliac mask). A twentieth of a millimetre is six times below the finest voxel in use."""

THICK_SLICES = 1.2
"""Voxels this much longer along one axis than along both others belong to slices across it. Pixels
of MR are square within a few per cent, slices of 2-D series at least twice as thick."""

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Converts between the frames of NIfTI and DICOM; it is its own inverse."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A voxel grid in the patient.

    Parameters
    ----------
    shape
        Number of voxels along i, j and k.
    affine
        (4, 4) matrix, index to LPS millimetres.
    frame_of_reference
        DICOM frame of reference UID, or ``None`` where a file has none. Two grids share a
        frame only if both name the same one.

    Raises
    ------
    ValueError
        If the affine is not a finite, invertible (4, 4) matrix whose last row is 0 0 0 1.
    """

    shape: tuple[int, int, int]
    affine: Affine
    frame_of_reference: str | None = None

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError(f"An affine must be a finite (4, 4) matrix, got {affine!r}.")
        if not np.allclose(affine[3], (0, 0, 0, 1)):
            raise ValueError(f"An affine's last row must be 0 0 0 1, got {affine[3]!r}.")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError(f"An affine must be invertible, got {affine!r}.")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along i, j and k."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def directions(self) -> NDArray[np.float64]:
        """(3, 3); column *n* is the unit LPS vector along axis *n*."""
        return np.asarray(self.affine[:3, :3] / np.asarray(self.spacing_mm), dtype=np.float64)

    @property
    def in_words(self) -> str:
        """Shape, spacing and origin, for a message."""
        spacing = " x ".join(f"{s:.3f}" for s in self.spacing_mm)
        origin = ", ".join(f"{x:.1f}" for x in self.affine[:3, 3])
        return f"{self.shape} of {spacing} mm at ({origin}) LPS"

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def through_plane_axis(self) -> int:
        """The axis that runs through the slices.

        It is the one along which voxels are clearly longer than along both others
        (:data:`THICK_SLICES`). Voxels of a 3-D series have no such axis; there it is the last,
        along which DICOM has its slices. The widest spacing would name any of the three: that
        of equal ones is decided by rounding, and slices may be thinner than pixels.
        """
        spacing = np.asarray(self.spacing_mm)
        widest = int(np.argmax(spacing))
        return widest if spacing[widest] > THICK_SLICES * np.sort(spacing)[1] else 2

    @property
    def centre_lps(self) -> Points:
        """(3,) LPS point at the middle of the grid."""
        return self.to_lps((np.asarray(self.shape) - 1) / 2)

    def to_lps(self, ijk: NDArray[np.floating] | NDArray[np.integer]) -> Points:
        """(..., 3) indices to (..., 3) LPS millimetres."""
        return np.asarray(ijk, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_ijk(self, lps: Points) -> Points:
        """(..., 3) LPS millimetres to (..., 3) fractional indices."""
        inverse: Affine = np.linalg.inv(self.affine).astype(np.float64)
        return np.asarray(lps, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]

    def corners_lps(self) -> Points:
        """(8, 3) LPS centres of the corner voxels."""
        last = np.asarray(self.shape) - 1
        return self.to_lps(np.array(list(np.ndindex(2, 2, 2))) * last)

    def shares_frame(self, other: Geometry) -> bool:
        """Both name a frame of reference, and it is the same one."""
        return (
            self.frame_of_reference is not None
            and self.frame_of_reference == other.frame_of_reference
        )

    def same_grid(self, other: Geometry) -> bool:
        """Same shape, and every corner within :data:`SAME_GRID_MM`.

        Frames of reference are compared only where both grids name one: a mask handed in
        as NIfTI names none.
        """
        if self.shape != other.shape:
            return False
        named = self.frame_of_reference is not None and other.frame_of_reference is not None
        if named and self.frame_of_reference != other.frame_of_reference:
            return False
        gap = np.linalg.norm(self.corners_lps() - other.corners_lps(), axis=1)
        return bool(gap.max() < SAME_GRID_MM)

    def crop(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Geometry:
        """The grid of ``array[start[0]:stop[0], ...]``."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_lps(np.asarray(start))
        shape = (stop[0] - start[0], stop[1] - start[1], stop[2] - start[2])
        return Geometry(shape, affine, self.frame_of_reference)

    def rescaled(self, spacing_mm: tuple[float, float, float]) -> Geometry:
        """The same block of tissue on voxels of about another size (edges kept)."""
        old = np.asarray(self.spacing_mm)
        shape = np.maximum(1, np.round(np.asarray(self.shape) * old / spacing_mm)).astype(int)
        new = np.asarray(self.shape) * old / shape
        affine = self.affine.copy()
        affine[:3, :3] = self.directions * new
        affine[:3, 3] = self.to_lps(-0.5 + 0.5 * new / old)
        return Geometry(
            (int(shape[0]), int(shape[1]), int(shape[2])), affine, self.frame_of_reference
        )
