"""What goes wrong between two machines: what to try again, and what no trying mends."""

from __future__ import annotations

import errno

from marrowtrail.errors import InputError


class Dropped(Exception):  # noqa: N818 (no error yet: it is tried again)
    """The exchange broke off for a reason that may pass. ``reason`` names no patient."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unwanted(Exception):  # noqa: N818 (as above)
    """What the server sent is not whole, or is not what it was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotOffered(InputError):  # noqa: N818 (said in words)
    """The archive does not do what it is asked for; it may do other things."""


def unknown_host(where: str) -> InputError:
    """The name leads to no machine."""
    return InputError(
        "No machine of that name is known on this network.",
        where=where,
        remedy="check the server's name, and whether this computer is on the hospital's network",
    )


def untrusted(where: str) -> InputError:
    """The other side may not be who it says it is."""
    return InputError(
        "The server's certificate is not trusted; nothing was sent to it.",
        where=where,
        remedy="give the certificate of your hospital's authority with --ca-file, and the server's "
        "name as the certificate spells it",
    )


def no_tls(where: str) -> InputError:
    """The two cannot agree on an encrypted connection."""
    return InputError(
        "No encrypted connection came about.",
        where=where,
        remedy="check that the port is the encrypted one, and whether the server asks for a "
        "certificate of yours (--tls-cert and --tls-key)",
    )


def not_written(error: OSError, where: str) -> InputError:
    """The disk, not the network, is in the way; what is there is whole."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "The disk is full" if is_full else f"A file could not be written ({error.strerror})"
    room = "free some space" if is_full else "make the folder writable"
    return InputError(
        f"{what}; every file in the folder is whole, and the rest is missing.",
        where=where,
        remedy=f"{room} and give the same command again: it goes on where it stopped",
    )
