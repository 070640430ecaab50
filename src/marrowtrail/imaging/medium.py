"""The index of a medium (DICOMDIR): which files it lists, and which of them are not there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.imaging.elements import Item

INDEX_CLASS = "1.2.840.10008.1.3.10"
"""Media Storage Directory (PS3.10, 8): an index names no other class."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of an index: its path as the index has it, and the instance in it."""

    parts: tuple[str, ...]
    instance_uid: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index, and the folder that its paths start from (``None`` within an archive)."""

    listed: tuple[Listed, ...]
    folder: Path | None


def index_of(item: Item, folder: Path | None) -> Index:
    """The files that an index lists."""
    records = (one.values for one in item.sequences.get("DirectoryRecordSequence", ()))
    return Index(
        tuple(
            Listed(parts, one.get("ReferencedSOPInstanceUIDInFile", ("",))[0])
            for one in records
            if (parts := one.get("ReferencedFileID", ()))
        ),
        folder,
    )


def count_missing(indices: Iterable[Index], instance_uids: Collection[str]) -> int:
    """How many listed files are neither at their path nor anywhere in the folder.

    A copy often changes names; the instance, found under any name, counts as there.
    """
    missing: set[Listed] = set()
    for index in indices:
        there = _names_below(index.folder) if index.folder else frozenset[tuple[str, ...]]()
        missing.update(
            one
            for one in index.listed
            if one.instance_uid not in instance_uids and _plain(one.parts) not in there
        )
    return len(missing)


def _names_below(folder: Path) -> frozenset[tuple[str, ...]]:
    return frozenset(
        _plain((Path(parent) / name).relative_to(folder).parts)
        for parent, _, names in os.walk(folder)
        for name in names
    )


def _plain(parts: tuple[str, ...]) -> tuple[str, ...]:
    """A path without what copying from a disc changes: case, version number, ending."""
    *above, name = (part.casefold() for part in parts)
    return (*above, name.partition(";")[0].removesuffix(".dcm").rstrip("."))
