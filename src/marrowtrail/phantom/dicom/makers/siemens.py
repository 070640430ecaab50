"""Headers as Siemens scanners fill them."""

from __future__ import annotations

from marrowtrail.imaging.series import Dixon
from marrowtrail.phantom.dicom.makers.style import HeaderStyle, PrivateElement, Shown

_DIXON = {
    Dixon.WATER: ("W", "WATER"),
    Dixon.FAT: ("F", "FAT"),
    Dixon.IN_PHASE: ("in", "IN_PHASE"),
    Dixon.OPPOSED_PHASE: ("opp", "OUT_PHASE"),
}
_HEADER = "SIEMENS MR HEADER"


def siemens(shown: Shown) -> HeaderStyle:
    """The header of a series on a Siemens scanner."""
    return HeaderStyle(
        manufacturer="SIEMENS",
        model="Skyra" if shown.acquisition.timing.field_t > 2.0 else "Aera",
        series_description=_description(shown),
        scanning_sequence=_sequence(shown),
        sequence_variant=("SK", "SP", "MP", "OSP") if shown.is_stir else ("SK", "SP", "OSP"),
        scan_options=_options(shown),
        sequence_name=_name(shown),
        image_type=_image_type(shown),
        coil="TxRx_Knee_15Ch",
        private=(
            PrivateElement(0x0051, _HEADER, 0x0F, "LO", "T:KNE"),
            PrivateElement(0x0051, _HEADER, 0x0E, "LO", shown.acquisition.plane.value[:3].title()),
        ),
    )


def _sequence(shown: Shown) -> tuple[str, ...]:
    if shown.is_gradient_echo:
        return ("GR",)
    return ("SE", "IR") if shown.is_stir else ("SE",)


def _options(shown: Shown) -> tuple[str, ...]:
    if shown.acquisition.is_localiser:
        return ()
    if shown.is_stir:
        return ("IR",)
    return ("PFP", "FS") if shown.is_saturated else ("PFP",)


def _name(shown: Shown) -> str:
    train = shown.acquisition.echo_train
    if shown.is_gradient_echo:
        return "*fl2d1" if shown.acquisition.is_localiser else "*fl2d2"
    if shown.acquisition.sampling.is_3d:
        return "*spcR3d1_" + str(train)
    return f"*tir2d1_{train}" if shown.is_stir else f"*tse2d1_{train}"


def _description(shown: Shown) -> str:
    if shown.acquisition.is_localiser:
        return "localizer"
    word = shown.weighting
    kind = "t2_tirm" if shown.is_stir else f"{word}_tse"
    if shown.acquisition.sampling.is_3d:
        kind = f"{word}_spc"
    if shown.image is not None:
        kind = f"{word}_fl2d_dixon" if shown.is_gradient_echo else f"{word}_tse_dixon"
    parts = [kind, shown.plane]
    if shown.is_saturated:
        parts.append(shown.habits.words.fat.replace(" ", ""))
    if shown.acquisition.sampling.is_3d:
        parts.append("iso")
    if shown.agent:
        parts.append(shown.agent.replace(" ", "_"))
    if shown.image is not None:
        parts.append(_DIXON[shown.image][0])
    return "_".join(parts)


def _image_type(shown: Shown) -> tuple[str, ...]:
    if shown.image is None:
        return ("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D")
    made = "ORIGINAL" if shown.image is Dixon.IN_PHASE else "DERIVED"
    return (made, "PRIMARY", "DIXON", _DIXON[shown.image][1])
