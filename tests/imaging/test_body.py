"""Joint and side by the words of a header, and what is said when they contradict."""

from __future__ import annotations

from pathlib import Path

import pytest

from marrowtrail.errors import Severity
from marrowtrail.imaging.body import body_part, side
from marrowtrail.record.sites import Side
from tests.imaging.dicom_factory import Made, datasets, header, write, write_series
from tests.imaging.reading import plan, read

L, R, NONE = Side.LEFT, Side.RIGHT, Side.UNKNOWN


class TestJoint:
    @pytest.mark.parametrize(
        ("coded", "joint"),
        [
            ("KNEE", "knee"),
            ("knee", "knee"),
            ("LKNEE", "knee"),
            ("ANKLE", "ankle"),
            ("HIP", "hip"),
            ("FOOT", "foot"),
            ("SI JOINT", "sacroiliac"),
            ("SACROILIAC", "sacroiliac"),
            ("SHIP", "unknown"),
            ("WRIST", "unknown"),
            ("EXTREMITY", "unknown"),
            ("", "unknown"),
        ],
    )
    def test_by_the_attribute(self, coded: str, joint: str) -> None:
        assert body_part(header(BodyPartExamined=coded), "") == (joint, ())

    @pytest.mark.parametrize(
        ("name", "joint"),
        [
            ("MR Knee rechts", "knee"),
            ("Kniegelenk", "knee"),
            ("IRM genou", "knee"),
            ("Patella tra", "knee"),
            ("Sprunggelenk", "ankle"),
            ("OSG links", "ankle"),
            ("cheville", "ankle"),
            ("Hüfte bds", "hip"),
            ("hips both", "hip"),
            ("hanche", "hip"),
            ("Fuß", "foot"),
            ("forefoot", "foot"),
            ("ISG STIR", "sacroiliac"),
            ("chip", "unknown"),
            ("POSGRAD", "unknown"),
            ("sag pd", "unknown"),
        ],
    )
    @pytest.mark.parametrize("tag", ["SeriesDescription", "ProtocolName", "StudyDescription"])
    def test_by_names_where_the_attribute_is_silent(self, tag: str, name: str, joint: str) -> None:
        for silent in ("", "EXTREMITY"):
            made = header(BodyPartExamined=silent, **{tag: name})
            assert body_part(made, "") == (joint, ())

    def test_a_contradiction_is_said_and_changes_nothing(self) -> None:
        made = header(BodyPartExamined="KNEE", StudyDescription="MR ankle")
        joint, (caution,) = body_part(made, "v1, series v1-s1")
        assert joint == "knee"
        assert caution.severity is Severity.UNVERIFIED
        assert caution.what == (
            "The header's body part says knee, the name of the series says ankle. "
            "The body part was used."
        )
        assert caution.where == "v1, series v1-s1"

    def test_a_name_that_speaks_of_several_joints_contradicts_none_of_them(self) -> None:
        made = header(BodyPartExamined="ANKLE", StudyDescription="MR knee and ankle")
        assert body_part(made, "") == ("ankle", ())


class TestSide:
    @pytest.mark.parametrize(
        ("image", "series", "expected"),
        [
            ("L", "", L),
            ("", "R", R),
            ("R", "R", R),
            ("left", "", L),
            ("U", "", NONE),
            ("B", "", NONE),
            ("NO", "", NONE),
            ("", "", NONE),
        ],
    )
    def test_by_the_attributes(self, image: str, series: str, expected: Side) -> None:
        assert side(header(ImageLaterality=image, Laterality=series), "") == (expected, ())

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("SAG PD LEFT", L),
            ("knee_left", L),
            ("LEFT-KNEE", L),
            ("Knie links", L),
            ("Knie li.", L),
            ("genou gauche", L),
            ("KNEE LT", L),
            ("KNEE L", L),
            ("KNEE_L SAG", L),
            ("L KNEE", L),
            ("LKNEE", L),
            ("Right knee", R),
            ("Knie re", R),
            ("genou droit", R),
            ("e+1 KNEE-RT.", R),
            ("R ANKLE", R),
            ("left and right", NONE),
            ("KNEE R/L", NONE),
            ("KNEE LOC", NONE),
            ("KNEE R2", NONE),
            ("B/L KNEES", NONE),
            ("R/L KNEE", NONE),
            ("BOTH KNEES", NONE),
            ("BILATERAL HIPS LEFT", NONE),
            ("Knie beidseits", NONE),
            ("SUBILAT LEFT KNEE", L),
            ("phase R>>L", NONE),
            ("T1 RE-SCAN", NONE),
            ("RESTORE", NONE),
            ("brightness", NONE),
            ("SAG PD", NONE),
        ],
    )
    def test_by_names_where_the_attributes_are_silent(self, name: str, expected: Side) -> None:
        assert side(header(SeriesDescription=name), "") == (expected, ())
        assert side(header(StudyDescription=name, Laterality="U"), "") == (expected, ())

    @pytest.mark.parametrize(
        ("tags", "used"),
        [
            ({"Laterality": "R", "SeriesDescription": "KNEE LEFT"}, R),
            ({"Laterality": "L", "StudyDescription": "Knie rechts"}, L),
            ({"ImageLaterality": "L", "Laterality": "R"}, L),
        ],
    )
    def test_a_contradiction_is_said_and_changes_nothing(self, tags, used: Side) -> None:
        found, (caution,) = side(header(**tags), "v1, series v1-s1")
        assert found is used
        assert caution.code == "side-named-otherwise"
        assert caution.severity is Severity.UNVERIFIED
        assert f"says {used.value}, " in caution.what
        assert f"says {used.opposite.value}. " in caution.what

    @pytest.mark.parametrize("coded", ["B", "b", "BOTH", "BILATERAL"])
    @pytest.mark.parametrize("tag", ["Laterality", "ImageLaterality"])
    def test_both_limbs_in_one_image_have_no_one_side(self, tag: str, coded: str) -> None:
        assert side(header(**{tag: coded}, SeriesDescription="KNEE LEFT"), "") == (NONE, ())

    def test_an_image_of_one_limb_in_a_series_of_both(self) -> None:
        assert side(header(ImageLaterality="L", Laterality="B"), "") == (L, ())

    @pytest.mark.parametrize(
        "tags",
        [
            {"Laterality": "R", "SeriesDescription": "KNEE RIGHT"},
            {"Laterality": "R", "SeriesDescription": "SAG PD"},
            {"Laterality": "R", "SeriesDescription": "left and right"},
        ],
    )
    def test_what_agrees_or_says_nothing_is_no_contradiction(self, tags) -> None:
        assert side(header(**tags), "") == (R, ())


def test_contradictions_reach_plan_and_study(tmp_path: Path) -> None:
    write_series(tmp_path, Made(laterality="R", description="ANKLE LEFT"))
    for found in (plan(tmp_path), read(tmp_path)):
        assert [(one.code, one.where) for one in found.cautions] == [
            ("body-part-named-otherwise", "v1, series v1-s1"),
            ("side-named-otherwise", "v1, series v1-s1"),
        ]
    assert plan(tmp_path).visits[0].series[0].side is not Side.LEFT


@pytest.mark.parametrize(
    ("last", "used", "codes"),
    [("L", NONE, ["sides-mixed"]), ("R", R, []), ("", R, [])],
)
def test_slices_of_two_sides_in_one_series(tmp_path: Path, last: str, used: Side, codes) -> None:
    slices = datasets(Made(laterality=""))
    for number, one in enumerate(slices):
        one.ImageLaterality = "R" if number < 3 else last
    write(tmp_path, slices)
    found = plan(tmp_path)
    assert found.visits[0].series[0].side is used
    assert [one.code for one in found.cautions] == codes
