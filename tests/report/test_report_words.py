"""Numbers and names as the report writes them; evidence and charts as it places them."""

from __future__ import annotations

import pytest
from made_result import LABELS, bar, migrating, one_visit, without_lesions

from marrowtrail.diagnosis.differential import LedgerStatus
from marrowtrail.follow_up.track import Change, ShiftKind
from marrowtrail.lesions.lesion import SignKind
from marrowtrail.record.sites import Side
from marrowtrail.report.charts import Chart, course_chart, volume_chart
from marrowtrail.report.reasons import Footnotes, reasons
from marrowtrail.report.story import SHIFTS
from marrowtrail.report.tables import CHANGES, LEDGER, SIGNS, follow_up_table
from marrowtrail.report.words import (
    bone_name,
    joint_name,
    ml,
    ml_interval,
    percent,
    percent_interval,
    plain,
    region_name,
    signed,
    spoken,
    times,
)
from marrowtrail.result.follow_up_rows import StepRow
from marrowtrail.result.model import ResultDocument


def document() -> ResultDocument:
    return migrating()[0]


@pytest.mark.parametrize(
    ("mm3", "text"),
    [(0.0, "0.0"), (40.0, "0.04"), (99.0, "0.10"), (3449.0, "3.4"), (14_200.0, "14")],
)
def test_volumes_are_in_ml_with_two_figures(mm3: float, text: str) -> None:
    assert ml(mm3) == text


def test_intervals_are_written_out() -> None:
    assert ml_interval(14_200, 11_900, 17_000) == "14 ml (12 to 17)"
    assert percent_interval(0.62, 0.41, 0.8) == "62 % (41 to 80 %)"
    assert percent_interval(0.2, 0.2, 0.2) == "20 % (no interval)"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.014, "1 %"), (0.86, "86 %"), (0.996, "> 99 %"), (1, "100 %")],
)
def test_percent_has_no_decimals_and_no_false_certainty(share: float, text: str) -> None:
    assert percent(share) == text


def test_ratios_are_told_in_words() -> None:
    assert signed(-0.96) == "\N{MINUS SIGN}1.0"
    assert signed(1.2) == "+1.2"
    assert times(1.0) == "10 times more often"
    assert times(-0.5) == "3.2 times less often"
    assert times(0.01) == "about as often"


def test_names_come_from_the_vocabulary_and_unknown_words_are_spoken() -> None:
    assert region_name("femur", "medial_condyle", Side.RIGHT) == "right medial femoral condyle"
    assert region_name("femur", "unspecified", Side.LEFT) == "left femur"
    assert region_name("femur", None, Side.UNKNOWN) == "femur"
    assert bone_name("third_metacarpal", Side.LEFT) == "left third metacarpal"
    assert joint_name("knee", Side.RIGHT) == "right knee"
    assert joint_name("unknown", Side.UNKNOWN) == "unknown part"


def test_ids_of_visits_and_series_become_words() -> None:
    assert plain("clear at v2, from v1 to v3") == "clear at visit 2, from visit 1 to visit 3"
    assert plain("visit v2, series v3-s11") == "visit 2, series 11 of visit 3"
    assert plain("HLA-B27, 3v4 and nav1gation") == "HLA-B27, 3v4 and nav1gation"


def test_keys_are_spoken_with_their_abbreviations() -> None:
    assert spoken("musculoskeletal_mri") == "musculoskeletal MRI"
    assert spoken("limerick") == "limerick"


def test_an_end_of_a_bone_is_named() -> None:
    assert bone_name("tibia", Side.RIGHT, "ankle") == "right tibia (ankle end)"


def test_every_state_has_words() -> None:
    assert set(CHANGES) == set(Change)
    assert set(SIGNS) == set(SignKind)
    assert set(LEDGER) == set(LedgerStatus)
    assert set(SHIFTS) == set(ShiftKind)


def test_the_follow_up_table_tells_clear_from_not_imaged() -> None:
    rows = [[cell.text for cell in row] for row in follow_up_table(document()).rows]
    assert rows[0][2:4] == ["no oedema", "no oedema"]
    assert rows[1][1] == "no oedema"
    assert rows[2][1:3] == ["not imaged", "not imaged"]
    assert rows[2][3].endswith(")")


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("8.00 times its volume from v1 to v3", "resolved; visit 1 to visit 3: growing"),
        ("Gone at visit 2, where the same tissue was read.", "resolved"),
    ],
)
def test_the_follow_up_table_tells_the_change_since_the_first_visit(why: str, change: str) -> None:
    doc = document()
    since = StepRow(
        from_visit="v1",
        to_visit="v3",
        earlier=(),
        later=(),
        change=Change.GROWING,
        verified=True,
        explanation=why,
    )
    track = doc.tracks[0].model_copy(update={"since_first": since})
    row = follow_up_table(doc.model_copy(update={"tracks": (track,)})).rows[0]
    assert row[-2].text == change
    assert row[-1].text.endswith(plain(why))


class TestReasons:
    def test_strongest_of_each_side_first(self) -> None:
        (rmo, *_) = reasons(document(), Footnotes())
        assert [reason.value for reason in rmo.supporting] == ["+1.6", "+0.8", "+0.2"]
        assert [reason.value for reason in rmo.against] == ["\N{MINUS SIGN}0.3"]
        assert rmo.neutral == ("pain on loading",)

    def test_bars_run_from_the_middle_to_their_side(self) -> None:
        (rmo, *_) = reasons(document(), Footnotes())
        strongest, against = rmo.supporting[0], rmo.against[0]
        assert (strongest.start, strongest.length, strongest.is_for) == (50, 40, True)
        assert (against.start, against.length, against.is_for) == (42.5, 7.5, False)
        assert against.start + against.length == 50

    def test_bars_beyond_the_scale_end_at_the_edge(self) -> None:
        doc = document().model_copy(update={"bars": (bar("rmo", "x", 9.0), bar("rmo", "y", -9.0))})
        (rmo,) = reasons(doc, Footnotes())
        for reason in (*rmo.supporting, *rmo.against):
            assert 0 <= reason.start <= reason.start + reason.length <= 100
            assert 0 <= reason.whisker_start <= reason.whisker_start + reason.whisker_length <= 100

    def test_a_cause_without_evidence_is_left_out(self) -> None:
        shown = [item.cause.label for item in reasons(document(), Footnotes())]
        assert LABELS["osteomyelitis"] not in shown
        assert shown[0] == LABELS["rmo"]


class TestCharts:
    def test_time_is_to_scale(self) -> None:
        chart = _volumes(document())
        first, second, third = (tick.at for tick in chart.days)
        assert (second - first) / (third - first) == pytest.approx(84 / 201)

    def test_clear_visits_are_hollow_zeros_and_unseen_ones_have_no_point(self) -> None:
        condyle, plateau, epiphysis = _volumes(document()).lines
        assert [p.hollow for p in condyle.points] == [False, True, True]
        assert [p.hollow for p in plateau.points] == [True, False, True]
        assert [p.hollow for p in epiphysis.points] == [False]
        assert condyle.points[1].y == _volumes(document()).floor

    def test_intervals_hold_their_values_inside_the_plot(self) -> None:
        for chart in (_volumes(document()), course_chart(document())):
            assert chart is not None
            for line in chart.lines:
                for point in line.points:
                    assert 0 < point.high_y <= point.y <= point.low_y <= chart.floor
                    assert chart.left < point.x < chart.right

    def test_the_course_shows_who_led_when(self) -> None:
        chart = course_chart(document())
        assert chart is not None
        leader = chart.lines[0]
        assert leader.name == "Regional migratory osteoporosis"
        assert len(leader.points) == 3
        assert leader.points[0].y > leader.points[1].y > leader.points[2].y
        assert "Transient bone marrow oedema of one site" in [line.name for line in chart.lines]

    def test_crowded_days_stand_in_two_rows(self) -> None:
        doc = document()
        days = (0, 3, 201)
        visits = tuple(
            visit.model_copy(update={"day": day})
            for visit, day in zip(doc.visits, days, strict=True)
        )
        ticks = _volumes(doc.model_copy(update={"visits": visits})).days
        assert [tick.row for tick in ticks] == [0, 1, 0]

    def test_one_visit_of_a_course_stands_in_the_middle(self) -> None:
        chart = course_chart(one_visit(document()))
        assert chart is not None
        (tick,) = chart.days
        assert chart.left < tick.at < chart.right

    def test_nothing_to_draw_is_no_chart(self) -> None:
        assert volume_chart(without_lesions(document())) is None
        assert volume_chart(one_visit(document())) is None
        assert course_chart(document().model_copy(update={"course": ()})) is None

    @pytest.mark.parametrize("volume", [0.2, 7.0, 900.0, 14_000.0, 99_000.0])
    def test_the_axis_ends_on_a_round_number_above_all(self, volume: float) -> None:
        doc = document()
        lesions = tuple(
            row.model_copy(
                update={
                    "volume_mm3": volume,
                    "volume_low_mm3": 0.8 * volume,
                    "volume_high_mm3": 1.3 * volume,
                }
            )
            for row in doc.lesions
        )
        chart = _volumes(doc.model_copy(update={"lesions": lesions}))
        top = float(chart.values[-1].text)
        assert 1.3 * volume / 1000 <= top <= 3 * volume / 1000
        assert 3 <= len(chart.values) <= 7


def _volumes(doc: ResultDocument) -> Chart:
    chart = volume_chart(doc)
    assert chart is not None
    return chart
