"""What a maker writes about one series, and the questions that all makers ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from marrowtrail.imaging.series import Dixon, Weighting
from marrowtrail.phantom.dicom.habits import Habits
from marrowtrail.phantom.scanner.acquisition import Acquisition

PrivateVR = Literal["LO", "SH", "DS", "FL", "SS", "CS"]


@dataclass(frozen=True, slots=True)
class PrivateElement:
    """An element of a maker's private block, by the block's creator and its last two digits."""

    group: int
    creator: str
    element: int
    vr: PrivateVR
    value: str | float | int


@dataclass(frozen=True, slots=True)
class PixelCode:
    """How a maker stores signal: ``display = stored * slope + intercept``.

    ``slope`` is ``None`` where the header does not speak of it. ``scale`` multiplies the
    signal before it is stored.
    """

    bits_stored: int = 12
    is_signed: bool = False
    scale: float = 1.0
    slope: float | None = None
    intercept: float = 0.0

    @property
    def highest(self) -> int:
        """The largest value that fits."""
        return int(2 ** (self.bits_stored - int(self.is_signed)) - 1)


@dataclass(frozen=True, slots=True)
class HeaderStyle:
    """What a maker writes about one series.

    ``stray_inversion_ms`` is what the maker leaves in Inversion Time where nothing inverts all,
    against the standard.
    ``digits`` are the significant digits of positions and directions.
    ``parts_share_series`` says that all images of a Dixon acquisition are one series.
    """

    manufacturer: str
    model: str
    series_description: str
    scanning_sequence: tuple[str, ...]
    sequence_variant: tuple[str, ...]
    scan_options: tuple[str, ...]
    sequence_name: str | None
    image_type: tuple[str, ...]
    coil: str
    stray_inversion_ms: float | None = None
    digits: int = 10
    parts_share_series: bool = False
    pixels: PixelCode = PixelCode()
    private: tuple[PrivateElement, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One image of an acquisition, as a maker's header asks about it."""

    acquisition: Acquisition
    image: Dixon | None
    habits: Habits

    @property
    def weighting(self) -> str:
        """``t1``, ``pd``, ``t2`` or ``stir``."""
        return self.acquisition.timing.weighting.value

    @property
    def is_stir(self) -> bool:
        """Fat is nulled by inversion."""
        return self.acquisition.timing.weighting is Weighting.STIR

    @property
    def is_gradient_echo(self) -> bool:
        """A gradient echo, as every localiser here."""
        return self.acquisition.is_localiser or self.acquisition.timing.flip_deg is not None

    @property
    def is_saturated(self) -> bool:
        """Fat is saturated by its frequency."""
        return self.acquisition.timing.fat_left < 1.0

    @property
    def is_dixon(self) -> bool:
        """One of the images of a Dixon acquisition."""
        return self.image is not None

    @property
    def plane(self) -> str:
        """The plane in the language of the hospital."""
        return self.habits.words.planes[self.acquisition.plane]

    @property
    def agent(self) -> str:
        """The words for a contrast agent; empty without."""
        return self.habits.words.agent if self.acquisition.timing.after_agent else ""
