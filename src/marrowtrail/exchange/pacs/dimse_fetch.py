"""Objects sent to us over DIMSE: on the line that we called (C-GET), or called back (C-MOVE)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pynetdicom import build_context, evt
from pynetdicom.association import Association

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.dimse_kinds import (
    FETCHED_KINDS,
    GET,
    MOVE,
    OTHER_SYNTAXES,
    PLAIN_SYNTAXES,
    as_receivers,
    to_be_fetched,
)
from marrowtrail.exchange.pacs.dimse_line import Caller, entity
from marrowtrail.exchange.pacs.failures import Dropped, NotOffered, Unwanted
from marrowtrail.exchange.pacs.model import Take
from marrowtrail.exchange.pacs.statuses import (
    PENDING,
    PENDING_WITHOUT_OPTIONAL,
    SUCCESS,
    in_words,
    is_warning,
    may_pass,
)

_NOT_WANTED, _NO_ROOM = 0xA900, 0xA700
_UNKNOWN_DESTINATION = 0xA801


class Receiver:
    """Answers each object that is sent; keeps what went wrong for whoever asked for them."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._lock = threading.Lock()
        self.trouble: InputError | None = None
        self.reason = ""

    def __call__(self, event: evt.Event) -> int:
        """The status of one C-STORE."""
        with self._lock:
            if self.trouble is not None:
                return _NO_ROOM
            try:
                self._take(event.encoded_dataset())
            except Unwanted as unwanted:
                self.reason = unwanted.reason
                return _NOT_WANTED
            except InputError as trouble:
                self.trouble = trouble
                return _NO_ROOM
        return SUCCESS


def get(caller: Caller, requests: Iterable[Dataset], take: Take) -> None:
    """Have objects sent on our own line.

    Raises
    ------
    InputError
        If what was sent cannot be kept.
    Dropped
        If the line broke, or the archive did not send everything.
    """
    receiver = Receiver(take)
    contexts = (build_context(GET), *to_be_fetched())
    handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, receiver)]
    with caller.call(contexts, handlers, as_receivers()) as line:
        _check_offer(line, GET, caller, "C-GET", "give --move-port, and have that port entered")
        for request in requests:
            _follow(line.send_c_get(request, GET), receiver, caller)


def move(caller: Caller, port: int, requests: Iterable[Dataset], take: Take) -> None:
    """Have objects sent to a port of ours, which is open as long as this takes.

    Raises
    ------
    InputError
        If what was sent cannot be kept, the port cannot be opened, or the archive does not know
        us as a place to send to.
    Dropped
        If the line broke, or the archive did not send everything.
    """
    receiver = Receiver(take)
    with _listening(caller, port, receiver), caller.call([build_context(MOVE)]) as line:
        _check_offer(line, MOVE, caller, "C-MOVE", "leave --move-port out, for C-GET")
        for request in requests:
            _follow(line.send_c_move(request, caller.title, MOVE), receiver, caller)


def _check_offer(line: Association, service: str, caller: Caller, name: str, remedy: str) -> None:
    if all(one.abstract_syntax != service for one in line.accepted_contexts):
        raise NotOffered(f"The archive offers no {name}.", where=str(caller.address), remedy=remedy)


@contextmanager
def _listening(caller: Caller, port: int, receiver: Receiver) -> Iterator[None]:
    ae = entity(caller.title)
    ae.require_called_aet = True
    for kind in FETCHED_KINDS:
        ae.add_supported_context(kind, [*PLAIN_SYNTAXES, *OTHER_SYNTAXES])
    encryption = caller.tls.from_others() if caller.address.is_encrypted else None
    try:
        server = ae.start_server(
            ("", port),
            block=False,
            ssl_context=encryption,
            evt_handlers=[(evt.EVT_C_STORE, receiver)],
        )
    except OSError as error:
        raise InputError(
            f"Port {port} of this computer cannot be opened ({error.strerror}).",
            where="--move-port",
            remedy="close what uses it, or have another port entered in the archive",
        ) from error
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()


def _follow(
    answers: Iterator[tuple[Dataset, Dataset | None]], receiver: Receiver, caller: Caller
) -> None:
    """Wait until the archive says that it is done."""
    status = None
    for answer, _ in answers:
        if receiver.trouble is not None:
            raise receiver.trouble
        status = answer.get("Status")
    if receiver.trouble is not None:
        raise receiver.trouble
    if status is None or status in (PENDING, PENDING_WITHOUT_OPTIONAL):
        raise Dropped("the connection broke off")
    if status == _UNKNOWN_DESTINATION:
        raise InputError(
            f"The archive does not know where {caller.title} is, and sends nothing there.",
            where=str(caller.address),
            remedy="have our title, this computer and the port of --move-port entered in the "
            "archive, or leave --move-port out",
        )
    if status == SUCCESS or is_warning(status):
        if receiver.reason:
            raise Dropped(receiver.reason)
        return
    hint = "" if may_pass(status) else ", as it does where it does not know us"
    raise Dropped(f"the archive did not send all: {in_words(status)}{hint}")


def by_levels(
    series: Sequence[tuple[str, str, Sequence[str], bool]], batch: int = 200
) -> Iterator[Dataset]:
    """Requests for (study, series, instances, all of them): a whole series, or single objects."""
    for study_uid, series_uid, instances, is_all in series:
        request = Dataset()
        request.StudyInstanceUID, request.SeriesInstanceUID = study_uid, series_uid
        if is_all:
            request.QueryRetrieveLevel = "SERIES"
            yield request
            continue
        request.QueryRetrieveLevel = "IMAGE"
        for first in range(0, len(instances), batch):
            request.SOPInstanceUID = list(instances[first : first + batch])
            yield request
