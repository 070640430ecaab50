"""The word lists and the mapping of the case record."""

from __future__ import annotations

from typing import Any

import pytest

from marrowtrail.record.case import Case
from marrowtrail.record.case_entries import case_entries, known_addresses
from marrowtrail.record.case_mapping import CaseMapping, Source, case_mapping
from marrowtrail.record.case_words import CaseWords, case_words
from marrowtrail.record.knowledge import KnowledgeError, checked, read_knowledge
from marrowtrail.record.vocabulary import UnknownWordError


def words() -> dict[str, Any]:
    data = read_knowledge("case_words")
    assert isinstance(data, dict)
    return data


def mapping(rules: list[dict[str, Any]], unmapped: list[dict[str, str]] | None = None) -> Any:
    return checked(CaseMapping, {"rules": rules, "unmapped": unmapped or []})


class TestWords:
    def test_a_label_is_found(self) -> None:
        assert case_words().label("laboratory", "hla_b27") == "HLA-B27"

    @pytest.mark.parametrize(
        ("name", "key"),
        [("laboratory_test", "x"), ("treatment", "x"), ("structure", "medial_condyle")],
    )
    def test_an_unknown_one_is_refused(self, name: str, key: str) -> None:
        with pytest.raises(UnknownWordError):
            getattr(case_words(), name)(key)

    def test_changes_belong_to_their_tissue(self) -> None:
        assert "root_tear" in case_words().changes_of("meniscus")
        assert "root_tear" not in case_words().changes_of("cartilage")
        assert case_words().changes_of("bone") == ()

    def test_every_test_has_states_and_can_be_normal_or_negative(self) -> None:
        for test in case_words().laboratory:
            assert {"normal", "negative"} & set(test.states)

    @pytest.mark.parametrize("name", ["risk_factors", "comorbidities", "laboratory", "treatments"])
    def test_a_word_twice(self, name: str) -> None:
        data = words()
        data[name] = (*data[name], data[name][0])
        with pytest.raises(KnowledgeError, match="stands there twice"):
            checked(CaseWords, data)

    def test_a_structure_of_no_joint(self) -> None:
        data = words()
        data["structures"][0]["joint"] = "elbow"
        with pytest.raises(KnowledgeError, match="no joint"):
            checked(CaseWords, data)

    def test_a_change_of_no_tissue(self) -> None:
        data = words()
        data["changes"][0]["tissues"] = ("hair",)
        with pytest.raises(KnowledgeError, match="no structure has"):
            checked(CaseWords, data)


FEVER = {"finding": "fever", "sources": [{"entry": "fever"}]}


class TestMapping:
    def test_a_sound_one_is_taken(self) -> None:
        assert mapping([FEVER]).rules[0].absence == "any"

    @pytest.mark.parametrize(
        ("rules", "says"),
        [
            ([{**FEVER, "finding": "feverish"}], "no finding of the vocabulary: feverish"),
            ([FEVER, FEVER], "two rules for fever"),
            ([{"finding": "fever", "sources": [{"entry": "fevre"}]}], "no entry has the address"),
            ([{"finding": "fever", "sources": []}], "at least 1 item"),
            ([{**FEVER, "absence": "some"}], "absence"),
            (
                [
                    {
                        "finding": "fever",
                        "sources": [{"entry": "fever", "present": ["a"], "absent": ["a"]}],
                    }
                ],
                "cannot mean both",
            ),
        ],
    )
    def test_an_unsound_one_is_refused(self, rules: list[dict[str, Any]], says: str) -> None:
        with pytest.raises(KnowledgeError, match=says):
            mapping(rules)

    def test_a_reason_for_something_that_cannot_be(self) -> None:
        with pytest.raises(KnowledgeError, match="no entry has the address treatmint"):
            mapping([FEVER], [{"entry": "treatmint", "reason": "x"}])

    def test_a_reason_of_a_block_is_not_one_of_its_namesakes(self) -> None:
        rows = mapping([FEVER], [{"entry": "laboratory.urate", "reason": "because"}])
        assert rows.reason_unmapped("laboratory.urate") == "because"
        assert "covers it" in rows.reason_unmapped("laboratory.urate_of_urine")

    def test_every_word_of_a_rule_can_be_said(self) -> None:
        for rule in case_mapping().rules:
            for source in rule.sources:
                said = set(source.present) | set(source.absent)
                if source.entry.startswith("laboratory."):
                    test = case_words().laboratory_test(source.entry.split(".")[1])
                    assert said <= set(test.states), source.entry


class TestBands:
    @pytest.mark.parametrize(
        ("number", "state"),
        [(15.9, "absent"), (16, "present"), (29.9, "present"), (30, "absent"), (None, None)],
    )
    def test_include_their_start_and_not_their_end(
        self, number: float | None, state: str | None
    ) -> None:
        source = Source(entry="patient.age", at_least=16, below=30)
        (entry, *_) = case_entries(Case.model_validate({"patient": {"age": 20}}), None)
        aged = type(entry)(entry.address, entry.place, entry.text, number=number)
        found = source.state_of(aged)
        assert (found.value if found else None) == state


def test_every_entry_of_a_full_case_has_a_known_address() -> None:
    tests = [{"name": t.key, "state": t.states[0]} for t in case_words().laboratory]
    structures = [
        {"structure": s.key, "change": case_words().changes_of(s.tissue)[0], "state": "absent"}
        for s in case_words().structures
    ]
    case = Case.model_validate(
        {
            "patient": {"age": 40, "sex": "F", "pregnancy": {"state": "not_pregnant"}},
            "onset": {"manner": "acute", "duration_days": 3},
            "pain": [
                {
                    "joint": "knee",
                    **dict.fromkeys(
                        (
                            "on_loading",
                            "at_rest",
                            "at_night",
                            "morning_stiffness",
                            "unable_to_bear_weight",
                        ),
                        "absent",
                    ),
                }
            ],
            **{k: {"state": "absent"} for k in ("trauma", "overuse", "fever", "swelling")},
            "weight_loss": {"state": "absent"},
            "risk_factors": [
                {"name": k, "state": "absent"} for k in case_words().keys("risk_factors")
            ],
            "comorbidities": [
                {"name": k, "state": "absent"} for k in case_words().keys("comorbidities")
            ],
            "laboratory": tests,
            "dxa": [{"state": "normal"}],
            "structures": structures,
            "treatments": [{"name": k} for k in case_words().keys("treatments")],
        }
    )
    entries = case_entries(case, None)
    assert {entry.address for entry in entries} <= known_addresses()
    assert len(entries) > 150
