"""What stands behind a ranking, in the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from marrowtrail.cli.terminal import answers
from marrowtrail.diagnosis.differential import Differential


def show_explanations(found: Differential) -> None:
    """Standing, what would change it, other priors, tests not done, and the outlook."""
    answers.print(f"\n[bold]{found.standing.value}[/]: {escape(found.standing_why)}")
    for one in found.composites:
        answers.print(f"two diseases: {escape(one.label)} ({100 * one.probability:.0f} %)")
    for turn in found.turns:
        chance, after = f"{100 * turn.chance:.0f} %", f"{100 * turn.probability:.0f} %"
        words, label = escape(turn.words), escape(turn.label)
        answers.print(f"would turn it: {words} (chance {chance}); then {label} {after}")
    for setting in found.under_settings:
        first = ", ".join(f"{c.label} {100 * c.probability:.0f} %" for c in setting.causes)
        answers.print(f"[dim]{escape(setting.label)} ({setting.basis}): {escape(first)}[/]")
    answers.print(
        f"[dim]ranked with the prior {escape(found.setting)}; how often each prior put the right "
        "cause of published cases first stands in docs/validation.md[/]"
    )
    if found.odds_to_flip is not None:
        times = f"{found.odds_to_flip:.1f}"
        answers.print(f"[dim]the second would lead if it were {times} times as common[/]")
    if found.next_steps:
        table = Table("test not done yet", "bit", "delay", "cost", "burden")
        for step in found.next_steps:
            table.add_row(step.label, f"{step.bits:.2f}", step.delay, step.cost, step.burden)
        answers.print(table)
    for line in found.outlook:
        kind = line.kind.replace("_", " ")
        answers.print(f"{kind}: {escape(line.text)} ({escape(line.width)})")
