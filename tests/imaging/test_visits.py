"""From stacks to visits: dates, patients, age, and folders with nothing in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from marrowtrail.errors import InputError, Severity
from marrowtrail.imaging.headers import Header
from marrowtrail.imaging.patients import one_patient
from marrowtrail.imaging.plan import plan_folder
from tests.imaging.dicom_factory import Made, header, write_series
from tests.imaging.reading import assert_anonymous, plan, read, refusal


class TestDates:
    @pytest.mark.parametrize(("second", "visits"), [("20240112", 1), ("20240113", 2)])
    def test_a_week_is_one_visit(self, tmp_path: Path, second: str, visits: int) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(date=second, te=36.0))
        assert len(read(tmp_path).visits) == visits

    def test_a_week_counts_from_the_first_study(self, tmp_path: Path) -> None:
        for number, day in enumerate(("20240105", "20240110", "20240115")):
            write_series(tmp_path, Made(date=day, te=35.0 + number))
        assert [len(one.series) for one in read(tmp_path).visits] == [2, 1]

    def test_visits_count_from_the_earliest(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date="20240605"))
        write_series(tmp_path, Made(date="20230105"))
        visits = read(tmp_path).visits
        assert [(one.id, one.date) for one in visits] == [
            ("v1", date(2023, 1, 5)),
            ("v2", date(2024, 6, 5)),
        ]
        assert [one.id for visit in visits for one in visit.series] == ["v1-s1", "v2-s1"]
        assert [one.visit_id for visit in visits for one in visit.series] == ["v1", "v2"]

    def test_knee_and_ankle_of_one_day_are_one_visit(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(study="2", body_part="ANKLE", frame="2"))
        (visit,) = read(tmp_path).visits
        assert sorted(one.body_part for one in visit.series) == ["ankle", "knee"]

    @pytest.mark.parametrize(
        "other", [{"laterality": "L"}, {"te": 90.0}, {"cosines": (1, 0, 0, 0, 0, -1)}]
    )
    def test_studies_of_one_day_that_show_different_things(self, tmp_path: Path, other) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(study="2", frame="2", **other))
        (visit,) = read(tmp_path).visits
        assert len(visit.series) == 2

    def test_studies_of_one_day_that_show_the_same_are_asked_about(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(study="2"))
        error = refusal(tmp_path)
        assert error.what == (
            "2 studies that show the same joint in the same way carry one date (2024-01-05), so "
            "their order is not known."
        )
        assert "visits: in case.yaml" in error.remedy

    def test_no_date_is_asked_about(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date=""))
        error = refusal(tmp_path)
        assert error.what == "Images carry no date, so visits cannot be told apart."
        assert error.where == "a series of 5 slices (knee)"
        assert "visits: in case.yaml" in error.remedy

    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ({"StudyDate": "", "SeriesDate": "20240203"}, date(2024, 2, 3)),
            ({"StudyDate": "", "AcquisitionDate": "20240204"}, date(2024, 2, 4)),
            ({"StudyDate": "", "ContentDate": "20240205"}, date(2024, 2, 5)),
            ({"StudyDate": "20240206", "SeriesDate": "19990101"}, date(2024, 2, 6)),
        ],
    )
    def test_the_first_date_that_is_one(self, tmp_path: Path, tags, expected: date) -> None:
        write_series(tmp_path, Made(tags=tags))
        assert read(tmp_path).visits[0].date == expected

    @pytest.mark.parametrize("written", [b"2024.1.5", b"20241305", b"2024115 ", b"unknown "])
    def test_what_is_no_date_is_not_guessed(self, tmp_path: Path, written: bytes) -> None:
        for path in write_series(tmp_path, Made()):
            content = path.read_bytes()
            path.write_bytes(content.replace(b"DA\x08\x0020240105", b"DA\x08\x00" + written))
        assert "no date" in refusal(tmp_path).what

    def test_old_dates_with_dots(self, tmp_path: Path) -> None:
        for path in write_series(tmp_path, Made()):
            content = path.read_bytes()
            path.write_bytes(content.replace(b"DA\x08\x0020240105", b"DA\x0a\x002024.01.05"))
        assert read(tmp_path).visits[0].date == date(2024, 1, 5)


class TestPatients:
    @pytest.mark.parametrize(
        ("other", "said"),
        [
            ({"patient_id": "ZZ99"}, "2 patient ids (5 and 3 images)"),
            ({"patient_id": ""}, "2 patient ids (one of them empty) (5 and 3 images)"),
            ({"birth_date": "19900101"}, "2 birth dates under one patient id (5 and 3 images)"),
            ({"tags": {"PatientSex": "F"}}, "2 sexes under one patient id (5 and 3 images)"),
        ],
    )
    def test_two_are_refused_without_naming_them(self, tmp_path: Path, other, said: str) -> None:
        write_series(tmp_path, Made())
        write_series(tmp_path, Made(series="2", te=80.0, slices=3, **other))
        error = refusal(tmp_path)
        assert error.what == f"Expected one patient; the images carry {said}."
        assert "ZZ99" not in str(error)
        assert "1990" not in str(error)
        assert error.remedy == "keep each patient in a folder of their own"

    def test_a_patient_in_a_localiser_only_counts_too(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        localiser = ("ORIGINAL", "PRIMARY", "LOCALIZER")
        write_series(tmp_path, Made(series="2", image_type=localiser, patient_id="ZZ99"))
        assert "2 patient ids" in refusal(tmp_path).what

    @pytest.mark.parametrize(
        "other",
        [
            {},
            {"PatientBirthDate": ""},
            {"PatientSex": ""},
            {"PatientSex": "O"},
            {"PatientSex": "m"},
            {"IssuerOfPatientID": ""},
        ],
    )
    def test_what_is_missing_contradicts_nothing(self, other: dict[str, str]) -> None:
        known = {
            "PatientID": "1",
            "PatientName": "Secret^Sally",
            "IssuerOfPatientID": "H",
            "PatientBirthDate": "19780101",
            "PatientSex": "M",
        }
        assert one_patient([header(**known), header(**{**known, **other})]) == ()

    @pytest.mark.parametrize(
        ("other", "differs"),
        [
            ("Somebody^Else", True),
            ("Secret^Sarah", True),
            ("SECRET^SALLY", False),
            ("Secret, Sally", False),
            ("Secret^Sally^M^Dr.", False),
            ("Secret", False),
            ("", False),
            ("^^", False),
        ],
    )
    def test_another_name(self, other: str, differs: bool) -> None:
        """A caution under one id; two patients where there is none."""

        def images(patient_id: str) -> list[Header]:
            names = ("Secret^Sally", other)
            return [header(PatientID=patient_id, PatientName=name) for name in names]

        cautions = one_patient(images("1"))
        assert [one.code for one in cautions] == ["patient-named-otherwise"] * differs
        for caution in cautions:
            assert caution.severity is Severity.UNVERIFIED
            assert_anonymous(caution.what, caution.where, caution.remedy)
        if differs:
            with pytest.raises(InputError, match=r"2 patient names and no patient id \(1 and 1"):
                one_patient(images(""))
        else:
            assert one_patient(images("")) == ()

    def test_three_names_of_which_two_are_the_same(self) -> None:
        names = ("A^B", "A^B^C", "X^Y")
        (caution,) = one_patient([header(PatientID="1", PatientName=name) for name in names])
        assert "2 patient names" in caution.what

    def test_the_name_reaches_the_study(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        other = Made(date="20240605", study="2", tags={"PatientName": "Secret^Otto"})
        write_series(tmp_path, other)
        assert [one.code for one in read(tmp_path).cautions] == ["patient-named-otherwise"]

    def test_one_id_of_two_hospitals(self) -> None:
        one, other = (header(PatientID="1", IssuerOfPatientID=issuer) for issuer in "AB")
        with pytest.raises(InputError, match="2 issuers of one patient id"):
            one_patient([one, other])


class TestAgeAndSex:
    @pytest.mark.parametrize(
        ("age", "born", "expected"),
        [
            ("046Y", "", 46),
            ("46Y", "", 46),
            ("210M", "", 17),
            ("100W", "", 1),
            ("010D", "", 0),
            ("000Y", "", None),
            ("000Y", "19780101", 46),
            ("", "19780105", 46),
            ("", "19780106", 45),
            ("", "19000101", None),
            ("", "18500101", None),
            ("", "20300101", None),
            ("200Y", "", None),
            ("", "", None),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Invalid value for VR AS")
    def test_age(self, tmp_path: Path, age: str, born: str, expected: int | None) -> None:
        write_series(tmp_path, Made(birth_date=born, tags={"PatientAge": age}))
        assert read(tmp_path).age_years == expected

    def test_age_is_that_of_the_first_visit(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made(date="20260105", tags={"PatientAge": "048Y"}))
        write_series(tmp_path, Made(date="20240105", tags={"PatientAge": "046Y"}))
        assert read(tmp_path).age_years == 46

    @pytest.mark.parametrize(("sex", "expected"), [("M", "M"), ("F", "F"), ("O", None), ("", None)])
    def test_sex(self, tmp_path: Path, sex: str, expected: str | None) -> None:
        write_series(tmp_path, Made(tags={"PatientSex": sex}))
        assert read(tmp_path).sex == expected

    def test_synthetic_data_says_so(self, tmp_path: Path) -> None:
        write_series(tmp_path, Made())
        assert not read(tmp_path).is_synthetic
        write_series(tmp_path, Made(series="2", te=80.0, tags={"SyntheticData": "YES"}))
        assert read(tmp_path).is_synthetic
        assert plan(tmp_path).is_synthetic


class TestNothingThere:
    def test_no_folder(self, tmp_path: Path) -> None:
        error = refusal(tmp_path / "nowhere")
        assert "nothing of that name" in error.what
        assert error.where == str(tmp_path / "nowhere")
        assert "folder that holds the DICOM files" in error.remedy

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (path,) = write_series(tmp_path, Made(slices=1))
        with pytest.raises(InputError, match="is a single file"):
            plan_folder(path)

    def test_empty_folder(self, tmp_path: Path) -> None:
        error = refusal(tmp_path)
        assert "it holds no file that could be an image" in error.what
        assert "visits: in its case.yaml" in error.remedy

    def test_junk_only(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"junk")
        (tmp_path / "b").write_bytes(b"junk")
        assert "(2 other files: they are not DICOM images)" in refusal(tmp_path).what

    def test_an_empty_folder_can_be_looked_into(self, tmp_path: Path) -> None:
        assert plan(tmp_path).visits == ()
