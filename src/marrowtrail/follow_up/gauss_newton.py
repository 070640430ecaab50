"""Robust Gauss-Newton registration of one bone by its intensities.

One image is *fixed*: it is sampled at its own voxels in a band around the bone. The other is
*moving*: it is interpolated where the motion carries those points. With ``y`` a fixed point,
``u`` its place from the bone's middle in units of the bone's size and ``T`` the motion,

    moving(T y)  =  curve(fixed(y)) * (1 + tilt . u)

holds for tissue that did not change (:mod:`.brightness`). An increment is sought in the fixed
frame (inverse compositional, Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd),
so slopes are taken once and only where voxels are. Points that do not fit get Tukey's biweight:
an oedema that appears or vanishes drops out instead of pulling.

It fails where less than half of the band shows the same tissue, and along any direction in
which the bone looks alike everywhere (the axis of a plain shaft); :mod:`.verification` is
there to notice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.follow_up.brightness import (
    Brightness,
    bends,
    fit_brightness,
    outlier_weights,
    solve,
)
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume

STILL_MM = 0.004
"""A step that moves the bone's rim by less ends a level."""

MAX_STEPS = 25
"""Steps a level may take. Levels that converge do so in 4 to 12."""

FEWEST_SAMPLES = 200
"""Fewer points than this do not hold six unknowns of motion against noise."""

MOTIONS = 6
"""Unknowns of motion, before those of brightness: three turns, three shifts."""

FlatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Fixed points of one level.

    Parameters
    ----------
    points_lps
        (n, 3) in the fixed frame.
    values, slopes
        (n,) intensity and (n, 3) its gradient per mm along LPS.
    edges
        (n,) the steeper half of the points.
    knots
        (k,) brightness at which the map to the moving image has its knots.
    trust
        (n,) weight before any residual is seen.
    centre_lps, radius_mm
        The bone's middle and its size, which scale turns and tilts.
    """

    points_lps: FlatArray
    values: FlatArray
    slopes: FlatArray
    edges: NDArray[np.bool_]
    knots: FlatArray
    trust: FlatArray
    centre_lps: FlatArray
    radius_mm: float

    @property
    def places(self) -> FlatArray:
        """(n, 3) place from the bone's middle over its size."""
        return (self.points_lps - self.centre_lps) / self.radius_mm


@dataclass(frozen=True, slots=True, eq=False)
class Moving:
    """An image to look up between its voxels.

    Parameters
    ----------
    coefficients
        Voxels, or for ``order`` 3 their spline coefficients.
    order
        1 linear, 3 cubic.
    """

    coefficients: Volume
    order: int

    @classmethod
    def of(cls, image: Volume, order: int) -> Moving:
        """Make an image ready for looking up."""
        if order == 1:
            return cls(image, order)
        data = ndimage.spline_filter(image.data, order, output=np.float32, mode="mirror")
        return cls(image.with_data(data), order)

    def at(self, points_lps: FlatArray) -> tuple[NDArray[np.bool_], FlatArray]:
        """(n,) which points the image holds, and the values of those."""
        ijk = self.coefficients.geometry.to_ijk(points_lps)
        last = np.asarray(self.coefficients.geometry.shape) - 1
        seen = np.all((ijk >= 0) & (ijk <= last), axis=-1)
        values = ndimage.map_coordinates(
            self.coefficients.data,
            ijk[seen].T,
            order=self.order,
            output=np.float64,
            mode="mirror",
            prefilter=False,
        )
        return np.asarray(seen), values


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A motion, fixed to moving, and how well the images agree under it.

    Parameters
    ----------
    transform
        The motion.
    brightness
        How the fixed image's brightness becomes the moving one's.
    correlation
        Weighted correlation of what the model expects with what the moving image holds.
    kept_share
        Mean weight: how much of the band shows the same tissue.
    seen_share
        Share of the points that the moving image holds.
    """

    transform: RigidTransform
    brightness: Brightness
    correlation: float
    kept_share: float
    seen_share: float


def register_level(fixed: Samples, moving: Moving, start: RigidTransform) -> Fit | None:
    """Refine a motion on one level; ``None`` if too few points are seen in the other image."""
    transform, brightness = start, None
    for _ in range(MAX_STEPS):
        state = _residuals(fixed, moving, transform, brightness)
        if state is None:
            return None
        change = solve(
            jacobian(fixed, state.brightness)[state.seen],
            state.residual,
            state.weights,
            bends(state.brightness, before=MOTIONS),
        )
        transform = transform @ increment(change[:MOTIONS], fixed)
        brightness = state.brightness.changed(change[MOTIONS:])
        if float(np.abs(change[:MOTIONS]).max()) < STILL_MM:
            break
    return measure(fixed, moving, transform)


def measure(fixed: Samples, moving: Moving, transform: RigidTransform) -> Fit | None:
    """How well two images agree under a motion, with the brightness fitted."""
    state = _residuals(fixed, moving, transform)
    if state is None:
        return None
    expected = state.found - state.residual
    return Fit(
        transform,
        state.brightness,
        _weighted_correlation(expected, state.found, state.weights),
        float(state.weights.sum() / fixed.trust[state.seen].sum()),
        float(state.seen.mean()),
    )


def increment(motion: FlatArray, fixed: Samples) -> RigidTransform:
    """The motion of six unknowns, each in mm at the bone's rim: turns, then shifts."""
    return RigidTransform.about(fixed.centre_lps, motion[:3] / fixed.radius_mm, motion[3:])


def jacobian(fixed: Samples, brightness: Brightness) -> FlatArray:
    """(n, 6 + k + 3) change of what is expected with each unknown.

    A motion ``D`` of the fixed frame makes the model ``moving(T D y) = map(fixed(y))``, that
    is ``moving(T y) = map(fixed(D^-1 y))``: to first order the fixed image slides back.
    """
    places = fixed.places
    slide = -brightness.gain(fixed.values, places)[:, None] * fixed.slopes
    turns = np.cross(places, slide)
    return np.concatenate([turns, slide, brightness.columns(fixed.values, places)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    seen: NDArray[np.bool_]
    found: FlatArray
    residual: FlatArray
    weights: FlatArray
    brightness: Brightness


def _residuals(
    fixed: Samples, moving: Moving, transform: RigidTransform, brightness: Brightness | None = None
) -> _State | None:
    """Interpolate, fit the brightness unless it is given, and weigh what is left."""
    seen, found = moving.at(transform.apply(fixed.points_lps))
    if np.count_nonzero(seen) < FEWEST_SAMPLES:
        return None
    values, places = fixed.values[seen], fixed.places[seen]
    edges, trust = fixed.edges[seen], fixed.trust[seen]
    if brightness is None:
        brightness = fit_brightness(values, places, found, fixed.knots, edges, trust)
    residual = found - brightness.expected(values, places)
    return _State(seen, found, residual, trust * outlier_weights(residual, edges), brightness)


def _weighted_correlation(first: FlatArray, second: FlatArray, weights: FlatArray) -> float:
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    a = first - float((weights * first).sum()) / total
    b = second - float((weights * second).sum()) / total
    spread = np.sqrt(float((weights * a * a).sum()) * float((weights * b * b).sum()))
    return float((weights * a * b).sum()) / float(spread) if spread > 0 else 0.0
