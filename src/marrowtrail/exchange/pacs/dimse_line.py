"""Calls an application entity, and says plainly why no association came about (PS3.8 9.3)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.events import EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import DimseAddress
from marrowtrail.exchange.pacs.failures import Dropped, NotOffered, no_tls, unknown_host, untrusted
from marrowtrail.exchange.pacs.tls import Tls

CONNECT_S = 10.0
ANSWER_S = 180.0
"""Until the next message: while an archive fetches from a tape, it need not say anything."""

_OBJECTION_S = 1.0
"""In TLS 1.3 a server objects to our certificate, or to none, only after we think that all is
well."""

_TRANSIENT = 2
_CALLED_UNKNOWN, _CALLING_UNKNOWN = 7, 3
"""Results and diagnostics of a rejection (PS3.8 table 9-21)."""

_NEGOTIATES = SCP_SCU_RoleSelectionNegotiation


@dataclass(frozen=True, slots=True)
class Caller:
    """Us, and whom we call."""

    address: DimseAddress
    title: str
    tls: Tls

    @contextmanager
    def call(
        self,
        contexts: Sequence[PresentationContext],
        handlers: Sequence[EventHandlerType] = (),
        roles: Sequence[_NEGOTIATES] = (),
    ) -> Iterator[Association]:
        """An association, released at the end, and aborted if anything goes wrong.

        Raises
        ------
        Dropped
            If another try may help.
        InputError
            If none will.
        """
        line = self.dial(contexts, handlers, roles)
        try:
            yield line
        except BaseException:
            line.abort()
            raise
        line.release()

    def dial(
        self,
        contexts: Sequence[PresentationContext],
        handlers: Sequence[EventHandlerType] = (),
        roles: Sequence[_NEGOTIATES] = (),
    ) -> Association:
        """An association that whoever asked for it ends."""
        ae = entity(self.title)
        encrypted = (self.tls.to_server(), self.address.host) if self._is_encrypted else None
        try:
            line = ae.associate(
                self.address.host,
                self.address.port,
                contexts=list(contexts),
                ae_title=self.address.title,
                ext_neg=list(roles),
                tls_args=encrypted,
                evt_handlers=list(handlers),
            )
        except socket.gaierror as error:
            raise unknown_host(str(self.address)) from error
        if line.is_established:
            _keep_answers(line)
            return line
        if line.is_rejected:
            raise self._rejection(line)
        if line.rejected_contexts:
            raise NotOffered(
                "The archive offers none of what this takes.",
                where=str(self.address),
                remedy="check the title: an archive may have one of its own for each service",
            )
        self._reach()
        said = "the archive ended the connection before anything was agreed on"
        raise Dropped(said)

    @property
    def _is_encrypted(self) -> bool:
        return self.address.is_encrypted

    def _rejection(self, line: Association) -> Exception:
        said = line.acceptor.primitive
        result, reason = getattr(said, "result", 0), getattr(said, "diagnostic", 0)
        if result == _TRANSIENT:
            return Dropped("the archive takes no further connection now")
        what = {
            _CALLED_UNKNOWN: f"goes by another title than {self.address.title}",
            _CALLING_UNKNOWN: f"does not know us by the title {self.title}",
        }.get(reason, f"refused our title {self.title} or its own, {self.address.title}")
        return InputError(
            f"The archive {what}.",
            where=str(self.address),
            remedy="have the titles, and this computer, entered in the archive as you give them "
            "here (its own in the address, ours with --ae-title)",
        )

    def _reach(self) -> None:
        """Connect once more without a word of DICOM, to learn what stands in the way."""
        where, there = str(self.address), (self.address.host, self.address.port)
        try:
            plain = socket.create_connection(there, CONNECT_S)
        except socket.gaierror as error:
            raise unknown_host(where) from error
        except ConnectionRefusedError as error:
            raise Dropped("nothing listens at that port") from error
        except OSError as error:
            raise Dropped("no answer from the archive") from error
        with plain:
            if self._is_encrypted:
                self._shake_hands(plain)

    def _shake_hands(self, plain: socket.socket) -> None:
        context = self.tls.to_server()
        try:
            encrypted = context.wrap_socket(plain, server_hostname=self.address.host)
        except ssl.SSLCertVerificationError as error:
            raise untrusted(str(self.address)) from error
        except OSError as error:
            # One that speaks DICOM unencrypted waits in silence for us to go on.
            raise no_tls(str(self.address)) from error
        with encrypted:
            encrypted.settimeout(_OBJECTION_S)
            try:
                encrypted.recv(1)
            except ssl.SSLError as error:
                raise no_tls(str(self.address)) from error
            except OSError:
                return


def _keep_answers(line: Association) -> None:
    """Leave answers to whoever asked: nothing else takes them from the line.

    pynetdicom (3.0.4) has a thread of its own look for requests of the other side, and pauses it
    before it asks something. Where the thread has just passed the gate it still takes one answer,
    and drops it: on a busy machine a search lost a row that way, and nobody was told.
    """
    take = line.dimse.get_msg
    line.dimse.get_msg = (  # type: ignore[method-assign]
        lambda block=False: take(block) if block else (None, None)
    )


def entity(title: str) -> AE:
    """Us as an application entity."""
    ae = AE(ae_title=title)
    ae.connection_timeout = ae.acse_timeout = CONNECT_S
    ae.dimse_timeout = ae.network_timeout = ANSWER_S
    return ae
