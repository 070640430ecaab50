"""How DICOM objects are to be written, and what each of them says of its maker."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import UID

from marrowtrail.imaging.own_objects import MANUFACTURER, MODEL
from marrowtrail.version import __version__

__all__ = ["IMPLEMENTATION_UID", "MANUFACTURER", "MODEL", "SERIAL_NUMBER", "VERSION", "DicomForm"]

SERIAL_NUMBER = "software"
"""Enhanced General Equipment asks for one (type 1), and a program has none."""

VERSION = __version__

IMPLEMENTATION_UID = UID("2.25.137904671322893106541978802536450923847")


@dataclass(frozen=True, slots=True)
class DicomForm:
    """How to write them.

    Parameters
    ----------
    pseudonymous
        Without patient and staff, every UID of the source mapped to another one. The same source
        gives the same UIDs in every object and every run.
    labelmap
        Segmentations as label maps, run-length encoded: a tenth of the size, and readers from
        before 2024 do not know them. A series whose segments overlap is still written as BINARY.
    """

    pseudonymous: bool = False
    labelmap: bool = False
