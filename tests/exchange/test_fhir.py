"""The FHIR bundle: valid by the library and by our own checks, and saying no more than is known."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from copy import deepcopy

import pytest
from fhir.resources.R4B.bundle import Bundle
from pydantic import BaseModel

from marrowtrail.exchange.fhir import fhir_bundle
from marrowtrail.exchange.fhir_checks import at, broken_rules, check_bundle, values
from marrowtrail.exchange.fhir_parts import codings_of, figures, site_concept
from marrowtrail.record.findings import FindingState, NotDoneReason
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import vocabulary
from marrowtrail.result.identity import Identity
from marrowtrail.result.model import BoneNetworkRow, ResultDocument
from tests.report.made_result import migrating, one_visit, without_lesions

SOMEONE = Identity("Planted", ("Given", "Middle"), "PLANTED-ID", "1971-05-30")
PDF = b"%PDF-1.7 for the record"


@pytest.fixture(scope="module")
def document() -> ResultDocument:
    return migrating()[0]


@pytest.fixture(scope="module")
def bundle(document: ResultDocument) -> dict:
    return made(document, PDF, SOMEONE)


def made(document: ResultDocument, *more) -> dict:
    return json.loads(fhir_bundle(document, *more))


def every(bundle: dict, kind: str) -> list[dict]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in found if one["resourceType"] == kind]


def named(bundle: dict, text: str) -> list[dict]:
    return [one for one in every(bundle, "Observation") if one["code"]["text"] == text]


def with_findings(document: ResultDocument, **change) -> ResultDocument:
    rows = tuple(row.model_copy(update=change) for row in document.findings)
    return document.model_copy(update={"findings": rows})


class TestTheBundle:
    def test_the_library_and_our_checks_accept_it(self, bundle: dict) -> None:
        Bundle.model_validate(bundle)
        assert list(broken_rules(bundle)) == []

    def test_it_holds_each_kind(self, bundle: dict, document: ResultDocument) -> None:
        expected = {"DiagnosticReport": 1, "Patient": 1, "Device": 1, "Provenance": 1}
        expected |= {"RiskAssessment": 2, "Condition": 7}
        for kind, count in expected.items():
            assert len(every(bundle, kind)) == count, kind
        measured = (*document.findings, *document.lesions, *document.tracks)
        signs = [one for one in document.signs if one.state.value != "not_assessable"]
        assert len(every(bundle, "Observation")) == len(measured) + len(signs)

    def test_the_same_result_gives_the_same_bytes(self, document: ResultDocument) -> None:
        assert fhir_bundle(document, PDF) == fhir_bundle(document, PDF)

    def test_ids_follow_from_input_settings_and_version(self, document: ResultDocument) -> None:
        first = {entry["fullUrl"] for entry in made(document)["entry"]}
        assert {entry["fullUrl"] for entry in made(document, PDF, SOMEONE)["entry"]} == first
        other = document.provenance.model_copy(update={"input_hash": "another"})
        changed = made(document.model_copy(update={"provenance": other}))
        assert first.isdisjoint(entry["fullUrl"] for entry in changed["entry"])

    @pytest.mark.parametrize("less", [without_lesions, one_visit])
    def test_smaller_results_are_valid_too(self, document: ResultDocument, less) -> None:
        assert list(broken_rules(made(less(document)))) == []

    def test_a_result_with_hardly_anything(self, document: ResultDocument) -> None:
        parts = ("findings", "rankings", "differential", "ledger", "next_steps", "visits")
        bare = without_lesions(document).model_copy(update=dict.fromkeys(parts, ()))
        bundle = made(bare)
        assert "result" not in every(bundle, "DiagnosticReport")[0]
        assert every(bundle, "Condition") == []

    def test_without_dates_it_holds_none(self, document: ResultDocument) -> None:
        visits = tuple(one.model_copy(update={"date": None}) for one in document.visits)
        undated = with_findings(document.model_copy(update={"visits": visits}), visit=None)
        assert not re.search(r"\d{4}-\d\d-\d\d", fhir_bundle(undated))
        assert re.search(r"\d{4}-\d\d-\d\d", fhir_bundle(document))

    def test_the_networks_that_found_bones_are_sources(self, document: ResultDocument) -> None:
        network = BoneNetworkRow(version="9", coarse_sha256="aa", fine_sha256="bb")
        traced = document.provenance.model_copy(update={"bone_network": network})
        (with_it,) = every(made(document.model_copy(update={"provenance": traced})), "Provenance")
        (without,) = every(made(document), "Provenance")
        assert at(with_it, "entity.what.identifier.value") == ["def456", "abc123", "aa", "bb"]
        assert at(without, "entity.what.identifier.value") == ["def456", "abc123"]


class TestFindings:
    def test_what_was_not_done_has_a_reason_and_no_value(self, bundle: dict) -> None:
        (biopsy,) = named(bundle, "biopsy")
        assert biopsy["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
        assert not any(key.startswith("value") for key in biopsy)

    @pytest.mark.parametrize(
        ("reason", "code"), [("not_assessable", "unknown"), ("not_reported", "not-asked")]
    )
    def test_each_reason_has_its_code(self, document, reason: str, code: str) -> None:
        row = document.findings[-1].model_copy(update={"reason": NotDoneReason(reason)})
        (found,) = named(made(document.model_copy(update={"findings": (row,)})), row.label)
        assert found["dataAbsentReason"]["coding"][0]["code"] == code

    @pytest.mark.parametrize(
        ("state", "code"),
        [("present", "52101004"), ("absent", "272519000"), ("equivocal", "42425007")],
    )
    def test_each_state_has_its_code(self, document, state: str, code: str) -> None:
        row = document.findings[0].model_copy(update={"state": FindingState(state)})
        (found,) = named(made(document.model_copy(update={"findings": (row,)})), row.label)
        assert found["valueCodeableConcept"]["coding"][0]["code"] == code
        assert "dataAbsentReason" not in found

    def test_only_what_somebody_stands_behind_is_final(self, bundle: dict) -> None:
        assert named(bundle, "oedema shifts to another joint")[0]["status"] == "preliminary"
        assert named(bundle, "ankylosing spondylitis")[0]["status"] == "final"
        assert every(bundle, "DiagnosticReport")[0]["status"] == "preliminary"

    def test_a_confirmed_record_is_final(self, document: ResultDocument) -> None:
        confirmed = made(with_findings(document, confirmed_by="radiologist"))
        assert every(confirmed, "DiagnosticReport")[0]["status"] == "final"
        assert {one["status"] for one in every(confirmed, "RiskAssessment")} == {"final"}
        assert "verifier" in json.dumps(every(confirmed, "Provenance"))
        assert "verifier" not in json.dumps(every(made(document), "Provenance"))

    def test_what_an_option_accepted_is_read_by_nobody(self, document: ResultDocument) -> None:
        change = {"entered_by": "software", "confirmed_by": ACCEPTED_BY_OPTION}
        accepted = made(with_findings(document, **change))
        (report,) = every(accepted, "DiagnosticReport")
        assert report["status"] == "preliminary"
        assert "no reader has confirmed" in report["conclusion"]
        assert {one["status"] for one in every(accepted, "RiskAssessment")} == {"preliminary"}
        assert {one["status"] for one in every(accepted, "Observation")} == {"preliminary"}
        assert "verifier" not in json.dumps(every(accepted, "Provenance"))

    def test_place_side_and_day(self, bundle: dict) -> None:
        (oedema,) = named(bundle, "bone marrow oedema")
        assert oedema["effectiveDateTime"] == "2021-03-04"
        assert oedema["bodySite"]["coding"][0]["code"] == "UBERON:0009984"
        assert at(oedema, "component.valueCodeableConcept.coding.code") == ["24028007"]


class TestLesions:
    def test_volume_interval_and_identity(self, bundle: dict, document: ResultDocument) -> None:
        volumes = named(bundle, "volume of bone marrow oedema")
        assert len(volumes) == len(document.lesions)
        for one, row in zip(volumes, document.lesions, strict=True):
            assert one["valueQuantity"]["value"] == pytest.approx(row.volume_mm3 / 1000, rel=1e-3)
            assert one["valueQuantity"]["code"] == "mL"
            parts = {part["code"]["text"]: part for part in one["component"]}
            low = parts["lower end of the interval"]["valueQuantity"]["value"]
            high = parts["upper end of the interval"]["valueQuantity"]["value"]
            assert low <= one["valueQuantity"]["value"] <= high
            assert parts["tracking UID of the lesion"]["valueString"] == row.tracking_uid

    def test_a_confirmed_lesion_is_final_and_the_others_are_not(self, document) -> None:
        rows = tuple(
            row.model_copy(update={"finding": "bme_present", "confirmed_by": "radiologist"})
            if row.bone
            else row
            for row in document.findings
        )
        bundle = made(document.model_copy(update={"findings": rows}))
        states = [one["status"] for one in named(bundle, "volume of bone marrow oedema")]
        assert states == ["final", "preliminary", "preliminary"]

    def test_the_course_leads_back_to_the_measurements(self, bundle: dict) -> None:
        volumes = named(bundle, "volume of bone marrow oedema")
        ids = {f"urn:uuid:{one['id']}" for one in volumes}
        courses = named(bundle, "course of bone marrow oedema")
        assert {at(one, "derivedFrom.reference")[0] for one in courses} == ids
        assert [one["valueCodeableConcept"]["text"] for one in courses][:1] == ["resolved"]


class TestTheDifferential:
    def test_ranked_in_percent_with_intervals(self, bundle: dict) -> None:
        for one in every(bundle, "RiskAssessment"):
            shares = at(one, "prediction.probabilityDecimal")
            assert sum(shares) == pytest.approx(100, abs=0.1)
            assert shares == sorted(shares, reverse=True)
            for prediction in one["prediction"]:
                (interval,) = prediction["extension"]
                inner = {part["url"]: part["valueDecimal"] for part in interval["extension"]}
                assert inner["low"] <= prediction["probabilityDecimal"] <= inner["high"]
                assert inner["level"] == 80

    def test_each_ranking_rests_on_its_own_findings(self, bundle: dict) -> None:
        proposed, confirmed = every(bundle, "RiskAssessment")
        assert (proposed["status"], confirmed["status"]) == ("preliminary", "final")
        known = {one["id"]: one for one in every(bundle, "Observation")}
        states = [
            {known[ref.removeprefix("urn:uuid:")]["status"] for ref in at(one, "basis.reference")}
            for one in (proposed, confirmed)
        ]
        assert states == [{"preliminary", "final"}, {"final"}]
        assert len(at(proposed, "prediction.rationale")) == 2
        assert at(confirmed, "prediction.rationale") == []

    def test_causes_are_differential_and_none_of_these_is_no_disease(self, document) -> None:
        causes = tuple(document.differential)
        nothing = next(one for one in causes if one.diagnosis == "tumour")
        assert nothing.probability < 0.01
        labels = [one["code"]["text"] for one in every(made(document), "Condition")]
        assert labels[0] == "regional migratory osteoporosis"
        assert "tumour" not in labels
        states = at(
            {"resource": every(made(document), "Condition")},
            "resource.verificationStatus.coding.code",
        )
        assert set(states) == {"differential"}

    def test_a_diagnosis_is_coded_only_by_verified_codes(self) -> None:
        rmo, avn = vocabulary().diagnosis("rmo"), vocabulary().diagnosis("avn")
        assert codings_of(rmo.codes) == ()
        assert [one["code"] for one in codings_of(avn.codes)] == ["MONDO:0018373", "397758007"]

    def test_a_place_without_a_code_is_coded_as_its_bone(self) -> None:
        assert site_concept("femur", "trochlea", "x")["coding"][0]["display"] == "Femur"
        assert site_concept("femur", "head", "x")["coding"][0]["display"] == "Head of Femur"
        assert site_concept("no bone", None, "x") == {"text": "x"}

    def test_numbers_have_four_figures(self) -> None:
        assert (figures(93.36964), figures(0.00002345678)) == (93.37, 2.346e-05)


class TestWhoItIsAbout:
    def test_nobody_is_named_unless_asked(self, document: ResultDocument) -> None:
        (patient,) = every(made(document), "Patient")
        assert set(patient) <= {"resourceType", "id", "meta", "gender"}

    def test_the_patient_is_named_when_asked(self, bundle: dict) -> None:
        (patient,) = every(bundle, "Patient")
        assert patient["name"] == [
            {"use": "official", "family": "Planted", "given": ["Given", "Middle"]}
        ]
        assert patient["identifier"][0]["value"] == "PLANTED-ID"
        assert patient["birthDate"] == "1971-05-30"

    def test_what_is_not_known_of_a_patient_is_left_out(self, document: ResultDocument) -> None:
        (patient,) = every(made(document, None, Identity(patient_id="7")), "Patient")
        assert "name" not in patient
        assert "birthDate" not in patient

    def test_readers_and_what_they_wrote_stay_out(self, document: ResultDocument) -> None:
        written = with_findings(
            document, entered_by="reader", confirmed_by="Dr Planted", explanation="Mrs Planted says"
        )
        assert "Planted" not in fhir_bundle(written)

    @pytest.mark.parametrize(("key", "gender"), [("sex_male", "male"), ("sex_female", "female")])
    def test_sex_comes_from_the_record(self, document, key: str, gender: str) -> None:
        row = document.findings[2].model_copy(update={"finding": key})
        known = document.model_copy(update={"findings": (row,)})
        assert every(made(known), "Patient")[0]["gender"] == gender
        assert every(made(document), "Patient")[0]["gender"] == "unknown"

    def test_synthetic_resources_say_so_and_others_do_not(self, document: ResultDocument) -> None:
        synthetic = made(document)
        labels = at(synthetic, "entry.resource.meta.security.code")
        assert labels == ["HTEST"] * len(synthetic["entry"])
        real = document.model_copy(update={"is_synthetic": False})
        assert "HTEST" not in fhir_bundle(real)

    def test_what_it_is_not_for_stands_in_it(self, bundle: dict, document: ResultDocument) -> None:
        for kind in ("DiagnosticReport", "RiskAssessment", "Condition", "Device"):
            for one in every(bundle, kind):
                assert document.notice in json.dumps(one), kind

    def test_the_report_carries_the_pdf(self, bundle: dict, document: ResultDocument) -> None:
        (form,) = every(bundle, "DiagnosticReport")[0]["presentedForm"]
        assert base64.b64decode(form["data"]) == PDF
        assert form["size"] == len(PDF)
        assert "presentedForm" not in every(made(document), "DiagnosticReport")[0]


MISTAKES = [
    ("Observation", {"status": "nonsense"}, "value set"),
    ("Observation", {"status": None}, "missing"),
    ("Observation", {"category": [{"coding": [{"system": "x", "code": "imaging"}]}]}, "value set"),
    ("Observation", {"dataAbsentReason": {"text": "why"}}, "value set"),
    (
        "Observation",
        {"valueString": "x", "component": None, "dataAbsentReason": {"text": ""}},
        "obs-6",
    ),
    ("Observation", {"valueCodeableConcept": None, "component": None}, "neither a value"),
    ("Observation", {"subject": {"reference": "urn:uuid:0"}}, "not in the bundle"),
    ("Observation", {"note": [{}]}, "ele-1"),
    ("DiagnosticReport", {"status": "done"}, "value set"),
    (
        "DiagnosticReport",
        {"effectivePeriod": {"start": "2021-02-01", "end": "2021-01-01"}},
        "per-1",
    ),
    ("RiskAssessment", {"status": "nonsense"}, "value set"),
    ("RiskAssessment", {"method": None}, "missing"),
    ("RiskAssessment", {"prediction": [{"probabilityDecimal": 101}]}, "not 0 to 100"),
    ("RiskAssessment", {"prediction": [{"extension": [{"url": "x"}]}]}, "ext-1"),
    ("Condition", {"verificationStatus": {"coding": [{"code": "differential"}]}}, "value set"),
    ("Condition", {"verificationStatus": None}, "missing"),
    ("Patient", {"gender": "man"}, "value set"),
    ("Device", {"status": "new"}, "value set"),
    ("Provenance", {"_recorded": None}, "recorded"),
    ("Provenance", {"entity": [{"role": "cause", "what": {"display": "x"}}]}, "value set"),
]


class TestOurChecks:
    @pytest.mark.parametrize(("kind", "change", "says"), MISTAKES)
    def test_a_mistake_is_found(self, bundle: dict, kind: str, change: dict, says: str) -> None:
        wrong = deepcopy(bundle)
        resource = every(wrong, kind)[0]
        for key, value in change.items():
            if value is None:
                resource.pop(key, None)
            else:
                resource[key] = value
        assert any(says in one for one in broken_rules(wrong)), list(broken_rules(wrong))

    def test_the_library_alone_lets_nonsense_pass(self, bundle: dict) -> None:
        wrong = deepcopy(bundle)
        every(wrong, "Observation")[0]["status"] = "nonsense"
        Bundle.model_validate(wrong)
        with pytest.raises(ValueError, match="nonsense"):
            check_bundle(wrong)

    def test_a_reference_to_the_wrong_kind_is_found(self, bundle: dict) -> None:
        wrong = deepcopy(bundle)
        device = every(wrong, "Device")[0]["id"]
        every(wrong, "Observation")[0]["subject"] = {"reference": f"urn:uuid:{device}"}
        every(wrong, "Observation")[1]["performer"] = [{"reference": f"urn:uuid:{device}"}]
        assert list(broken_rules(wrong)) == ["Observation.performer may not lead to a Device"]

    def test_an_address_twice_or_not_its_own_is_found(self, bundle: dict) -> None:
        wrong = deepcopy(bundle)
        wrong["entry"].append(wrong["entry"][0])
        assert any("bdl-7" in one for one in broken_rules(wrong))
        wrong = deepcopy(bundle)
        wrong["entry"][0]["fullUrl"] = "urn:uuid:1"
        assert any("not that of its resource" in one for one in broken_rules(wrong))

    def test_the_bundle_type_is_checked(self, bundle: dict) -> None:
        assert any("Bundle.type" in one for one in broken_rules({**bundle, "type": "heap"}))

    def test_every_code_that_the_library_leaves_open_is_checked(self, bundle: dict) -> None:
        open_paths = set(_open_codes(Bundle.model_validate(bundle), "Bundle"))
        assert {"Observation.status", "Patient.gender", "Bundle.type"} <= open_paths
        assert open_paths <= {rule.path for rule in values().codes}

    def test_targets_are_those_of_the_standard(self) -> None:
        for rule in values().targets:
            kind, *names = rule.path.split(".")
            allowed = _targets(kind, names)
            assert allowed, rule.path
            assert "Resource" in allowed or set(rule.types) <= set(allowed), rule.path


def _open_codes(model: BaseModel, path: str) -> Iterator[str]:
    """Paths of set elements for which the library names codes and checks none."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is None:
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        here = f"{path}.{field.alias or name}"
        if extra.get("enum_values"):
            yield here
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                kind = one.get_resource_type() if here.endswith("entry.resource") else ""
                yield from _open_codes(one, kind or here)


def _targets(kind: str, names: list[str]) -> list[str]:
    """Types that the library's own table allows at the end of a path."""
    from fhir.resources.R4B import get_fhir_model_class

    model = get_fhir_model_class(kind)
    for name in names[:-1]:
        model = get_fhir_model_class(f"{kind}{name.capitalize()}")
    field = next(f for n, f in model.model_fields.items() if (f.alias or n) == names[-1])
    return list(field.json_schema_extra["enum_reference_types"])


def test_sides_have_codes_and_an_unknown_side_has_none(document: ResultDocument) -> None:
    rows = tuple(one.model_copy(update={"side": Side.UNKNOWN}) for one in document.lesions)
    unsided = made(document.model_copy(update={"lesions": rows}))
    for one in named(unsided, "volume of bone marrow oedema"):
        assert "laterality" not in at(one, "component.code.text")
    for one in named(made(document), "volume of bone marrow oedema"):
        assert "laterality" in at(one, "component.code.text")
