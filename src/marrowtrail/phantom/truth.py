"""What is true of a synthetic patient, as ``truth/truth.json`` says it.

Everything comes from the drawing of the patient, nothing from the rooms under test.
Points and matrices are LPS millimetres; paths are relative to the patient's folder.
``docs/schemas/truth.schema.json`` is this module's JSON Schema.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from marrowtrail.errors import InputError
from marrowtrail.phantom.family import Family
from marrowtrail.record.sites import Side

TRUTH_VERSION: Literal["1.2"] = "1.2"
"""1.1 adds kinds of signs, effusions and changes, 1.2 how the patient moved between two series of
a visit; what 1.0 says, they say in the same words."""

SignKind = Literal[
    "demarcation",
    "double_line",
    "subchondral_line",
    "low_signal_area",
    "fracture_line",
    "crescent",
    "collapse",
    "cyst",
    "erosion",
]

ChangeKind = Literal["new", "resolved", "grown", "shrunk", "stable", "split", "merged", "recurred"]

Matrix = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]


class Part(BaseModel):
    """Base of every part: frozen, strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def rows_of(matrix: NDArray[np.float64]) -> Matrix:
    """A (4, 4) matrix as plain rows."""
    a, b, c, d = ((float(w), float(x), float(y), float(z)) for w, x, y, z in matrix)
    return a, b, c, d


class RegionShare(Part):
    """Which part of a lesion lies in a region, 0 to 1."""

    region: str
    share: float


class LesionTruth(Part):
    """One lesion at one visit. ``track`` is the same for one lesion at all its visits.

    Its edge is where the mean signal is half way between normal marrow and the lesion.
    ``nature`` infiltration replaces marrow; it is drawn as oedema of nearly all water.
    """

    id: str
    visit: str
    track: str
    joint: str
    bone: str
    side: Side
    region: str
    region_shares: tuple[RegionShare, ...]
    volume_mm3: float
    nature: Literal["oedema", "infiltration"] = "oedema"


class SignTruth(Part):
    """A sign, most often in a lesion. A sign that is not listed is not there.

    ``length_mm`` is the greatest extent of what is seen in marrow, ``thickness_mm`` across it:

    * ``demarcation``: the band about dead marrow; ``double_line`` beside it where the band's
      inner half is bright on T2.
    * ``subchondral_line``, ``low_signal_area``, ``crescent``: dark line under the plate; dark
      area on it; line of fluid under it.
    * ``fracture_line``: dark line away from the joint surface.
    * ``collapse``: ``length_mm`` is the width of the surface that sank by half or more,
      ``thickness_mm`` how far it sank.
    * ``cyst``: its diameter, twice. ``erosion``: its diameter and its depth; it may lie
      outside any lesion.
    """

    kind: SignKind
    visit: str
    lesion: str | None
    bone: str
    side: Side
    length_mm: float
    thickness_mm: float


class Edge(Part):
    """The same lesion at two visits. Many to many: a lesion may split, and two may merge."""

    earlier: str
    later: str


class ChangeTruth(Part):
    """What became of one lesion between two visits that follow each other for its joint.

    ``earlier`` and ``later`` hold lesion ids; the rule for ``kind`` stands in
    :mod:`marrowtrail.phantom.truth_changes`.
    """

    from_visit: str
    to_visit: str
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    kind: ChangeKind


class EffusionTruth(Part):
    """Fluid in a joint at a visit: 0 as in health to 1 tense."""

    visit: str
    joint: str
    side: Side
    grade: float


class ShiftTruth(Part):
    """Oedema that faded in one place while it appeared in another."""

    from_lesion: Annotated[str, Field(alias="from")]
    to_lesion: Annotated[str, Field(alias="to")]
    kind: Literal["within_bone", "within_joint", "between_joints"]
    days: int


class BoneMotion(Part):
    """Maps a point of a bone at the earlier visit to the same tissue at the later one.

    At either visit, as the limb lay at its first series.
    """

    joint: str
    bone: str
    side: Side
    from_visit: str
    to_visit: str
    matrix_lps: Matrix


class LabelName(Part):
    """What a value of a label map stands for."""

    value: int
    name: str


class SeriesTruth(Part):
    """One image series, found by its UID, and the label maps on its grid.

    ``lesion_labels`` name lesion ids; ``region_labels`` name ``bone/region``. Both are
    ``None`` for a series that is not fluid-sensitive and fat-suppressed. ``moved_lps`` maps a
    point of the limb as it lay at the first series of the visit to where it lies at this one;
    ``None`` where the patient lay still.
    """

    series_uid: str
    visit: str
    joint: str
    side: Side
    weighting: str
    fat_suppressed: bool
    lesion_labels: str | None = None
    lesion_names: tuple[LabelName, ...] = ()
    region_labels: str | None = None
    region_names: tuple[LabelName, ...] = ()
    moved_lps: Matrix | None = None

    @property
    def moved_matrix(self) -> NDArray[np.float64]:
        """(4, 4) ``moved_lps``, or no motion."""
        return np.eye(4) if self.moved_lps is None else np.asarray(self.moved_lps)


class VisitTruth(Part):
    """One visit and the joints imaged."""

    id: str
    date: date
    joints: tuple[str, ...]


class PatientTruth(Part):
    """All that is true of one synthetic patient.

    ``difficulty`` runs from 0 (clean images) to 1.
    """

    schema_version: Literal["1.0", "1.1", "1.2"] = TRUTH_VERSION
    synthetic: Literal[True] = True
    scenario: str
    seed: int
    family: Family = Family.BUILDING
    difficulty: float = 0.0
    side: Side
    visits: tuple[VisitTruth, ...]
    lesions: tuple[LesionTruth, ...]
    signs: tuple[SignTruth, ...]
    edges: tuple[Edge, ...]
    shifts: tuple[ShiftTruth, ...]
    changes: tuple[ChangeTruth, ...] = ()
    effusions: tuple[EffusionTruth, ...] = ()
    motions: tuple[BoneMotion, ...]
    series: tuple[SeriesTruth, ...]

    def lesions_at(self, visit: str) -> tuple[LesionTruth, ...]:
        """The lesions of one visit."""
        return tuple(lesion for lesion in self.lesions if lesion.visit == visit)


def write_truth(truth: PatientTruth, patient: Path) -> Path:
    """Write ``truth/truth.json`` into a patient's folder."""
    path = patient / "truth" / "truth.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = truth.model_dump(mode="json", by_alias=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def load_truth(patient: Path) -> PatientTruth:
    """The truth of a patient's folder, or of a ``truth.json`` itself.

    Raises
    ------
    InputError
        If there is none.
    """
    path = patient / "truth" / "truth.json" if patient.is_dir() else patient
    if not path.is_file():
        raise InputError(
            "Expected truth/truth.json beside the images, found none.",
            where="the patient's folder",
            remedy="Point to a folder that `marrowtrail phantom` wrote.",
        )
    return PatientTruth.model_validate_json(path.read_text(encoding="utf-8"))


def truth_schema() -> dict[str, Any]:
    """JSON Schema of ``truth.json``."""
    return PatientTruth.model_json_schema(by_alias=True)
