"""Drugs that were given and since when, for reasoning about the course."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marrowtrail.record.case import Case


@dataclass(frozen=True, slots=True)
class Given:
    """A treatment by its word in ``case.yaml``; ``start`` is ``None`` where nobody wrote it."""

    name: str
    start: date | None


def treatments_given(case: Case) -> tuple[Given, ...]:
    """Treatments of a record in its order, whether or not a response is written."""
    return tuple(Given(one.name, one.start) for one in case.treatments)
