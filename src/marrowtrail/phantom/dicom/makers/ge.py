"""Headers as GE scanners fill them."""

from __future__ import annotations

from marrowtrail.imaging.series import Dixon, Plane
from marrowtrail.phantom.dicom.makers.style import HeaderStyle, PixelCode, PrivateElement, Shown

_DIXON = {
    Dixon.WATER: ("WATER", "WATER"),
    Dixon.FAT: ("FAT", "FAT"),
    Dixon.IN_PHASE: ("InPhase", "IN_PHASE"),
    Dixon.OPPOSED_PHASE: ("OutPhase", "OUT_PHASE"),
}
_ACQUISITION = "GEMS_ACQU_01"
_PLANES = {Plane.SAGITTAL: "SAG", Plane.CORONAL: "COR", Plane.AXIAL: "AX"}


def ge(shown: Shown) -> HeaderStyle:
    """The header of a series on a GE scanner.

    Inversion Time is 0 where nothing is inverted, and pixels are signed.
    """
    return HeaderStyle(
        manufacturer="GE MEDICAL SYSTEMS",
        model="DISCOVERY MR750" if shown.acquisition.timing.field_t > 2.0 else "Optima MR450w",
        series_description=_description(shown),
        scanning_sequence=_sequence(shown),
        sequence_variant=("SS",) if shown.is_gradient_echo else ("SK",),
        scan_options=_options(shown),
        sequence_name=None,
        image_type=_image_type(shown),
        coil="HD TR Knee PA",
        stray_inversion_ms=0.0,
        digits=6,
        pixels=PixelCode(bits_stored=16, is_signed=True, scale=4.0),
        private=(
            PrivateElement(0x0019, _ACQUISITION, 0x9C, "LO", _pulse_sequence(shown)),
            PrivateElement(0x0019, _ACQUISITION, 0x7E, "SS", 2 if shown.is_dixon else 1),
        ),
    )


def _sequence(shown: Shown) -> tuple[str, ...]:
    if shown.is_gradient_echo:
        return ("GR",)
    return ("SE", "IR") if shown.is_stir else ("SE",)


def _options(shown: Shown) -> tuple[str, ...]:
    if shown.is_gradient_echo:
        return ("FAST_GEMS",)
    plain = ("FAST_GEMS", "NPW", "TRF_GEMS", "FILTERED_GEMS")
    return (*plain, "FS") if shown.is_saturated else plain


def _pulse_sequence(shown: Shown) -> str:
    if shown.is_gradient_echo:
        return "FSPGR"
    if shown.acquisition.sampling.is_3d:
        return "CubeV2"
    return "FSE-IR" if shown.is_stir else "FSE-XL"


def _description(shown: Shown) -> str:
    if shown.acquisition.is_localiser:
        return "3-Plane Loc"
    parts = [_PLANES[shown.acquisition.plane], shown.weighting.upper()]
    if shown.is_saturated:
        parts.append(shown.habits.words.fat.upper())
    if shown.image is not None:
        parts.append("LAVA Flex" if shown.is_gradient_echo else "FSE Flex")
    elif shown.acquisition.sampling.is_3d:
        parts.append("CUBE")
    elif not shown.is_stir:
        parts.append("FSE")
    if shown.agent:
        parts.append("+C" if shown.habits.language == "en" else shown.agent.upper())
    name = " ".join(parts)
    return name if shown.image is None else f"{_DIXON[shown.image][0]}: {name}"


def _image_type(shown: Shown) -> tuple[str, ...]:
    if shown.image is None:
        return ("ORIGINAL", "PRIMARY", "OTHER")
    return ("DERIVED", "PRIMARY", "DIXON", _DIXON[shown.image][1])
