"""Scores of published cases, and what the linter found, in the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.diagnosis.linting import Lint
from marrowtrail.evaluation.cases import CaseScores, TwoViews
from marrowtrail.evaluation.cases_scoring import Share, ViewScores


def show_case_scores(scores: CaseScores) -> None:
    """One line a way of ranking and view, then safety, groups and what was not understood."""
    table = Table("ranked by, view", "n", "top 1", "top 3", "loss", "Brier", "slope")
    _add(
        table,
        "the engine, all cases",
        TwoViews(presentation=scores.presentation, serial=scores.serial),
    )
    _add(table, "the engine, tiers A and B", scores.best_tiers)
    _add(table, "its families, tiers A and B", scores.best_tiers_families)
    _add(table, "without cells from memory", scores.without_memory)
    for name, found in scores.baselines.items():
        _add(table, name.replace("_", " "), found)
    answers.print(table)
    answers.print(
        f"infection or malignancy in the first three or flagged: {_share(scores.safety_interval)}"
    )
    answers.print(f"other cases with a red flag: {_share(scores.flagged_elsewhere)}")
    if scores.serial is not None:
        groups = Table("group (serial view)", "n", "top 1", "top 3")
        for kind in ("family", "difficulty", "tier"):
            for name, one in getattr(scores.serial, f"by_{kind}").items():
                groups.add_row(f"{kind} {name}", str(one.n), f"{one.top1:.2f}", f"{one.top3:.2f}")
        answers.print(groups)
    for word, count in scores.unknown_words.items():
        answers.print(f"[yellow]unknown word[/] {escape(word)} ({count} cases)")
    if scores.not_scored:
        answers.print(f"ranked and not scored: {len(scores.not_scored)}")
    answers.print(f"[dim]prior {scores.setting}, knowledge {scores.knowledge_version}[/]")
    answers.print(f"[dim]hash {scores.knowledge_hash}[/]")


def show_lint(found: Lint) -> None:
    """Every problem with its file, then the counts."""
    for one in found.problems:
        colour = "red" if one.is_error else "yellow"
        answers.print(f"[{colour}]{escape(one.where)}[/]: {escape(one.what)}")
    for name, count in found.counts.items():
        answers.print(f"{name:44} {count}")
    answers.print(f"[dim]knowledge {found.version}, hash {found.hash}[/]")


def _add(table: Table, name: str, found: TwoViews) -> None:
    for view, one in (("presentation", found.presentation), ("serial", found.serial)):
        if one is not None:
            table.add_row(f"{name}, {view}", *_cells(one))


def _cells(one: ViewScores) -> tuple[str, ...]:
    slope = one.slope
    return (
        str(one.n),
        _short(one.top1_interval),
        _short(one.top3_interval),
        f"{one.log_loss:.2f}",
        f"{one.brier:.2f}",
        f"{slope.slope:.2f} ({slope.low:.2f}-{slope.high:.2f})",
    )


def _short(share: Share) -> str:
    return f"{share.share:.2f} ({share.low:.2f}-{share.high:.2f})"


def _share(share: Share | None) -> str:
    return "none to assess" if share is None else f"{share.right} of {share.n}"
