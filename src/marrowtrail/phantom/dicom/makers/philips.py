"""Headers as Philips scanners fill them."""

from __future__ import annotations

from marrowtrail.imaging.series import Dixon
from marrowtrail.phantom.dicom.makers.style import HeaderStyle, PixelCode, PrivateElement, Shown

_DIXON = {
    Dixon.WATER: "W",
    Dixon.FAT: "F",
    Dixon.IN_PHASE: "IP",
    Dixon.OPPOSED_PHASE: "OP",
}
_NAMES = {"pd": "PDW", "t1": "T1W", "t2": "T2W", "stir": "STIR"}
_MR = "Philips MR Imaging DD 001"

SPAIR_DELAY_MS = 110.0
"""Delay of the spectral pulse, which stands in Inversion Time though nothing else is inverted."""

SLOPES = (0.21, 0.83, 1.37, 2.68)
"""Stored values are divided by one of these, and multiplied again by who reads them."""


def philips(shown: Shown) -> HeaderStyle:
    """The header of a series on a Philips scanner.

    Stored values need the rescale slope, or the private scale slope to become comparable.
    """
    slope = SLOPES[shown.acquisition.seed % len(SLOPES)]
    return HeaderStyle(
        manufacturer="Philips Medical Systems",
        model="Ingenia",
        series_description=_description(shown),
        scanning_sequence=_sequence(shown),
        sequence_variant=("SP",) if shown.is_gradient_echo else _variant(shown),
        scan_options=("FS",) if shown.is_saturated else ("OTHER",),
        sequence_name=None,
        image_type=_image_type(shown),
        coil="SENSE-Knee-8",
        stray_inversion_ms=SPAIR_DELAY_MS if shown.is_saturated else None,
        digits=14,
        parts_share_series=True,
        pixels=PixelCode(scale=1.0 / slope, slope=slope),
        private=(PrivateElement(0x2005, _MR, 0x0E, "FL", 0.004 / slope),),
    )


def _sequence(shown: Shown) -> tuple[str, ...]:
    if shown.is_gradient_echo:
        return ("GR",)
    return ("IR",) if shown.is_stir else ("SE",)


def _variant(shown: Shown) -> tuple[str, ...]:
    return ("SK", "MP") if shown.is_stir else ("SK", "OSP")


def _description(shown: Shown) -> str:
    if shown.acquisition.is_localiser:
        return "Survey"
    parts = [shown.plane.upper(), _NAMES[shown.weighting]]
    if shown.is_saturated:
        parts.append("SPAIR")
    if shown.is_dixon:
        parts.append("mDIXON_FFE" if shown.is_gradient_echo else "mDIXON_TSE")
    elif shown.acquisition.sampling.is_3d:
        parts.append("3D_VIEW")
    elif not shown.is_stir:
        parts.append("TSE")
    if shown.agent:
        parts.append(shown.agent.replace(" ", "_"))
    return "_".join(parts)


def _image_type(shown: Shown) -> tuple[str, ...]:
    if shown.image is not None:
        code = _DIXON[shown.image]
        return ("DERIVED", "PRIMARY", code, code, "DERIVED")
    family = "FFE" if shown.is_gradient_echo else _sequence(shown)[0]
    return ("ORIGINAL", "PRIMARY", f"M_{family}", "M", family)
