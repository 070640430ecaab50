from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marrowtrail.cli.app import app
from marrowtrail.errors import InputError
from marrowtrail.evaluation import cases
from marrowtrail.evaluation.cases import CaseScores, score_cases

from .case_files import INFECTED, MOVED, UNKNOWN_ANSWER, gold, write

PUBLISHED = Path(__file__).parents[3] / "shared" / "cases"


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> CaseScores:
    folder = write(tmp_path_factory.mktemp("cases"), MOVED, INFECTED, UNKNOWN_ANSWER)
    return score_cases(folder, silent)


class TestScores:
    def test_every_case_is_ranked_and_those_with_an_answer_scored(self, scores: CaseScores) -> None:
        assert [c.id for c in scores.cases] == ["case-infected", "case-moved", "case-open"]
        assert scores.not_scored == ("case-open",)
        assert scores.serial is not None
        assert scores.serial.n == 2

    def test_categories_sum_to_1_likeliest_first(self, scores: CaseScores) -> None:
        for case in scores.cases:
            for ranked in (case.presentation, case.serial):
                shares = [share for _, share in ranked]
                assert sum(shares) == pytest.approx(1.0)
                assert shares == sorted(shares, reverse=True)
                assert len(ranked) == 17

    def test_families_are_sums_of_their_categories(self, scores: CaseScores) -> None:
        for case in scores.cases:
            label, family = dict(case.serial), dict(case.serial_families)
            assert family["transient_bme"] == pytest.approx(label["RMO"] + label["TOH_BMES"])
            assert family["gout"] == label["GOUT"]
            assert sum(family.values()) == pytest.approx(1.0)
        assert scores.best_tiers_families.serial is not None

    def test_the_shift_is_what_makes_it_migratory(self, scores: CaseScores) -> None:
        moved = scores.cases[1]
        assert moved.presentation[0][0] == "TOH_BMES"
        assert moved.serial[0][0] == "RMO"

    def test_infection_is_found_and_flagged(self, scores: CaseScores) -> None:
        assert scores.cases[0].serial[0][0] == "INFECTION"
        assert scores.cases[0].red_flags == ("INFECTION",)
        assert scores.cases[1].red_flags == ()
        assert scores.safety == 1.0
        assert scores.flagged_elsewhere is not None
        assert scores.flagged_elsewhere.share == 0.0

    def test_unknown_words_are_counted(self, scores: CaseScores) -> None:
        assert scores.unknown_words == {"presentation.moon_phase": 1}

    def test_the_answer_does_not_change_the_ranking(
        self, scores: CaseScores, tmp_path: Path
    ) -> None:
        other = {**MOVED, "gold": gold("GOUT")}
        (again,) = score_cases(write(tmp_path, other), silent).cases
        assert again.serial == scores.cases[1].serial

    def test_simpler_ways_stand_beside(self, scores: CaseScores) -> None:
        assert set(scores.baselines) == {
            "prior_only",
            "plain_product",
            "constants",
            "always_the_commonest",
        }

    def test_without_answers_nothing_is_scored(self, tmp_path: Path) -> None:
        found = score_cases(write(tmp_path, UNKNOWN_ANSWER), silent)
        assert (found.serial, found.safety, found.slope) == (None, None, None)
        assert len(found.cases) == 1


class TestLeavingAPaperOut:
    def test_its_own_paper_does_not_speak_for_a_case(self) -> None:
        whole = cases._knowledge(frozenset(), True)
        without = cases._knowledge(frozenset({"holzer2009"}), True)
        cited = {r.source for rows in without.table.rows.values() for r in rows}
        assert "holzer2009" not in cited
        assert "holzer2009" in {r.source for rows in whole.table.rows.values() for r in rows}

    @pytest.mark.parametrize(
        ("identifier", "reference", "same"),
        [
            ("10.1000/x.12", "doi:10.1000/x.12; PMID 7", True),
            ("7", "doi:10.1000/x.12; PMID 7", True),
            ("10.1000/x.1", "doi:10.1000/x.12; PMID 7", False),
            ("77", "doi:10.1000/x.12; PMID 7", False),
        ],
    )
    def test_by_its_whole_identifier(self, identifier: str, reference: str, same: bool) -> None:
        assert cases._names(identifier, reference.lower()) is same


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"a: [", "YAML"),
            (b"\xff\xfe\x00", "YAML"),
            (b"- 1", "Not a case"),
            (b"a: 1", "blind_id"),
        ],
    )
    def test_a_file_that_is_no_case(self, tmp_path: Path, content: bytes, said: str) -> None:
        (tmp_path / "smith.yaml").write_bytes(content)
        with pytest.raises(InputError) as caught:
            score_cases(tmp_path, silent)
        assert said in caught.value.what
        assert "smith" not in f"{caught.value.what}{caught.value.where}"

    def test_a_part_that_cannot_be_read_is_left_out_and_named(
        self, scores: CaseScores, tmp_path: Path
    ) -> None:
        odd = {**MOVED, "imaging": [*MOVED["imaging"], {"phase": "follow_up", "day": "soon"}]}
        (found,) = score_cases(write(tmp_path, odd), silent).cases
        assert found.unknown == ("imaging.2.day",)
        assert found.presentation == scores.cases[1].presentation

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No case was found"):
            score_cases(tmp_path, silent)

    def test_empty_keys_are_missing_keys(self, tmp_path: Path) -> None:
        bare = {"blind_id": "case-bare", "imaging": None, "follow_up": None, "presentation": None}
        (found,) = score_cases(write(tmp_path, bare), silent).cases
        assert found.unknown == ()


class TestTheCommand:
    def test_prints_one_object_for_machines(self, tmp_path: Path) -> None:
        folder = write(tmp_path, MOVED, INFECTED)
        result = CliRunner().invoke(app, ["evaluate", "cases", str(folder), "--json"])
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert {"serial", "presentation", "safety", "slope", "cases"} <= found.keys()
        assert {"top1", "top3", "n"} <= found["serial"].keys()
        assert {"id", "presentation", "serial", "red_flags"} <= found["cases"][0].keys()

    def test_prints_a_table_for_people(self, tmp_path: Path) -> None:
        folder = write(tmp_path, MOVED, UNKNOWN_ANSWER)
        result = CliRunner().invoke(app, ["evaluate", "cases", str(folder), "--quiet"])
        assert result.exit_code == 0
        assert "moon_phase" in result.stdout
        assert "ranked and not scored: 1" in result.stdout


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published cases are not at hand")
class TestPublishedCases:
    def test_reaches_the_figures(self) -> None:
        found = score_cases(PUBLISHED, silent)
        presentation, serial = found.best_tiers.presentation, found.best_tiers.serial
        assert presentation is not None
        assert serial is not None
        assert (presentation.n, serial.n) == (54, 54)
        assert serial.top1 >= 0.75
        assert presentation.top1 >= 0.70
        assert serial.log_loss <= 0.9
        assert round(presentation.log_loss, 2) <= 1.0
        assert 0.8 <= serial.slope.slope <= 1.25
        assert found.safety == 1.0
        assert found.flagged_elsewhere is not None
        assert found.flagged_elsewhere.share <= 0.1
        plain = found.baselines["plain_product"].serial
        assert plain is not None
        assert serial.top1 > plain.top1
