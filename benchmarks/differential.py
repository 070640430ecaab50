"""How long one case takes: closed form, and with intervals, next tests and all explanations.

``python benchmarks/differential.py`` ranks a patient with three visits again and again and prints
medians in milliseconds, of wall time and of CPU time (which says more on a busy machine). The days
differ each time, so that nothing is remembered from one case to the next.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta

from marrowtrail.diagnosis.loading import load_knowledge
from marrowtrail.diagnosis.reasoning import diagnose, probabilities
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.sites import Side, Site

ROUNDS = 20
FIRST = date(2020, 1, 10)


def case(shift_days: int) -> list[Finding]:
    """A knee, a shift within it and a move to the ankle, on days that differ by case."""
    present, absent = FindingState.PRESENT, FindingState.ABSENT
    condyle = Site("femur", Side.RIGHT, "medial_condyle")
    plateau = Site("tibia", Side.RIGHT, "lateral_plateau")
    ankle = Site("tibia", Side.RIGHT, "distal_epiphysis")
    second = FIRST + timedelta(days=70 + shift_days)
    third = second + timedelta(days=100 + shift_days)
    told = ("sex_male", "age_30_59", "spa_known", "hla_b27", "onset_acute", "pain_weight_bearing")
    return [
        *(Finding(key, present) for key in told),
        Finding("bme_present", present, condyle, FIRST),
        Finding("bme_large_diffuse", present, condyle, FIRST),
        Finding("demarcation_band_serpiginous", absent, condyle, second),
        Finding("resolves_by_12m", present, condyle, second),
        Finding("shift_same_bone_or_joint", present, plateau, second),
        Finding("shift_other_joint", present, ankle, third),
    ]


def median_ms(work: Callable[[list[Finding]], object]) -> tuple[float, float]:
    """(wall, CPU) milliseconds of the median case."""
    walls, cpus = [], []
    for number in range(ROUNDS):
        findings = case(number)
        wall, cpu = time.perf_counter(), time.process_time()
        work(findings)
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    """Print one line for each way."""
    knowledge = load_knowledge()
    ways: dict[str, Callable[[list[Finding]], object]] = {
        "closed form": lambda findings: probabilities(findings, knowledge),
        "with intervals, next tests and explanations": lambda f: diagnose(f, knowledge),
    }
    for name, work in ways.items():
        wall, cpu = median_ms(work)
        print(f"{name}: {wall:.1f} ms, of CPU {cpu:.1f} ms")


if __name__ == "__main__":
    main()
