"""From DICOM to report, as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

import marrowtrail as library
from marrowtrail.cli.export import Kind, export
from tests.patients import marrowtrail, result_of, strip_descriptions


@pytest.fixture(name="patient")
def _patient(seed_patient: Path) -> Path:
    return seed_patient


@pytest.fixture(scope="module")
def ran(seed_patient: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("out") / "result"
    return marrowtrail("run", seed_patient, "--out", out, "--quiet"), out


class TestTheSeed:
    def test_it_runs_and_writes_everything(self, ran) -> None:
        done, out = ran
        assert done.code in (0, 3), done.err
        assert done.out == ""
        for name in (
            "report.html",
            "report.pdf",
            "fhir/bundle.json",
            "result.json",
            "findings.yaml",
            "provenance.json",
            "lesions.csv",
            "regions.csv",
            "tracks.csv",
        ):
            assert (out / name).stat().st_size > 0, name
        assert list((out / "labels").glob("*.nii.gz"))
        pictures = {path.name for path in (out / "figures").iterdir()}
        assert pictures == {one["file"] for one in result_of(out)["figures"]} != set()
        assert not list(out.glob("*.webp"))
        assert not list(out.parent.glob(".*"))

    def test_the_story(self, ran) -> None:
        result = result_of(ran[1])
        places = {one["id"]: (one["bone"], one["region"]) for one in result["lesions"]}
        steps = [(places[s["from"]], places[s["to"]], s["kind"]) for s in result["shifts"]]
        assert steps == [
            (("femur", "medial_condyle"), ("tibia", "lateral_plateau"), "within_joint"),
            (("tibia", "lateral_plateau"), ("tibia", "distal_epiphysis"), "between_joints"),
        ]

    def test_the_differential(self, ran) -> None:
        result = result_of(ran[1])
        assert sum(one["probability"] for one in result["differential"]) == pytest.approx(1)
        assert result["differential"][0]["diagnosis"] == "rmo"
        before = result["course"][0]["causes"][0]["diagnosis"]
        assert before != "rmo"
        answered = {line["diagnosis"] for line in result["ledger"]}
        assert {"avn", "spa_enthesitis", "spa_arthritis", "cno"} <= answered

    def test_exit_code_3_says_what_is_unverified(self, ran) -> None:
        done, out = ran
        severities = {one["severity"] for one in result_of(out)["warnings"]}
        assert (done.code == 3) == ("unverified" in severities)

    def test_it_is_marked_as_synthetic(self, ran) -> None:
        assert result_of(ran[1])["is_synthetic"]
        assert "ynthetic" in (ran[1] / "report.html").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        ("kind", "name", "made"),
        [
            ("html", "report.html", "report.html"),
            ("pdf", "report.pdf", "report.pdf"),
            ("fhir", "bundle.json", "fhir/bundle.json"),
        ],
    )
    def test_an_export_is_what_the_run_wrote(self, ran, tmp_path, kind, name, made) -> None:
        export(Kind(kind), ran[1], tmp_path / "alone")
        assert (tmp_path / "alone" / name).read_bytes() == (ran[1] / made).read_bytes()

    def test_nothing_identifies_the_patient(self, ran) -> None:
        for path in ran[1].rglob("*"):
            if path.suffix in {".html", ".json", ".yaml", ".csv"}:
                text = path.read_text(encoding="utf-8")
                assert "SYN-" not in text
                assert "Synthetic^" not in text


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seed patient's result without masks: the demo's, where CI has just made one."""
    made = os.environ.get("MARROWTRAIL_DEMO")
    if made:
        return Path(made)
    patient, folder = request.getfixturevalue("seed_patient"), tmp_path_factory.mktemp("found")
    masks = shutil.ignore_patterns("SE1??")
    shutil.copytree(patient / "dicom", folder / "bare" / "dicom", ignore=masks)
    shutil.copy(patient / "case.yaml", folder / "bare")
    done = marrowtrail("run", folder / "bare", "--out", folder / "out", "--quiet")
    assert done.code in (0, 3), done.err
    return folder / "out"


def test_without_masks_the_bones_are_found_and_the_story_is_the_same(found: Path) -> None:
    result = result_of(found)
    assert result["provenance"]["bone_network"] is not None
    read = [one for visit in result["visits"] for one in visit["bones"] if one["is_read"]]
    assert all(one["source"].startswith("found by bone network") for one in read)
    places = {one["id"]: (one["bone"], one["region"]) for one in result["lesions"]}
    assert [
        (places[one["from"]], places[one["to"]], one["verified"]) for one in result["shifts"]
    ] == [
        (("femur", "medial_condyle"), ("tibia", "lateral_plateau"), True),
        (("tibia", "lateral_plateau"), ("tibia", "distal_epiphysis"), True),
    ]
    assert result["differential"][0]["diagnosis"] == "rmo"


def test_names_and_truth_decide_nothing(patient: Path, ran, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(patient / "dicom", bare / "images")
    shutil.copy(patient / "case.yaml", bare)
    strip_descriptions(bare / "images")
    stripped = library.run(bare).document.model_dump(mode="json", by_alias=True)
    full = result_of(ran[1])
    for part in ("headline", "lesions", "tracks", "shifts", "findings", "differential", "ledger"):
        assert stripped[part] == full[part], part


@pytest.fixture(scope="module")
def one_visit(seed_patient: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one-visit") / "one"
    shutil.copytree(seed_patient / "dicom" / "ST01K", folder)
    return folder


@pytest.fixture(scope="module")
def ran_one(one_visit: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("one-result") / "out"
    return marrowtrail("run", one_visit, "--out", out), out


def test_one_visit_only_works_and_says_so(ran_one) -> None:
    done, out = ran_one
    assert done.code == 0, done.err
    result = result_of(out)
    assert "nothing can be followed" in result["headline"]
    assert result["shifts"] == []
    assert [one["change"] for one in result["tracks"]] == ["single"]


def test_a_reader_confirms_and_the_next_run_knows(one_visit: Path, ran_one, tmp_path: Path) -> None:
    shutil.copytree(ran_one[1], tmp_path / "out")
    findings = tmp_path / "out" / "findings.yaml"
    text = findings.read_text(encoding="utf-8")
    key = "finding: demarcation_band_serpiginous"
    assert key in text
    before, after = text.split(key, 1)
    after = after.replace("state: not_done", "state: absent", 1)
    after = re.sub(r"\n\s+reason: not_assessable", "", after, count=1)
    after = after.replace("confirmed_by: null", "confirmed_by: radiologist", 1)
    findings.write_text(before + key + after, encoding="utf-8")
    done = marrowtrail("run", one_visit, "--out", tmp_path / "out", "--quiet")
    assert done.code == 0, done.err
    (row,) = [
        one
        for one in result_of(tmp_path / "out")["findings"]
        if one["finding"] == "demarcation_band_serpiginous"
    ]
    assert (row["state"], row["confirmed_by"]) == ("absent", "radiologist")


def test_the_library_gives_the_same(one_visit: Path, ran_one, tmp_path: Path) -> None:
    result = library.run(one_visit)
    library.save(result, tmp_path / "out")
    assert result.document.model_dump(mode="json", by_alias=True) == result_of(tmp_path / "out")
    theirs = {path.relative_to(ran_one[1]) for path in ran_one[1].rglob("*") if path.is_file()}
    ours = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.*")}
    assert ours == theirs != set()
    for name in theirs:
        assert (tmp_path / "out" / name).read_bytes() == (ran_one[1] / name).read_bytes(), name


def test_no_dates(patient: Path, tmp_path: Path) -> None:
    shutil.copytree(patient / "dicom" / "ST01K", tmp_path / "one")
    shutil.copy(patient / "case.yaml", tmp_path / "one")
    marrowtrail("run", tmp_path / "one", "--out", tmp_path / "out", "--quiet", "--no-dates")
    day = result_of(tmp_path / "out")["visits"][0]["date"]
    assert day is None
    year = next(p for p in (tmp_path / "one" / "case.yaml").read_text().split() if "-" in p)[:4]
    for name in ("result.json", "report.html", "lesions.csv", "findings.yaml"):
        assert f"{year}-" not in (tmp_path / "out" / name).read_text(encoding="utf-8"), name
