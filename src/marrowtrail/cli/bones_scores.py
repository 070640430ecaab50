"""The figures of the bone finder, in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.evaluation.bones_figures import BoneFigures, BonesScores


def show_bones_scores(scores: BonesScores) -> None:
    """A table of the bones, one of each kind of image, then what concerns all."""
    answers.print(_table("all images", scores.bones))
    for kind, bones in scores.kinds.items():
        answers.print(_table(kind, bones))
    for bone, visits in scores.visits.items():
        answers.print(
            f"{bone} between two visits, beyond the labels: mean {visits.mean_percent:.2f} %, "
            f"worst {visits.worst_percent:.2f} % of {visits.n}"
        )
    bound = _number(scores.accepted_bad_upper, 4)
    for name, value in (
        ("images, in exams", f"{scores.images}, {scores.exams}"),
        ("names of another side or bone", str(scores.side_errors)),
        ("  of them of another bone", str(scores.swapped)),
        ("side left open", str(scores.side_open)),
        ("accepted below Dice 0.85", f"{scores.accepted_bad} of {scores.accepted}"),
        ("  upper 95 % bound of the share", bound),
        ("held back at Dice 0.85 or above", str(scores.refused_good)),
        ("missed; false", f"{scores.missed}; {scores.false}"),
        ("seconds a series", _number(scores.seconds_per_series, 2)),
        ("  exams of thick slices alone", _number(scores.seconds_thick, 2)),
        ("  exams of thin slices alone", _number(scores.seconds_thin, 2)),
        ("peak memory MB", _number(scores.peak_memory_mb, 0)),
    ):
        answers.print(f"{name:36} {value}")


def _table(title: str, bones: Mapping[str, BoneFigures]) -> Table:
    table = Table(
        "bone", "n", "Dice", "of accepted", "mm", "95 % mm", "accepted", "unsure", "missed", "bad"
    )
    table.title = title
    for bone, it in bones.items():
        table.add_row(
            bone,
            str(it.n),
            _number(it.dice, 3),
            _number(it.dice_accepted, 3),
            _number(it.surface_mm, 2),
            _number(it.surface_95_mm, 2),
            str(it.accepted),
            str(it.unsure),
            str(it.missed),
            str(it.accepted_bad),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:.{digits}f}"
