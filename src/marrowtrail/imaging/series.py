"""Series, visits and studies: what a patient folder holds once it has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from marrowtrail.errors import Caution
from marrowtrail.imaging.source import DicomSource
from marrowtrail.imaging.volume import Volume
from marrowtrail.record.sites import BoneId, Side


class Weighting(StrEnum):
    """What makes a series bright."""

    T1 = "t1"
    PD = "pd"
    T2 = "t2"
    STIR = "stir"
    T2_STAR = "t2_star"
    UNKNOWN = "unknown"


class Dixon(StrEnum):
    """One of the images that a Dixon acquisition is calculated into."""

    WATER = "water"
    FAT = "fat"
    IN_PHASE = "in phase"
    OPPOSED_PHASE = "opposed phase"

    @property
    def keeps_weighting(self) -> bool:
        """Brightness follows the weighting of the acquisition.

        In a fat image marrow is bright whatever the weighting; in an opposed-phase image fat
        and water cancel, so that marrow with some oedema may be darker than without.
        """
        return self in (Dixon.WATER, Dixon.IN_PHASE)


class Plane(StrEnum):
    """Nearest anatomical plane of a series; oblique ones keep their own axes."""

    SAGITTAL = "sagittal"
    CORONAL = "coronal"
    AXIAL = "axial"


@dataclass(frozen=True, slots=True)
class Contrast:
    """Weighting and fat suppression, with the reason for the reading.

    ``fat_suppressed`` is ``None`` where the file does not tell. ``after_agent`` is true for
    images after a contrast agent. ``dixon`` is set for images of a Dixon series.
    """

    weighting: Weighting
    fat_suppressed: bool | None
    reason: str
    after_agent: bool = False
    dixon: Dixon | None = None

    @property
    def is_fluid_sensitive(self) -> bool:
        """Oedema can be claimed from it: fluid bright **and** fat dark.

        A contrast agent does not make an image fluid-sensitive: T1-weighted images with fat
        suppression show enhancement. It does not spoil one either: at the long TR of PD and
        T2 it adds little, which the reason says.
        """
        fluid = self.weighting in (Weighting.PD, Weighting.T2, Weighting.STIR)
        return fluid and self.fat_suppressed is True

    @property
    def label(self) -> str:
        """Short name, as ``PD FS``, ``T1 FS +C`` or ``Dixon fat``."""
        agent = " +C" if self.after_agent else ""
        if self.dixon is not None and not self.dixon.keeps_weighting:
            return f"Dixon {self.dixon.value}{agent}"
        name = {"t2_star": "T2*", "unknown": "unknown"}.get(
            self.weighting.value, self.weighting.value.upper()
        )
        suffix = " FS" if self.fat_suppressed and self.weighting is not Weighting.STIR else ""
        return name + suffix + agent


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One image volume of one visit.

    Parameters
    ----------
    id
        Stable over runs and free of identifying text, as ``v1-s2``.
    visit_id
        The visit that it belongs to.
    source_uid
        Series instance UID, or a hash of the file's content for NIfTI. Never shown.
    volume
        float32 voxels and their geometry.
    contrast
        Weighting and fat suppression.
    plane
        Nearest anatomical plane.
    body_part
        A key of the vocabulary of joints (``knee``, ``ankle``, ...) or ``unknown``.
    side
        As the header says.
    echo_time_ms, repetition_time_ms
        ``None`` where unknown.
    is_part
        Slices of the series are missing beside this volume.
    source
        The DICOM images it was read from; ``None`` for NIfTI.
    """

    id: str
    visit_id: str
    source_uid: str
    volume: Volume
    contrast: Contrast
    plane: Plane
    body_part: str
    side: Side
    echo_time_ms: float | None = None
    repetition_time_ms: float | None = None
    slice_thickness_mm: float | None = None
    is_part: bool = False
    source: DicomSource | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something in the folder that was not used, and why."""

    what: str
    reason: str
    files: int


@dataclass(frozen=True, slots=True, eq=False)
class BoneLabels:
    """A mask of bones as it was handed in.

    Parameters
    ----------
    labels
        Integer volume; 0 is no bone.
    names
        (value, bone) for every value in use.
    source
        Where it came from, in words that identify nobody, as ``DICOM SEG``.
    series_uid
        The series it was drawn on, where it says so.
    """

    labels: Volume
    names: tuple[tuple[int, BoneId], ...]
    source: str
    series_uid: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """All that was imaged within a week of one date.

    ``id`` counts visits by date: ``v1`` is the earliest.
    """

    id: str
    date: date
    series: tuple[Series, ...]
    bones: tuple[BoneLabels, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A patient's visits, earliest first, and what was set aside on the way.

    ``age_years`` and ``sex`` are what the headers say (at the first visit); the case
    record has the last word on both.
    """

    visits: tuple[Visit, ...]
    set_aside: tuple[SetAside, ...]
    cautions: tuple[Caution, ...]
    age_years: int | None = None
    sex: str | None = None
    is_synthetic: bool = False
    """DICOM's own attribute Synthetic Data (0008,001C) says so in any file."""
