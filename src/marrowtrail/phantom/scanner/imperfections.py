"""What the scanner makes of a painted limb: all that this package does to it, in order."""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.grids import Field
from marrowtrail.phantom.painting.layers import Layers, Levels
from marrowtrail.phantom.scanner.acquisition import Acquisition
from marrowtrail.phantom.scanner.chemical_shift import shifted
from marrowtrail.phantom.scanner.coil import coil_profile, shading_field
from marrowtrail.phantom.scanner.fat_suppression import calculated, share_failing, suppressed
from marrowtrail.phantom.scanner.metal import fat_failing, with_metal
from marrowtrail.phantom.scanner.motion import pulsation
from marrowtrail.phantom.scanner.sampling import magnitude_of
from marrowtrail.phantom.scanner.tissue import Tissue
from marrowtrail.phantom.scanner.wrap import folded

PIXEL_MAX = 1400.0
"""Stored value of the brightest tissue at full gain; scanners stay well inside 12 bits."""

GAIN = (0.35, 0.8)
"""The receiver is set anew for every series."""

BRIGHT = (Tissue.FAT, Tissue.MUSCLE, Tissue.OEDEMA)
"""Tissues whose signal sets the scale: one of them is bright in any sequence."""

QUIETEST = 0.08
"""Normalisation does not raise places that the coil hardly hears by more than the inverse."""


def with_imperfections(
    layers: Layers,
    acquisition: Acquisition,
    level: Levels,
    rng: np.random.Generator,
) -> tuple[Field, ...]:
    """Every image of an acquisition, on the grid of the series.

    Parameters
    ----------
    layers
        (2, i, j, k) on the painted grid (:attr:`Acquisition.painted`), with the nominal
        suppression in the fat.
    level
        Signal of every tissue; noise is that of the brightest over the series'
        signal-to-noise ratio.
    """
    brightest = max(float(level[tissue].sum()) for tissue in BRIGHT)
    sampling, flaws, onto = acquisition.sampling, acquisition.flaws, acquisition.painted
    left = _as_suppressed(layers, acquisition, rng)
    left[1] = shifted(left[1], sampling.read_axis, sampling.fat_shift_px)
    profile = coil_profile(onto, rng)
    heard = profile * shading_field(onto.shape, acquisition.shading, rng)
    even = np.maximum(profile[acquisition.kept], np.float32(QUIETEST)) ** (1.0 - flaws.coil)
    ghosts = pulsation(acquisition, brightest, rng)
    gain = np.float32(PIXEL_MAX / brightest * rng.uniform(*GAIN))
    images = []
    for image in acquisition.images:
        picture = folded(
            heard * calculated(left, image), sampling.phase_axis, acquisition.margin_px
        )
        if ghosts is not None:
            picture = picture + ghosts
        magnitude = magnitude_of(picture, acquisition, brightest / acquisition.snr, rng)
        images.append(np.asarray(magnitude / even * gain, dtype=np.float32))
    return tuple(images)


def _as_suppressed(layers: Layers, acquisition: Acquisition, rng: np.random.Generator) -> Layers:
    """Water and fat as they are after the preparation, metal included."""
    screw, onto = acquisition.flaws.screw, acquisition.painted
    failing = share_failing(layers, acquisition, rng)
    if screw is None:
        return suppressed(layers, acquisition, failing, rng).copy()
    failing = np.maximum(failing, fat_failing(screw, onto))
    left = suppressed(layers, acquisition, failing, rng)
    return with_metal(left, screw, onto, acquisition.sampling.read_axis)
