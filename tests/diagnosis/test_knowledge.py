from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marrowtrail.diagnosis.knowledge_base import NONE_OF_THESE, Knowledge
from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.schema import Basis
from marrowtrail.errors import InputError
from marrowtrail.record.vocabulary import vocabulary

from .conftest import Edit

SEED_CASE_SOURCES = {"straten2009", "rmo64"}


class TestTheKnowledgeOfThisVersion:
    def test_loads_every_diagnosis_and_a_class_for_none(self, knowledge: Knowledge) -> None:
        assert set(knowledge.diagnoses) == {d.key for d in vocabulary().diagnoses}
        assert knowledge.diagnoses[-1] == NONE_OF_THESE

    def test_every_rate_lies_between_0_and_1(self, knowledge: Knowledge) -> None:
        assert np.all(knowledge.table.alpha > 0)
        assert np.all(knowledge.table.beta > 0)

    def test_the_seed_case_is_no_evidence_for_itself(self, knowledge: Knowledge) -> None:
        used = {row.source for rows in knowledge.table.rows.values() for row in rows}
        assert not used & SEED_CASE_SOURCES
        assert all(
            row.basis is not Basis.SINGLE_CASE
            for rows in knowledge.table.rows.values()
            for row in rows
        )

    def test_every_source_has_a_reference(self, knowledge: Knowledge) -> None:
        assert all(source.reference.strip() for source in knowledge.sources.values())

    def test_no_population_of_children_gives_the_age_of_adults(self, knowledge: Knowledge) -> None:
        rows = knowledge.table.rows.get(("cno", "age_lt_16"), ())
        assert not [row for row in rows if row.population == "cno_child"]

    @pytest.mark.parametrize("group", ["age", "onset"])
    def test_exclusive_rates_sum_to_1(self, knowledge: Knowledge, group: str) -> None:
        members = next(g for g in knowledge.dependence.exclusive if g.key == group).members
        table = knowledge.table
        columns = [table.findings.index(m) for m in members]
        rates = table.alpha[:, columns] / (table.alpha + table.beta)[:, columns]
        assert rates.sum(axis=1) == pytest.approx(1.0)

    def test_parts_of_an_age_band_make_up_the_band(self, knowledge: Knowledge) -> None:
        table = knowledge.table
        rates = table.alpha / (table.alpha + table.beta)
        young, child, youth = (
            rates[:, table.findings.index(f)] for f in ("age_lt_30", "age_lt_16", "age_16_29")
        )
        assert child + youth == pytest.approx(young)

    def test_labels_of_one_disease_share_what_is_not_their_own(self, knowledge: Knowledge) -> None:
        table, rows = (
            knowledge.table,
            [knowledge.diagnoses.index(d) for d in ("rmo", "toh", "bmes")],
        )
        shared, own = (table.findings.index(f) for f in ("effusion", "migration_of_symptoms"))
        assert len(set(table.owner[rows, shared])) == 1
        assert len(set(table.alpha[rows, shared])) == 1
        assert len(set(table.owner[rows, own])) == 3
        assert table.alpha[rows[0], own] > table.alpha[rows[1], own]

    def test_without_memory_only_what_was_read_counts(self) -> None:
        strict = load_knowledge(use_memory=False)
        rows = [row for rows in strict.table.rows.values() for row in rows]
        assert rows
        assert all(row.basis is not Basis.MEMORY for row in rows)
        assert len(strict.table.rows) < len(load_knowledge().table.rows)

    def test_it_is_loaded_once(self) -> None:
        assert load_knowledge() is load_knowledge()


class TestHash:
    def test_a_copy_has_the_same_hash(self, knowledge: Knowledge, folder: Path) -> None:
        assert load_knowledge(folder).hash == knowledge.hash
        assert len(knowledge.hash) == 64

    def test_any_byte_changes_it(self, knowledge: Knowledge, folder: Path) -> None:
        with (folder / "cells" / "avn.yaml").open("a", encoding="utf-8") as file:
            file.write("# read again\n")
        assert load_knowledge(folder).hash != knowledge.hash

    def test_a_file_moved_to_another_name_changes_it(
        self, knowledge: Knowledge, folder: Path
    ) -> None:
        (folder / "cells" / "avn.yaml").rename(folder / "cells" / "necrosis.yaml")
        assert load_knowledge(folder).hash != knowledge.hash


class TestAddingKnowledgeChangesNoCode:
    def test_a_new_count_moves_its_cell_alone(
        self, knowledge: Knowledge, folder: Path, edit: Edit
    ) -> None:
        row = "- {finding: palpable_mass, k: 9, n: 10, source: toms2005}\n"
        edit("cells/charcot.yaml", "cells:\n", f"cells:\n{row}")
        changed = load_knowledge(folder).table
        i, j = knowledge.diagnoses.index("charcot"), changed.findings.index("palpable_mass")
        assert changed.alpha[i, j] > knowledge.table.alpha[i, j]
        other = changed.findings.index("effusion")
        assert np.array_equal(changed.alpha[:, other], knowledge.table.alpha[:, other])

    def test_a_single_case_changes_nothing(
        self, knowledge: Knowledge, folder: Path, edit: Edit
    ) -> None:
        row = "- {finding: nidus, k: 1, n: 1, source: toms2005, basis: single_case}\n"
        edit("cells/charcot.yaml", "cells:\n", f"cells:\n{row}")
        assert np.array_equal(load_knowledge(folder).table.alpha, knowledge.table.alpha)


DAMAGES = [
    ("cells/avn.yaml", "finding: steroid_use", "finding: steroid_usage", "unknown finding"),
    ("cells/avn.yaml", "diagnosis: avn", "diagnosis: necrosis", "unknown diagnosis"),
    ("cells/rmo.yaml", "source: mo13", "source: nobody2031", "unknown source nobody2031"),
    ("cells/rmo.yaml", ", source: mo13", "", "a source belongs to every cell"),
    ("cells/rmo.yaml", "k: 9, n: 13", "k: 14, n: 13", "k at most n"),
    ("cells/rmo.yaml", "k: 9, n: 13", "k: 9", "a count needs k and n"),
    ("cells/rmo.yaml", "k: 9, n: 13", "k: 9, n: 13, percent: 69", "give one of"),
    ("cells/rmo.yaml", "ordinal: typical", "ordinal: usual", "ordinal"),
    ("cells/rmo.yaml", "ordinal: typical", "ordinal: typical, sauce: x", "Extra inputs"),
    (
        "cells/shared_populations.yaml",
        "population: tro_spectrum",
        "population: all",
        "unknown popu",
    ),
    ("cells/comparators.yaml", "diagnosis: null", "diagnosis: nil", "unknown diagnosis nil"),
    ("populations.yaml", "[rmo, toh, bmes, isbme]", "[rmo, thigh]", "unknown diagnosis thigh"),
    ("findings.yaml", "[fever, palpable_mass", "[fever, fever, palpable_mass", "more than one use"),
    ("findings.yaml", "[fever, palpable_mass", "[palpable_mass", "no use"),
    ("findings.yaml", "skin_warm: skin_temp", "skin_warm: skin_hot_temp", "does not exist"),
    ("blocks.yaml", "rho: 0.5", "rho: 1.5", "less than 1"),
    ("blocks.yaml", "plus: [fever", "plus: [feverish", "unknown finding feverish"),
    ("course.yaml", "mean_days: 365", "mean_days: 0", "greater than 0"),
    ("families.yaml", "needs: shift_other_joint", "needs: moving", "unknown finding moving"),
    ("definitions.yaml", "rates: {contusion", "rates: {bruise", "diagnosis bruise"),
    ("priors.yaml", "none_of_these: 0.05", "none_of_these: 1.0", "less than 1"),
    (
        "priors.yaml",
        "very_common: [contusion,",
        "very_common: [bruise,",
        "unknown diagnosis bruise",
    ),
    ("ledger.yaml", "tests: [mri_t1,", "tests: [xray_vision,", "unknown test xray_vision"),
    ("ledger.yaml", "alternatives: [avn,", "alternatives: [disuse_bme,", "nothing says how"),
    ("ledger.yaml", "state: absent", "state: gone", "present"),
    ("tests.yaml", "findings: [hla_b27]", "findings: [hla]", "unknown finding hla"),
    ("red_flags.yaml", "[fever, crp_esr_raised]", "[fever, crp]", "unknown finding crp"),
    ("sources.yaml", "reference: ", "refers: ", "reference"),
    ("manifest.yaml", "version: ", "version: [", "YAML"),
    ("calibration.yaml", "likelihood_power: 1.5", "likelihood_power: 0", "greater than 0"),
    ("composites.yaml", "second: sif", "second: sieve", "unknown diagnosis sieve"),
    ("composites.yaml", "findings: [spa_known,", "findings: [spa,", "unknown finding spa"),
    ("outlook.yaml", "sources: [zomars]", "sources: [zorro]", "unknown source zorro"),
    ("outlook.yaml", "kind: collapse", "kind: luck", "resolution"),
    ("course.yaml", "moved: within_joint", "moved: away", "within_joint"),
    ("course.yaml", "scope: within_joint", "scope: another_joint", "one move within_joint"),
    ("course.yaml", "family: transient_bme", "family: lasting_bme", "unknown family lasting_bme"),
    ("course.yaml", "source: gulati2024", "source: gulliver", "unknown source gulliver"),
    ("course.yaml", "from_: toh", "from_: tooth", "unknown diagnosis tooth"),
    ("composites.yaml", "transition: transient_to", "transition: from", "unknown transition"),
    ("composites.yaml", "  share: 0.05\n", "", "a share or a transition"),
    ("findings.yaml", "{domain: course,", "{domain: curse,", "no reading error"),
    ("priors.yaml", "site_hip: hip", "site_hop: hip", "unknown finding site_hop"),
    ("tests.yaml", "cost: none", "cost: free", "none"),
]


class TestDamage:
    @pytest.mark.parametrize(("name", "old", "new", "said"), DAMAGES)
    def test_says_what_is_wrong_and_in_which_file(
        self, folder: Path, edit: Edit, name: str, old: str, new: str, said: str
    ) -> None:
        edit(name, old, new)
        with pytest.raises(InputError) as caught:
            load_knowledge(folder)
        assert said in caught.value.what
        assert name in caught.value.where
        assert caught.value.remedy

    @pytest.mark.parametrize("name", ["manifest.yaml", "sources.yaml", "blocks.yaml"])
    def test_a_missing_file(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(InputError, match="missing"):
            load_knowledge(folder)

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="missing"):
            load_knowledge(tmp_path)
