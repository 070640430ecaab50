"""Weighting and fat suppression of a series: from physics first, from names second.

Names are what a technician typed; TR, TE, TI and the scanner's own option codes are what was
done. A name is asked only where physics is silent, and the reason says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from marrowtrail.imaging.agent import given_by_header, given_by_name
from marrowtrail.imaging.dixon import dixon_of
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.series import Contrast, Dixon, Weighting

STIR_TI_MS = (80.0, 300.0)
"""Inversion times that null fat from 0.2 T (80 ms) over 3 T (200 to 260 ms) up. T1-weighted
inversion recoveries begin at 350 ms."""

FLUID_DARK_TI_MS = 1300.0
"""From here on an inversion darkens fluid (FLAIR uses 1,700 to 2,800 ms)."""

SHORT_TR_MS = 1100.0
"""T1-weighted spin echoes of joints have 400 to 900 ms; proton density starts at 1,500."""

LONG_TE_MS = 60.0
"""Above it a long-TR image is T2-weighted, below it proton density ("intermediate")."""

SHORT_TE_MS = 30.0
"""Longest echo time of a T1-weighted spin echo."""

T1_FLIP_DEG = 15.0
T1_GRADIENT_TE_MS = 12.0
"""A gradient echo with a wider flip and a shorter echo is T1-weighted, else T2*-weighted."""

_FAT_OPTIONS = frozenset(
    {"FS", "SFS", "FATSAT", "FAT_SAT", "SPIR", "SPAIR", "FC_FS", "CHESS", "WE", "PROSET"}
)
"""Codes of fat suppression in ScanOptions: the standard's FS (Siemens, Philips, GE), GE's SFS
for spectral-spatial pulses, WE for water excitation, and vendors' names for the pulses."""

_FS = r"((?<![A-Z])|(?<=PD)|(?<=[12D]W)|(?<=TSE)|(?<=FSE))FS(?![A-Z])"
_SUPPRESSION = (
    rf"({_FS}|F/S(?![A-Z])|FAT[ _-]?SAT|FAT[ _-]?SUP|(?<![A-Z])(FSAT|SPAIR|SPIR|PROSET)(?![A-Z]))"
)
_FAT_NAMES = re.compile(_SUPPRESSION + r"|STIR|TIRM")
_NOT_SUPPRESSED_NAMES = re.compile(
    r"(?<![A-Z])(NON|NO|W/O|WO|WITHOUT|OHNE|SANS)[ _-]*"
    rf"{_SUPPRESSION}|{_SUPPRESSION}[ _-]*OFF(?![A-Z])"
)
_STIR_NAMES = re.compile(r"STIR|TIRM|(?<![A-Z])TIR(?![A-Z])")

_WEIGHTING_NAMES = (
    (Weighting.STIR, _STIR_NAMES),
    (Weighting.T1, re.compile(r"(?<![A-Z0-9])T1")),
    (Weighting.T2_STAR, re.compile(r"T2\s*\*|T2[ _-]?STAR|MEDIC|MERGE")),
    (Weighting.T2, re.compile(r"(?<![A-Z0-9])T2")),
    (Weighting.PD, re.compile(r"(?<![A-Z])(PD|PROTON|IW)(?![A-Z])|PDW|PDFS")),
)

_WHAT_THE_AGENT_DOES = {
    Weighting.T1: ": brightness may be enhancement, not fluid",
    Weighting.PD: ": enhancement may add to what is fluid",
    Weighting.T2: ": enhancement may add to what is fluid",
    Weighting.STIR: ": enhancing tissue may be nulled with the fat, and oedema hidden",
}


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
        """From one slice's header. A time of zero is a field left empty.

        The protocol's name is asked only where the series has none: on some scanners (GE) it
        names the whole examination, and "knee with STIR" would suppress fat in every series.
        """
        names = (header.text("SeriesDescription") or header.text("ProtocolName")).upper()
        return cls(
            header.number("RepetitionTime") or None,
            header.number("EchoTime") or None,
            header.number("InversionTime") or None,
            header.number("FlipAngle"),
            frozenset(header.words("ScanningSequence")),
            frozenset(header.words("ScanOptions")),
            (header.text("SequenceName") or header.text("PulseSequenceName")).lower(),
            given_by_header(header),
            frozenset(header.words("ImageType")),
            names,
        )

    @property
    def is_gradient_echo(self) -> bool:
        """A gradient echo, and not a turbo spin echo that calls itself both."""
        return "GR" in self.sequence and "tir" not in self.sequence_name

    @property
    def inverts(self) -> bool:
        """The sequence begins with an inversion, whatever its time."""
        said = "IR" in self.sequence or "IR" in self.options or "tir" in self.sequence_name
        return said and not self.is_gradient_echo

    @property
    def dixon(self) -> tuple[Dixon | None, bool]:
        """Which image of a Dixon series it is, and whether only its name says so."""
        names = _FAT_NAMES.sub(" ", _NOT_SUPPRESSED_NAMES.sub(" ", self.names))
        return dixon_of(self.image_type, names)


def read_contrast(physics: Physics) -> Contrast:
    """Weighting and fat suppression, with the sentence that says why."""
    weighting, why = _weighting(physics)
    dixon, _ = physics.dixon
    if weighting is Weighting.STIR:
        suppressed: bool | None = True
    else:
        suppressed, why_fat = _fat(physics)
        why = f"{why}; {why_fat}"
    named = not physics.has_contrast_agent and given_by_name(physics.names)
    after_agent = physics.has_contrast_agent or named
    if after_agent:
        why += "; after a contrast agent" + (", by its name only" if named else "")
        why += _WHAT_THE_AGENT_DOES.get(weighting, "")
    return Contrast(weighting, suppressed, why, after_agent, dixon)


def _weighting(physics: Physics) -> tuple[Weighting, str]:
    dixon, _ = physics.dixon
    if dixon is not None and not dixon.keeps_weighting:
        return Weighting.UNKNOWN, f"{dixon.value} image of a Dixon series, which has no weighting"
    inverted = _weighting_by_inversion(physics)
    if inverted is not None:
        return inverted
    tr, te = physics.repetition_ms, physics.echo_ms
    if tr is None or te is None:
        return _weighting_by_name(physics.names)
    timing = f"TR {tr:.0f} ms, TE {te:.0f} ms"
    if "EP" in physics.sequence:
        return Weighting.UNKNOWN, f"echo-planar image, {timing}: not used for marrow"
    if physics.is_gradient_echo:
        return _weighting_of_gradient_echo(physics, tr, te, timing)
    return _weighting_of_spin_echo(tr, te, timing)


def _weighting_by_inversion(physics: Physics) -> tuple[Weighting, str] | None:
    """What an inversion decides; ``None`` where there is none or it is not known."""
    ti, tr = physics.inversion_ms, physics.repetition_ms
    if ti is None:
        named = physics.inverts and _STIR_NAMES.search(physics.names)
        why = "inversion recovery; that it nulls fat says its name only, TI is missing"
        return (Weighting.STIR, why) if named else None
    # A gradient echo with such a TI is a T1-weighted magnetisation preparation. A short TR
    # leaves no time to recover: it is T1-weighted with spectral fat suppression.
    recovers = tr is None or tr >= SHORT_TR_MS
    if physics.is_gradient_echo or not recovers:
        return None
    # Philips writes the delay of a spectral pulse (SPAIR) into TI as well, and others leave one
    # over: only a sequence that inverts everything nulls fat by it.
    if not physics.inverts or ti < STIR_TI_MS[0]:
        return None
    if ti <= STIR_TI_MS[1]:
        return Weighting.STIR, f"inversion recovery with TI {ti:.0f} ms, which nulls fat"
    if ti < FLUID_DARK_TI_MS:
        return Weighting.T1, f"inversion recovery with TI {ti:.0f} ms, which is T1-weighted"
    return Weighting.UNKNOWN, f"inversion recovery with TI {ti:.0f} ms, which darkens fluid"


def _weighting_of_spin_echo(tr: float, te: float, timing: str) -> tuple[Weighting, str]:
    if tr >= SHORT_TR_MS:
        return (Weighting.T2 if te >= LONG_TE_MS else Weighting.PD), f"spin echo, {timing}"
    if te <= SHORT_TE_MS:
        return Weighting.T1, f"spin echo, {timing}"
    return Weighting.UNKNOWN, f"{timing} fits no usual weighting"


def _weighting_of_gradient_echo(
    physics: Physics, tr: float, te: float, timing: str
) -> tuple[Weighting, str]:
    flip = physics.flip_deg
    if flip is None:
        return Weighting.UNKNOWN, f"gradient echo, {timing}, flip angle not known"
    is_t1 = te < T1_GRADIENT_TE_MS and tr < SHORT_TR_MS and flip >= T1_FLIP_DEG
    return (
        Weighting.T1 if is_t1 else Weighting.T2_STAR,
        f"gradient echo, {timing}, flip {flip:.0f} degrees",
    )


def _weighting_by_name(names: str) -> tuple[Weighting, str]:
    for weighting, pattern in _WEIGHTING_NAMES:
        if pattern.search(names):
            return weighting, "by its name only: TR or TE are missing"
    return Weighting.UNKNOWN, "TR or TE are missing and the name does not tell"


def _fat(physics: Physics) -> tuple[bool | None, str]:
    """The first rule that speaks decides: the image itself, option codes, then names."""
    names = _NOT_SUPPRESSED_NAMES.sub("", physics.names)
    options = ", ".join(sorted(physics.options & _FAT_OPTIONS))
    in_sequence_name = "fs" in re.split(r"[^a-z]+", physics.sequence_name)
    unknown_ti = physics.inverts and physics.inversion_ms is None
    dixon, by_dixon_name = physics.dixon
    is_water = dixon is Dixon.WATER
    by_name = _FAT_NAMES.search(names) or (is_water and by_dixon_name)
    rules: tuple[tuple[object, bool | None, str], ...] = (
        (dixon is not None and not is_water, False, "Dixon image with the fat in it"),
        (is_water and not by_dixon_name, True, "water image of a Dixon series"),
        (options, True, f"fat suppressed (scan option {options})"),
        (in_sequence_name, True, "fat suppressed (sequence name)"),
        (by_name, True, "fat suppressed by its name only; no scan option says so"),
        (unknown_ti, None, "inversion recovery without its TI: fat may be suppressed or not"),
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
