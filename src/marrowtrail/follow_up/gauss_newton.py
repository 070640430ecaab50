"""Robust Gauss-Newton registration of one bone by its intensities.

One image is *fixed*: it is sampled at its own voxels in a band around the bone. The other is
*moving*: it is interpolated where the motion carries those points. With ``y`` a fixed point,
``u`` its place from the bone's middle in units of the bone's size and ``T`` the motion,

    moving(T y)  =  (g0 + g1 . u) fixed(y) + b

holds for tissue that did not change; the gain may tilt because two coils shade differently.
An increment is sought in the fixed frame (inverse compositional, Baker and Matthews 2004,
doi:10.1023/B:VISI.0000011205.11775.fd), so slopes are taken once and only where voxels are.
Points that do not fit get Tukey's biweight with a scale from the median residual: an oedema
that appears or vanishes drops out instead of pulling.

It fails where less than half of the band shows the same tissue, and along any direction in
which the bone looks alike everywhere (the axis of a plain shaft); :mod:`.verification` is
there to notice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.follow_up.surface_alignment import tukey
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume

TUKEY_SCALES = 4.685
"""Width of the biweight in robust standard deviations: 95 % efficient on Gaussian noise."""

MAD_TO_SD = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""

STILL_MM = 0.004
"""A step that moves the bone's rim by less ends a level."""

MAX_STEPS = 25
"""Steps a level may take. Levels that converge do so in 4 to 12."""

FEWEST_SAMPLES = 200
"""Fewer points than this do not hold six unknowns of motion against noise."""

FlatArray = NDArray[np.float64]
UNKNOWNS = 11
"""Three turns, three shifts, gain, its three tilts, offset."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Fixed points of one level.

    Parameters
    ----------
    points_lps
        (n, 3) in the fixed frame.
    values, slopes
        (n,) intensity and (n, 3) its gradient per mm along LPS.
    centre_lps, radius_mm
        The bone's middle and its size, which scale turns and tilts.
    """

    points_lps: FlatArray
    values: FlatArray
    slopes: FlatArray
    centre_lps: FlatArray
    radius_mm: float

    @property
    def places(self) -> FlatArray:
        """(n, 3) place from the bone's middle over its size."""
        return (self.points_lps - self.centre_lps) / self.radius_mm


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A motion, fixed to moving, and how well the images agree under it.

    Parameters
    ----------
    transform
        The motion.
    brightness
        (5,) gain, its three tilts, offset.
    correlation
        Weighted correlation of what the model expects with what the moving image holds.
    kept_share
        Mean weight: how much of the band shows the same tissue.
    seen_share
        Share of the points that the moving image holds.
    """

    transform: RigidTransform
    brightness: FlatArray
    correlation: float
    kept_share: float
    seen_share: float


def register_level(fixed: Samples, moving: Volume, start: RigidTransform) -> Fit | None:
    """Refine a motion on one level; ``None`` if too few points are seen in the other image."""
    transform = start
    for _ in range(MAX_STEPS):
        state = _residuals(fixed, moving, transform)
        if state is None:
            return None
        change = solve(jacobian(fixed, state.gain)[state.seen], state.residual, state.weights)
        transform = transform @ increment(change[:6], fixed)
        if float(np.abs(change[:6]).max()) < STILL_MM:
            break
    return measure(fixed, moving, transform)


def measure(fixed: Samples, moving: Volume, transform: RigidTransform) -> Fit | None:
    """How well two images agree under a motion, with the brightness fitted."""
    state = _residuals(fixed, moving, transform)
    if state is None:
        return None
    expected = state.found - state.residual
    return Fit(
        transform,
        state.brightness,
        _weighted_correlation(expected, state.found, state.weights),
        float(state.weights.mean()),
        float(state.seen.mean()),
    )


def increment(motion: FlatArray, fixed: Samples) -> RigidTransform:
    """The motion of six unknowns, each in mm at the bone's rim: turns, then shifts."""
    return RigidTransform.about(fixed.centre_lps, motion[:3] / fixed.radius_mm, motion[3:])


def jacobian(fixed: Samples, gain: FlatArray) -> FlatArray:
    """(n, 11) change of ``expected - found`` with each unknown.

    A motion ``D`` of the fixed frame makes the model ``moving(T D y) = gain fixed(y)``, that
    is ``moving(T y) = gain fixed(D^-1 y)``: to first order the fixed image slides back.
    """
    slide = -gain[:, None] * fixed.slopes
    turns = np.cross(fixed.places, slide)
    values = fixed.values[:, None]
    ones = np.ones((len(fixed.values), 1))
    return np.concatenate([turns, slide, values, values * fixed.places, ones], axis=1)


def solve(slopes: FlatArray, residual: FlatArray, weights: FlatArray) -> FlatArray:
    """Weighted least squares ``slopes @ x = residual``.

    Sums run in numpy's own loops, not in BLAS, whose order changes with its threads.
    """
    columns = np.ascontiguousarray(slopes.T)
    weighted = columns * weights
    normal = np.einsum("in,jn->ij", weighted, columns)
    right = np.einsum("in,n->i", weighted, residual)
    scale = np.sqrt(np.maximum(np.diag(normal), 1e-12))
    normal = normal / np.outer(scale, scale) + 1e-7 * np.eye(len(scale))
    return np.asarray(np.linalg.solve(normal, right / scale) / scale)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    seen: NDArray[np.bool_]
    found: FlatArray
    residual: FlatArray
    weights: FlatArray
    gain: FlatArray
    brightness: FlatArray


def _residuals(fixed: Samples, moving: Volume, transform: RigidTransform) -> _State | None:
    """Interpolate, fit the brightness robustly, and weigh what is left."""
    ijk = moving.geometry.to_ijk(transform.apply(fixed.points_lps))
    last = np.asarray(moving.geometry.shape) - 1
    seen = np.all((ijk >= 0) & (ijk <= last), axis=-1)
    if np.count_nonzero(seen) < FEWEST_SAMPLES:
        return None
    found = ndimage.map_coordinates(moving.data, ijk[seen].T, order=1, output=np.float64)
    places = fixed.places
    values = fixed.values
    basis = np.concatenate(
        [values[:, None], values[:, None] * places, np.ones((len(values), 1))], axis=1
    )
    brightness, residual, weights = _fit_brightness(basis[seen], found)
    gain = brightness[0] + places @ brightness[1:4]
    return _State(seen, found, residual, weights, gain, brightness)


def _fit_brightness(basis: FlatArray, found: FlatArray) -> tuple[FlatArray, FlatArray, FlatArray]:
    weights = np.ones(len(found))
    for _ in range(4):
        brightness = solve(basis, found, weights)
        residual = found - np.einsum("ni,i->n", basis, brightness)
        scale = MAD_TO_SD * float(np.median(np.abs(residual))) + 1e-9
        weights = tukey(residual / (TUKEY_SCALES * scale))
    return brightness, residual, weights


def _weighted_correlation(first: FlatArray, second: FlatArray, weights: FlatArray) -> float:
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    a = first - float((weights * first).sum()) / total
    b = second - float((weights * second).sum()) / total
    spread = np.sqrt(float((weights * a * a).sum()) * float((weights * b * b).sum()))
    return float((weights * a * b).sum()) / float(spread) if spread > 0 else 0.0
