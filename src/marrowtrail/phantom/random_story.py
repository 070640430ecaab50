"""A scenario by name, or one that the seed picks.

``random`` draws one of the scenarios whose joints have shapes, all with equal chance, and
images as easy or as hard as they get (difficulty 0 to 1); everything else is drawn from that
scenario's own ranges.
"""

from __future__ import annotations

from importlib import resources

import numpy as np

from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scenario import Scenario, load_scenario, scenario_names

RANDOM = "random"
STREAM = 6
"""Name of this module's random stream, beside those of the patient's drawing."""

ANY_DIFFICULTY = Range(low=0.0, high=1.0)


def pick_scenario(name: str, seed: int) -> Scenario:
    """The scenario of that name; for ``random``, the one that this seed draws.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name != RANDOM:
        return load_scenario(name)
    names = drawable_names()
    chosen = names[int(np.random.default_rng([seed, STREAM]).integers(len(names)))]
    return load_scenario(chosen).model_copy(update={"difficulty": ANY_DIFFICULTY})


def drawable_names() -> tuple[str, ...]:
    """The scenarios whose joints all have shapes to draw them from."""
    return tuple(name for name in scenario_names() if not joints_without_shapes(name))


def joints_without_shapes(name: str) -> tuple[str, ...]:
    """Joints of a scenario that this version has no shapes of."""
    shapes = resources.files("marrowtrail.phantom") / "shapes"
    joints = {joint for visit in load_scenario(name).visits for joint in visit.exams}
    return tuple(sorted(one for one in joints if not (shapes / f"{one}.npz").is_file()))
