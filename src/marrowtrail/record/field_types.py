"""Field types of the files that people write: strict numbers, calendar days, closed words."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from marrowtrail.record.case_words import COMMON_STATES, case_words
from marrowtrail.record.closed_lists import OneOf, words_of
from marrowtrail.record.findings import FindingState, NotDoneReason
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary

EARLIEST_YEAR = 1900
"""No date of a patient who has an MRI lies before it."""


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        day: date | None = value
    else:
        day = _iso_day(value)
    if day is None:
        raise PydanticCustomError("not_a_day", "no calendar day")
    if day.year < EARLIEST_YEAR:
        raise PydanticCustomError("too_long_ago", "a day before every patient's time")
    return day


def _iso_day(value: object) -> date | None:
    # fromisoformat also takes 20190517 and 2019-W20-5, which nobody expects here.
    if not isinstance(value, str) or len(value) != 10 or value[4] != "-":
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _inside_the_folder(value: str) -> str:
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value or ":" in value:
        raise PydanticCustomError(
            "not_inside", "must be a path inside the patient's folder, as visit1/stir.nii.gz"
        )
    return value


Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
"""A calendar day without a time."""
Flag: TypeAlias = Annotated[bool, Field(strict=True)]
Whole: TypeAlias = Annotated[int, Field(strict=True)]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Year: TypeAlias = Annotated[int, Field(strict=True, ge=EARLIEST_YEAR, le=2200)]
Note: TypeAlias = Annotated[
    str, Field(max_length=500, description="For whoever keeps the file; nothing reads it.")
]
RelativeFile: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=300), AfterValidator(_inside_the_folder)
]
"""A file inside the patient's folder, with forward slashes."""

JointWord: TypeAlias = Annotated[
    str, OneOf("joint", lambda: sorted(joint.key for joint in vocabulary().joints))
]
BoneWord: TypeAlias = Annotated[str, OneOf("bone", lambda: [b.key for b in vocabulary().bones])]
RegionWord: TypeAlias = Annotated[
    str,
    OneOf(
        "region",
        lambda: list(dict.fromkeys(r.key for b in vocabulary().bones for r in b.regions)),
    ),
]
FindingWord: TypeAlias = Annotated[
    str, OneOf("finding", lambda: [finding.key for finding in vocabulary().findings])
]

AnySide: TypeAlias = Annotated[Side, words_of("side", Side)]
LimbSide: TypeAlias = Annotated[Side, words_of("side", (Side.LEFT, Side.RIGHT, Side.UNKNOWN))]
"""A side of a paired joint; pain of both sides is two entries."""
State: TypeAlias = Annotated[FindingState, words_of("state", FindingState)]
Sign: TypeAlias = Annotated[
    FindingState,
    words_of("state", (FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL)),
]
"""A state of something asked in passing: when it was not asked, the key is left out."""
Reason: TypeAlias = Annotated[NotDoneReason, words_of("reason", NotDoneReason)]


def _named(kind: str, name: str) -> OneOf:
    return OneOf(kind, lambda: case_words().keys(name), spaces=True)


RiskFactorWord: TypeAlias = Annotated[str, _named("risk factor", "risk_factors")]
ComorbidityWord: TypeAlias = Annotated[str, _named("comorbidity", "comorbidities")]
LaboratoryWord: TypeAlias = Annotated[str, _named("laboratory test", "laboratory")]
TreatmentWord: TypeAlias = Annotated[str, _named("treatment", "treatments")]
StructureWord: TypeAlias = Annotated[str, _named("structure", "structures")]
ChangeWord: TypeAlias = Annotated[str, _named("change", "changes")]
DxaSiteWord: TypeAlias = Annotated[str, _named("DXA site", "dxa_sites")]
ResultWord: TypeAlias = Annotated[
    str,
    OneOf(
        "state",
        lambda: list(
            dict.fromkeys(
                [s for test in case_words().laboratory for s in test.states] + [*COMMON_STATES]
            )
        ),
    ),
]
"""A word that some laboratory result may have; which, the test decides."""


def words(kind: str, *allowed: str) -> OneOf:
    """A short closed list that belongs to one field."""
    return OneOf(kind, lambda: allowed)
