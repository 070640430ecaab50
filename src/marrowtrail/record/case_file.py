"""Reads ``case.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from marrowtrail.record.case import Case
from marrowtrail.record.contradictions import Contradiction
from marrowtrail.record.located_yaml import Location
from marrowtrail.record.validation import parse, read_bytes

REMEDY = "Correct the file and run again; docs/case.md describes the format with an example."


def read_case(path: Path, *, today: date | None = None) -> Case:
    """The case that a file describes.

    Parameters
    ----------
    path
        A YAML file; only its name appears in messages.
    today
        No date of a real patient may lie after it; the current day by default. An invented
        patient (``synthetic: true``) may live in the future.

    Raises
    ------
    InputError
        With every mistake, its line and the allowed words.
    """
    further = partial(_future_dates, today=today or date.today())
    raw = read_bytes(path, REMEDY)
    return parse(raw, Case, where=path.name, remedy=REMEDY, further=further)


def _future_dates(case: Case, today: date) -> Iterator[Contradiction]:
    if not case.synthetic:
        for location, day in _dates(case, ()):
            if day > today:
                yield Contradiction(location, f"is {day}, which lies in the future")


def _dates(value: object, location: Location) -> Iterator[tuple[Location, date]]:
    if isinstance(value, date):
        yield location, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _dates(getattr(value, name), (*location, field.alias or name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _dates(item, (*location, index))
