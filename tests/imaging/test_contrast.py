"""Weighting and fat suppression from physics, then names; as the vendors fill in the headers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marrowtrail.imaging.agent import given_by_header, time_of_day_s
from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.series import Contrast, Dixon, Weighting
from tests.imaging.dicom_factory import header

T1, PD, T2, STIR = Weighting.T1, Weighting.PD, Weighting.T2, Weighting.STIR
T2_STAR, UNKNOWN = Weighting.T2_STAR, Weighting.UNKNOWN


def physics(tr=None, te=None, ti=None, flip=90.0, seq=("SE",), opts=(), name="", kind=(), said=""):
    return Physics(
        tr, te, ti, flip, frozenset(seq), frozenset(opts), name, False, frozenset(kind), said
    )


def made(
    tr="",
    te="",
    said="",
    *,
    ti="",
    flip="150",
    seq=("SE",),
    opts=(),
    name="",
    kind=("ORIGINAL", "PRIMARY", "M"),
    agent="",
):
    """A header as a scanner writes it."""
    return Physics.of(
        header(
            RepetitionTime=tr,
            EchoTime=te,
            InversionTime=ti,
            FlipAngle=flip,
            ScanningSequence=seq,
            ScanOptions=opts,
            SequenceName=name,
            ImageType=kind,
            ContrastBolusAgent=agent,
            SeriesDescription=said,
        )
    )


SIEMENS = ("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D")
SCANNERS = {
    "Siemens PD FS TSE": (
        made("3200", "36", "pd_tse_sag_fs", opts=("PFP", "FS"), name="*tse2d1_7", kind=SIEMENS),
        (PD, True),
    ),
    "Siemens PD TSE": (
        made("3000", "30", "pd_tse_sag", opts=("PFP",), name="*tse2d1_7", kind=SIEMENS),
        (PD, False),
    ),
    "Siemens T2 TSE without options": (
        made("4200", "92", "t2_tse_tra", name="*tse2d1_15", kind=SIEMENS),
        (T2, False),
    ),
    "Siemens T1 TSE": (
        made("620", "11", "t1_tse_cor", opts=("PFP",), name="*tse2d1_3", kind=SIEMENS),
        (T1, False),
    ),
    "Siemens TIRM": (
        made(
            *("4500", "45", "tirm_cor"),
            ti="160",
            seq=("SE", "IR"),
            opts=("IR", "PFP"),
            name="*tir2d1_11",
            kind=SIEMENS,
        ),
        (STIR, True),
    ),
    "Siemens TIRM at 3 T": (
        made("5000", "40", "tirm", ti="220", seq=("SE", "IR"), opts=("IR",), name="*tir2d1_9"),
        (STIR, True),
    ),
    "Siemens Dixon, water": (
        made("3500", "40", "pd_dixon_W", kind=("DERIVED", "PRIMARY", "M", "DIXON", "WATER")),
        (PD, True),
    ),
    "Siemens Dixon, in phase": (
        made("3500", "40", "pd_dixon_in", kind=("DERIVED", "PRIMARY", "M", "DIXON", "IN_PHASE")),
        (PD, False),
    ),
    "Siemens MEDIC": (
        made("700", "18", "t2_medic", flip="28", seq=("GR",), name="*me2d1r3"),
        (T2_STAR, False),
    ),
    "Siemens FLASH with water excitation": (
        made("12", "5", "t1_fl3d_we", flip="30", seq=("GR",), opts=("WE",), name="*fl3d1"),
        (T1, True),
    ),
    "Siemens T1 after contrast": (
        made("650", "12", "t1_tse_fs_km", opts=("FS",), name="*tse2d1_3", agent="Gadovist"),
        (T1, True),
    ),
    "Siemens diffusion": (
        made("4000", "70", "ep2d_diff", seq=("EP",), opts=("FS", "PFP"), name="*ep_b800t"),
        (UNKNOWN, True),
    ),
    "GE PD FSE with fat saturation": (
        made(
            *("2800", "34", "SAG PD FAT SAT"),
            opts=("FAST_GEMS", "NPW", "TRF_GEMS", "FS"),
            kind=("ORIGINAL", "PRIMARY", "OTHER"),
        ),
        (PD, True),
    ),
    "GE PD FSE": (
        made("2800", "34", "SAG PD FSE", opts=("FAST_GEMS", "NPW", "TRF_GEMS")),
        (PD, False),
    ),
    "GE underscored FSE is no fat saturation": (
        made("2800", "34", "SAG_PD_FSE", opts=("FAST_GEMS", "NPW")),
        (PD, False),
    ),
    "GE STIR": (
        made("4500", "42", "COR STIR", ti="165", seq=("SE", "IR"), opts=("FAST_GEMS", "NPW")),
        (STIR, True),
    ),
    "GE T1 SE with TI of zero": (
        made("500", "22", "", ti="0.000000", opts=("NPW", "VB_GEMS", "PFF")),
        (T1, False),
    ),
    "GE IDEAL, water": (
        made("3000", "50", "IDEAL", kind=("DERIVED", "PRIMARY", "DIXON", "WATER")),
        (PD, True),
    ),
    "GE 3-D gradient echo": (
        made("33", "15", "SAG 3D", flip="30", seq=("GR",), opts=("GRAPH_GEMS",), agent="NONE"),
        (T2_STAR, False),
    ),
    "Philips PDW SPAIR": (
        made("3100", "30", "PDW_SPAIR sag", opts=("FS",), kind=("ORIGINAL", "PRIMARY", "M_SE")),
        (PD, True),
    ),
    "Philips PDW SPAIR without options": (
        made("3100", "30", "PDW_SPAIR sag", opts=("OTHER",)),
        (PD, True),
    ),
    "Philips PDW": (
        made("3100", "30", "PDW_TSE sag", opts=("OTHER",)),
        (PD, False),
    ),
    "Philips STIR": (
        made("4000", "55", "STIR_TSE", ti="180", seq=("IR",), opts=("OTHER",)),
        (STIR, True),
    ),
    "Philips STIR that does not say its TI": (
        made("4000", "55", "STIR_TSE", seq=("IR",), opts=("OTHER",)),
        (STIR, True),
    ),
    "Philips T1W SPIR with its TI": (
        made("600", "15", "T1W_SPIR", ti="120", opts=("FS",)),
        (T1, True),
    ),
    "Philips mDixon, water": (
        made("3200", "60", "T2W_mDIXON", kind=("DERIVED", "PRIMARY", "W", "W", "DERIVED")),
        (T2, True),
    ),
    "Philips mDixon, in phase": (
        made("3200", "60", "T2W_mDIXON", kind=("ORIGINAL", "PRIMARY", "IP", "IP")),
        (T2, False),
    ),
}


class TestScanners:
    @pytest.mark.parametrize("name", SCANNERS)
    def test_as_the_vendors_write_it(self, name: str) -> None:
        physics, expected = SCANNERS[name]
        contrast = read_contrast(physics)
        assert (contrast.weighting, contrast.fat_suppressed) == expected
        assert contrast.reason

    @pytest.mark.parametrize("name", SCANNERS)
    def test_a_stripped_name_never_makes_it_fluid_sensitive(self, name: str) -> None:
        """The same result, or one that claims less and says that a name was needed."""
        physics, _ = SCANNERS[name]
        full, bare = read_contrast(physics), read_contrast(replace(physics, names=""))
        if "name only" in full.reason:
            assert not bare.is_fluid_sensitive
        else:
            assert (bare.weighting, bare.fat_suppressed) == (full.weighting, full.fat_suppressed)

    @given(said=st.sampled_from(["T1 FSE", "T2 FS", "STIR", "PD FAT SAT", "LOC", ""]))
    def test_a_name_never_overrules_physics(self, said: str) -> None:
        for physics, (weighting, _) in SCANNERS.values():
            if physics.inverts and physics.inversion_ms is None:
                continue
            assert read_contrast(replace(physics, names=said)).weighting is weighting


class TestNames:
    @staticmethod
    def of(series: str, protocol: str) -> Contrast:
        tags = {"SeriesDescription": series, "ProtocolName": protocol}
        timing = {"RepetitionTime": "3000", "EchoTime": "40", "ScanningSequence": "SE"}
        return read_contrast(Physics.of(header(**timing, ScanOptions="FAST_GEMS", **tags)))

    @pytest.mark.parametrize(
        ("series", "protocol", "suppressed"),
        [
            ("SAG PD", "KNEE T1 PD STIR", False),
            ("SAG PD", "KNEE WITH FS", False),
            ("", "pd_tse_fs", True),
            ("SAG PD FS", "KNEE", True),
            ("SAG PD NON FS", "PD FS", False),
            ("SAG PD FATSAT OFF", "", False),
            ("SAG PD FATSAT OFFSET", "", True),
        ],
    )
    def test_the_name_of_the_series_goes_before_that_of_the_protocol(
        self, series: str, protocol: str, suppressed: bool
    ) -> None:
        assert self.of(series, protocol).fat_suppressed is suppressed


class TestWeighting:
    @pytest.mark.parametrize(
        ("tr", "te", "expected"),
        [
            (600, 12, T1),
            (1099, 30, T1),
            (1100, 30, PD),
            (600, 31, UNKNOWN),
            (3000, 59, PD),
            (3000, 60, T2),
            (9000, 120, T2),
        ],
    )
    def test_of_spin_echoes(self, tr: float, te: float, expected: Weighting) -> None:
        assert read_contrast(physics(tr, te)).weighting is expected

    @pytest.mark.parametrize(
        ("tr", "te", "flip", "expected"),
        [
            (20, 5, 30.0, T1),
            (20, 5, 10.0, T2_STAR),
            (20, 12, 30.0, T2_STAR),
            (1200, 5, 30.0, T2_STAR),
            (20, 5, None, UNKNOWN),
        ],
    )
    def test_of_gradient_echoes(self, tr: float, te: float, flip, expected: Weighting) -> None:
        assert read_contrast(physics(tr, te, flip=flip, seq=("GR",))).weighting is expected

    @pytest.mark.parametrize(
        ("ti", "expected"),
        [
            (79, PD),
            (80, STIR),
            (150, STIR),
            (300, STIR),
            (301, T1),
            (700, T1),
            (1300, UNKNOWN),
            (2200, UNKNOWN),
        ],
    )
    def test_of_inversion_recoveries(self, ti: float, expected: Weighting) -> None:
        made = physics(4000, 50, ti=ti, seq=("SE", "IR"))
        assert read_contrast(made).weighting is expected

    @pytest.mark.parametrize(
        "made",
        [
            physics(2000, 3, ti=150, flip=8, seq=("GR", "IR")),
            physics(600, 12, ti=150, seq=("SE", "IR"), opts=("FS",)),
            physics(4000, 50, ti=700),
            physics(3000, 40, ti=110, opts=("FS",)),
            physics(3000, 40, ti=200, opts=("FAST_GEMS",)),
            physics(4000, 50),
        ],
        ids=[
            *("magnetisation preparation", "short TR", "long TI without inversion"),
            *("spectral pulse with its delay", "TI left over", "no TI"),
        ],
    )
    def test_what_is_no_inversion_recovery(self, made: Physics) -> None:
        assert read_contrast(made).weighting is not STIR

    def test_an_inversion_time_alone_suppresses_no_fat(self) -> None:
        contrast = read_contrast(physics(3000, 40, ti=200, opts=("FAST_GEMS",)))
        assert contrast.fat_suppressed is False
        assert not contrast.is_fluid_sensitive

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("COR STIR", STIR),
            ("TIRM_TRA", STIR),
            ("AX T1", T1),
            ("T2* MERGE", T2_STAR),
            ("SAG T2 FSE", T2),
            ("SAG PDW", PD),
            ("PDFS", PD),
            ("PROTON DENSITY", PD),
            ("UPDATE", UNKNOWN),
            ("XT1", UNKNOWN),
            ("", UNKNOWN),
        ],
    )
    def test_by_name_where_tr_or_te_are_missing(self, said: str, expected: Weighting) -> None:
        for times in ({}, {"tr": 3000}, {"te": 20}):
            contrast = read_contrast(physics(**times, said=said))
            assert contrast.weighting is expected
            assert "TR or TE are missing" in contrast.reason

    def test_zero_times_are_missing_ones(self) -> None:
        assert read_contrast(made("0", "0", "COR STIR")).weighting is STIR


class TestFat:
    @pytest.mark.parametrize(
        "said",
        [
            *(
                "PD FS",
                "PD_FS_SAG",
                "PDFS",
                "T2FS",
                "T2W_FS",
                "PDW_FS",
                "TSE FS",
                "FS PD",
                "T1 F/S",
            ),
            *("FATSAT", "FAT SAT", "FAT-SAT", "FAT_SAT", "FAT SUPPR", "SPAIR", "SPIR", "FSAT"),
            *("PD WATER", "PD DIXON_W", "STIR", "T1 F/S"),
        ],
    )
    def test_names_that_speak_of_it(self, said: str) -> None:
        contrast = read_contrast(physics(3000, 35, said=said))
        assert contrast.fat_suppressed is True
        assert "name only" in contrast.reason

    @pytest.mark.parametrize(
        "said",
        [
            *("PD FSE", "PD_FSE", "T2_FSE_SAG", "FSE", "OFFSET", "FSPGR", "PD", "OHNE FS"),
            *(
                "PD NON FS",
                "PD NON-FS",
                "T2 NO FATSAT",
                "T2 W/O FS",
                "T2 WITHOUT FAT SAT",
                "OHNE FS",
            ),
        ],
    )
    def test_names_that_do_not(self, said: str) -> None:
        assert read_contrast(physics(3000, 35, said=said)).fat_suppressed is False

    @pytest.mark.parametrize("option", ["FS", "SFS", "SPAIR", "SPIR", "FAT_SAT", "CHESS", "WE"])
    def test_scan_options(self, option: str) -> None:
        contrast = read_contrast(physics(3000, 35, opts=("PFP", option)))
        assert contrast.fat_suppressed is True
        assert option in contrast.reason

    @pytest.mark.parametrize("option", ["SP", "PFP", "FC", "FAST_GEMS", "SAT_GEMS", "OTHER", "PER"])
    def test_other_scan_options(self, option: str) -> None:
        assert read_contrast(physics(3000, 35, opts=(option,))).fat_suppressed is False

    @pytest.mark.parametrize(("name", "expected"), [("*tse2d1_fs", True), ("*tsfs2d1", False)])
    def test_sequence_name(self, name: str, expected: bool) -> None:
        assert read_contrast(physics(3000, 35, name=name)).fat_suppressed is expected

    @pytest.mark.parametrize("word", ["FAT", "F", "IN_PHASE", "OUT_PHASE", "OPP_PHASE", "IP", "OP"])
    def test_a_dixon_image_with_fat_outweighs_an_option(self, word: str) -> None:
        contrast = read_contrast(physics(3000, 35, opts=("FS",), kind=(word,), said="FS"))
        assert contrast.fat_suppressed is False

    def test_an_inversion_without_its_time_is_not_known(self) -> None:
        for way in ({"seq": ("SE", "IR")}, {"opts": ("IR",)}, {"name": "*tir2d1_11"}):
            contrast = read_contrast(physics(4000, 50, **way))
            assert contrast.fat_suppressed is None
            assert not contrast.is_fluid_sensitive
            assert "without its TI" in contrast.reason

    def test_silence_is_not_absence(self) -> None:
        contrast = read_contrast(physics(3000, 35, seq=()))
        assert contrast.fat_suppressed is None
        assert "nothing says" in contrast.reason


class TestAgent:
    @pytest.mark.parametrize("agent", ["Gadovist", "GD", "Y", "10ml IV"])
    def test_is_named_in_the_reason_but_not_by_what_staff_typed(self, agent: str) -> None:
        reason = read_contrast(made("650", "12", "t1 fs", opts=("FS",), agent=agent)).reason
        assert "; after a contrast agent: " in reason
        assert agent not in reason

    @pytest.mark.parametrize("agent", ["", "NONE", "None", "no", "N", "-"])
    def test_none_is_none(self, agent: str) -> None:
        assert "agent" not in read_contrast(made("650", "12", agent=agent)).reason

    def test_is_named_for_stir_too(self) -> None:
        contrast = read_contrast(made("4000", "50", ti="160", seq=("SE", "IR"), agent="GD"))
        assert contrast.weighting is STIR
        assert "after a contrast agent" in contrast.reason

    @pytest.mark.parametrize(
        "said",
        [
            *("T1 FS +C", "T1 FS+C", "AX T1 FS GD", "T1_FS_KM", "T1 TSE FS NACH KM", "COR T1 POST"),
            *("T1 POST GAD", "T1W_CE", "T1 CONTRAST", "T1 GADOLINIUM", "T1 DOTAREM", "POST KM SAG"),
        ],
    )
    @pytest.mark.parametrize("agent", ["", "NONE"])
    def test_by_name_where_the_scanner_says_nothing(self, said: str, agent: str) -> None:
        contrast = read_contrast(made("650", "12", said, opts=("FS",), agent=agent))
        assert contrast.after_agent
        assert "after a contrast agent, by its name only" in contrast.reason
        assert not contrast.is_fluid_sensitive

    @pytest.mark.parametrize(
        "said",
        [
            *("T1 FS", "T1 W/O CONTRAST", "T1 WITHOUT GAD", "NON CONTRAST T1", "T1 OHNE KM"),
            *("T1 VOR KM", "PRE GD T1", "KNEE W WO CONTRAST", "T1 WITH AND WITHOUT CONTRAST"),
            *(
                "T1 POST OP",
                "T1 POSTERIOR",
                "POST EXERCISE",
                "T1+COR",
                "SKM",
                "CERVICAL",
                "T1 NO GD",
            ),
        ],
    )
    def test_names_that_speak_of_none(self, said: str) -> None:
        contrast = read_contrast(made("650", "12", said, opts=("FS",)))
        assert not contrast.after_agent
        assert "agent" not in contrast.reason

    @pytest.mark.parametrize(
        ("tag", "value", "given"),
        [
            ("ContrastBolusVolume", "10", True),
            ("ContrastBolusVolume", "0", False),
            ("ContrastBolusVolume", "", False),
            ("ContrastBolusTotalDose", "7.5", True),
            ("ContrastBolusIngredient", "GADOLINIUM", True),
            ("ContrastBolusIngredient", "NONE", False),
        ],
    )
    def test_by_what_was_injected(self, tag: str, value: str, given: bool) -> None:
        assert given_by_header(header(**{tag: value})) is given

    @pytest.mark.parametrize(
        ("made_at", "given"),
        [("101500", False), ("103000", True), ("104500.25", True), ("", True), ("noon", True)],
    )
    def test_images_before_the_injection(self, made_at: str, given: bool) -> None:
        """Some scanners write the agent into every series of the examination."""
        tags = {"ContrastBolusAgent": "Gd", "ContrastBolusStartTime": "103000"}
        assert given_by_header(header(**tags, AcquisitionTime=made_at)) is given

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("010203.5", 3723.5), ("01:02:03", 3723.0), ("0102", None), ("", None), ("x10203", None)],
    )
    def test_time_of_day(self, text: str, seconds: float | None) -> None:
        assert time_of_day_s(text) == seconds

    @pytest.mark.parametrize(
        ("physics", "fluid", "says"),
        [
            (made("650", "12", opts=("FS",), agent="GD"), False, "may be enhancement, not fluid"),
            (made("650", "12", agent="GD"), False, "may be enhancement, not fluid"),
            (made("3000", "35", opts=("FS",), agent="GD"), True, "may add to what is fluid"),
            (made("4000", "80", opts=("FS",), agent="GD"), True, "may add to what is fluid"),
            (made("12", "4", flip="12", seq=("GR",), opts=("FS",), agent="GD"), False, "agent"),
            (
                made("4500", "45", ti="160", seq=("SE", "IR"), agent="GD"),
                True,
                "nulled with the fat",
            ),
        ],
    )
    def test_only_the_weighting_makes_it_fluid_sensitive(
        self, physics: Physics, fluid: bool, says: str
    ) -> None:
        contrast = read_contrast(physics)
        assert contrast.is_fluid_sensitive is fluid
        assert says in contrast.reason
        assert contrast.label.endswith(" +C")
        without = read_contrast(replace(physics, has_contrast_agent=False))
        assert without.is_fluid_sensitive is fluid
        assert "+C" not in without.label


class TestDixon:
    @pytest.mark.parametrize("tr", ["650", "3200"])
    @pytest.mark.parametrize(
        ("kind", "said", "part"),
        [
            (("DERIVED", "PRIMARY", "M", "DIXON", "FAT"), "", Dixon.FAT),
            (("DERIVED", "PRIMARY", "F", "F", "DERIVED"), "", Dixon.FAT),
            (("DERIVED", "PRIMARY", "M", "DIXON", "OPP_PHASE"), "", Dixon.OPPOSED_PHASE),
            (("ORIGINAL", "PRIMARY", "OP", "OP"), "", Dixon.OPPOSED_PHASE),
            (("ORIGINAL", "PRIMARY", "OTHER"), "FAT: SAG T2 IDEAL", Dixon.FAT),
            (("ORIGINAL", "PRIMARY", "OTHER"), "OUTPHASE: COR T1", Dixon.OPPOSED_PHASE),
            (("ORIGINAL", "PRIMARY", "M"), "t1_vibe_dixon_F", Dixon.FAT),
            (("ORIGINAL", "PRIMARY", "M"), "t1_vibe_dixon_opp", Dixon.OPPOSED_PHASE),
        ],
    )
    def test_fat_and_opposed_phase_have_no_weighting(
        self, tr: str, kind: tuple[str, ...], said: str, part: Dixon
    ) -> None:
        contrast = read_contrast(made(tr, "12", said.upper(), kind=kind))
        assert (contrast.weighting, contrast.dixon) == (UNKNOWN, part)
        assert not contrast.is_fluid_sensitive
        assert contrast.label == f"Dixon {part.value}"
        assert "which has no weighting" in contrast.reason

    @pytest.mark.parametrize(
        ("kind", "said", "part", "label"),
        [
            (("ORIGINAL", "PRIMARY", "OTHER"), "WATER: SAG T2 IDEAL", Dixon.WATER, "PD FS"),
            (("ORIGINAL", "PRIMARY", "OTHER"), "INPHASE: SAG T2", Dixon.IN_PHASE, "PD"),
            (("DERIVED", "PRIMARY", "M", "DIXON", "IN_PHASE"), "", Dixon.IN_PHASE, "PD"),
            (("ORIGINAL", "PRIMARY", "M"), "PD FS", None, "PD FS"),
            (("ORIGINAL", "PRIMARY", "M"), "PD DIXON FAT SAT", None, "PD FS"),
            (("ORIGINAL", "PRIMARY", "M"), "PD DIXON FS", None, "PD FS"),
            (("ORIGINAL", "PRIMARY", "M"), "FAT PAD", None, "PD"),
            (("ORIGINAL", "PRIMARY", "M"), "DIXON_IN DIXON_OPP", None, "PD"),
        ],
    )
    def test_water_and_in_phase_keep_it(
        self, kind: tuple[str, ...], said: str, part: Dixon | None, label: str
    ) -> None:
        contrast = read_contrast(made("3000", "40", said, kind=kind))
        assert (contrast.dixon, contrast.label) == (part, label)


class TestFluid:
    @pytest.mark.parametrize(
        ("weighting", "suppressed", "fluid"),
        [
            (PD, True, True),
            (T2, True, True),
            (STIR, True, True),
            (PD, False, False),
            (PD, None, False),
            (T1, True, False),
            (T2_STAR, True, False),
            (UNKNOWN, True, False),
        ],
    )
    def test_needs_bright_fluid_and_dark_fat(self, weighting, suppressed, fluid: bool) -> None:
        assert Contrast(weighting, suppressed, "").is_fluid_sensitive is fluid

    def test_t1_after_contrast_is_not_fluid_sensitive(self) -> None:
        physics, _ = SCANNERS["Siemens T1 after contrast"]
        contrast = read_contrast(physics)
        assert not contrast.is_fluid_sensitive
        assert "after a contrast agent" in contrast.reason

    @pytest.mark.parametrize(
        ("contrast", "label"),
        [
            (Contrast(PD, True, ""), "PD FS"),
            (Contrast(PD, None, ""), "PD"),
            (Contrast(STIR, True, ""), "STIR"),
            (Contrast(T2_STAR, False, ""), "T2*"),
            (Contrast(UNKNOWN, None, ""), "unknown"),
            (Contrast(T1, True, "", after_agent=True), "T1 FS +C"),
            (Contrast(UNKNOWN, False, "", dixon=Dixon.FAT), "Dixon fat"),
            (Contrast(UNKNOWN, False, "", True, Dixon.OPPOSED_PHASE), "Dixon opposed phase +C"),
            (Contrast(PD, True, "", dixon=Dixon.WATER), "PD FS"),
        ],
    )
    def test_label(self, contrast: Contrast, label: str) -> None:
        assert contrast.label == label
