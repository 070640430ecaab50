"""What follow-up tells, as rows of the document: matches, tracks, shifts and alignments."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from marrowtrail.follow_up.track import Before, Change, ShiftKind
from marrowtrail.record.sites import Side
from marrowtrail.result.row import Row


class MatchRow(Row):
    """Two lesions of two visits that may be one: an edge of the graph, or an alternative.

    ``overlap`` is the shared volume over the smaller lesion's, 0 where matched by region only.
    ``confidence`` is the share of errors that a verified registration may have under which both
    still overlap enough; by region it is even at best.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", serialization_alias="from")
    to: str
    overlap: float
    confidence: float
    verified: bool
    chosen: bool


class StepRow(Row):
    """What became of a lesion over one interval.

    ``earlier`` and ``later`` are lesion ids; one of them is empty where its place was clear.
    ``cleared_mm3`` and ``appeared_mm3`` are tissue that changed class with certainty; empty where
    the alignment is not verified.
    """

    from_visit: str
    to_visit: str
    earlier: tuple[str, ...]
    later: tuple[str, ...]
    change: Change
    verified: bool
    explanation: str
    cleared_mm3: float | None = None
    appeared_mm3: float | None = None


class TrackRow(Row):
    """One lesion through the visits.

    ``change`` is the last one; ``steps`` hold every interval in order of time, ``since_first``
    compares the last sighting with the first, where there are more than two.
    """

    id: str
    bone: str
    side: Side
    lesions: tuple[str, ...]
    clear_at: tuple[str, ...]
    change: Change
    verified: bool
    explanation: str
    steps: tuple[StepRow, ...] = ()
    since_first: StepRow | None = None


class ShiftRow(Row):
    """Oedema that went from one place to another.

    ``before`` is what the visit of the first lesion says of the place of the second: clear is
    told apart from not imaged. ``resolved_mm3`` is what the first lost, ``appeared_mm3`` the
    second's first volume. Both were there for ``overlap_days`` at least (negative: a gap) and
    ``overlap_at_most_days`` at most, empty where no visit bounds it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: str = Field(alias="from", serialization_alias="from")
    to: str
    kind: ShiftKind
    days: int
    verified: bool
    explanation: str
    before: Before | None = None
    resolved_mm3: float | None = None
    appeared_mm3: float | None = None
    overlap_days: int | None = None
    overlap_at_most_days: int | None = None


class RegistrationRow(Row):
    """How one bone was aligned between two visits, and whether that is verified.

    ``matrix_lps`` maps LPS millimetres of ``from_series`` to those of ``to_series``. ``loop_mm`` is
    how far the best loop over three visits ends from where it began.
    """

    bone: str
    side: Side
    end: str
    from_visit: str
    to_visit: str
    verification: str
    reason: str
    surface_gap_mm: float | None
    correlation: float | None
    matrix_lps: tuple[tuple[float, ...], ...]
    from_series: str = ""
    to_series: str = ""
    loop_mm: float | None = None
