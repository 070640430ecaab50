"""How makers of scanners fill in the headers: names, options and descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from marrowtrail.imaging.series import Plane, Weighting
from marrowtrail.phantom.protocol import Acquisition

PLANE_SHORT = {Plane.SAGITTAL: "sag", Plane.CORONAL: "cor", Plane.AXIAL: "tra"}


@dataclass(frozen=True, slots=True)
class HeaderStyle:
    """What a maker writes about one series."""

    manufacturer: str
    model: str
    series_description: str
    scanning_sequence: tuple[str, ...]
    sequence_variant: tuple[str, ...]
    scan_options: tuple[str, ...]
    sequence_name: str | None
    image_type: tuple[str, ...]


def header_style(vendor: str, acquisition: Acquisition) -> HeaderStyle:
    """The header of a series as that maker fills it."""
    return {"siemens": _siemens, "ge": _ge, "philips": _philips}[vendor](acquisition)


def _word(acquisition: Acquisition) -> str:
    return {"t1": "t1", "pd": "pd", "t2": "t2", "stir": "stir"}[acquisition.timing.weighting.value]


def _siemens(acquisition: Acquisition) -> HeaderStyle:
    word, plane = _word(acquisition), PLANE_SHORT[acquisition.plane]
    saturated = acquisition.timing.is_fat_suppressed and word != "stir"
    if acquisition.is_localiser:
        return HeaderStyle(
            "SIEMENS",
            "Skyra",
            "localizer",
            ("GR",),
            ("SP", "OSP"),
            (),
            "*fl2d1",
            ("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
        )
    kind = "tirm" if word == "stir" else f"{word}_tse"
    train = acquisition.echo_train
    return HeaderStyle(
        manufacturer="SIEMENS",
        model="Skyra",
        series_description=f"{kind}_{plane}{'_fs' if saturated else ''}",
        scanning_sequence=("SE", "IR") if word == "stir" else ("SE",),
        sequence_variant=("SK", "SP", "MP", "OSP") if word == "stir" else ("SK", "SP", "OSP"),
        scan_options=("IR",) if word == "stir" else (("PFP", "FS") if saturated else ("PFP",)),
        sequence_name=f"*tir2d1_{train}" if word == "stir" else f"*tse2d1_{train}",
        image_type=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"),
    )


def _ge(acquisition: Acquisition) -> HeaderStyle:
    word, plane = _word(acquisition).upper(), PLANE_SHORT[acquisition.plane].upper()
    plane = {"SAG": "SAG", "COR": "COR", "TRA": "AX"}[plane]
    if acquisition.is_localiser:
        return HeaderStyle(
            "GE MEDICAL SYSTEMS",
            "DISCOVERY MR750",
            "3-Plane Loc SSFSE",
            ("GR",),
            ("SS",),
            ("FAST_GEMS",),
            None,
            ("ORIGINAL", "PRIMARY", "OTHER"),
        )
    saturated = acquisition.timing.is_fat_suppressed and word != "STIR"
    return HeaderStyle(
        manufacturer="GE MEDICAL SYSTEMS",
        model="DISCOVERY MR750",
        series_description=f"{plane} {word}{' FS' if saturated else ''} FSE".replace(
            "STIR FSE", "STIR"
        ),
        scanning_sequence=("SE", "IR") if word == "STIR" else ("SE",),
        sequence_variant=("SK",),
        scan_options=("FAST_GEMS", "NPW", "TRF_GEMS", *(("FS",) if saturated else ())),
        sequence_name=None,
        image_type=("ORIGINAL", "PRIMARY", "OTHER"),
    )


def _philips(acquisition: Acquisition) -> HeaderStyle:
    word, plane = _word(acquisition).upper(), PLANE_SHORT[acquisition.plane].upper()
    if acquisition.is_localiser:
        return HeaderStyle(
            "Philips Medical Systems",
            "Ingenia",
            "Survey",
            ("GR",),
            ("SP",),
            (),
            None,
            ("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"),
        )
    saturated = acquisition.timing.is_fat_suppressed and word != "STIR"
    family = "IR" if word == "STIR" else "SE"
    name = {"PD": "PDW", "T1": "T1W", "T2": "T2W", "STIR": "STIR"}[word]
    return HeaderStyle(
        manufacturer="Philips Medical Systems",
        model="Ingenia",
        series_description=f"{plane} {name}{'_SPAIR' if saturated else ''}"
        + ("" if word == "STIR" else "_TSE"),
        scanning_sequence=(family,),
        sequence_variant=("SK", "OSP") if word != "STIR" else ("SK", "MP"),
        scan_options=("FS",) if saturated else ("OTHER",),
        sequence_name=None,
        image_type=("ORIGINAL", "PRIMARY", f"M_{family}", "M", family),
    )


def is_fluid_sensitive(acquisition: Acquisition) -> bool:
    """Whether oedema is bright and fat dark in it."""
    fluid = acquisition.timing.weighting in (Weighting.PD, Weighting.T2, Weighting.STIR)
    return fluid and acquisition.timing.is_fat_suppressed
