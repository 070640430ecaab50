"""Keeps what the libraries would say of patients and addresses out of logs and terminals."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom import config

from marrowtrail.imaging.headers import quiet

_TALKATIVE = ("pynetdicom", "dicomweb_client", "retrying", "requests", "urllib3", "pydicom")
"""They log searches with the patient's number in them, answers, and remarks of the server."""


@contextmanager
def hushed() -> Iterator[None]:
    """No record of these libraries reaches the handlers of the program, nor the terminal."""
    silence = logging.NullHandler()
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [one.propagate for one in loggers]
    for one in loggers:
        one.propagate = False
        # Without any handler, Python itself writes warnings to the terminal.
        one.addHandler(silence)
    try:
        # Identifiers that break a small rule are asked for and stored as they are.
        with quiet(), config.disable_value_validation():
            yield
    finally:
        for one, propagated in zip(loggers, before, strict=True):
            one.removeHandler(silence)
            one.propagate = propagated
