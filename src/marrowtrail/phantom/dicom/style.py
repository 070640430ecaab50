"""How makers of scanners fill in the headers: names, options and descriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from marrowtrail.imaging.series import Dixon, Weighting
from marrowtrail.phantom.dicom.habits import Habits
from marrowtrail.phantom.dicom.makers.ge import ge
from marrowtrail.phantom.dicom.makers.philips import philips
from marrowtrail.phantom.dicom.makers.siemens import siemens
from marrowtrail.phantom.dicom.makers.style import HeaderStyle, Shown
from marrowtrail.phantom.scanner.acquisition import Acquisition

_MAKERS: Mapping[str, Callable[[Shown], HeaderStyle]] = {
    "siemens": siemens,
    "ge": ge,
    "philips": philips,
}

_FLUID = (Weighting.PD, Weighting.T2, Weighting.STIR)


def header_style(
    vendor: str,
    acquisition: Acquisition,
    image: Dixon | None = None,
    habits: Habits | None = None,
) -> HeaderStyle:
    """The header of one image of an acquisition as that maker fills it."""
    return _MAKERS[vendor](Shown(acquisition, image, habits or Habits()))


def is_fluid_sensitive(acquisition: Acquisition) -> bool:
    """Whether oedema is bright and fat dark in its first image."""
    weighting, suppressed = shown_contrast(acquisition, acquisition.images[0])
    return weighting in _FLUID and suppressed


def shown_contrast(acquisition: Acquisition, image: Dixon | None) -> tuple[Weighting, bool]:
    """Weighting, and whether fat is dark, of one image of an acquisition.

    Fat and opposed-phase images have no weighting (:attr:`Dixon.keeps_weighting`).
    """
    timing = acquisition.timing
    if image is None:
        return timing.weighting, timing.is_fat_suppressed
    weighting = timing.weighting if image.keeps_weighting else Weighting.UNKNOWN
    return weighting, image is Dixon.WATER
