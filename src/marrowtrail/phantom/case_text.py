"""``case.yaml`` of a synthetic patient, from the scenario's plan.

In a scenario's ``case`` block ``{visit: N, days: [a, b]}`` stands for a date a to b days
after visit N, ``{drawn: [a, b]}`` for a whole number in that range, ``{drawn: side}`` for
the patient's side. The rest is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import yaml

from marrowtrail.phantom.ranges import Range
from marrowtrail.phantom.scenario import Scenario
from marrowtrail.record.sites import Side


def case_text(
    scenario: Scenario, side: Side, age: int, dates: Sequence[date], rng: np.random.Generator
) -> str:
    """The YAML of the case, headed by a line that says it is invented."""

    def filled(node: object) -> object:
        if isinstance(node, dict) and set(node) == {"visit", "days"}:
            days = Range.model_validate(node["days"]).draw_whole(rng)
            return dates[node["visit"] - 1] + timedelta(days=days)
        if isinstance(node, dict) and set(node) == {"drawn"}:
            drawn = node["drawn"]
            return side.value if drawn == "side" else Range.model_validate(drawn).draw_whole(rng)
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        return [filled(value) for value in node] if isinstance(node, list) else node

    content = {
        "schema_version": 1,
        "synthetic": True,
        "patient": {"age": age, "sex": scenario.sex},
        **{key: filled(value) for key, value in scenario.case.items()},
    }
    head = "# A synthetic patient: nobody's record, dates and values are invented.\n"
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
