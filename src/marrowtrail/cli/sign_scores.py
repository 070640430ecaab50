"""The figures of the detectors of signs, in the terminal."""

from __future__ import annotations

from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.evaluation.signs_figures import KindScores, SignScores


def show_sign_scores(scores: SignScores) -> None:
    """A column for each sign, then the tenths of difficulty."""
    kinds = {
        "fracture line": scores.line,
        "low-signal area": scores.low_signal_area,
        "demarcation": scores.demarcation,
    }
    table = Table("", *kinds)
    rows = [_rows(one) for one in kinds.values()]
    for number, (name, _) in enumerate(rows[0]):
        table.add_row(name, *(row[number][1] for row in rows))
    answers.print(table)
    tenths = Table("difficulty, tenth", *(f"{name}: found; false" for name in kinds))
    for decile in range(1, 11):
        tenths.add_row(str(decile), *(_tenth(one, decile) for one in kinds.values()))
    answers.print(tenths)
    answers.print(f"exams {scores.exams}; seconds a visit {_number(scores.seconds_per_visit)}")


def _rows(one: KindScores) -> list[tuple[str, str]]:
    """Name and value of every figure of a sign."""
    return [
        (
            "sensitivity, a pixel thick or more, twice the noise",
            _share(one.sensitivity, one.sensitivity_low, one.sensitivity_high),
        ),
        ("  found of those", f"{one.found} of {one.asked_for}"),
        ("sensitivity, all", f"{_number(one.sensitivity_all)} of {one.there}"),
        (
            "specificity, bones with oedema that were assessed",
            _share(one.specificity, one.specificity_low, one.specificity_high),
        ),
        ("  false of those", f"{one.false} of {one.not_there}"),
        ("sensitivity at specificity 0.98", _number(one.sensitivity_at_098)),
        ("equivocal: there; not there", f"{one.equivocal_there}; {one.equivocal_not_there}"),
        (
            "not assessable: there; not there",
            f"{one.not_assessable_there}; {one.not_assessable_not_there}",
        ),
        ("length error, median mm", _number(one.length_error_mm)),
        ("thickness error, median mm", _number(one.thickness_error_mm)),
        ("thickness error, median pixels", _number(one.thickness_error_px)),
    ]


def _tenth(one: KindScores, decile: int) -> str:
    row = next((row for row in one.deciles if row.decile == decile), None)
    if row is None:
        return "-"
    return f"{row.found} of {row.there}; {row.false} of {row.not_there}"


def _share(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "-"
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
