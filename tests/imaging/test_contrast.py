"""Weighting and fat suppression from physics, then names."""

from __future__ import annotations

import pytest

from marrowtrail.imaging.contrast import Physics, read_contrast
from marrowtrail.imaging.series import Contrast, Weighting


def physics(tr=None, te=None, ti=None, flip=90.0, seq=("SE",), opts=(), name="", kind=(), said=""):
    return Physics(
        tr, te, ti, flip, frozenset(seq), frozenset(opts), name, False, frozenset(kind), said
    )


@pytest.mark.parametrize(
    ("made", "weighting", "suppressed"),
    [
        (physics(600, 12), Weighting.T1, False),
        (physics(600, 12, opts=("FS",)), Weighting.T1, True),
        (physics(3000, 35), Weighting.PD, False),
        (physics(3000, 35, opts=("FS",)), Weighting.PD, True),
        (physics(3000, 35, opts=("FAST_GEMS", "SFS")), Weighting.PD, True),
        (physics(4000, 80), Weighting.T2, False),
        (physics(4000, 80, opts=("SPAIR",)), Weighting.T2, True),
        (physics(4000, 50, ti=160, seq=("SE", "IR")), Weighting.STIR, True),
        (physics(9000, 90, ti=2200, seq=("SE", "IR"), said="FLAIR"), Weighting.UNKNOWN, False),
        (physics(20, 5, flip=30, seq=("GR",)), Weighting.T1, False),
        (physics(700, 18, flip=10, seq=("GR",)), Weighting.T2_STAR, False),
        (physics(2000, 3, ti=150, flip=8, seq=("GR", "IR")), Weighting.T2_STAR, False),
        (physics(3000, 35, kind=("WATER",)), Weighting.PD, True),
        (physics(3000, 35, kind=("IN_PHASE",), opts=("PFP",)), Weighting.PD, False),
        (physics(3000, 35, said="SAG PD FS"), Weighting.PD, True),
        (physics(3000, 35, said="SAG FSE"), Weighting.PD, False),
        (physics(3000, 35, seq=()), Weighting.PD, None),
        (physics(said="COR STIR"), Weighting.STIR, True),
        (physics(said="AX T1", seq=()), Weighting.T1, None),
        (physics(seq=()), Weighting.UNKNOWN, None),
    ],
)
def test_reading(made: Physics, weighting: Weighting, suppressed: bool | None) -> None:
    contrast = read_contrast(made)
    assert (contrast.weighting, contrast.fat_suppressed) == (weighting, suppressed)
    assert contrast.reason


def test_physics_outweighs_a_wrong_name() -> None:
    contrast = read_contrast(physics(600, 12, said="T2 FS SAG", opts=("SAT",)))
    assert contrast.weighting is Weighting.T1


def test_a_name_is_said_to_be_only_a_name() -> None:
    assert "name only" in read_contrast(physics(3000, 35, said="PD FS")).reason
    assert "name only" not in read_contrast(physics(3000, 35, opts=("FS",))).reason


@pytest.mark.parametrize(
    ("weighting", "suppressed", "fluid"),
    [
        (Weighting.PD, True, True),
        (Weighting.T2, True, True),
        (Weighting.STIR, True, True),
        (Weighting.PD, False, False),
        (Weighting.PD, None, False),
        (Weighting.T1, True, False),
        (Weighting.T2_STAR, True, False),
        (Weighting.UNKNOWN, True, False),
    ],
)
def test_only_bright_fluid_with_dark_fat_shows_oedema(
    weighting: Weighting, suppressed: bool | None, fluid: bool
) -> None:
    assert Contrast(weighting, suppressed, "").is_fluid_sensitive is fluid
