"""The output folder and the published schemas."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from marrowtrail.errors import InputError
from marrowtrail.result.folder import check_target
from marrowtrail.result.rows import tracking_uid
from marrowtrail.result.schema import result_schema_text
from marrowtrail.result.tables import lesions_csv, regions_csv, tracks_csv
from tests.follow_up.made_visits import FEMUR, lesion
from tests.report.made_result import migrating, without_lesions

ROOT = Path(__file__).resolve().parents[2]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_published_schema_is_up_to_date() -> None:
    path = ROOT / "docs" / "schemas" / "result.schema.json"
    assert path.read_text(encoding="utf-8") == result_schema_text()


def test_a_document_follows_the_published_schema() -> None:
    document, _ = migrating()
    content = json.loads(document.model_dump_json(by_alias=True))
    schema = json.loads(result_schema_text())
    jsonschema.validate(content, schema)
    content["lesions"][0]["volume_mm3"] = "much"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema)


def test_tables_hold_every_row() -> None:
    document, _ = migrating()
    assert [row["lesion"] for row in rows(lesions_csv(document))] == [
        one.id for one in document.lesions
    ]
    assert len(rows(tracks_csv(document))) == len(document.tracks)
    shares = sum(len(one.region_shares) for one in document.lesions)
    assert len(rows(regions_csv(document))) == shares


def test_tables_without_lesions_have_a_header_only() -> None:
    document = without_lesions(migrating()[0])
    assert rows(lesions_csv(document)) == []
    assert lesions_csv(document).startswith("lesion,")


class TestTrackingUid:
    def test_it_is_a_uid_that_stays(self) -> None:
        one = lesion("v1", FEMUR, "medial_condyle")
        uid = tracking_uid(one, "1.2.3")
        assert uid == tracking_uid(one, "1.2.3")
        assert uid.startswith("2.25.")
        assert len(uid) <= 64

    def test_another_place_or_source_is_another_lesion(self) -> None:
        one = lesion("v1", FEMUR, "medial_condyle")
        other = lesion("v1", FEMUR, "medial_condyle", start=(25, 25, 12))
        uids = {tracking_uid(one, "1"), tracking_uid(one, "2"), tracking_uid(other, "1")}
        assert len(uids) == 3


class TestTarget:
    def test_new_and_empty_folders_and_earlier_results_are_fine(self, tmp_path: Path) -> None:
        check_target(tmp_path / "new")
        check_target(tmp_path)
        (tmp_path / "result.json").write_text("{}")
        check_target(tmp_path)

    def test_anything_else_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("x")
        with pytest.raises(InputError, match="not empty"):
            check_target(tmp_path)
        with pytest.raises(InputError, match="file of that name"):
            check_target(tmp_path / "thesis.txt")
