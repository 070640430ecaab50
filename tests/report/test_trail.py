"""The trail places markers, arrows and names so that they can be read."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from made_result import migrating, one_visit, without_lesions

from marrowtrail.follow_up.track import Before, Change, FollowUp, Step, Track
from marrowtrail.record.findings import FindingState
from marrowtrail.record.sites import BoneId, Side
from marrowtrail.report.arrows import arrow_between
from marrowtrail.report.coverage import Coverage, coverage, is_imaged, shown
from marrowtrail.report.html import render_html
from marrowtrail.report.limb import limb_map
from marrowtrail.report.story import tell
from marrowtrail.report.trail import MINOR_RADIUS, SMALLEST_RADIUS, Panel, draw_trail
from marrowtrail.report.weight import minor_lesions
from marrowtrail.result.model import LesionRow, ResultDocument
from marrowtrail.result.rows import track_rows


def document() -> ResultDocument:
    return migrating()[0]


def with_lesions(*lesions: LesionRow) -> ResultDocument:
    return document().model_copy(update={"lesions": lesions, "shifts": (), "tracks": ()})


def changed(number: int, **values: object) -> LesionRow:
    return document().lesions[number].model_copy(update=values)


def summary(doc: ResultDocument) -> Panel:
    panel = draw_trail(doc).summary
    assert panel is not None
    return panel


def moved_to_the_ankle(before: Before, clear_at: tuple[str, ...]) -> ResultDocument:
    doc = document()
    first, last = doc.shifts
    moves = first, last.model_copy(update={"verified": True, "before": before})
    ankle = doc.tracks[2].model_copy(update={"clear_at": clear_at})
    return doc.model_copy(update={"shifts": moves, "tracks": (*doc.tracks[:2], ankle)})


class TestMarkers:
    def test_stand_in_their_region_numbered_by_visit(self) -> None:
        panel = summary(document())
        (limb,) = panel.limbs
        assert limb.letter == "R"
        for marker, lesion in zip(panel.markers, document().lesions, strict=True):
            site = limb_map().site(lesion.bone, lesion.region, Side.RIGHT)
            assert site is not None
            assert (marker.x - limb.offset_x, marker.y) == pytest.approx(site)
        assert [marker.visit for marker in panel.markers] == [1, 2, 3]

    def test_area_grows_with_volume(self) -> None:
        doc = with_lesions(changed(0, volume_mm3=16000.0), changed(1, volume_mm3=4000.0))
        first, second = summary(doc).markers
        assert first.radius**2 / second.radius**2 == pytest.approx(4)

    def test_the_smallest_still_holds_its_number(self) -> None:
        doc = with_lesions(changed(0, volume_mm3=16000.0), changed(1, volume_mm3=1700.0))
        assert summary(doc).markers[1].radius == SMALLEST_RADIUS

    def test_of_one_region_do_not_overlap(self) -> None:
        same = {"region": "medial_condyle", "bone": "femur"}
        doc = with_lesions(*(changed(n, **same) for n in range(3)))
        markers = summary(doc).markers
        for one, two in pairwise(markers):
            assert two.x - one.x >= one.radius + two.radius

    def test_a_left_limb_is_mirrored(self) -> None:
        doc = with_lesions(changed(0, side=Side.LEFT))
        panel = summary(doc)
        assert panel.limbs[0].is_mirrored
        assert panel.limbs[0].letter == "L"
        site = limb_map().site("femur", "medial_condyle", Side.RIGHT)
        assert site is not None
        assert panel.markers[0].x - panel.limbs[0].offset_x == limb_map().width - site[0]

    def test_of_two_sides_stand_right_before_left(self) -> None:
        doc = with_lesions(changed(0), changed(1, side=Side.LEFT))
        panel = summary(doc)
        assert [limb.letter for limb in panel.limbs] == ["R", "L"]
        right, left = panel.markers
        assert right.x < left.x
        assert [label.anchor for label in panel.labels] == ["end", "start"]


class TestMinor:
    """Specks beside a large oedema are dots; what was large once stays in the story."""

    def speckled(self) -> ResultDocument:
        doc = document()
        speck = changed(1, id="speck", volume_mm3=300.0)
        shift = doc.shifts[0].model_copy(update={"to": "speck"})
        return doc.model_copy(
            update={"lesions": (*doc.lesions, speck), "shifts": (shift, *doc.shifts)}
        )

    def test_are_dots_without_name_or_arrow(self) -> None:
        panel = summary(self.speckled())
        speck = next(m for m in panel.markers if m.lesion == "speck")
        assert speck.is_minor
        assert speck.radius == MINOR_RADIUS
        assert len(panel.labels) == 3
        assert len(panel.arrows) == 2

    def test_are_told_in_one_line(self) -> None:
        doc = self.speckled()
        second = tell(doc, draw_trail(doc))[1]
        assert [line.site for line in second.lesions] == ["Right lateral tibial plateau"]
        assert second.smaller == "And 1 small area, together 0.3 ml: right lateral tibial plateau"

    def test_are_told_as_all_there_is_where_nothing_is_larger(self) -> None:
        doc = self.speckled()
        others = tuple(row for row in doc.lesions if row.id != doc.lesions[1].id)
        doc = doc.model_copy(update={"lesions": others, "shifts": (), "tracks": ()})
        second = tell(doc, draw_trail(doc))[1]
        assert second.lesions == ()
        assert second.smaller.startswith("Only 1 small area")
        assert second.verdict == ""

    def test_a_fading_lesion_stays_in_the_story(self) -> None:
        doc = document()
        faded = changed(0, id="faded", visit="v2", volume_mm3=100.0)
        track = doc.tracks[0].model_copy(update={"lesions": (doc.lesions[0].id, "faded")})
        doc = doc.model_copy(
            update={"lesions": (*doc.lesions, faded), "tracks": (track, *doc.tracks[1:])}
        )
        assert minor_lesions(doc) == frozenset()

    def test_nothing_is_minor_in_an_empty_document(self) -> None:
        assert minor_lesions(without_lesions(document())) == frozenset()


class TestLabels:
    @pytest.mark.parametrize("count", [1, 5, 12, 30])
    def test_never_lie_on_one_another_and_stay_on_the_panel(self, count: int) -> None:
        doc = with_lesions(*(changed(n % 3, id=f"l{n}") for n in range(count)))
        panel = summary(doc)
        heights = [label.y for label in panel.labels]
        step = min(42.0, panel.height / count)
        assert (np.diff(heights) >= step - 1e-6).all()
        assert 0 < heights[0] <= heights[-1] < panel.height

    def test_name_the_region_and_its_volume(self) -> None:
        label = summary(document()).labels[0]
        assert label.title == "medial femoral condyle"
        assert re.fullmatch(r"visit 1: \d+ ml \(\d+ to \d+\)", label.detail)


class TestArrows:
    def test_join_the_lesions_of_each_shift(self) -> None:
        panel = summary(document())
        assert [arrow.text for arrow in panel.arrows] == ["84 days", "117 days?"]
        assert [arrow.verified for arrow in panel.arrows] == [True, False]
        for arrow, start, end in zip(
            panel.arrows, panel.markers[:2], panel.markers[1:], strict=True
        ):
            points = _points(arrow.path)
            assert np.hypot(*(points[0] - (start.x, start.y))) == pytest.approx(
                start.radius + 2, abs=0.2
            )
            tip = _points(arrow.head)[0]
            assert np.hypot(*(tip - (end.x, end.y))) == pytest.approx(end.radius + 2, abs=0.2)

    @pytest.mark.parametrize(
        ("before", "clear_at", "is_new"),
        [
            (Before.NOT_IMAGED, (), True),
            (Before.NOT_IMAGED, ("v1",), False),
            (Before.CLEAR, ("v1", "v2"), False),
        ],
    )
    def test_to_a_place_not_imaged_before_are_dashed_and_say_so(
        self, before: Before, clear_at: tuple[str, ...], is_new: bool
    ) -> None:
        doc = moved_to_the_ankle(before, clear_at)
        first, last = summary(doc).arrows
        assert (first.note, first.is_dashed) == ((), False)
        assert (last.note, last.is_dashed) == (("(not imaged", "before)") * is_new, is_new)
        assert all(last.text_x - 8 * len(line) > -2 for line in last.note)
        story = tell(doc, draw_trail(doc))[2].lesions[0].arrivals[0]
        assert ("(to another joint; not imaged before)" in story) is is_new
        drawing = render_html(doc, migrating()[1]).count('<g class="arrow doubtful">')
        assert drawing == int(is_new)

    def test_of_two_shifts_to_one_place_have_texts_apart(self) -> None:
        doc = document()
        twice = doc.model_copy(update={"shifts": (doc.shifts[0], doc.shifts[0])})
        first, second = summary(twice).arrows
        assert second.text_y - first.text_y >= 15

    def test_swing_to_the_asked_side(self) -> None:
        for right, sign in ((True, 1), (False, -1)):
            for start, end in (((0, 0), (0, 90)), ((0, 90), (0, 0)), ((0, 0), (30, 80))):
                arrow = arrow_between((*start, 5.0), (*end, 5.0), bulge_right=right)
                control = _points(arrow.path)[1]
                assert sign * (control[0] - (start[0] + end[0]) / 2) > 0

    def test_of_a_level_shift_swing_up(self) -> None:
        arrow = arrow_between((0, 50, 5), (80, 50, 5), bulge_right=False)
        assert _points(arrow.path)[1][1] < 50

    def test_between_markers_of_one_place_are_finite(self) -> None:
        arrow = arrow_between((10, 10, 5), (10, 10, 5), bulge_right=True)
        assert np.isfinite(_points(arrow.path)).all()

    def test_the_text_stays_on_the_panel(self) -> None:
        for arrow in summary(document()).arrows:
            width = 8 * len(arrow.text)
            assert arrow.text_x - width > -2

    def test_the_text_of_the_widest_swing_stays_on_the_panel(self) -> None:
        doc = document()
        knee = changed(0, region="lateral_condyle")
        hip = changed(1, bone="femur", region="head")
        shift = doc.shifts[0].model_copy(update={"days": 1234})
        (arrow,) = summary(
            doc.model_copy(update={"lesions": (knee, hip), "shifts": (shift,), "tracks": ()})
        ).arrows
        assert arrow.text_x - 8 * len(arrow.text) > -2


class TestVisits:
    def test_show_what_was_imaged(self) -> None:
        first, _, third = draw_trail(document()).visits
        knee = limb_map().window("knee", Side.RIGHT)
        ankle = limb_map().window("ankle", Side.RIGHT)
        assert first.limbs[0].windows == (knee,)
        assert third.limbs[0].windows == (knee, ankle)

    def test_hold_their_own_lesions_only(self) -> None:
        panels = draw_trail(document()).visits
        assert [[m.visit for m in panel.markers] for panel in panels] == [[1], [2], [3]]

    def test_without_lesions_show_the_imaged_side(self) -> None:
        trail = draw_trail(without_lesions(document()))
        assert trail.summary is not None
        assert [limb.letter for limb in trail.summary.limbs] == ["R"]
        assert trail.summary.markers == ()


class TestElsewhere:
    def test_a_site_outside_the_lower_limb_is_named(self) -> None:
        doc = with_lesions(changed(0, bone="sacrum", side=Side.MIDLINE, region="unspecified"))
        (item,) = draw_trail(doc).elsewhere
        assert item.why == "Site outside the lower limb"
        assert item.text.startswith("sacrum, ")
        assert item.visit == 1

    def test_sites_of_one_visit_stand_together(self) -> None:
        away = {"bone": "sacrum", "side": Side.MIDLINE, "region": "unspecified", "visit": "v1"}
        doc = with_lesions(changed(0, **away), changed(1, **away), changed(2))
        (item,) = draw_trail(doc).elsewhere
        assert item.text.count("sacrum") == 2

    def test_a_side_that_is_not_known_is_not_guessed(self) -> None:
        doc = with_lesions(changed(0, side=Side.UNKNOWN))
        trail = draw_trail(doc)
        assert trail.elsewhere[0].why == "Side not known, so not drawn"
        assert trail.summary is None or trail.summary.markers == ()

    def test_nothing_to_draw_is_no_drawing(self) -> None:
        doc = document().model_copy(update={"visits": (), "lesions": (), "shifts": ()})
        trail = draw_trail(doc)
        assert trail.summary is None
        assert trail.visits == ()


class TestStory:
    def test_tells_where_oedema_came_from(self) -> None:
        first, second, third = tell(document(), draw_trail(document()))
        assert first.lesions[0].arrivals == ()
        assert second.lesions[0].arrivals == (
            "moved from the right medial femoral condyle in 84 days (within the joint)",
        )
        assert "to another joint; not verified" in third.lesions[0].arrivals[0]
        assert third.imaged == "Right knee and right ankle"

    @pytest.mark.parametrize(
        ("state", "verdict"),
        [
            (FindingState.EQUIVOCAL, "No certain oedema in the bones"),
            (FindingState.ABSENT, "No oedema in the bones"),
        ],
    )
    def test_what_may_be_oedema_is_not_called_none(self, state: FindingState, verdict: str) -> None:
        clear = without_lesions(document())
        first = clear.visits[0]
        doubt = clear.findings[0].model_copy(
            update={"finding": "bme_present", "state": state, "visit": first.date}
        )
        doubtful = clear.model_copy(update={"findings": (doubt,)})
        told = tell(doubtful, draw_trail(doubtful))
        assert told[0].verdict.startswith(verdict)
        assert told[1].verdict == "No oedema in the bones that were read."

    def test_no_lesion_is_not_the_same_as_nothing_read(self) -> None:
        clear = without_lesions(document())
        assert tell(clear, draw_trail(clear))[0].verdict == "No oedema in the bones that were read."
        unread = clear.model_copy(
            update={
                "visits": tuple(
                    visit.model_copy(
                        update={
                            "bones": tuple(
                                row.model_copy(update={"is_read": False}) for row in visit.bones
                            )
                        }
                    )
                    for visit in clear.visits
                )
            }
        )
        story = tell(unread, draw_trail(unread))
        assert story[0].verdict == "No bone could be read for oedema."

    def test_one_visit_is_told_alone(self) -> None:
        doc = one_visit(document())
        assert len(tell(doc, draw_trail(doc))) == 1


class TestCoverage:
    def test_tells_clear_from_not_imaged(self) -> None:
        doc = document()
        condyle, plateau, epiphysis = doc.tracks
        assert coverage(doc.visits[1], condyle, "medial_condyle") is Coverage.CLEAR
        assert coverage(doc.visits[0], epiphysis, "distal_epiphysis") is Coverage.NOT_IMAGED
        lost = plateau.model_copy(update={"clear_at": ()})
        assert coverage(doc.visits[2], lost, "lateral_plateau") is Coverage.NOT_FOLLOWED
        assert coverage(doc.visits[2], lost, "shaft") is Coverage.NOT_IMAGED

    def test_possible_oedema_is_not_called_a_place_that_was_not_found(self) -> None:
        doc = document()
        lost = doc.tracks[1].model_copy(update={"clear_at": ()})
        step = track_rows(
            FollowUp(
                (),
                (),
                (
                    Track(
                        "t",
                        BoneId("tibia", Side.RIGHT),
                        lost.lesions,
                        (),
                        Change.UNCLEAR,
                        False,
                        "",
                        (Step("v2", "v3", lost.lesions, (), Change.UNCLEAR, False, ""),),
                    ),
                ),
                (),
            )
        )[0]
        assert coverage(doc.visits[2], step, "lateral_plateau") is Coverage.POSSIBLE
        assert coverage(doc.visits[0], step, "lateral_plateau") is Coverage.NOT_FOLLOWED

    @pytest.mark.parametrize("state", [FindingState.EQUIVOCAL, FindingState.ABSENT])
    def test_a_place_cut_off_is_not_called_one_that_cannot_be_compared(
        self, state: FindingState
    ) -> None:
        doc = document()
        lost = doc.tracks[1].model_copy(update={"clear_at": ()})
        visit = doc.visits[2]
        assert shown(doc, visit, lost, "lateral_plateau") is Coverage.OUTSIDE
        loose = doc.model_copy(update={"registrations": ()})
        assert shown(loose, visit, lost, "lateral_plateau") is Coverage.NOT_FOLLOWED
        ankles = tuple(row.model_copy(update={"end": "ankle"}) for row in doc.registrations)
        other_end = doc.model_copy(update={"registrations": ankles})
        assert shown(other_end, visit, lost, "lateral_plateau") is Coverage.NOT_FOLLOWED
        update = {"finding": "bme_present", "state": state, "visit": visit.date, "bone": "tibia"}
        doubt = doc.findings[0].model_copy(update={**update, "region": "lateral_plateau"})
        doubtful = doc.model_copy(update={"findings": (doubt,)})
        is_doubt = state is FindingState.EQUIVOCAL
        expected = Coverage.POSSIBLE if is_doubt else Coverage.OUTSIDE
        assert shown(doubtful, visit, lost, "lateral_plateau") is expected

    def test_the_end_of_a_bone_counts_before_the_body_part(self) -> None:
        doc = document()
        row = doc.visits[0].bones[1].model_copy(update={"end": "ankle"})
        visit = doc.visits[0].model_copy(update={"bones": (row,)})
        assert is_imaged(visit, "tibia", "distal_epiphysis", Side.RIGHT)
        assert not is_imaged(visit, "tibia", "lateral_plateau", Side.RIGHT)
        assert not is_imaged(visit, "tibia", "distal_epiphysis", Side.LEFT)

    def test_an_unread_bone_is_not_clear(self) -> None:
        doc = document()
        visit = doc.visits[0]
        rows = tuple(row.model_copy(update={"is_read": False}) for row in visit.bones)
        unread = visit.model_copy(update={"bones": rows})
        lost = doc.tracks[1].model_copy(update={"clear_at": ()})
        assert coverage(unread, lost, "lateral_plateau") is Coverage.NOT_READABLE


def _points(path: str) -> np.ndarray:
    numbers = [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", path)]
    return np.array(numbers).reshape(-1, 2)
