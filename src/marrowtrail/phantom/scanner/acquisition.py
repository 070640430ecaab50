"""One series to make: its timing, grid, the way it is sampled, and what goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.series import Dixon, Plane
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom.family import Family
from marrowtrail.phantom.grids import Box
from marrowtrail.phantom.scanner.tissue import Timing

FAT_SHIFT_PPM = 3.4
"""Chemical shift of the main peak of fat from water (Ren et al., 10.1194/jlr.D800010-JLR200)."""

LARMOR_HZ_PER_T = 42.577e6
"""Of protons: their gyromagnetic ratio over 2 pi."""


def larmor_mhz(field_t: float) -> float:
    """Frequency of protons in a field, in MHz."""
    return LARMOR_HZ_PER_T * 1e-6 * field_t


LEAST_WRAP = 0.03
"""Less than this share of the field of view does not wrap: oversampling takes it away."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How k-space is sampled.

    Parameters
    ----------
    read_axis
        Axis of the grid along the read-out, 0 (rows) or 1 (columns); the other is phase.
    acquired
        Share of the stored matrix that is sampled along read-out and phase; the rest is
        filled with zeros.
    fat_shift_px
        Shift of fat along the read-out, in stored pixels.
    softened
        0 cuts k-space off sharply (ringing), 1 rolls it off over its outer three quarters
        (blur).
    """

    read_axis: int = 0
    acquired: tuple[float, float] = (1.0, 1.0)
    fat_shift_px: float = 0.0
    softened: float = 1.0
    is_3d: bool = False

    @property
    def phase_axis(self) -> int:
        """The axis across the read-out."""
        return 1 - self.read_axis

    def bandwidth_hz(self, field_t: float) -> float:
        """Bandwidth of an acquired pixel that shifts fat by as much; 300 Hz where none does."""
        shift = self.fat_shift_px * self.acquired[0]
        return FAT_SHIFT_PPM * 1e-6 * LARMOR_HZ_PER_T * field_t / shift if shift > 0 else 300.0


@dataclass(frozen=True, slots=True)
class Screw:
    """Metal in a bone: a straight screw between two points in scanner LPS."""

    head_lps: tuple[float, float, float]
    tip_lps: tuple[float, float, float]
    void_mm: float = 7.0

    def moved(self, motion: RigidTransform) -> Screw:
        """The same screw after the patient moved."""
        (hx, hy, hz), (tx, ty, tz) = motion.apply(np.array([self.head_lps, self.tip_lps]))
        return replace(self, head_lps=(hx, hy, hz), tip_lps=(tx, ty, tz))


@dataclass(frozen=True, slots=True)
class Flaws:
    """What goes wrong with one series; none by default.

    Parameters
    ----------
    fat_failing
        Share of the limb in which fat suppression fails (in a Dixon series: in which water
        and fat are swapped), 0 to 1.
    fails_aside
        It fails on one side of the image instead of near skin and hollows.
    motion_px
        How far the limb moves between shots, in pixels along the phase direction.
    pulsation
        Strength of the ghosts of a pulsating artery, as a share of the brightest tissue.
    wrap
        Share of the field of view that is folded in from beyond each end of the phase
        direction.
    coil
        Share of the coil's own profile that the scanner's normalisation leaves.
    """

    fat_failing: float = 0.0
    fails_aside: bool = False
    motion_px: float = 0.0
    pulsation: float = 0.0
    wrap: float = 0.0
    coil: float = 0.0
    screw: Screw | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Acquisition:
    """One series to make: its timing, plane, grid and the knobs of its imperfections.

    ``images`` says what is calculated from it, in the order of writing: the image itself
    (``None``), or those of a Dixon series. ``artery_lps`` (n, 3) is the course of the artery
    behind the joint, ``None`` where no artery is drawn.
    """

    timing: Timing
    plane: Plane
    geometry: Geometry
    thickness_mm: float
    snr: float
    shading: float
    echo_train: int
    seed: int
    is_localiser: bool = False
    sampling: Sampling = Sampling()
    flaws: Flaws = Flaws()
    images: tuple[Dixon | None, ...] = (None,)
    family: Family = Family.BUILDING
    artery_lps: NDArray[np.float64] | None = None

    def with_patient_moved(self, motion: RigidTransform) -> Acquisition:
        """The same planes, of a patient who moved since they were planned."""
        screw, course = self.flaws.screw, self.artery_lps
        return replace(
            self,
            flaws=replace(self.flaws, screw=None if screw is None else screw.moved(motion)),
            artery_lps=None if course is None else motion.apply(course),
        )

    @property
    def margin_px(self) -> int:
        """Pixels painted beyond each end of the phase direction, to be folded in."""
        if self.flaws.wrap < LEAST_WRAP:
            return 0
        return round(self.flaws.wrap * self.geometry.shape[self.sampling.phase_axis])

    @property
    def painted(self) -> Geometry:
        """The grid to paint on: that of the series, and what is folded into it."""
        axis, margin = self.sampling.phase_axis, self.margin_px
        start, shape = np.zeros(3), list(self.geometry.shape)
        start[axis], shape[axis] = -margin, shape[axis] + 2 * margin
        affine = self.geometry.affine.copy()
        affine[:3, 3] = self.geometry.to_lps(start)
        return Geometry((shape[0], shape[1], shape[2]), affine)

    @property
    def kept(self) -> Box:
        """The series' own part of the painted grid."""
        margins = [0, 0, 0]
        margins[self.sampling.phase_axis] = self.margin_px
        parts = [slice(m, m + n) for m, n in zip(margins, self.geometry.shape, strict=True)]
        return parts[0], parts[1], parts[2]
