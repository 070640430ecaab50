"""The course in time: its chains against slow twins, and what it makes of whole records."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyagrum as gum
import pytest
from scipy.linalg import expm

from marrowtrail.diagnosis.arrays import Floats
from marrowtrail.diagnosis.course import (
    chance_of_move,
    course_parts,
    label_shares,
    place_part,
)
from marrowtrail.diagnosis.course_chain import (
    COLLAPSE_SHARES,
    HEALING_DAYS,
    HEALING_SHARES,
    MOVE_SHARES,
    SHOWS_WHEN_COLLAPSED,
    Look,
    MoveLook,
    PlaceGrid,
    exponentials,
    healed_share,
    move_generator,
    move_likelihoods,
    place_generator,
    place_likelihood,
)
from marrowtrail.diagnosis.course_reading import Sightings
from marrowtrail.diagnosis.evidence import read_findings
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose, probabilities
from marrowtrail.diagnosis.weighing import weigh
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side, Site
from marrowtrail.record.treatments import Given

from .stories import ANKLE, CONDYLE, FIRST, HEAD, PLATEAU, A, E, P, not_done, seen, told

GRID = PlaceGrid(collapse_days=731.0, relapse_days=365.0)
LOOKS = [Look(40.0, 0.98, 0.02), Look(130.0, 0.02, 0.98), Look(500.0, 0.02, 0.98)]
SURFACE = [Look(300.0, 0.02, 0.98)]
TALUS, HIP = Site("talus", Side.RIGHT), Site("hip_bone", Side.RIGHT)


def looks_of(findings: list[Finding], knowledge: Knowledge) -> Sightings:
    return read_findings(findings, knowledge).course


def oedema(site: Site, day: int, state: FindingState) -> Finding:
    return Finding("bme_present", state, site, FIRST + timedelta(days=day))


def of(findings: list[Finding], knowledge: Knowledge, *diagnoses: str) -> float:
    found = probabilities(findings, knowledge)
    return float(sum(found[knowledge.diagnoses.index(d)] for d in diagnoses))


class TestTheChainAtTheFirstPlace:
    @pytest.mark.parametrize("days", [0.5, 30.0, 365.0, 4000.0])
    def test_exponentials_are_those_of_another_library(self, days: float) -> None:
        rates = [place_generator(m, 1e-3, r, 2.1) for m in HEALING_DAYS for r in (0.0, 0.01)]
        batch = np.stack(rates) * days
        expected = np.stack([expm(one) for one in batch])
        assert np.abs(exponentials(batch) - expected).max() < 1e-11

    @pytest.mark.parametrize("point", [(0, 0, 0, 0), (3, 4, 2, 1), (6, 8, 4, 1)])
    def test_likelihood_by_summing_over_all_paths(self, point: tuple[int, int, int, int]) -> None:
        s, m, c, r = point
        collapse = -np.log(1 - COLLAPSE_SHARES[c]) / 731.0
        generator = place_generator(HEALING_DAYS[m], collapse, r / 365.0, 1.0)
        share = HEALING_SHARES[s]
        start = [share, 0.0, 0.0, 1.0 - share, 0.0]
        visits = sorted([(x, True) for x in LOOKS] + [(x, False) for x in SURFACE], key=day_of)
        days = [0.0, *(look.day for look, _ in visits)]
        steps = [expm(generator * (b - a)) for a, b in itertools.pairwise(days)]
        total = 0.0
        for path in itertools.product(range(5), repeat=len(visits) + 1):
            chance = start[path[0]]
            for (look, is_oedema), step, here, there in zip(
                visits, steps, path, path[1:], strict=False
            ):
                chance *= float(step[here, there])
                chance *= seen_in(there, look) if is_oedema else surface_in(there, look)
            total += chance
        fast = place_likelihood(LOOKS, SURFACE, GRID)[point]
        assert fast == pytest.approx(total, rel=1e-10)

    def test_all_readings_of_three_visits_have_probability_1(self) -> None:
        total = np.zeros(GRID.shape)
        for pattern in itertools.product((True, False), repeat=3):
            looks = [
                Look(day, 0.9 if there else 0.1, 0.2 if there else 0.8)
                for day, there in zip((30.0, 90.0, 400.0), pattern, strict=True)
            ]
            total += place_likelihood(looks, [], GRID)
        assert total == pytest.approx(np.ones(GRID.shape), abs=1e-12)

    def test_is_that_of_an_exact_network_unrolled_in_time(self) -> None:
        generator = place_generator(HEALING_DAYS[4], 0.0004, 1 / 365.0, 1.0)
        collapse = float(1 - np.exp(-0.0004 * 731.0))
        index = int(np.argmin(np.abs(np.array(COLLAPSE_SHARES) - collapse)))
        collapse_rate = -np.log(1 - COLLAPSE_SHARES[index]) / 731.0
        generator = place_generator(HEALING_DAYS[4], collapse_rate, 1 / 365.0, 1.0)
        share = HEALING_SHARES[3]
        net = gum.BayesNet()
        previous = net.add(gum.LabelizedVariable("s0", "", 5))
        net.cpt(previous).fillWith([share, 0.0, 0.0, 1.0 - share, 0.0])
        soft, before = {}, 0.0
        for number, look in enumerate(LOOKS, start=1):
            node = net.add(gum.LabelizedVariable(f"s{number}", "", 5))
            net.addArc(previous, node)
            steps = expm(generator * (look.day - before))
            for stage in range(5):
                net.cpt(node)[{f"s{number - 1}": stage}] = [float(p) for p in steps[stage]]
            soft[f"s{number}"] = [seen_in(stage, look) for stage in range(5)]
            previous, before = node, look.day
        inference = gum.LazyPropagation(net)
        inference.setEvidence(soft)
        inference.makeInference()
        fast = place_likelihood(LOOKS, [], GRID)[3, 4, index, 1]
        assert fast == pytest.approx(inference.evidenceProbability(), abs=1e-12)

    def test_the_share_healed_is_that_of_the_chain(self) -> None:
        gone = Look(200.0, 0.0, 1.0)
        no_collapse = place_likelihood([gone], [], replace(GRID, collapse_days=1e12))
        assert no_collapse[:, :, 0, 0] == pytest.approx(healed_share(200.0), abs=1e-6)

    def test_a_treatment_that_heals_faster_makes_early_healing_likelier(self) -> None:
        gone = [Look(60.0, 0.02, 0.98)]
        slow, fast = (place_likelihood(gone, [], GRID, speed) for speed in (1.0, 2.1))
        assert np.all(fast > slow)

    def test_no_look_says_nothing(self) -> None:
        assert place_likelihood([], [], GRID) == pytest.approx(np.ones(GRID.shape))


def day_of(one: tuple[Look, bool]) -> float:
    return one[0].day


def seen_in(stage: int, look: Look) -> float:
    there, gone = look.present_weight, look.absent_weight
    shown = SHOWS_WHEN_COLLAPSED * there + (1 - SHOWS_WHEN_COLLAPSED) * gone
    return [there, there, gone, there, shown][stage]


def surface_in(stage: int, look: Look) -> float:
    return look.present_weight if stage == 4 else look.absent_weight


class TestMoves:
    MEANS, STAYS = (100.0, 400.0), 240.0

    def test_likelihood_by_summing_over_all_paths(self) -> None:
        looks = [MoveLook(50.0, 0.3, 0.9, counts_past=False), MoveLook(200.0, 0.98, 0.02)]
        fast = move_likelihoods(looks, self.MEANS, self.STAYS, -100.0, 300.0)
        for q, share in enumerate(MOVE_SHARES):
            assert fast[0, q, 0] == pytest.approx((1 - share) * 0.9 * 0.02)
            for t, mean in enumerate(self.MEANS):
                totals = [0.0, 0.0, 0.0]
                generator = move_generator(mean, self.STAYS)
                steps = [expm(generator * span) for span in (150.0, 150.0, 100.0)]
                for path in itertools.product(range(3), repeat=3):
                    chance, here = share, 0
                    for there, step in zip(path, steps, strict=True):
                        chance *= float(step[here, there])
                        here = there
                    chance *= [0.9, 0.3, 0.9][path[0]] * [0.02, 0.98, 0.98][path[1]]
                    totals[path[2]] += chance
                assert fast[1, q, t] == pytest.approx(totals[0], rel=1e-10, abs=1e-15)
                assert fast[2, q, t] == pytest.approx(totals[1] + totals[2], rel=1e-10)

    def test_nothing_seen_leaves_the_stages_with_probability_1(self) -> None:
        found = move_likelihoods([], self.MEANS, self.STAYS, -30.0, 500.0)
        assert found.sum(axis=0) == pytest.approx(np.ones(found.shape[1:]), abs=1e-12)

    def test_waiting_lowers_the_chance_slowly(self, knowledge: Knowledge) -> None:
        def chance(months: int) -> float:
            waited = Finding("shift_other_joint", A, None, FIRST + timedelta(days=30 * months))
            sightings = looks_of([*seen(CONDYLE, FIRST, "bme_present"), waited], knowledge)
            row = knowledge.diagnoses.index("bmes")
            low, middle, high = chance_of_move(
                "another_joint", sightings, knowledge.course, row, 102.0, 365.0
            )
            assert low <= middle <= high
            return middle

        chances = [chance(months) for months in (1, 12, 30, 120)]
        assert chances == sorted(chances, reverse=True)
        assert chances[1] > 0.4 * chances[0]


class TestLabelsAreStages:
    def test_shares_of_the_labels_are_the_chances_of_their_stages(
        self, knowledge: Knowledge
    ) -> None:
        shares = label_shares(knowledge.course, knowledge.diagnoses, 200.0)
        row, course = knowledge.diagnoses.index("rmo"), knowledge.course
        total = 0.0
        for point, weight in enumerate(course.moved["another_joint"][row]):
            means = course.rules.move("another_joint").mean_days
            share, mean = MOVE_SHARES[point // len(means)], means[point % len(means)]
            total += weight * share * (1 - np.exp(-(200.0 + 102.0) / mean))
        assert shares["rmo"] == pytest.approx(total)
        assert 0.0 < shares["isbme"] < 1.0 - shares["rmo"]

    def test_what_was_seen_moves_labels_and_not_the_disease(self, knowledge: Knowledge) -> None:
        """Summed over the labels with their shares, the likelihood is that of the disease."""
        moved = Finding("shift_other_joint", P, ANKLE, FIRST + timedelta(days=90))
        sightings = looks_of([*seen(CONDYLE, FIRST, "bme_present"), moved], knowledge)
        (part,) = course_parts(sightings, knowledge.course, knowledge.diagnoses)
        shares = label_shares(knowledge.course, knowledge.diagnoses, sightings.until_day)
        single = 1.0 - sum(shares.values())
        rows = {d: knowledge.diagnoses.index(d) for d in ("rmo", "isbme", "bmes")}
        likelihood = part.likelihood()
        total = sum(
            share * likelihood[rows[d]]
            for d, share in (("rmo", shares["rmo"]), ("isbme", shares["isbme"]), ("bmes", single))
        )
        move = knowledge.course.rules.move("another_joint")
        whole = move_likelihoods(
            sightings.another_joint, move.mean_days, move.stays_days, -102.0, 90.0
        ).sum(axis=0)
        expected = whole.reshape(-1) @ knowledge.course.moved["another_joint"][rows["rmo"]]
        assert total == pytest.approx(float(expected))

    def test_before_a_shift_they_keep_their_ratio(self, knowledge: Knowledge) -> None:
        first = seen(CONDYLE, FIRST, "bme_present")
        more = [*first, Finding("t1_hazy_reticular", P, CONDYLE, FIRST)]
        ratios = [
            of(story, knowledge, "rmo") / of(story, knowledge, "bmes") for story in (first, more)
        ]
        assert ratios[0] == pytest.approx(ratios[1])

    def test_a_shift_within_the_joint_is_not_yet_migratory(self, knowledge: Knowledge) -> None:
        story = [
            *seen(CONDYLE, FIRST, "bme_present"),
            Finding("shift_same_bone_or_joint", P, PLATEAU, FIRST + timedelta(days=90)),
        ]
        assert of(story, knowledge, "isbme") > 5 * of(story, knowledge, "rmo")

    def test_the_number_is_marked_as_definitional(self, knowledge: Knowledge) -> None:
        story = [
            *seen(CONDYLE, FIRST, "bme_present"),
            Finding("shift_other_joint", P, ANKLE, FIRST + timedelta(days=90)),
        ]
        bars = [b for b in diagnose(story, knowledge).bars if "shift_other_joint" in b.findings]
        notes = {b.diagnosis: b.note for b in bars}
        assert notes.pop("rmo").startswith("definitional")
        assert notes
        assert not any(note.startswith("definitional") for note in notes.values())


class TestImagedAndClear:
    START = seen(CONDYLE, FIRST, "bme_present")

    def rmo(self, more: list[Finding], knowledge: Knowledge) -> float:
        return of([*self.START, *more], knowledge, "rmo")

    def test_a_joint_never_imaged_tells_nothing(self, knowledge: Knowledge) -> None:
        undone = [*not_done(["shift_other_joint"])]
        assert self.rmo(undone, knowledge) == self.rmo([], knowledge)

    def test_more_joints_clear_tell_more(self, knowledge: Knowledge) -> None:
        last = oedema(CONDYLE, 300, P)
        clear = [oedema(TALUS, 300, A), oedema(HIP, 300, A), oedema(HEAD, 300, A)]
        shares = [self.rmo([last, *clear[:n]], knowledge) for n in range(4)]
        assert shares == sorted(shares, reverse=True)
        assert shares[3] < 0.9 * shares[0]

    def test_one_joint_twice_is_one_joint(self, knowledge: Knowledge) -> None:
        calcaneus = Site("calcaneus", Side.RIGHT)
        last = oedema(CONDYLE, 300, P)
        once = self.rmo([last, oedema(TALUS, 300, A)], knowledge)
        assert self.rmo(
            [last, oedema(TALUS, 300, A), oedema(calcaneus, 300, A)], knowledge
        ) == pytest.approx(once)

    def test_the_first_joint_says_nothing_of_the_others(self, knowledge: Knowledge) -> None:
        last = oedema(CONDYLE, 300, P)
        at_the_knee = Finding("shift_other_joint", A, PLATEAU, FIRST + timedelta(days=300))
        anywhere = replace(at_the_knee, site=None)
        base = self.rmo([last], knowledge)
        assert self.rmo([last, at_the_knee], knowledge) == base
        assert self.rmo([last, anywhere], knowledge) < base / 2

    def test_what_is_clear_at_the_first_scan_is_no_news(self, knowledge: Knowledge) -> None:
        assert self.rmo([oedema(TALUS, 0, A)], knowledge) == self.rmo([], knowledge)

    def test_a_move_that_was_seen_is_not_unseen(self, knowledge: Knowledge) -> None:
        moved = Finding("shift_other_joint", P, ANKLE, FIRST + timedelta(days=200))
        later = Finding("shift_other_joint", A, None, FIRST + timedelta(days=400))
        sightings = looks_of([*self.START, moved, later], knowledge)
        assert [s.state for s in sightings.another_joint_seen] == [P]

    def test_reading_a_move_again_counts_once(self, knowledge: Knowledge) -> None:
        days = (200, 300, 400)
        reads = [
            Finding("shift_other_joint", P, ANKLE, FIRST + timedelta(days=day)) for day in days
        ]
        once, thrice = (looks_of([*self.START, *reads[:n]], knowledge) for n in (1, 3))
        assert once.another_joint == thrice.another_joint


class TestHealing:
    START = seen(CONDYLE, FIRST, "bme_present")

    def test_the_shortest_time_without_and_the_longest_with(self, knowledge: Knowledge) -> None:
        said = told("resolves_by_6m resolves_by_12m", "resolves_by_3m resolves_by_4m")
        days = {s.day: s.state for s in looks_of(said, knowledge).place_seen}
        assert days == {122.0: P, 183.0: A}

    def test_a_dated_reading_counts_on_its_day(self, knowledge: Knowledge) -> None:
        dated = Finding("resolves_by_3m", P, CONDYLE, FIRST + timedelta(days=70))
        late = Finding("resolves_by_3m", P, CONDYLE, FIRST + timedelta(days=300))
        for finding, day in ((dated, 70.0), (late, 92.0)):
            (look,) = looks_of([*self.START, finding], knowledge).place
            assert look.day == day

    def test_oedema_seen_on_the_way_is_a_look_of_its_own(self, knowledge: Knowledge) -> None:
        way = [oedema(CONDYLE, 40, P), oedema(PLATEAU, 40, A), oedema(CONDYLE, 90, A)]
        sightings = looks_of([*self.START, *way], knowledge)
        assert {s.day: s.state for s in sightings.place_seen} == {40.0: P, 90.0: A}

    def test_a_clear_bone_clears_all_its_places(self, knowledge: Knowledge) -> None:
        whole = Site("femur", Side.RIGHT)
        sightings = looks_of([*self.START, oedema(whole, 90, A)], knowledge)
        assert [s.state for s in sightings.place_seen] == [A]
        other = Site("femur", Side.LEFT)
        assert looks_of([*self.START, oedema(other, 90, A)], knowledge).place == ()

    def test_equivocal_lies_between(self, knowledge: Knowledge) -> None:
        shares = [
            of([*self.START, Finding("resolves_by_6m", state)], knowledge, "bmes")
            for state in (A, E, P)
        ]
        assert shares == sorted(shares)

    def test_oedema_that_lasts_years_speaks_against_a_transient_disease(
        self, knowledge: Knowledge
    ) -> None:
        shares = [
            of([*self.START, oedema(CONDYLE, days, P)], knowledge, "bmes", "isbme", "rmo")
            for days in (30, 90, 365)
        ]
        assert shares == sorted(shares, reverse=True)
        assert shares[2] < 0.3 * shares[0]

    def test_two_scans_close_together_say_hardly_more_than_one(self, knowledge: Knowledge) -> None:
        """Stages persist: a scan again the next day only shows that the first was no error."""
        one = [*self.START, oedema(CONDYLE, 300, P)]
        two = [*one, oedema(CONDYLE, 301, P)]
        three = [*two, oedema(CONDYLE, 302, P)]
        shares = [of(story, knowledge, "bmes") for story in (self.START, one, two, three)]
        assert shares[1] < 0.5 * shares[0]
        assert shares[2] > 0.8 * shares[1]
        assert shares[3] > 0.95 * shares[2]


class TestTreatmentAsACovariate:
    HEALED = (
        *seen(CONDYLE, FIRST, "bme_present bme_large_diffuse"),
        oedema(CONDYLE, 90, FindingState.ABSENT),
    )

    def looks(self, knowledge: Knowledge, name: str, day: int | None) -> Sightings:
        start = None if day is None else FIRST + timedelta(days=day)
        return read_findings(self.HEALED, knowledge, [Given(name, start)]).course

    def test_healing_after_the_one_drug_with_a_comparison_is_expected_sooner(
        self, knowledge: Knowledge
    ) -> None:
        course = self.looks(knowledge, "zoledronate", 20)
        assert course.healing_speed == pytest.approx(2.1)
        assert course.treated_from == 20.0
        reading = read_findings(self.HEALED, knowledge, [Given("zoledronate", FIRST)])
        assert any("2.1 times as fast" in line for line in reading.notes)
        assert not any("fast" in line for line in reading.unused)

    @pytest.mark.parametrize("name", ["ibandronate", "alendronate", "iloprost", "denosumab"])
    def test_what_no_source_compares_changes_nothing(self, knowledge: Knowledge, name: str) -> None:
        assert self.looks(knowledge, name, 20) == read_findings(self.HEALED, knowledge).course

    def test_nor_does_a_drug_of_which_nobody_knows_when(self, knowledge: Knowledge) -> None:
        assert self.looks(knowledge, "zoledronate", None).healing_speed == 1.0

    def test_and_that_is_said(self, knowledge: Knowledge) -> None:
        reading = read_findings(self.HEALED, knowledge, [Given("zoledronate", None)])
        assert "zoledronate: nobody wrote since when it was given" in reading.unused
        reading = read_findings(self.HEALED, knowledge, [Given("ibandronate", None)])
        assert not any("ibandronate" in line for line in reading.unused)

    @pytest.mark.parametrize(("day", "speed"), [(-300, 2.1), (-400, 1.0), (89, 2.1), (90, 1.0)])
    def test_nor_one_given_long_before_or_after_the_last_look(
        self, knowledge: Knowledge, day: int, speed: float
    ) -> None:
        assert self.looks(knowledge, "zoledronate", day).healing_speed == pytest.approx(speed)

    def test_a_response_alone_names_no_drug(self, knowledge: Knowledge) -> None:
        told_of = [*self.HEALED, Finding("response_bisphosphonate", P)]
        assert looks_of(told_of, knowledge).healing_speed == 1.0

    def test_given_after_healing_it_changes_nothing(self, knowledge: Knowledge) -> None:
        def found(day: int) -> Floats:
            given = [Given("zoledronate", FIRST + timedelta(days=day))]
            return weigh(self.HEALED, knowledge, "uniform", given).closed_form

        untreated = weigh(self.HEALED, knowledge, "uniform").closed_form
        assert found(120) == pytest.approx(untreated, abs=1e-15)
        assert np.abs(found(10) - untreated).max() > 1e-3

    def test_the_rate_changes_on_the_day_of_the_drug(self) -> None:
        """Against a slow twin: two exponentials, one after the other."""
        day, start, speed = 90.0, 30.0, 2.1
        gone = [Look(day, 0.0, 1.0)]
        fast = place_likelihood(gone, [], GRID, speed, start)[3, 4, 0, 0]
        rate = -np.log(1 - COLLAPSE_SHARES[0]) / 731.0
        before, after = (place_generator(HEALING_DAYS[4], rate, 0.0, s) for s in (1.0, speed))
        stages = np.eye(5)[0] @ expm(before * start) @ expm(after * (day - start))
        shown = stages[2] + (1 - SHOWS_WHEN_COLLAPSED) * stages[4]
        lasting = np.eye(5)[3] @ expm(before * day)
        share = HEALING_SHARES[3]
        expected = share * shown + (1 - share) * (1 - SHOWS_WHEN_COLLAPSED) * lasting[4]
        assert fast == pytest.approx(expected, rel=1e-10)

    def test_oedema_that_stays_in_spite_of_it_speaks_more_for_lasting_oedema(
        self, knowledge: Knowledge
    ) -> None:
        stays = [*self.HEALED[:2], oedema(CONDYLE, 183, P)]
        row = knowledge.diagnoses.index("bmes")
        treated, untreated = (
            weigh(stays, knowledge, "uniform", given).closed_form[row]
            for given in ([Given("zoledronate", FIRST)], [])
        )
        assert treated < untreated


class TestCollapse:
    def test_speaks_for_what_collapses(self, knowledge: Knowledge) -> None:
        head = seen(HEAD, FIRST, "bme_present")
        fell = [*head, Finding("progression_collapse", P, HEAD, FIRST + timedelta(days=300))]
        assert of(fell, knowledge, "avn") > 1.2 * of(head, knowledge, "avn")
        assert of(fell, knowledge, "rpoa") > 5 * of(head, knowledge, "rpoa")
        assert of(fell, knowledge, "toh") < 0.4 * of(head, knowledge, "toh")

    def test_a_contour_that_gave_way_later_counts_in_time_and_only_then(
        self, knowledge: Knowledge
    ) -> None:
        early = Finding("contour_collapse", A, HEAD, FIRST)
        late = Finding("contour_collapse", P, HEAD, FIRST + timedelta(days=200))
        start = seen(HEAD, FIRST, "bme_present")
        assert len(looks_of([*start, early, late], knowledge).collapse) == 1
        assert looks_of([*start, late], knowledge).collapse == ()
        evidence = {e.finding for e in read_findings([*start, early, late], knowledge).evidence}
        assert "contour_collapse" not in evidence
        only = {e.finding for e in read_findings([*start, late], knowledge).evidence}
        assert "contour_collapse" in only


class TestTransientOsteoporosisAsAStageOfNecrosis:
    STORY = (
        *seen(HEAD, FIRST, "bme_present bme_large_diffuse t1_hazy_reticular"),
        Finding("demarcation_band_serpiginous", P, HEAD, FIRST + timedelta(days=200)),
        Finding("resolves_by_12m", P, HEAD, FIRST + timedelta(days=200)),
    )

    def share(self, knowledge: Knowledge) -> float:
        case = weigh(self.STORY, knowledge, "uniform")
        return sum(
            float(p)
            for c, p in zip(case.hypotheses.composites, case.weighed, strict=True)
            if c is not None and c.key == "necrosis_after_transient"
        )

    def test_is_a_hypothesis_that_can_be_switched_off(
        self, knowledge: Knowledge, folder: object, edit: object
    ) -> None:
        assert self.share(knowledge) > 0.0
        edit("course.yaml", "enabled: true", "enabled: false")  # type: ignore[operator]
        assert self.share(load_knowledge(folder)) == 0.0  # type: ignore[arg-type]

    def test_more_has_turned_the_longer_it_was_followed(self, knowledge: Knowledge) -> None:
        turn = knowledge.course.transition("transient_to_necrosis")
        shares = [turn.share_by(days) for days in (0, 100, 365, 2000)]
        assert shares == sorted(shares)
        assert shares[0] == 0.0
        assert shares[2] == shares[3] == pytest.approx(2.5 / 107)

    def test_the_prior_of_the_setting_stays(self, knowledge: Knowledge) -> None:
        case = weigh(self.STORY, knowledge, "uniform")
        folded = case.hypotheses.fold(case.hypotheses.prior)
        assert folded == pytest.approx(case.starting, abs=1e-15)


class TestDrawsOfTheCourse:
    @pytest.mark.parametrize("key", ["place", "another_joint"])
    def test_their_mean_is_the_closed_form(self, knowledge: Knowledge, key: str) -> None:
        story = [
            *seen(CONDYLE, FIRST, "bme_present"),
            Finding("resolves_by_6m", P, CONDYLE, FIRST + timedelta(days=150)),
            Finding("shift_other_joint", P, ANKLE, FIRST + timedelta(days=150)),
        ]
        parts = course_parts(looks_of(story, knowledge), knowledge.course, knowledge.diagnoses)
        part = next(p for p in parts if p.key == key)
        draws = 20_000
        drawn = part.draw(None, draws, np.random.default_rng(1))
        error = drawn.std(axis=0) / np.sqrt(draws)
        assert np.all(np.abs(drawn.mean(axis=0) - part.likelihood()) < 5 * error + 1e-12)

    def test_labels_of_one_disease_are_drawn_together(self, knowledge: Knowledge) -> None:
        sightings = Sightings(place=(Look(100.0, 0.02, 0.98),))
        part = place_part(sightings, knowledge.course, len(knowledge.diagnoses))
        rows = [knowledge.diagnoses.index(d) for d in ("rmo", "toh", "bmes")]
        picked = np.full(50, rows[1])
        drawn: Floats = part.draw(picked, 50, np.random.default_rng(2))
        assert np.all(drawn[:, rows] == drawn[:, rows[:1]])
