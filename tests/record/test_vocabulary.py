from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from marrowtrail.record.knowledge import KnowledgeError, checked, read_knowledge
from marrowtrail.record.located_yaml import read_yaml
from marrowtrail.record.vocabulary import UnknownWordError, Vocabulary, vocabulary

SMALL = """
bones:
  - key: femur
    label: femur
    adjective: femoral
    joints: [hip, knee]
    lower_limb: true
    codes: []
    regions:
      - {key: head, label: femoral head, joint: hip}
      - {key: shaft, label: femoral shaft, joint: null}
  - key: patella
    label: patella
    adjective: patellar
    joints: [knee]
    lower_limb: true
    codes: []
    regions: []
joints:
  - {key: hip, label: hip, level: 1, lower_limb: true}
  - {key: knee, label: knee, level: 2, lower_limb: true}
diagnoses: []
findings: []
"""


def small() -> dict[str, Any]:
    data = read_yaml(SMALL.encode()).data
    assert isinstance(data, dict)
    return copy.deepcopy(data)


class TestWordsOfThisVersion:
    @pytest.mark.parametrize(
        ("bone", "region"),
        [
            ("femur", "medial_condyle"),
            ("tibia", "lateral_plateau"),
            ("tibia", "distal_epiphysis"),
            ("hip_bone", "acetabulum"),
        ],
    )
    def test_hold_the_regions_of_the_design(self, bone: str, region: str) -> None:
        assert vocabulary().bone(bone).region(region).key == region

    def test_every_word_is_found_by_its_key(self) -> None:
        words = vocabulary()
        assert all(words.bone(bone.key) is bone for bone in words.bones)
        assert all(words.joint(joint.key) is joint for joint in words.joints)
        assert all(words.diagnosis(one.key) is one for one in words.diagnoses)
        assert all(words.finding(one.key) is one for one in words.findings)

    def test_there_are_some_of_each(self) -> None:
        words = vocabulary()
        assert min(len(words.bones), len(words.joints)) >= 5
        assert len(words.diagnoses) >= 15
        assert len(words.findings) >= 80

    def test_keys_are_plain(self) -> None:
        words = vocabulary()
        for group in (words.bones, words.joints, words.diagnoses, words.findings):
            for entry in group:
                assert entry.key.replace("_", "").isalnum()
                assert entry.label.strip() == entry.label != ""

    def test_levels_order_the_lower_limb(self) -> None:
        levels = [joint.level for joint in vocabulary().joints]
        assert levels == sorted(set(levels))


class TestUnknownWords:
    def test_are_refused_with_the_nearest(self) -> None:
        with pytest.raises(UnknownWordError, match=r"'femurr' is no bone.*Did you mean 'femur'"):
            vocabulary().bone("femurr")

    def test_are_refused_without_when_nothing_is_near(self) -> None:
        with pytest.raises(UnknownWordError) as refused:
            vocabulary().joint("wheel")
        assert "Did you mean" not in str(refused.value)

    @pytest.mark.parametrize("kind", ["bone", "joint", "diagnosis", "finding"])
    def test_of_every_kind(self, kind: str) -> None:
        with pytest.raises(UnknownWordError, match=f"no {kind} of the vocabulary"):
            getattr(vocabulary(), kind)("")

    def test_a_region_of_another_bone(self) -> None:
        with pytest.raises(UnknownWordError, match="femur has no region 'lateral_plateau'"):
            vocabulary().bone("femur").region("lateral_plateau")


class TestJointOf:
    @pytest.mark.parametrize(
        ("bone", "region", "joint"),
        [
            ("femur", "head", "hip"),
            ("femur", "medial_condyle", "knee"),
            ("tibia", "lateral_plateau", "knee"),
            ("tibia", "distal_epiphysis", "ankle"),
            ("femur", "shaft", None),
            ("femur", "", None),
            ("patella", "", "knee"),
            ("hip_bone", "ischium", None),
        ],
    )
    def test_a_region(self, bone: str, region: str, joint: str | None) -> None:
        assert vocabulary().joint_of(bone, region) == joint

    def test_an_unknown_bone(self) -> None:
        with pytest.raises(UnknownWordError):
            vocabulary().joint_of("wing", "")


class TestValidation:
    def test_a_sound_one_is_taken(self) -> None:
        assert checked(Vocabulary, small()).bone("femur").region("head").joint == "hip"

    @pytest.mark.parametrize("name", ["bones", "joints"])
    def test_a_key_twice(self, name: str) -> None:
        data = small()
        data[name] = (*data[name], data[name][0])
        with pytest.raises(KnowledgeError, match="stands there twice"):
            checked(Vocabulary, data)

    def test_a_joint_that_is_not_there(self) -> None:
        data = small()
        data["joints"] = data["joints"][:1]
        with pytest.raises(KnowledgeError, match="unknown joint knee"):
            checked(Vocabulary, data)

    def test_a_regions_joint_that_is_not_there(self) -> None:
        data = small()
        data["bones"][0]["regions"][0]["joint"] = "elbow"
        with pytest.raises(KnowledgeError, match="femur: unknown joint elbow"):
            checked(Vocabulary, data)

    def test_a_key_that_does_not_belong(self) -> None:
        data = small()
        data["joints"][0]["colour"] = "red"
        with pytest.raises(KnowledgeError, match="colour"):
            checked(Vocabulary, data)

    def test_it_is_no_mistake_of_a_user(self) -> None:
        assert not issubclass(KnowledgeError, ValueError)

    @pytest.mark.parametrize(
        ("content", "says"),
        [(b"a: 1\na: 2\n", "line 2"), (b"a: [\n", "not YAML"), (b"- {key: 007}\n", "zero")],
    )
    def test_a_file_that_is_not_strict_yaml(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, says: str
    ) -> None:
        (tmp_path / "vocabularies").mkdir()
        (tmp_path / "vocabularies" / "words.yaml").write_bytes(content)
        monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
        with pytest.raises(KnowledgeError, match=says):
            read_knowledge("words")

    def test_a_file_that_is_not_there(self) -> None:
        with pytest.raises(FileNotFoundError):
            read_knowledge("no_such_list")
