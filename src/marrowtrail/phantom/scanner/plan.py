"""How the images of a scenario are made: which series, how they vary, what goes wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from marrowtrail.phantom.ranges import Part, Range


class Kind(StrEnum):
    """A sequence by the name that a scenario gives it."""

    PD = "pd"
    PD_FS = "pd_fs"
    T1 = "t1"
    T1_FS = "t1_fs"
    T1_AGENT = "t1_agent"
    T2 = "t2"
    T2_FS = "t2_fs"
    STIR = "stir"
    DIXON = "dixon"
    DIXON_T1 = "dixon_t1"
    DIXON_GRE = "dixon_gre"
    PD_3D = "pd_3d"
    FLUID = "fluid"


FluidKind = Literal[Kind.PD_FS, Kind.T2_FS, Kind.STIR, Kind.DIXON]

_KINDS = "|".join(sorted(Kind, key=len, reverse=True))
SeriesWord = Annotated[str, Field(pattern=rf"^({_KINDS})(_(sagittal|coronal|axial))?$")]


class ImagingPlan(Part):
    """How images vary.

    The menu: ``series`` lists what is acquired after the localisers, as ``kind`` or
    ``kind_plane``, where kind is one of :class:`Kind` and an open plane is drawn (sagittal or
    coronal; a Dixon or 3D series is sagittal). ``fluid`` stands for one of ``fluid_kinds``,
    drawn for each exam; name one twice to see it twice as often.

    Plain ranges are drawn once per visit, exam or series. A *graded* range is
    ``[at its best, at its worst]``: a strength is drawn between the first and the point that
    the patient's difficulty (0 to 1) reaches towards the second, small strengths more often
    than large ones. With difficulty 0 every series is at its best.

    Graded
        ``tilt_deg`` bound of the planes' tilt about each axis; ``off_centre_mm`` bound of the
        field of view's offset along each axis; ``snr`` brightest tissue over noise;
        ``shading`` log range of what is left of the coil's unevenness; ``coil`` share of the
        coil's own profile that is left; ``acquired`` share of the stored matrix that is
        sampled; ``ringing`` (0 softened, 1 cut off sharply); ``fat_shift_px`` chemical shift in
        pixels; ``fat_failing`` share of the limb where fat suppression fails;
        ``motion_px`` movement between shots in pixels; ``pulsation`` ghosts of the artery
        against the brightest tissue; ``wrap`` share of the field of view folded in from
        beyond each end of the phase direction.
    Chances at difficulty 1, falling to none at 0.6
        ``wholly_failed`` that fat is not suppressed at all in a series that asked for it.
    The patient, between two series
        ``moved_mm`` and ``moved_deg`` bound how far each series after the first finds the limb
        shifted along and turned about each axis. The headers do not tell: the frame of reference
        stays the same.
    Headers
        ``languages``, ``laterality`` (where the side stands: in its attribute, in the
        description only, nowhere), ``slice_order``, ``spacing_tag`` (distance of centres as
        in the standard, or the gap) and ``positions`` are drawn for each visit. ``container``
        is one file for each slice or, on a Philips scanner, one for all (enhanced).
        ``headers`` that are ``as_sold`` leave an Inversion Time where nothing is inverted
        (GE: 0; Philips: the delay of the spectral pulse), which the standard forbids.
    """

    series: tuple[SeriesWord, ...] = ("fluid_sagittal", "t1")
    fluid_kinds: tuple[FluidKind, ...] = (Kind.PD_FS, Kind.PD_FS, Kind.T2_FS, Kind.STIR)
    flexion_deg: Range = Range(low=0, high=12)
    turn_deg: Range = Range(low=-6, high=6)
    shift_mm: Range = Range(low=-10, high=10)
    moved_mm: Range = Range(low=0, high=0)
    moved_deg: Range = Range(low=0, high=0)
    thickness_mm: Range = Range(low=3.0, high=3.6)
    gap_share: Range = Range(low=0.05, high=0.2)
    fov_mm: Range | None = None
    matrix: tuple[int, ...] = (256, 288, 320)
    voxel_3d_mm: Range = Range(low=0.6, high=0.8)
    fat_left: Range = Range(low=0.05, high=0.15)
    inversion_left: Range = Range(low=0.03, high=0.08)

    tilt_deg: tuple[float, float] = (3.0, 18.0)
    off_centre_mm: tuple[float, float] = (3.0, 22.0)
    snr: tuple[float, float] = (140.0, 24.0)
    shading: tuple[float, float] = (0.05, 0.45)
    coil: tuple[float, float] = (0.05, 1.0)
    acquired: tuple[float, float] = (0.8, 0.5)
    ringing: tuple[float, float] = (0.2, 1.0)
    fat_shift_px: tuple[float, float] = (0.4, 2.8)
    fat_failing: tuple[float, float] = (0.0, 0.4)
    motion_px: tuple[float, float] = (0.0, 1.6)
    pulsation: tuple[float, float] = (0.0, 0.2)
    wrap: tuple[float, float] = (0.0, 0.12)
    wholly_failed: float = 0.06
    metal: Literal["none", "screw"] = "none"

    vendors: tuple[Literal["siemens", "ge", "philips"], ...] = ("siemens", "ge", "philips")
    fields_t: tuple[float, ...] = (1.5, 3.0)
    container: Literal["classic", "enhanced"] = "classic"
    headers: Literal["standard", "as_sold"] = "standard"
    languages: tuple[Literal["en", "de", "fr"], ...] = ("en", "en", "de", "fr")
    laterality: tuple[Literal["coded", "described", "absent"], ...] = (
        "coded",
        "coded",
        "described",
    )
    slice_order: tuple[Literal["ascending", "descending", "interleaved"], ...] = (
        "ascending",
        "descending",
        "interleaved",
    )
    spacing_tag: tuple[Literal["centres", "gap"], ...] = ("centres", "centres", "gap")
    positions: tuple[Literal["FFS", "HFS"], ...] = ("FFS", "FFS", "HFS")
