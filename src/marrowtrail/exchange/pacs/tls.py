"""Whom to trust, and who we are, on an encrypted connection."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.errors import InputError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form: authorities to trust beside none other; our own certificate and key."""

    ca_file: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def own(self) -> tuple[str, str] | None:
        """Our certificate and its key, which may be in one file."""
        return (str(self.cert), str(self.key or self.cert)) if self.cert else None

    def check(self) -> None:
        """Refuse files that cannot be used, before anything is sent.

        Raises
        ------
        InputError
            Naming the file.
        """
        self.to_server()

    def to_server(self) -> ssl.SSLContext:
        """How we call others."""
        try:
            ca = str(self.ca_file) if self.ca_file else None
            context = ssl.create_default_context(cafile=ca)
        except (ssl.SSLError, OSError) as error:
            raise _unusable(self.ca_file, "certificates of authorities", error) from error
        self._present(context)
        return context

    def from_others(self) -> ssl.SSLContext:
        """How others call us, when images are sent to a port of ours."""
        if self.own is None:
            raise InputError(
                "To be sent images over an encrypted connection takes a certificate of our own.",
                where="--tls-cert",
                remedy="give --tls-cert and --tls-key, or leave --move-port out",
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._present(context)
        if self.ca_file:
            context.load_verify_locations(str(self.ca_file))
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _present(self, context: ssl.SSLContext) -> None:
        if self.own is None:
            return
        try:
            # The empty password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(*self.own, password="")
        except (ssl.SSLError, OSError) as error:
            raise _unusable(self.cert, "a certificate with its key", error) from error


def _unusable(file: Path | None, expected: str, error: Exception) -> InputError:
    why = "it is not there" if isinstance(error, FileNotFoundError) else "it cannot be used"
    return InputError(
        f"Expected {expected} in PEM form, and {why}.",
        where=str(file),
        remedy="check --ca-file, --tls-cert and --tls-key; a key under a passphrase cannot be used",
    )
