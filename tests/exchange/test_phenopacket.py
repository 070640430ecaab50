"""The phenopacket: what people stand behind, and nothing that the format would twist."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from marrowtrail.exchange.phenopacket import QUALIFIERS, phenopacket
from marrowtrail.record.findings import SOFTWARE, FindingState, NotDoneReason
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.model import FindingRow, ResultDocument
from tests.report.made_result import migrating

FIRST, SECOND, THIRD = date(2020, 1, 2), date(2020, 4, 2), date(2020, 9, 2)
P, A, E = FindingState.PRESENT, FindingState.ABSENT, FindingState.EQUIVOCAL
OEDEMA = {"id": "HP:6000917", "label": "Bone marrow edema"}
RIGHT = {"id": "HP:0012834", "label": "Right"}


def row(
    state: FindingState,
    *,
    finding: str = "bme_present",
    site: str | None = "right medial femoral condyle",
    visit: date | None = FIRST,
    entered_by: str = "reader",
    confirmed_by: str | None = None,
) -> FindingRow:
    return FindingRow(
        finding=finding,
        label=finding,
        state=state,
        site=site,
        bone="femur" if site else None,
        side=Side.RIGHT if site else None,
        region=None,
        visit=visit,
        reason=NotDoneReason.NOT_PERFORMED if state is FindingState.NOT_DONE else None,
        explanation="Planted, Sally",
        entered_by=entered_by,
        confirmed_by=confirmed_by,
    )


@pytest.fixture(scope="module")
def document() -> ResultDocument:
    return migrating()[0]


def features(document: ResultDocument, *rows: FindingRow) -> list[dict]:
    return json.loads(phenopacket(document.model_copy(update={"findings": rows})))[
        "phenotypicFeatures"
    ]


def test_it_has_what_the_schema_requires_and_names_nobody(document: ResultDocument) -> None:
    text = phenopacket(document.model_copy(update={"findings": (row(P),)}))
    packet = json.loads(text)
    assert packet["id"]
    assert packet["subject"]["id"]
    meta = packet["metaData"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00Z", meta["created"])
    assert meta["createdBy"].startswith("marrowtrail")
    assert document.notice in meta["createdBy"]
    assert document.is_synthetic
    assert "Synthetic patient" in meta["createdBy"]
    assert meta["phenopacketSchemaVersion"] == "2.0"
    prefixes = {one["namespacePrefix"] for one in meta["resources"]}
    used = set(re.findall(r'"id": "([A-Z]+):\d{7}"', text))
    assert used == prefixes == {"HP"}
    assert "Planted" not in text
    assert text == phenopacket(document.model_copy(update={"findings": (row(P),)}))


def test_oedema_that_came_and_went(document: ResultDocument) -> None:
    (one,) = features(
        document, row(P), row(P, visit=SECOND), row(A, visit=THIRD), row(A, visit=date(2019, 1, 1))
    )
    assert one == {
        "type": OEDEMA,
        "description": "right medial femoral condyle",
        "modifiers": [RIGHT],
        "onset": {"timestamp": "2020-01-02T00:00:00Z"},
        "resolution": {"timestamp": "2020-09-02T00:00:00Z"},
    }


def test_absent_at_one_site_is_not_excluded_where_another_has_it(document: ResultDocument) -> None:
    said = features(document, row(P), row(A, site="right distal tibial epiphysis"))
    assert [one["description"] for one in said] == ["right medial femoral condyle"]


def test_absent_everywhere_is_excluded_once(document: ResultDocument) -> None:
    assert features(document, row(A), row(A, visit=SECOND)) == [{"type": OEDEMA, "excluded": True}]


@pytest.mark.parametrize(
    "rows",
    [
        (row(FindingState.NOT_DONE),),
        (row(E),),
        (row(E), row(A, visit=SECOND)),
        (row(A), row(P, site="right patella", entered_by=SOFTWARE)),
        (row(P, entered_by=SOFTWARE),),
        (row(P, entered_by=SOFTWARE, confirmed_by=ACCEPTED_BY_OPTION),),
        (row(P, finding="onset_acute", site=None),),
        (row(P, finding="age_30_59", site=None),),
    ],
)
def test_what_cannot_be_said_truly_is_left_out(
    document: ResultDocument, rows: tuple[FindingRow, ...]
) -> None:
    assert features(document, *rows) == []


def test_a_proposal_that_a_reader_confirmed_is_in(document: ResultDocument) -> None:
    assert features(document, row(P, entered_by=SOFTWARE, confirmed_by="radiologist"))


def test_a_result_without_dates_tells_none(document: ResultDocument) -> None:
    visits = tuple(one.model_copy(update={"date": None}) for one in document.visits)
    packet = json.loads(
        phenopacket(
            document.model_copy(update={"visits": visits, "findings": (row(P, visit=None),)})
        )
    )
    assert packet["metaData"]["created"].startswith("1970-01-01")
    assert "onset" not in packet["phenotypicFeatures"][0]


def test_no_feature_is_a_qualifier(document: ResultDocument) -> None:
    rows = tuple(row(P, finding=one.key, site=None) for one in vocabulary().findings)
    said = {one["type"]["id"].removeprefix("HP:") for one in features(document, *rows)}
    assert "0001945" in said, "fever"
    assert not said & QUALIFIERS
