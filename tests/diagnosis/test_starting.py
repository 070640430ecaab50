from __future__ import annotations

import pytest

from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.starting import joints_of_onset, joints_of_site, prior
from marrowtrail.errors import InputError
from marrowtrail.record.findings import Finding
from marrowtrail.record.sites import Side, Site

from .stories import ANKLE, CONDYLE, FIRST, HEAD, SEED_THIRD, THIRD, P, seen, told

SETTINGS = ("musculoskeletal_mri", "rheumatology", "uniform")


def share(knowledge: Knowledge, diagnosis: str, setting: str, *joints: str) -> float:
    return float(prior(knowledge, setting, joints)[knowledge.diagnoses.index(diagnosis)])


class TestPrior:
    @pytest.mark.parametrize("setting", SETTINGS)
    @pytest.mark.parametrize("joints", [(), ("knee",), ("hip", "knee"), ("sacroiliac",)])
    def test_sums_to_1_with_one_in_twenty_for_none_of_these(
        self, knowledge: Knowledge, setting: str, joints: tuple[str, ...]
    ) -> None:
        starting = prior(knowledge, setting, joints)
        assert float(starting.sum()) == pytest.approx(1.0)
        assert starting[-1] == pytest.approx(0.05)
        assert starting.min() > 0

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_the_hip_has_its_osteoporosis_and_the_knee_has_not(
        self, knowledge: Knowledge, setting: str
    ) -> None:
        hip, knee = (share(knowledge, "toh", setting, joint) for joint in ("hip", "knee"))
        assert knee < 0.002
        assert hip > 10 * knee

    def test_a_rheumatology_clinic_sees_more_spondyloarthritis(self, knowledge: Knowledge) -> None:
        shares = [share(knowledge, "spa_enthesitis", s, "knee") for s in SETTINGS[:2]]
        assert shares[1] > 3 * shares[0]

    def test_an_unknown_joint_takes_the_mean_of_the_limb(self, knowledge: Knowledge) -> None:
        joints = ("hip", "knee", "ankle_foot")
        assert share(knowledge, "avn", "uniform", "elbow") == pytest.approx(
            share(knowledge, "avn", "uniform", *joints)
        )

    @pytest.mark.parametrize("joint", ["knee", "hip"])
    def test_the_longer_it_is_followed_the_more_has_moved(
        self, knowledge: Knowledge, joint: str
    ) -> None:
        row = knowledge.diagnoses.index("rmo")
        family = [knowledge.diagnoses.index(d) for d in knowledge.disease("rmo")]
        followed = [prior(knowledge, "uniform", (joint,), days) for days in (0, 30, 365, 3650)]
        shares = [float(p[row] / p[family].sum()) for p in followed]
        assert 0.03 < shares[0] < 0.1
        assert shares[1] < 1.4 * shares[0]
        assert shares == sorted(shares)
        assert 0.15 < shares[-1] < 0.35
        # how common the disease is does not depend on how long it is followed
        assert float(followed[0][family].sum()) == pytest.approx(float(followed[3][family].sum()))

    def test_an_unknown_setting_names_the_known_ones(self, knowledge: Knowledge) -> None:
        with pytest.raises(InputError, match="rheumatology"):
            prior(knowledge, "casino", ())


class TestJoints:
    def test_where_the_oedema_began_and_not_where_it_went(self, knowledge: Knowledge) -> None:
        assert joints_of_onset(SEED_THIRD, knowledge) == ("knee",)

    def test_all_joints_of_the_first_visit(self, knowledge: Knowledge) -> None:
        both = seen(CONDYLE, FIRST, "bme_present") + seen(HEAD, FIRST, "bme_present")
        assert joints_of_onset(both + seen(ANKLE, THIRD, "bme_present"), knowledge) == (
            "hip",
            "knee",
        )

    def test_another_finding_where_nobody_speaks_of_oedema(self, knowledge: Knowledge) -> None:
        assert joints_of_onset([Finding("effusion", P, ANKLE, FIRST)], knowledge) == ("ankle_foot",)

    def test_none_where_no_place_is_known(self, knowledge: Knowledge) -> None:
        assert joints_of_onset(told("hla_b27"), knowledge) == ()
        assert joints_of_onset(seen(CONDYLE, FIRST, "", "bme_present"), knowledge) == ()

    def test_where_it_hurts_until_oedema_is_seen(self, knowledge: Knowledge) -> None:
        hurts = told("site_hip", "site_knee")
        assert joints_of_onset(hurts, knowledge) == ("hip",)
        assert joints_of_onset([*hurts, *SEED_THIRD], knowledge) == ("knee",)

    def test_a_bone_without_region_may_be_at_either_end(self) -> None:
        assert joints_of_site(Site("tibia", Side.LEFT)) == ("knee", "ankle_foot")

    def test_a_shaft_counts_for_the_joints_of_its_bone(self) -> None:
        assert set(joints_of_site(Site("femur", Side.LEFT, "shaft"))) == {"hip", "knee"}

    @pytest.mark.parametrize("site", [Site("wing", Side.LEFT), Site("femur", Side.LEFT, "sail")])
    def test_an_unknown_place_has_none(self, site: Site) -> None:
        assert joints_of_site(site) == ()
