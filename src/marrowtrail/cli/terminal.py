"""What the terminal shows: progress and messages for people on stderr, results on stdout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from marrowtrail.errors import InputError

people = Console(stderr=True, highlight=False)
"""Progress and messages. Redirecting stdout never catches them."""

answers = Console(highlight=False)
"""What was asked for."""


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show the step at work; nothing under ``quiet``, and plain lines where there is no screen."""
    if quiet:
        yield lambda _: None
    elif people.is_terminal:
        with people.status("starting") as status:
            yield lambda step: status.update(escape(step))
    else:
        yield lambda step: people.print(f"… {escape(step)}")


def say_error(error: InputError) -> None:
    """One clear message: what, where, what to do."""
    people.print(f"[bold red]Cannot use the input.[/] {escape(error.what)}")
    people.print(f"  where: {escape(error.where)}")
    people.print(f"  what to do: {escape(error.remedy)}")
