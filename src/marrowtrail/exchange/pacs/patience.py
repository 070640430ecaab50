"""How often something is tried again, and how long is waited in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.failures import Dropped

Say = Callable[[str], None]
T = TypeVar("T")

_LONGEST_WAIT_S = 30.0
"""Longer would look like a program that hangs."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Failures in a row, without any progress in between, after which it is given up.

    The wait before the next try begins with ``first_wait_s`` and doubles.
    """

    attempts: int = 4
    first_wait_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    def is_over(self, failures: int) -> bool:
        """It failed as often in a row as is borne."""
        return failures >= self.attempts

    def wait(self, failures: int, reason: str, say: Say) -> None:
        """Wait for the next try, and say why."""
        seconds = min(self.first_wait_s * 2 ** (failures - 1), _LONGEST_WAIT_S)
        say(f"{reason}; trying again in {seconds:g} s ({failures} of {self.attempts})")
        self.sleep(seconds)


def persist(action: Callable[[], T], patience: Patience, say: Say, where: str) -> T:
    """Do it until it works.

    Raises
    ------
    InputError
        If it never does.
    """
    failures = 0
    while True:
        try:
            return action()
        except Dropped as dropped:
            failures += 1
            if patience.is_over(failures):
                raise given_up(dropped.reason, failures, where) from dropped
            patience.wait(failures, dropped.reason, say)


def given_up(reason: str, failures: int, where: str) -> InputError:
    """The one clear message after the last try."""
    return InputError(
        f"{reason}; given up after {failures} tries.",
        where=where,
        remedy="check the address, the port and the network, and give the same command again",
    )
