"""A scenario by name, or one that the seed picks.

``random`` draws one of the diseases, all with equal chance; images as easy or as hard as they
get (difficulty 0 to 1); and what a hospital acquires and how its scanner writes it down, from all
that the phantom can make. Everything else is drawn from that scenario's own ranges.

``serial`` does the same over every story that has two visits or more, those that only try
follow-up among them, and lets some patients move between the series of a visit.
"""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scanner.plan import FluidKind, ImagingPlan, Kind, SeriesWord
from marrowtrail.phantom.scenario import Scenario, load_scenario, scenario_names

RANDOM, SERIAL = "random", "serial"
STREAMS = {RANDOM: 6, SERIAL: 7}
"""Names of this module's random streams, beside those of the patient's drawing."""

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

RESTLESS = 0.25
RESTLESS_MM, RESTLESS_DEG = Range(low=0, high=6), Range(low=0, high=3)
"""How often a patient of ``serial`` moves between series, and how far; chosen by us."""

ENHANCED, AS_SOLD, METAL = 0.2, 0.3, 0.1
"""How often frames share a file, headers stray from the standard, a screw is in the tibia.
Chances are chosen by us, to show each of them among a few dozen draws."""


def pick_scenario(name: str, seed: int) -> Scenario:
    """The scenario of that name; for ``random`` and ``serial``, the one that this seed draws.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in STREAMS:
        return load_scenario(name)
    stories = [one for one in map(load_scenario, scenario_names()) if _is_drawn(one, name)]
    rng = np.random.default_rng([seed, STREAMS[name]])
    story = stories[int(rng.integers(len(stories)))]
    imaging = _any_imaging(story.imaging, rng)
    if name == SERIAL and rng.random() < RESTLESS:
        moved = {"moved_mm": RESTLESS_MM, "moved_deg": RESTLESS_DEG}
        imaging = imaging.model_copy(update=moved)
    drawn = {"difficulty": ANY_DIFFICULTY, "imaging": imaging}
    return story.model_copy(update=drawn)


def _is_drawn(story: Scenario, name: str) -> bool:
    return len(story.visits) > 1 if name == SERIAL else story.purpose == "disease"


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
