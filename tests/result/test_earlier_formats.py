"""A result that an earlier version wrote is still read; what it could not say stays empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marrowtrail.result.folder import write_files
from marrowtrail.result.model import SCHEMA_VERSION
from marrowtrail.result.stored import read_stored
from marrowtrail.result.tables import tables
from tests.report.made_result import migrating

NEW_IN_1_4 = {
    "lesions": ("predecessors",),
    "tracks": ("steps", "since_first"),
    "shifts": (
        "before",
        "resolved_mm3",
        "appeared_mm3",
        "overlap_days",
        "overlap_at_most_days",
    ),
    "registrations": ("from_series", "to_series", "loop_mm"),
}


@pytest.fixture(name="earlier")
def _earlier(tmp_path: Path) -> Path:
    """An output folder of format 1.3."""
    document, figures = migrating()
    content = json.loads(document.model_dump_json(by_alias=True)) | {"schema_version": "1.3"}
    del content["matches"]
    for table, names in NEW_IN_1_4.items():
        for row in content[table]:
            for name in names:
                del row[name]
    pictures = {f"figures/{name}": data for name, data in figures.items()}
    write_files(tmp_path / "result", {"result.json": json.dumps(content)} | pictures)
    return tmp_path / "result"


def test_it_is_read(earlier: Path) -> None:
    document = read_stored(earlier).document
    assert document.schema_version == "1.3" < SCHEMA_VERSION
    assert document.matches == ()
    assert {track.steps for track in document.tracks} == {()}
    assert {shift.before for shift in document.shifts} == {None}
    assert {row.from_series for row in document.registrations} == {""}


def test_its_tables_have_headers_only_where_it_says_nothing(earlier: Path) -> None:
    made = tables(read_stored(earlier).document)
    assert len(made["tracks.csv"].splitlines()) > 1
    assert len(made["intervals.csv"].splitlines()) == len(made["matches.csv"].splitlines()) == 1
