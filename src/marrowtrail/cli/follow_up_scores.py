"""The figures of follow-up and of registration, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.evaluation.cases_scoring import Share
from marrowtrail.evaluation.follow_up_figures import FollowUpScores
from marrowtrail.evaluation.follow_up_registration import RegistrationScores
from marrowtrail.evaluation.registration_pairs import SerialScores
from marrowtrail.evaluation.registration_starts import StartScores

Row = tuple[str, str]


def show_follow_up_scores(scores: FollowUpScores) -> None:
    """The figures, one a line; shares with their 95 % interval and counts."""
    migration = scores.migration
    _show(
        [
            ("patients", str(len(scores.patients))),
            *_registration_rows(scores.registration),
            ("oedema Dice, lesions above 0.5 ml", _number(scores.mean_dice)),
            ("lesions above 0.3 ml found", _number(scores.lesions_found)),
            ("false lesions a patient", _number(scores.false_lesions_per_patient)),
            ("volume interval covers the truth", _number(scores.interval_coverage)),
            ("identity, edge F1", _number(scores.edge_f1)),
            ("  edges found that are right", _share(scores.edge_precision)),
            ("  true edges found", _share(scores.edge_recall)),
            ("  of them between lesions found", _share(scores.edge_recall_in_reach)),
            ("what became of lesions, macro F1", _number(scores.change_f1)),
            *((f"  {kind}", _number(f1)) for kind, f1 in scores.change_f1_by_kind.items()),
            ("called changed without change", _share(scores.false_change_share)),
            ("shifts found", _share(migration.sensitivity_share)),
            ("visits without a shift, none called", _share(migration.specificity_share)),
            ("shifts called that are none", f"{migration.found - migration.right}"),
            ("whole story found", f"{migration.stories_found} of {migration.stories_there}"),
        ]
    )


def show_start_scores(scores: StartScores) -> None:
    """All starts, then thick slices and 3-D series apart."""
    of = f"of {scores.visit_pairs} pairs of visits, {scores.patients} patients"
    answers.print(f"{scores.starts} starts {of}")
    for name, one in (
        ("all", scores.registration),
        ("thick slices", scores.thick),
        ("3-D series", scores.thin),
    ):
        if one.pairs:
            answers.print(f"\n{name}")
            _show(_registration_rows(one))
    answers.print(f"\nseconds a bone and pair {_number(scores.seconds_a_bone)}")


def show_serial_scores(scores: SerialScores) -> None:
    """One line a pair, then the worst."""
    table = Table("pair", "moved mm", "correlation", "there and back mm", "halves mm", "worst mm")
    for one in scores.pairs:
        values = (
            one.moved_mm,
            one.correlation,
            one.inverse_mm,
            one.halves_mm,
            one.halves_worst_mm,
        )
        table.add_row(escape(one.name), *map(_number, values))
    answers.print(table)
    answers.print(f"worst, there and back: {_number(scores.worst_inverse_mm)} mm")
    answers.print(f"worst, halves apart: {_number(scores.worst_halves_mm)} mm")


def _registration_rows(scores: RegistrationScores) -> list[Row]:
    return [
        ("registered bone pairs", str(scores.pairs)),
        ("registration error, median mm", _number(scores.median_error_mm)),
        ("  3-D series", f"{_number(scores.median_error_3d_mm)} of {scores.pairs_3d}"),
        (
            "  thick slices",
            f"{_number(scores.median_error_thick_mm)} of {scores.pairs - scores.pairs_3d}",
        ),
        ("registration error, 95th percentile mm", _number(scores.p95_error_mm)),
        ("registration error, worst mm", _number(scores.worst_error_mm)),
        ("verified and right", _share(scores.verified_right_share)),
        ("verified that are wrong by over 1.5 mm", _share(scores.wrong_verified)),
        ("impossible", str(scores.impossible)),
    ]


def _show(rows: Sequence[Row]) -> None:
    for name, value in rows:
        answers.print(f"{name:42} {value}")


def _share(value: Share | None) -> str:
    if value is None:
        return "not assessed"
    return f"{value.share:.3f} ({value.low:.3f} to {value.high:.3f}), {value.right} of {value.n}"


def _number(value: float | None) -> str:
    return "not assessed" if value is None else f"{value:.3f}"
