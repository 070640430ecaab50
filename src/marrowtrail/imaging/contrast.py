"""Weighting and fat suppression of a series: from physics first, from names second.

Names are what a technician typed; TR, TE, TI and the scanner's own option codes are what was
done. A name is asked only where physics is silent, and the reason says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.series import Contrast, Weighting

STIR_TI_MS = (80.0, 260.0)
"""Inversion times that null fat between 0.3 and 3 T; FLAIR starts near 1,700 ms."""

SHORT_TR_MS = 1100.0
"""T1-weighted spin echoes of joints have 400 to 900 ms; proton density starts at 1,500."""

LONG_TE_MS = 60.0
"""Above it a long-TR image is T2-weighted, below it proton density ("intermediate")."""

SHORT_TE_MS = 30.0
"""Longest echo time of a T1-weighted spin echo."""

_FAT_OPTIONS = frozenset({"FS", "SFS", "FATSAT", "FAT_SAT", "SPIR", "SPAIR", "FC_FS", "CHESS"})
"""Codes of chemical fat suppression in ScanOptions: the standard's FS (Siemens, Philips), GE's
SFS for spectral-spatial pulses, and vendors' names for the pulses."""

_DIXON_WITH_FAT = frozenset({"FAT", "IN_PHASE", "OUT_PHASE", "OPP_PHASE"})

_FAT_NAMES = re.compile(
    r"(?<![A-Z])(FS|FATSAT|FAT[ _-]?SAT|SPAIR|SPIR|FATSUP|FSAT)(?![A-Z])|_FS|FS_|STIR|TIRM"
)
_WATER_NAMES = re.compile(r"(?<![A-Z])(WATER|DIXON_W|DIXON WATER|WFS)(?![A-Z])")
_STIR_NAMES = re.compile(r"STIR|TIRM|(?<![A-Z])TIR(?![A-Z])")


@dataclass(frozen=True, slots=True)
class Physics:
    """What the header says of how an image was made. ``None`` is not known."""

    repetition_ms: float | None
    echo_ms: float | None
    inversion_ms: float | None
    flip_deg: float | None
    sequence: frozenset[str]
    options: frozenset[str]
    sequence_name: str
    has_contrast_agent: bool
    image_type: frozenset[str]
    names: str

    @classmethod
    def of(cls, header: Header) -> Physics:
        """From one slice's header."""
        names = " ".join(header.text(tag) for tag in ("SeriesDescription", "ProtocolName")).upper()
        return cls(
            header.number("RepetitionTime"),
            header.number("EchoTime"),
            header.number("InversionTime"),
            header.number("FlipAngle"),
            frozenset(header.words("ScanningSequence")),
            frozenset(header.words("ScanOptions")),
            (header.text("SequenceName") or header.text("PulseSequenceName")).lower(),
            bool(header.text("ContrastBolusAgent")),
            frozenset(header.words("ImageType")),
            names,
        )


def read_contrast(physics: Physics) -> Contrast:
    """Weighting and fat suppression, with the sentence that says why."""
    if _is_inversion_recovery(physics):
        return Contrast(
            Weighting.STIR,
            True,
            f"inversion recovery with TI {physics.inversion_ms:.0f} ms, which nulls fat",
        )
    weighting, why = _weighting(physics)
    suppressed, why_fat = _fat(physics)
    if weighting is Weighting.STIR:
        return Contrast(weighting, True, why)
    return Contrast(weighting, suppressed, f"{why}; {why_fat}")


def _is_inversion_recovery(physics: Physics) -> bool:
    ti = physics.inversion_ms
    in_range = ti is not None and STIR_TI_MS[0] <= ti <= STIR_TI_MS[1]
    # A gradient echo with TI in this range is a T1-weighted magnetisation preparation.
    return in_range and ("GR" not in physics.sequence or "tir" in physics.sequence_name)


def _weighting(physics: Physics) -> tuple[Weighting, str]:
    tr, te = physics.repetition_ms, physics.echo_ms
    if tr is None or te is None:
        return _weighting_by_name(physics.names)
    timing = f"TR {tr:.0f} ms, TE {te:.0f} ms"
    if "GR" in physics.sequence:
        flip = physics.flip_deg or 0.0
        if te < 12.0 and tr < SHORT_TR_MS and flip >= 15.0:
            return Weighting.T1, f"gradient echo, {timing}, flip {flip:.0f} degrees"
        return Weighting.T2_STAR, f"gradient echo, {timing}"
    if tr < SHORT_TR_MS and te <= SHORT_TE_MS:
        return Weighting.T1, f"spin echo, {timing}"
    if tr >= SHORT_TR_MS:
        return (Weighting.T2 if te >= LONG_TE_MS else Weighting.PD), f"spin echo, {timing}"
    return Weighting.UNKNOWN, f"{timing} fits no usual weighting"


def _weighting_by_name(names: str) -> tuple[Weighting, str]:
    if _STIR_NAMES.search(names):
        return Weighting.STIR, "by its name only: TR, TE or TI are missing"
    for weighting, pattern in (
        (Weighting.T1, r"(?<![A-Z0-9])T1"),
        (Weighting.T2_STAR, r"T2\s*\*|T2STAR|MEDIC|MERGE"),
        (Weighting.T2, r"(?<![A-Z0-9])T2"),
        (Weighting.PD, r"(?<![A-Z])(PD|PROTON|IW)(?![A-Z])|PDW|PD_"),
    ):
        if re.search(pattern, names):
            return weighting, "by its name only: TR or TE are missing"
    return Weighting.UNKNOWN, "TR or TE are missing and the name does not tell"


def _fat(physics: Physics) -> tuple[bool | None, str]:
    """The first rule that speaks decides: option codes, then image type, then names."""
    options = ", ".join(sorted(physics.options & _FAT_OPTIONS))
    rules: tuple[tuple[object, bool, str], ...] = (
        (options, True, f"fat suppressed (scan option {options})"),
        (
            "fs" in re.split(r"[^a-z]+", physics.sequence_name),
            True,
            "fat suppressed (sequence name)",
        ),
        ("WATER" in physics.image_type, True, "water image of a Dixon series"),
        (physics.image_type & _DIXON_WITH_FAT, False, "Dixon image with the fat in it"),
        (
            _FAT_NAMES.search(physics.names) or _WATER_NAMES.search(physics.names),
            True,
            "fat suppressed by its name only; no scan option says so",
        ),
        (
            physics.options or physics.sequence,
            False,
            "no scan option and no name speaks of fat suppression",
        ),
    )
    for applies, suppressed, why in rules:
        if applies:
            return suppressed, why
    return None, "nothing says whether fat was suppressed"
