"""The result of a run: everything a report shows and a machine reads, and its schema.

:class:`ResultDocument` is what ``result.json`` holds. :class:`Result` carries it together
with the images and masks it was made from, for those who draw or export.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from marrowtrail.anatomy.bones import BoneMap
from marrowtrail.diagnosis.differential import (
    Bar,
    Cause,
    LedgerLine,
    NextStep,
    OutlookLine,
    RedFlag,
    Standing,
    Turn,
    TwoDiseases,
    UnderSetting,
)
from marrowtrail.follow_up.track import BoneRegistration
from marrowtrail.imaging.series import Study
from marrowtrail.lesions.lesion import BoneReading, Lesion, SignKind, SignState
from marrowtrail.record.findings import Finding, FindingState, NotDoneReason
from marrowtrail.record.sites import Side
from marrowtrail.result.follow_up_rows import MatchRow, RegistrationRow, ShiftRow, TrackRow
from marrowtrail.result.row import Row
from marrowtrail.result.viewer_rows import ViewerPlaceRow

SCHEMA_VERSION = "1.4"


class SeriesRow(Row):
    """One series used, and what it was good for."""

    id: str
    label: str
    plane: str
    body_part: str
    side: Side
    is_fluid_sensitive: bool
    weighting_reason: str
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]


class BoneRow(Row):
    """One bone at one visit: read for oedema or not, and why.

    ``end`` is the joint whose end of the bone was imaged, empty for the whole bone.
    """

    bone: str
    side: Side
    end: str
    series: str | None
    is_read: bool
    reason: str
    verdict: str
    source: str
    cut_by_field_of_view: bool


class VisitRow(Row):
    """One visit. ``day`` counts from the first visit; ``date`` is empty under ``--no-dates``."""

    id: str
    date: date | None
    day: int
    series: tuple[SeriesRow, ...]
    bones: tuple[BoneRow, ...]


class RegionShareRow(Row):
    """Part of a lesion in a region."""

    region: str
    label: str
    share_of_lesion: float
    share_of_region: float


class SubregionShareRow(Row):
    """Part of a lesion in a subregion, which lies within ``region``."""

    subregion: str
    region: str
    label: str
    share_of_lesion: float
    share_of_subregion: float


class LesionRow(Row):
    """One lesion at one visit.

    ``joint_distance_mm`` is the distance from the joint surface of its bone to the nearest part of
    it, empty where the image does not tell where that surface is. ``predecessors`` are tracking
    UIDs of other lesions that it came from, by a split or a merger.
    """

    id: str
    tracking_uid: str
    visit: str
    series: str
    bone: str
    side: Side
    region: str
    label: str
    region_shares: tuple[RegionShareRow, ...]
    subregion_shares: tuple[SubregionShareRow, ...] = ()
    joint_distance_mm: float | None = None
    volume_mm3: float
    volume_low_mm3: float
    volume_high_mm3: float
    share_of_bone: float
    contrast: float
    centroid_lps: tuple[float, float, float]
    predecessors: tuple[str, ...] = ()


class SignRow(Row):
    """A sign that was looked for."""

    kind: SignKind
    visit: str
    bone: str
    side: Side
    lesion: str | None
    state: SignState
    reason: str
    length_mm: float | None
    thickness_mm: float | None
    confidence: float


class FindingRow(Row):
    """One finding, proposed or confirmed."""

    finding: str
    label: str
    state: FindingState
    site: str | None
    bone: str | None
    side: Side | None
    region: str | None
    visit: date | None
    reason: NotDoneReason | None
    explanation: str
    entered_by: str
    confirmed_by: str | None


class CourseRow(Row):
    """The differential as it stood after one visit."""

    visit: str
    day: int
    causes: tuple[Cause, ...]


class RankingRow(Row):
    """A differential from one set of findings: proposed ones included, or confirmed only."""

    basis: Literal["proposed", "confirmed"]
    setting: str
    conclusion: str
    causes: tuple[Cause, ...]


class ExplanationRow(Row):
    """What stands behind the ranking from all findings, and what would change it.

    ``odds_to_flip`` is how many times commoner the second cause would have to be to draw level;
    empty where nothing was ranked. ``notes`` say what counts in another way than it was entered;
    ``withheld`` are the diagnoses that cannot be claimed yet, since what gives them their name
    has not been seen.
    """

    standing: Standing = Standing.UNDECIDED
    standing_why: str = ""
    two_diseases: tuple[TwoDiseases, ...] = ()
    turns: tuple[Turn, ...] = ()
    under_settings: tuple[UnderSetting, ...] = ()
    odds_to_flip: float | None = None
    outlook: tuple[OutlookLine, ...] = ()
    notes: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


class WarningRow(Row):
    """Something the reader must know."""

    code: str
    severity: str
    what: str
    where: str
    remedy: str


class SetAsideRow(Row):
    """Something in the folder that was not used."""

    what: str
    reason: str
    files: int


class FigureRow(Row):
    """A slice picture kept in ``figures/``.

    Figures of one ``spot`` show the same tissue at several visits; it is the id of the lesion
    whose place is shown, or empty for the middle of a bone without one. ``outlines`` are in
    pixels of the picture, x to the right and y down, the centre of the first pixel at (0.5,
    0.5). ``letters`` stand at the left, right, top and bottom edge.
    """

    id: str
    spot: str
    file: str
    visit: str
    series: str
    bone: str
    side: Side
    end: str
    caption: str
    width: int
    height: int
    pixel_mm: float
    letters: tuple[str, str, str, str]
    outlines: tuple[OutlineRow, ...]


class OutlineRow(Row):
    """A closed outline on a figure: of a bone or of a lesion."""

    kind: Literal["bone", "lesion"]
    name: str
    points: tuple[tuple[float, float], ...]


class BoneNetworkRow(Row):
    """The networks that found bones, by version and hash of their weights."""

    version: str
    coarse_sha256: str
    fine_sha256: str


class Provenance(Row):
    """What made this result, and from what.

    ``bone_network`` is empty where masks that were handed in told all bones.
    """

    program: str
    program_version: str
    knowledge_version: str
    knowledge_hash: str
    input_hash: str
    bone_network: BoneNetworkRow | None = None
    settings: dict[str, str]
    known_limits: tuple[str, ...]


class ResultDocument(Row):
    """``result.json``."""

    schema_version: str
    notice: str
    headline: str
    is_synthetic: bool
    patient: str
    visits: tuple[VisitRow, ...]
    lesions: tuple[LesionRow, ...]
    signs: tuple[SignRow, ...]
    tracks: tuple[TrackRow, ...]
    shifts: tuple[ShiftRow, ...]
    registrations: tuple[RegistrationRow, ...]
    matches: tuple[MatchRow, ...] = ()
    findings: tuple[FindingRow, ...]
    differential: tuple[Cause, ...]
    rankings: tuple[RankingRow, ...]
    explanation: ExplanationRow = ExplanationRow()
    course: tuple[CourseRow, ...]
    bars: tuple[Bar, ...]
    ledger: tuple[LedgerLine, ...]
    next_steps: tuple[NextStep, ...]
    red_flags: tuple[RedFlag, ...]
    unused_findings: tuple[str, ...]
    warnings: tuple[WarningRow, ...]
    set_aside: tuple[SetAsideRow, ...]
    figures: tuple[FigureRow, ...]
    viewer: tuple[ViewerPlaceRow, ...] = ()
    provenance: Provenance


FigureRow.model_rebuild()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A document and what it was measured on.

    ``figures`` maps the file names of :class:`FigureRow` and of the viewer's stacks to WebP bytes;
    ``audit`` is the audit
    sheet of the ranking from all findings, as CSV.
    """

    document: ResultDocument
    findings: tuple[Finding, ...]
    study: Study
    bone_maps: tuple[BoneMap, ...]
    readings: tuple[BoneReading, ...]
    registrations: tuple[BoneRegistration, ...]
    figures: dict[str, bytes]
    audit: str

    @property
    def lesions(self) -> tuple[Lesion, ...]:
        """Every lesion of every visit."""
        return tuple(lesion for reading in self.readings for lesion in reading.lesions)
