"""A scenario by name, or one that the seed picks.

``random`` draws one of the scenarios, all with equal chance; images as easy or as hard as they
get (difficulty 0 to 1); and what a hospital acquires and how its scanner writes it down, from all
that the phantom can make. Everything else is drawn from that scenario's own ranges.
"""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import FluidKind, ImagingPlan, Kind, SeriesWord
from marrowtrail.phantom.scenario import Scenario, load_scenario, scenario_names

RANDOM = "random"
STREAM = 6
"""Name of this module's random stream, beside those of the patient's drawing."""

ANY_DIFFICULTY = Range(low=0.0, high=1.0)

ANY_FLUID: tuple[FluidKind, ...] = (Kind.PD_FS, Kind.T2_FS, Kind.STIR, Kind.DIXON)

FURTHER: tuple[SeriesWord, ...] = (
    "fluid_coronal",
    "t2_fs_axial",
    "pd_sagittal",
    "t2_sagittal",
    "t1_fs_axial",
    "t1_agent",
    "pd_3d",
    "dixon_t1",
    "dixon_gre",
)
"""What may be acquired beside one fluid-sensitive series and T1."""

MOST_FURTHER = 2
ENHANCED, AS_SOLD, METAL = 0.2, 0.3, 0.1
"""How often frames share a file, headers stray from the standard, a screw is in the tibia.
Chances are chosen by us, to show each of them among a few dozen draws."""


def pick_scenario(name: str, seed: int) -> Scenario:
    """The scenario of that name; for ``random``, the one that this seed draws.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name != RANDOM:
        return load_scenario(name)
    names = scenario_names()
    rng = np.random.default_rng([seed, STREAM])
    story = load_scenario(names[int(rng.integers(len(names)))])
    drawn = {"difficulty": ANY_DIFFICULTY, "imaging": _any_imaging(story.imaging, rng)}
    return story.model_copy(update=drawn)


def _any_imaging(plan: ImagingPlan, rng: np.random.Generator) -> ImagingPlan:
    """A story's plan with series, container, headers and metal drawn from the whole menu."""
    count = int(rng.integers(MOST_FURTHER + 1))
    further = [FURTHER[n] for n in rng.choice(len(FURTHER), count, replace=False)]
    enhanced, as_sold, metal = rng.random(3) < (ENHANCED, AS_SOLD, METAL)
    return plan.model_copy(
        update={
            "series": (*plan.series, *further),
            "fluid_kinds": ANY_FLUID,
            "container": "enhanced" if enhanced else "classic",
            # Only Philips scanners write enhanced images here.
            "vendors": ("philips",) if enhanced else plan.vendors,
            "headers": "as_sold" if as_sold else "standard",
            "metal": "screw" if metal else "none",
        }
    )
