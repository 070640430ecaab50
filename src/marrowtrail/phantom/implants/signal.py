"""Lay lesions into a real series: what water would make of its marrow.

The signal that water has in oedema is read from the series itself. Where fat is suppressed it
lies between marrow and the brightest fluid; where it is not, near muscle, brightened by oedema's
longer T2. Smooth signal is scaled towards it, and what lies on it, texture and noise, is kept:
texture scaled with the signal, noise as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from marrowtrail.imaging.geometry import Geometry
from marrowtrail.imaging.volume import Volume, resample
from marrowtrail.phantom.implants.lesion import ImplantShape, read_on
from marrowtrail.phantom.implants.place import Marrow
from marrowtrail.phantom.implants.tissue_samples import TissueSamples, pixel_mm, slices_first

Field = NDArray[np.float64]

OEDEMA_OF_FLUID = 0.4
"""Water in oedema reaches this share of the way from marrow to the brightest fluid on a fat-
suppressed series: its T2 is some 90 ms against fluid's 600 and more, and fluid's brightest
fifth of a per cent is the top of its noise. The oedema that readers outlined (1.6 to 2.1 of
marrow, where fluid is 4.9 to 7.7) is then two fifths water, as is likely."""

DARK_MOST = 0.8
"""Without fat suppression water is at most this share of marrow. Where marrow is red and muscle
fatty, muscle can be as bright as marrow, and oedema is still seen dark: the four patients that
readers outlined have it at 0.53 to 0.95 of marrow."""

MUSCLE_T2_MS, OEDEMA_T2_MS = 34.0, 90.0
"""10.1016/j.mri.2008.02.017 for muscle at 3 T; that of oedema lies between it and fluid."""

USUAL_ECHO_MS = 12.0
"""Echo time taken for a T1 series that does not tell its own (NIfTI)."""

FLUID_PERCENTILE = 99.8
"""The brightest fifth of a per cent of the body is fluid where fluid is bright."""

BASE_MM = 1.5
"""Signal smoothed by this is scaled; what is left over is texture and noise."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Signal of normal marrow and of water in oedema in one series, in its own units.

    ``deviation`` is that of marrow from voxel to voxel, as a share of its signal, and
    ``noise_share`` the part of its variance that is noise.
    """

    marrow: float
    water: float
    deviation: float
    noise_share: float

    @property
    def ratio(self) -> float:
        """What marrow would be multiplied with, were all of it replaced."""
        return self.water / self.marrow


def levels_of(
    series: Volume,
    samples: TissueSamples,
    normal: NDArray[np.bool_],
    *,
    suppressed: bool,
    echo_ms: float | None = None,
) -> Levels:
    """Read them from a series.

    Parameters
    ----------
    series
        On the grid of ``samples``.
    normal
        ``(slice, row, column)`` marrow without oedema.
    suppressed
        Whether fat is suppressed, so that water is bright.
    echo_ms
        Echo time, for series without fat suppression; a usual one of T1 where not known.
    """
    data = slices_first(series)
    marrow = float(np.median(data[normal]))
    muscle = float(np.median(data[samples.muscle]))
    if suppressed:
        fluid = float(np.percentile(data[samples.body], FLUID_PERCENTILE))
        water = marrow + OEDEMA_OF_FLUID * max(fluid - marrow, 0.0)
    else:
        echo = USUAL_ECHO_MS if echo_ms is None else echo_ms
        longer = np.exp(echo / MUSCLE_T2_MS - echo / OEDEMA_T2_MS)
        water = min(muscle * float(longer), DARK_MOST * marrow)
    fine = data - _base(data, pixel_mm(series.geometry))
    noise, all_of_it = (_spread(fine[mask]) for mask in (samples.muscle, normal))
    return Levels(marrow, water, all_of_it / marrow, min(1.0, (noise / all_of_it) ** 2))


def _spread(values: NDArray[np.floating]) -> float:
    """Standard deviation, from the middle half: streaks of fat and vessels are not noise."""
    low, high = np.percentile(values, [25, 75])
    return max(float(high - low) / 1.349, 1e-9)


def lay_in(
    series: Volume, shapes: Sequence[ImplantShape], marrow: Marrow, levels: Levels
) -> Volume:
    """The series with lesions in its marrow."""
    water = wetness(series.geometry, shapes, marrow)
    wet = np.asarray(slices_first(Volume(water, series.geometry)))
    data = np.asarray(slices_first(series), dtype=np.float64)
    base = _base(data, pixel_mm(series.geometry))
    scale = 1.0 + wet * (levels.ratio - 1.0)
    noise = levels.noise_share
    fine = np.sqrt((1.0 - noise) * scale**2 + noise)
    laid = np.where(wet > 0, base * scale + (data - base) * fine, data)
    moved = np.moveaxis(np.maximum(laid, 0.0), 0, series.geometry.through_plane_axis)
    return series.with_data(np.ascontiguousarray(moved, dtype=np.float32))


def wetness(geometry: Geometry, shapes: Sequence[ImplantShape], marrow: Marrow) -> Field:
    """(i, j, k) share of water that the lesions bring to each voxel, 0 outside marrow."""
    share = _share_on(geometry, marrow)
    total = np.zeros(geometry.shape)
    for shape in shapes:
        block, water, _ = read_on(shape, geometry)
        total[block] = np.maximum(total[block], water * share[block])
    return total


def outline_of(
    shape: ImplantShape, geometry: Geometry, marrow: Marrow
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(i, j, k) voxels that lie mostly within the lesion's edge, and those that are marrow.

    Truth is where both hold.
    """
    whole = np.zeros(geometry.shape, dtype=bool)
    block, _, lesion = read_on(shape, geometry)
    whole[block] = lesion > 0.5
    proper = np.moveaxis(marrow.proper, 0, marrow.geometry.through_plane_axis)
    if marrow.geometry.same_grid(geometry):
        return whole, proper
    moved = resample(Volume(proper.astype(np.uint8), marrow.geometry), geometry, order=0)
    return whole, np.asarray(moved.data > 0)


def _share_on(geometry: Geometry, marrow: Marrow) -> Field:
    share = marrow.share_volume()
    if marrow.geometry.same_grid(geometry):
        return np.asarray(share.data, dtype=np.float64)
    return np.asarray(resample(share, geometry).data, dtype=np.float64)


def _base(data: NDArray[np.floating], pixel: float) -> Field:
    sigma = BASE_MM / pixel
    return np.asarray(ndimage.gaussian_filter(data, (0, sigma, sigma)), dtype=np.float64)
