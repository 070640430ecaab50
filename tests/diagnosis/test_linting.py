from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marrowtrail.cli.app import app
from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.linting import lint_json, lint_knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.memory_weight import memory_cells
from marrowtrail.diagnosis.schema import Basis
from marrowtrail.errors import InputError

from .conftest import Edit


class TestTheKnowledgeOfThisVersion:
    def test_has_no_error(self) -> None:
        assert [p for p in lint_knowledge().problems if p.is_error] == []

    def test_names_cells_from_memory_that_decide(self) -> None:
        said = [p for p in lint_knowledge().problems if "from memory" in p.what]
        assert said
        assert all(p.where.startswith("cells/") for p in said)

    def test_counts_what_rests_on_what(self) -> None:
        counts = lint_knowledge().counts
        assert counts["cells with a source"] > 500
        assert counts["cells from memory alone"] > 0


class TestErrors:
    def test_a_source_without_identifier_or_reason(self, folder: Path, edit: Edit) -> None:
        reason = ', no_identifier: "none was noted from the page or record that was read"'
        place = "reference: moh-it.pure.elsevier.com record, status: read_abstract"
        note = ', note: "probably the same 3 men as trevisan2002oi: do not pool"'
        edit("sources.yaml", f"{place}{note}{reason}", f"{place}{note}")
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == ["trevisan2002cr has no DOI, PMID or reason"], "a note is no reason"

    def test_a_reason_beside_an_identifier(self, folder: Path, edit: Edit) -> None:
        edit("sources.yaml", "status: read_abstract}", 'status: read_abstract, no_identifier: "x"}')
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == ["grovle2024 has an identifier and a reason for having none"]

    @pytest.mark.parametrize(
        ("group", "rival", "old"),
        [
            ("tumour", "bone_sarcoma", "[marrow_malignancy, bone_sarcoma, osteoid_osteoma, "),
            ("infection", "septic_arthritis", "[osteomyelitis, septic_arthritis, marrow"),
        ],
    )
    def test_a_rival_of_the_same_group_that_is_not_answered(
        self, folder: Path, edit: Edit, group: str, rival: str, old: str
    ) -> None:
        edit(
            "ledger.yaml",
            f"lead: {group}, alternatives: {old}",
            f"lead: {group}, alternatives: " + old.replace(f"{rival}, ", ""),
        )
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == [f"{rival} is not answered where another of its group {group} leads"]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such folder"):
            lint_knowledge(tmp_path / "nowhere")

    def test_a_source_that_was_not_seen_and_is_cited(self, folder: Path, edit: Edit) -> None:
        edit("cells/avn.yaml", "source: meier2014", "source: felson2001")
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == ["felson2001 was not seen and is cited"]

    def test_the_same_red_flag_twice(self, folder: Path, edit: Edit) -> None:
        edit("red_flags.yaml", "[sinus_tract]", "[sinus_tract, sinus_tract]")
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == ["infection: sinus_tract stands there twice"]

    def test_a_count_of_parts_without_a_reason(self, folder: Path, edit: Edit) -> None:
        edit("cells/sif.yaml", "k: 1, n: 7, source: davies2004", "k: 1.5, n: 7, source: davies2004")
        said = [p.what for p in lint_knowledge(folder).problems if p.is_error]
        assert said == ["sclerosis: k is no whole number and nothing says why"]


class TestTheCommand:
    def test_passes_on_the_own_knowledge(self) -> None:
        result = CliRunner().invoke(app, ["knowledge", "check"])
        assert result.exit_code == 0
        assert "cells from memory alone" in result.stdout

    def test_fails_on_an_error_and_names_the_file(self, folder: Path, edit: Edit) -> None:
        edit("red_flags.yaml", "[sinus_tract]", "[sinus_tract, sinus_tract]")
        result = CliRunner().invoke(app, ["knowledge", "check", str(folder), "--json"])
        assert result.exit_code == 1
        assert '"where": "red_flags.yaml"' in result.stdout


CASE = """
schema_version: 1
synthetic: true
patient: {age: 46, sex: M}
findings:
  - finding: bme_present
    state: present
    site: {bone: femur, side: right, region: medial_condyle}
    visit: 2031-01-10
  - finding: bme_present
    state: present
    site: {bone: tibia, side: right, region: distal_epiphysis}
    visit: 2031-06-10
  - finding: shift_other_joint
    state: present
    site: {bone: tibia, side: right, region: distal_epiphysis}
    visit: 2031-06-10
"""


class TestDiagnose:
    @pytest.fixture
    def case(self, tmp_path: Path) -> Path:
        path = tmp_path / "case.yaml"
        path.write_text(CASE, encoding="utf-8")
        return path

    def ask(self, *arguments: str) -> str:
        result = CliRunner().invoke(app, ["diagnose", *arguments, "--setting", "bone_clinic"])
        assert result.exit_code == 0, result.output
        return result.stdout

    def test_at_presentation_nothing_has_moved(self, case: Path) -> None:
        later, first = self.ask(str(case)), self.ask(str(case), "--view", "presentation")
        assert "Regional migratory osteoporosis is the leading" in later
        assert "Regional migratory osteoporosis is the leading" not in first

    def test_another_view_is_refused(self, case: Path) -> None:
        result = CliRunner().invoke(app, ["diagnose", str(case), "--view", "sideways"])
        assert result.exit_code == 2

    def test_writes_the_audit_sheet(self, case: Path, tmp_path: Path) -> None:
        sheet = tmp_path / "audit.csv"
        self.ask(str(case), "--audit", str(sheet))
        lines = sheet.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("knowledge,")
        assert any(line.startswith("rmo,rmo,") for line in lines)

    def test_leaves_out_what_is_from_memory(self, case: Path, tmp_path: Path) -> None:
        whole, sourced = tmp_path / "whole.csv", tmp_path / "sourced.csv"
        self.ask(str(case), "--audit", str(whole))
        self.ask(str(case), "--sourced-only", "--audit", str(sourced))
        assert whole.read_text(encoding="utf-8") != sourced.read_text(encoding="utf-8")

    def test_says_what_would_change_it_and_what_lies_ahead(self, case: Path) -> None:
        said = self.ask(str(case))
        assert "no prior knowledge" in said
        assert "resolution:" in said
        assert "times as common" in said


class TestWhatDiagnosePrints:
    """Each in both directions: what is there is printed, and what is not is not."""

    def ask(self, tmp_path: Path, text: str) -> str:
        path = tmp_path / "case.yaml"
        path.write_text(text, encoding="utf-8")
        result = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["diagnose", str(path)])
        assert result.exit_code == 0, result.output
        return " ".join(result.stdout.split())

    def test_bars_of_the_leading_cause(self, tmp_path: Path) -> None:
        said = self.ask(tmp_path, CASE)
        assert "log10 ratio" in said
        assert "█" in said
        assert "█" not in self.ask(tmp_path, "schema_version: 1\n")

    def test_without_oedema_no_interval_and_a_reason(self, tmp_path: Path) -> None:
        clear = self.ask(tmp_path, CASE.split("  - finding: bme_present", maxsplit=1)[0] + CLEAR)
        assert "undecided: No cause stands out." in clear
        assert clear.count("none") >= 20
        assert " to " not in clear.split("bone marrow")[-1].split("%")[0]
        assert "none of these" in self.ask(tmp_path, CASE).lower()

    def test_a_finding_of_a_joint_never_imaged_is_used_and_noted(self, tmp_path: Path) -> None:
        noted = self.ask(tmp_path, CASE + SERIES.replace("PART", "knee"))
        assert "note: shift" in noted or "taken as entered" in noted
        assert "not used: bone marrow oedema: no series" not in noted
        assert "taken as entered" not in self.ask(tmp_path, CASE)

    def test_a_label_that_cannot_be_claimed_yet_is_marked(self, tmp_path: Path) -> None:
        moved = self.ask(tmp_path, CASE)
        assert "Regional migratory osteoporosis *" not in moved
        still = self.ask(tmp_path, CASE.split("  - finding: shift", maxsplit=1)[0])
        assert "Regional migratory osteoporosis *" in still
        assert "* cannot be claimed yet" in still

    def test_a_drug_with_a_known_effect_is_a_note(self, tmp_path: Path) -> None:
        zoledronate = "treatments: [{name: zoledronate, from: 2031-02-01}]\n"
        given = self.ask(tmp_path, CASE + zoledronate)
        assert "note: healing: counted as 2.1 times as fast from day 22 on" in given
        other = self.ask(tmp_path, CASE + zoledronate.replace("zoledronate", "ibandronate"))
        assert "as fast" not in other


CLEAR = """
  - finding: bme_present
    state: absent
    site: {bone: femur, side: right, region: medial_condyle}
    visit: 2031-01-10
"""

SERIES = """
visits:
  - date: 2031-01-10
    series: [{file: a.nii.gz, body_part: PART, side: right, weighting: pd, fat_suppressed: true}]
"""


class TestWhatToSourceNext:
    def test_only_cells_without_a_source_the_weightiest_first(self, knowledge: Knowledge) -> None:
        cells = memory_cells(knowledge)
        assert [c.weight for c in cells] == sorted((c.weight for c in cells), reverse=True)
        for cell in cells:
            rows = knowledge.table.rows[cell.diagnosis, cell.finding]
            assert all(row.basis is Basis.MEMORY for row in rows)
            assert cell.weight == pytest.approx(cell.separates * cell.assessed)
            assert 0 <= cell.assessed <= 1

    def test_a_cell_that_is_sourced_is_off_the_list(
        self, knowledge: Knowledge, folder: Path, edit: Edit
    ) -> None:
        heaviest = memory_cells(knowledge)[0]
        row = f"- {{finding: {heaviest.finding}, k: 3, n: 10, source: toms2005}}\n"
        edit(f"cells/{heaviest.diagnosis}.yaml", "cells:\n", f"cells:\n{row}")
        now = {(c.diagnosis, c.finding) for c in memory_cells(load_knowledge(folder))}
        assert (heaviest.diagnosis, heaviest.finding) not in now
        assert len(now) == len(memory_cells(knowledge)) - 1

    def test_without_memory_there_is_none(self) -> None:
        assert memory_cells(load_knowledge(use_memory=False)) == ()

    def test_separation_is_the_expected_log_ratio_both_ways(self, knowledge: Knowledge) -> None:
        """By hand for one cell: the mean over all others."""
        cell = memory_cells(knowledge)[0]
        error, table = knowledge.reading_error[cell.finding], knowledge.table
        column = table.findings.index(cell.finding)
        rates = (table.alpha / (table.alpha + table.beta))[:-1, column]
        read = [float(r * (1 - error) + (1 - r) * error) for r in rates]
        mine = read.pop(knowledge.diagnoses.index(cell.diagnosis))
        expected = [
            mine * math.log(mine / q)
            + (1 - mine) * math.log((1 - mine) / (1 - q))
            + q * math.log(q / mine)
            + (1 - q) * math.log((1 - q) / (1 - mine))
            for q in read
        ]
        assert cell.separates == pytest.approx(sum(expected) / len(expected))
        assert cell.separates > 0

    def test_the_linter_tells_it_to_machines(self) -> None:
        told = json.loads(lint_json(lint_knowledge()))["to_source"]
        assert len(told) == 40
        assert {"diagnosis", "finding", "weight"} <= told[0].keys()
