"""Reads published cases: one YAML file a patient in the layout of ``cases/SCHEMA.md``.

Only the parts that a clinician would have are kept: neither the answer nor its source, no free
text and no treatment reach the converter. Keys that the layout does not name are kept, so that
the converter can say that it does not know them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from marrowtrail.errors import InputError

REMEDY = "Each file holds one case in the layout of cases/SCHEMA.md; correct it or leave it out."

MOST_UNREADABLE = 40
"""Parts of one case that are left out because they cannot be read; more is no case."""

FREE_TEXT = frozenset({"text", "detail", "chief_detail", "onset_event", "trauma_note", "note"})
"""Keys of free text, which may tell the answer; no view holds them."""


class View(StrEnum):
    """What is known when the case is ranked."""

    PRESENTATION = "presentation"
    SERIAL = "serial"


class _Part(BaseModel):
    """A part of a case; a key without a value is a missing key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_missing(cls, data: object) -> object:
        if isinstance(data, Mapping):
            return {key: value for key, value in data.items() if value is not None}
        return data


class Gold(_Part):
    """The answer, and the labels counted as right in either view."""

    category: str
    family: str = ""
    acceptable: tuple[str, ...] = ()
    at_presentation: tuple[str, ...] = ()

    def right(self, view: View) -> tuple[str, ...]:
        """Labels that are right; the category itself where the file lists none."""
        listed = self.at_presentation if view is View.PRESENTATION else self.acceptable
        return listed or (self.category,)


class Meta(_Part):
    """How hard a case is and how much is known of it."""

    difficulty: str = "unknown"
    tier: str = "unknown"
    seed: bool = False


class Origin(_Part):
    """Identifiers of the report."""

    doi: str = ""
    pmid: str | int = ""
    pmcid: str = ""


class Site(_Part):
    """A place of a study; ``bme`` is empty where oedema is not described there."""

    bone: str
    side: str = "unspecified"
    region: str | int = "unspecified"
    bme: str | None = None
    extent: str | None = None
    change: str | None = None


class Study(_Part):
    """One imaging study; ``day`` is counted from the first visit."""

    phase: str
    modality: str = "not_stated"
    day: float | None = None
    order: float = 0
    overall: str | None = None
    sites: tuple[Site, ...] = ()
    findings: Mapping[str, object] = Field(default_factory=dict)
    descriptors: Mapping[str, object] = Field(default_factory=dict)

    @property
    def is_later(self) -> bool:
        """Taken after the first visit."""
        return self.phase not in ("history", "presentation")


class PublishedCase(_Part):
    """A case as it stands in its file; ``None`` for ``gold`` means that it is not scored.

    ``unreadable`` names parts that were left out since they are not of the layout's form.
    """

    blind_id: str
    gold: Gold | None = None
    meta: Meta = Meta()
    source: Origin = Origin()
    patient: Mapping[str, object] = Field(default_factory=dict)
    presentation: Mapping[str, object] = Field(default_factory=dict)
    imaging: tuple[Study, ...] = ()
    follow_up: Mapping[str, object] = Field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def studies(self, view: View) -> tuple[Study, ...]:
        """Studies of a view in the order in which they were made."""
        seen = [one for one in self.imaging if view is View.SERIAL or not one.is_later]
        phases = ("history", "presentation")
        return tuple(
            sorted(seen, key=lambda s: (phases.index(s.phase) if s.phase in phases else 2, s.order))
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement of a case: the path of its key, its status, and a value without a word."""

    path: str
    status: str | None
    value: float | None = None
    unit: str = ""


def read_cases(folder: Path) -> tuple[PublishedCase, ...]:
    """Every case of a folder, in the order of file names.

    Raises
    ------
    InputError
        If the folder holds no YAML file, or one that is not a case; names the file by its
        position, since its name may identify a patient. A part of a case that cannot be read is
        left out and named in it.
    """
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        raise InputError(
            "No case was found: expected a folder of *.yaml files.",
            where="the folder of cases",
            remedy=REMEDY,
        )
    return tuple(_read(path, f"file {i} of {len(files)}") for i, path in enumerate(files, 1))


def _read(path: Path, where: str) -> PublishedCase:
    try:
        data: Any = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError("Not readable as YAML.", where=where, remedy=REMEDY) from error
    unreadable: list[str] = []
    for _ in range(MOST_UNREADABLE):
        try:
            case = PublishedCase.model_validate(data)
        except ValidationError as error:
            place = error.errors()[0]["loc"]
            removed = _without(data, place)
            if not removed:
                first = error.errors()[0]["msg"].lower()
                named = ".".join(str(part) for part in place) or "the file"
                what = f"Not a case: {named}: {first}."
                raise InputError(what, where=where, remedy=REMEDY) from error
            unreadable.append(".".join(str(part) for part in removed))
        else:
            return case.model_copy(update={"unreadable": tuple(unreadable)})
    raise InputError("Not a case: hardly any key of it can be read.", where=where, remedy=REMEDY)


def _without(data: object, place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Take out what stands at a place, else what should hold it; empty where neither is there."""
    for end in range(len(place), max(len(place) - 2, 0), -1):
        holder: Any = data
        try:
            for part in place[: end - 1]:
                holder = holder[part]
            del holder[place[end - 1]]
        except (KeyError, IndexError, TypeError):
            continue
        return place[:end]
    return ()


def statements(block: Mapping[str, object], path: str) -> Iterator[Entry]:
    """Statements of a block by the path of their keys; free text is left out.

    A list gives a statement without a status: whoever knows its codes takes it out before.
    """
    for key, value in block.items():
        if key in FREE_TEXT:
            continue
        here = f"{path}.{key}"
        if isinstance(value, Mapping):
            if _is_statement(value):
                yield _statement(here, value)
            else:
                yield from statements(value, here)
        elif isinstance(value, bool):
            yield Entry(here, "present" if value else "absent")
        elif isinstance(value, (int, float)):
            yield Entry(here, None, float(value))
        elif isinstance(value, str):
            yield Entry(here, value)
        elif isinstance(value, list):
            yield Entry(here, None)


def codes(block: Mapping[str, object], key: str) -> tuple[str, ...]:
    """Free codes of a list; none where the key is missing or holds no list."""
    listed = block.get(key)
    return tuple(str(one) for one in listed) if isinstance(listed, (list, tuple)) else ()


def _is_statement(value: Mapping[str, object]) -> bool:
    return "status" in value or "value" in value


def _statement(path: str, value: Mapping[str, object]) -> Entry:
    status, number = value.get("status"), value.get("value")
    return Entry(
        path,
        None if status is None else str(status),
        float(number) if isinstance(number, (int, float)) else None,
        str(value.get("unit", "")),
    )
