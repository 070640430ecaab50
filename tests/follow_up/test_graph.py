"""The graph of lesions: edges, alternatives, lines of descent, and visits between."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from marrowtrail.follow_up.chains import MOST_LINKS, bridged, completed, pairs_to_register
from marrowtrail.follow_up.graph import choose
from marrowtrail.follow_up.lineage import lineages
from marrowtrail.follow_up.loops import LOOP_MM, heed_loops
from marrowtrail.follow_up.matching import candidates
from marrowtrail.follow_up.track import BoneRegistration, Match, Verification
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.lesions.lesion import Lesion
from tests.follow_up.made_visits import FEMUR, TIBIA, lesion, reading, registration

V3 = ("v1", "v2", "v3")


def here(visit: str, start: tuple[int, int, int] = (10, 10, 5), size: int = 6, number: int = 1):  # type: ignore[no-untyped-def]
    return lesion(visit, FEMUR, "medial_condyle", start, size, number)


def edge(earlier: str, later: str, overlap: float = 0.8) -> Match:
    return Match(earlier, later, overlap, verified=overlap > 0)


def chosen(
    *edges: Match,
    visit_of: dict[str, str] | None = None,
    read: Collection[tuple[str, str]] = (),
) -> set[tuple[str, str]]:
    """Lesions are named by their visit and a letter, as ``1a``; ``read`` are lesion and visit."""
    names = {name for one in edges for name in (one.earlier, one.later)}
    graph = choose(
        edges,
        visit_of or {name: f"v{name[0]}" for name in names},
        ("v1", "v2", "v3", "v4"),
        lambda lesion, visit: (lesion, visit) in read,
    )
    assert {*graph.chosen, *graph.alternatives} == set(edges)
    return {(one.earlier, one.later) for one in graph.chosen}


class TestWhichEdges:
    def test_a_little_crosswise_overlap_joins_nothing(self) -> None:
        strong = [edge("1a", "2a"), edge("1b", "2b")]
        assert chosen(*strong, edge("1a", "2b", 0.2)) == {("1a", "2a"), ("1b", "2b")}

    def test_a_split_and_a_merger_keep_a_small_part(self) -> None:
        assert len(chosen(edge("1a", "2a"), edge("1a", "2b", 0.2))) == 2
        assert len(chosen(edge("1a", "2a"), edge("1b", "2a", 0.2))) == 2

    def test_what_shares_too_little_is_an_alternative(self) -> None:
        assert chosen(edge("1a", "2a", 0.1)) == set()

    def test_a_long_edge_bridges_a_visit_that_missed_the_lesion(self) -> None:
        assert chosen(edge("1a", "3a")) == {("1a", "3a")}

    def test_a_long_edge_joins_nothing_that_went_two_ways_between(self) -> None:
        ways = [edge("1a", "2a"), edge("2a", "3a"), edge("1b", "2b"), edge("2b", "3b")]
        assert ("1a", "3b") not in chosen(*ways, edge("1a", "3b", 0.5))

    def test_a_long_edge_between_lesions_that_are_joined_already_agrees(self) -> None:
        ways = [edge("1a", "2a"), edge("2a", "3a")]
        assert ("1a", "3a") in chosen(*ways, edge("1a", "3a"))

    def test_by_region_all_that_compete_are_kept(self) -> None:
        assert len(chosen(edge("1a", "2a", 0.0), edge("1b", "2a", 0.0))) == 2


class TestAlignedAndByRegion:
    """A region's name joins nothing that an aligned visit between the two tells of."""

    def test_a_place_that_was_clear_between_is_not_joined_by_region(self) -> None:
        other = edge("2b", "3b")
        assert chosen(other, edge("1a", "3b", 0.0), read={("1a", "v2")}) == {("2b", "3b")}

    def test_nor_is_a_lesion_that_an_aligned_visit_between_shows(self) -> None:
        assert chosen(edge("2b", "3b"), edge("1a", "3b", 0.0)) == {("2b", "3b")}
        assert chosen(edge("1a", "2a"), edge("1a", "3b", 0.0)) == {("1a", "2a")}

    def test_by_region_still_bridges_a_visit_that_says_nothing(self) -> None:
        assert chosen(edge("1a", "3b", 0.0)) == {("1a", "3b")}
        assert chosen(edge("1a", "3a"), read={("1a", "v2"), ("3a", "v2")}) == {("1a", "3a")}

    def test_a_short_way_by_region_does_not_block_a_long_aligned_one(self) -> None:
        ways = [edge("1a", "2b", 0.0), edge("2c", "3a", 0.0)]
        assert ("1a", "3a") in chosen(*ways, edge("1a", "3a"))


class TestConfidence:
    @staticmethod
    def match(first: Lesion, second: Lesion, **kwargs) -> Match:  # type: ignore[no-untyped-def]
        readings = [reading("v1", FEMUR, first), reading("v2", FEMUR, second)]
        (found,) = candidates(readings, [registration("v1", "v2", FEMUR, **kwargs)])
        return found

    def test_the_same_place_is_sure(self) -> None:
        assert self.match(here("v1"), here("v2")).confidence == 1.0

    def test_a_rim_that_a_small_error_parts_is_not(self) -> None:
        narrow = self.match(here("v1"), here("v2", start=(15, 10, 5)))
        assert 0 < narrow.confidence < 1.0

    def test_too_little_is_shown_and_not_matched(self) -> None:
        first, second = here("v1", size=8), here("v2", start=(17, 10, 5), size=8)
        assert self.match(first, second).overlap == pytest.approx(0.125)
        readings = [reading("v1", FEMUR, first), reading("v2", FEMUR, second)]
        (found,) = candidates(readings, [registration("v1", "v2", FEMUR)])
        assert chosen(found, visit_of={one.id: one.visit_id for one in (first, second)}) == set()

    def test_by_region_it_is_even_at_best(self) -> None:
        found = self.match(here("v1"), here("v2"), verification=Verification.UNVERIFIED)
        assert found.confidence == 0.5

    def test_a_registration_of_other_frames_matches_by_region_only(self) -> None:
        readings = [reading("v1", FEMUR, here("v1")), reading("v2", FEMUR, here("v2"))]
        made = registration("v1", "v2", FEMUR)
        (same,) = candidates(readings, [replace(made, from_frame="1.2.3", to_frame="1.2.3")])
        (other,) = candidates(readings, [replace(made, from_frame="1.2.3", to_frame="1.2.9")])
        assert (same.verified, other.verified) == (True, False)


class TestLineage:
    @staticmethod
    def lines(visits: dict[str, list[Lesion]]) -> dict[str, tuple[str, tuple[str, ...]]]:
        readings = [reading(visit, FEMUR, *there) for visit, there in visits.items()]
        pairs = [registration(*pair, FEMUR) for pair in combinations(visits, 2)]
        lesions = {one.id: one for there in visits.values() for one in there}
        graph = choose(
            candidates(readings, pairs),
            {k: v.visit_id for k, v in lesions.items()},
            list(visits),
            lambda _lesion, _visit: False,
        )
        found = lineages(lesions, graph.chosen, list(visits))
        return {key: (one.first, one.predecessors) for key, one in found.items()}

    def test_a_merger_changes_no_earlier_line_and_names_both(self) -> None:
        two = {
            visit: [
                here(visit, (10, 10, 5), 4, number=1),
                here(visit, (15, 15, 10), 3, number=2),
            ]
            for visit in ("v1", "v2")
        }
        before = self.lines(two)
        after = self.lines({**two, "v3": [here("v3", size=8)]})
        assert {key: after[key] for key in before} == before
        assert len({first for first, _ in before.values()}) == 2
        assert after["v3-femur-1"] == ("v1-femur-1", ("v1-femur-2",))

    def test_the_larger_part_of_a_split_keeps_the_line(self) -> None:
        parts = [here("v2", (10, 10, 5), 3, number=1), here("v2", (14, 14, 9), 4, number=2)]
        lines = self.lines({"v1": [here("v1", size=8)], "v2": parts})
        assert lines["v2-femur-2"] == ("v1-femur-1", ())
        assert lines["v2-femur-1"] == ("v2-femur-1", ("v1-femur-1",))

    def test_a_lesion_that_comes_back_keeps_its_line(self) -> None:
        lines = self.lines({"v1": [here("v1")], "v2": [], "v3": [here("v3")]})
        assert lines["v3-femur-1"] == ("v1-femur-1", ())

    def test_another_place_is_another_line(self) -> None:
        lines = self.lines({"v1": [here("v1")], "v2": [here("v2", (25, 25, 12))]})
        assert lines["v2-femur-1"] == ("v2-femur-1", ())


def shifted(*mm: float) -> RigidTransform:
    return RigidTransform.about(np.zeros(3), np.zeros(3), np.array(mm))


class TestVisitsBetween:
    def test_forty_visits_are_not_780_pairs(self) -> None:
        visits = [f"v{number}" for number in range(1, 41)]
        pairs = pairs_to_register({visit: {FEMUR, TIBIA} for visit in visits})
        assert len(pairs) == 39 + 38

    def test_three_visits_are_all_pairs(self) -> None:
        assert pairs_to_register({visit: {FEMUR} for visit in V3}) == list(combinations(V3, 2))

    def test_a_bone_that_was_left_out_between_is_registered_across(self) -> None:
        shown = {"v1": {FEMUR, TIBIA}, "v2": {TIBIA}, "v3": {TIBIA}, "v4": {FEMUR, TIBIA}}
        assert ("v1", "v4") in pairs_to_register(shown)

    def test_visits_without_a_common_bone_are_no_pair(self) -> None:
        assert pairs_to_register({"v1": {FEMUR}, "v2": {TIBIA}}) == []

    def test_motions_are_composed(self) -> None:
        links = [
            registration("v1", "v2", FEMUR, transform=shifted(3, 0, 0)),
            registration("v2", "v3", FEMUR, transform=shifted(0, 5, 0)),
        ]
        (made,) = completed(links, V3)[2:]
        assert (made.from_visit, made.to_visit) == ("v1", "v3")
        assert made.verification is Verification.VERIFIED
        assert np.allclose(made.transform.matrix[:3, 3], (3, 5, 0))

    @pytest.mark.parametrize("worst", [Verification.UNVERIFIED, Verification.IMPOSSIBLE])
    def test_a_chain_is_as_good_as_its_worst_link(self, worst: Verification) -> None:
        links = [registration("v1", "v2", FEMUR), registration("v2", "v3", FEMUR, worst)]
        assert completed(links, V3)[-1].verification is worst

    def test_a_doubtful_link_is_gone_round(self) -> None:
        visits = ("v1", "v2", "v3", "v4")
        links = [
            registration("v1", "v2", FEMUR, Verification.UNVERIFIED),
            registration("v1", "v3", FEMUR),
            registration("v2", "v4", FEMUR),
            registration("v3", "v4", FEMUR),
        ]
        made = {(one.from_visit, one.to_visit): one for one in completed(links, visits)[4:]}
        assert made["v1", "v4"].verification is Verification.VERIFIED

    def test_frames_that_differ_are_no_chain(self) -> None:
        links = [
            replace(registration("v1", "v2", FEMUR), from_frame="a", to_frame="b"),
            replace(registration("v2", "v3", FEMUR), from_frame="c", to_frame="d"),
        ]
        assert completed(links, V3) == tuple(links)

    def test_a_verified_way_stands_in_for_a_doubtful_registration(self) -> None:
        doubtful = registration("v1", "v3", FEMUR, Verification.UNVERIFIED, shifted(9, 0, 0))
        links = [registration("v1", "v2", FEMUR), doubtful, registration("v2", "v3", FEMUR)]
        known = completed(links, V3)
        assert [one.verification for one in known] == [Verification.VERIFIED] * 3
        assert np.allclose(known[1].transform.matrix, np.eye(4))
        assert [(one.from_visit, one.to_visit) for one in bridged(links, known)] == [("v1", "v3")]

    @pytest.mark.parametrize("worst", [Verification.UNVERIFIED, Verification.IMPOSSIBLE])
    def test_a_doubtful_way_does_not(self, worst: Verification) -> None:
        links = [
            registration("v1", "v2", FEMUR, worst),
            registration("v1", "v3", FEMUR, Verification.UNVERIFIED),
            registration("v2", "v3", FEMUR),
        ]
        assert completed(links, V3) == tuple(links)
        assert bridged(links, completed(links, V3)) == ()

    def test_bones_that_do_not_fit_do_not_fit_by_another_way(self) -> None:
        links = [
            registration("v1", "v2", FEMUR),
            registration("v1", "v3", FEMUR, Verification.IMPOSSIBLE),
            registration("v2", "v3", FEMUR),
        ]
        assert completed(links, V3) == tuple(links)

    def test_a_way_between_other_frames_does_not(self) -> None:
        links = [
            replace(registration("v1", "v2", FEMUR), from_frame="a", to_frame="b"),
            replace(registration("v1", "v3", FEMUR, Verification.UNVERIFIED), from_frame="x"),
            replace(registration("v2", "v3", FEMUR), from_frame="b", to_frame="c"),
        ]
        assert completed(links, V3) == tuple(links)

    def test_errors_add_up_over_many_links(self) -> None:
        visits = [f"v{number}" for number in range(1, MOST_LINKS + 3)]
        made = completed([registration(*pair, FEMUR) for pair in pairwise(visits)], visits)
        by_pair = {(one.from_visit, one.to_visit): one.verification for one in made}
        assert by_pair["v1", visits[-2]] is Verification.VERIFIED
        assert by_pair["v1", visits[-1]] is Verification.UNVERIFIED


POINTS = {(f"{visit}-s1", FEMUR): np.zeros((4, 3)) for visit in (*V3, "v4")}


class TestLoops:
    def heeded(self, *links: BoneRegistration) -> list[tuple[Verification, float | None]]:
        found = heed_loops(links, (*V3, "v4"), POINTS)
        return [(one.verification, one.loop_mm) for one in found]

    def test_a_loop_that_closes_is_told(self) -> None:
        links = [registration(*pair, FEMUR) for pair in combinations(V3, 2)]
        assert self.heeded(*links) == [(Verification.VERIFIED, 0.0)] * 3

    def test_one_that_stays_open_is_relied_on_nowhere(self) -> None:
        links = [
            registration("v1", "v2", FEMUR, transform=shifted(2 * LOOP_MM, 0, 0)),
            registration("v1", "v3", FEMUR),
            registration("v2", "v3", FEMUR),
        ]
        assert self.heeded(*links) == [(Verification.UNVERIFIED, 2 * LOOP_MM)] * 3
        assert "going round v1, v2 and v3 ends 3.0 mm off" in (
            heed_loops(links, V3, POINTS)[0].reason
        )

    def test_another_loop_that_closes_vouches_for_two_of_them(self) -> None:
        wrong = registration("v1", "v2", FEMUR, transform=shifted(2 * LOOP_MM, 0, 0))
        rest = [
            registration(*pair, FEMUR)
            for pair in combinations((*V3, "v4"), 2)
            if pair != ("v1", "v2")
        ]
        verdicts = [verdict for verdict, _ in self.heeded(wrong, *rest)]
        assert verdicts == [Verification.UNVERIFIED, *[Verification.VERIFIED] * 5]

    @pytest.mark.parametrize(("frame", "is_loop"), [("c", True), ("x", False)])
    def test_a_loop_needs_one_frame_at_each_visit(self, frame: str, is_loop: bool) -> None:
        links = [
            replace(registration("v1", "v2", FEMUR), from_frame="a", to_frame="b"),
            replace(registration("v1", "v3", FEMUR), from_frame="a", to_frame=frame),
            replace(registration("v2", "v3", FEMUR), from_frame="b", to_frame="c"),
        ]
        assert [mm is not None for _, mm in self.heeded(*links)] == [is_loop] * 3

    def test_two_visits_make_no_loop(self) -> None:
        assert self.heeded(registration("v1", "v2", FEMUR)) == [(Verification.VERIFIED, None)]
