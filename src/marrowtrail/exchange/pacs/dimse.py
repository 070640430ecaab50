"""An archive that speaks DIMSE: C-ECHO, C-FIND, C-GET or C-MOVE, C-STORE (PS3.7, PS3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pynetdicom import build_context
from pynetdicom.association import Association

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.address import DimseAddress
from marrowtrail.exchange.pacs.dimse_fetch import by_levels, get, move
from marrowtrail.exchange.pacs.dimse_kinds import FIND, VERIFICATION, to_be_stored
from marrowtrail.exchange.pacs.dimse_line import Caller
from marrowtrail.exchange.pacs.failures import Dropped, NotOffered
from marrowtrail.exchange.pacs.model import (
    Instance,
    Level,
    Outgoing,
    Row,
    State,
    Take,
    Verdict,
)
from marrowtrail.exchange.pacs.statuses import (
    PENDING,
    PENDING_WITHOUT_OPTIONAL,
    SUCCESS,
    in_words,
    may_pass,
)
from marrowtrail.exchange.pacs.tls import Tls
from marrowtrail.exchange.pacs.web_answers import of_status
from marrowtrail.imaging.headers import DAMAGE


class DimseArchive:
    """An application entity. With ``move_port`` it calls back (C-MOVE), else it need not (C-GET).

    Raises
    ------
    InputError
        If a file for TLS cannot be used.
    """

    def __init__(
        self, address: DimseAddress, title: str, tls: Tls, move_port: int | None = None
    ) -> None:
        if address.is_encrypted:
            tls.check()
            if move_port is not None:
                tls.from_others()
        self._caller = Caller(address, title, tls)
        self._move_port = move_port
        self._line: Association | None = None
        self._sizes: dict[str, int] = {}

    @property
    def where(self) -> str:
        """The address."""
        return str(self._caller.address)

    def find(self, level: Level, keys: Row, returned: Sequence[str]) -> tuple[Row, ...]:
        """See ``Archive``."""
        query = Dataset()
        query.QueryRetrieveLevel = str(level)
        for keyword in returned:
            setattr(query, keyword, None)
        for keyword, value in keys.items():
            setattr(query, keyword, value)
        if not all(value.isascii() for value in keys.values()):
            query.SpecificCharacterSet = "ISO_IR 192"
        rows = tuple(_row(one, (*keys, *returned)) for one in self._answers(query))
        if level is Level.IMAGE and "SOPInstanceUID" not in keys:
            self._sizes[keys["SeriesInstanceUID"]] = len(rows)
        return rows

    def fetch(self, wanted: Sequence[Instance], take: Take) -> None:
        """See ``Archive``. Series of which all is wanted are asked for as such."""
        self.close()
        series = [
            (study, uid, instances := [one.sop_uid for one in some], self._is_all(uid, instances))
            for (study, uid), some in groupby(wanted, lambda one: (one.study_uid, one.series_uid))
        ]
        try:
            if self._move_port is None:
                get(self._caller, by_levels(series), take)
            else:
                move(self._caller, self._move_port, by_levels(series), take)
        except RuntimeError as error:
            raise _broke_off() from error

    def store(self, objects: Iterable[Outgoing]) -> Iterator[Verdict]:
        """See ``Archive``. All over one association."""
        self.close()
        every = tuple(objects)
        with self._caller.call(to_be_stored(every)) as line:
            agreed = {
                (one.abstract_syntax, one.transfer_syntax[0]) for one in line.accepted_contexts
            }
            for one in every:
                if (one.sop_class_uid, one.transfer_syntax_uid) not in agreed:
                    said = "it does not take objects of this kind and encoding"
                    yield Verdict(one.path.name, one.instance.sop_uid, State.REFUSED, said)
                    continue
                try:
                    status = line.send_c_store(one.path).get("Status")
                except RuntimeError as error:
                    raise _broke_off() from error
                if status is None:
                    raise _broke_off()
                yield of_status(one, status)

    def close(self) -> None:
        """See ``Archive``."""
        if self._line is not None and self._line.is_established:
            self._line.release()
        self._line = None

    def _hang_up(self) -> None:
        """End the line of searches at once, with what is still on its way."""
        if self._line is not None:
            self._line.abort()
        self._line = None

    def _is_all(self, series_uid: str, instances: Sequence[str]) -> bool:
        return self._sizes.get(series_uid) == len(instances)

    def _answers(self, query: Dataset) -> Iterator[Dataset]:
        try:
            for status, identifier in self._open_line().send_c_find(query, FIND):
                code = status.get("Status")
                if code is None:
                    raise _broke_off()
                if code in (PENDING, PENDING_WITHOUT_OPTIONAL):
                    if identifier is None:
                        # The answers that follow would be taken for those of the next search.
                        self._hang_up()
                        raise Dropped("an answer of the archive cannot be read")
                    yield identifier
                elif may_pass(code):
                    raise Dropped(f"the archive cannot search now: {in_words(code)}")
                elif code != SUCCESS:
                    raise self._no_search(in_words(code))
        except RuntimeError as error:
            raise _broke_off() from error
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise self._no_search("it offers no search") from error

    def _open_line(self) -> Association:
        """The association for searches: one for all, as long as it holds."""
        if self._line is None or not self._line.is_established:
            self._line = self._caller.dial([build_context(FIND), build_context(VERIFICATION)])
            self._greet(self._line)
        return self._line

    def _greet(self, line: Association) -> None:
        """A C-ECHO, where the archive offers it."""
        if any(one.abstract_syntax == VERIFICATION for one in line.accepted_contexts):
            status = line.send_c_echo().get("Status")
            if status != SUCCESS:
                raise Dropped("the archive does not answer our greeting (C-ECHO)")

    def _no_search(self, why: str) -> NotOffered:
        return NotOffered(
            f"The archive does not search for us: {why}.",
            where=self.where,
            remedy="have our title and this computer entered in the archive, with the right to "
            "query and retrieve",
        )


def _row(answer: Dataset, keywords: Iterable[str]) -> Row:
    return {keyword: _text(answer, keyword) for keyword in keywords}


def _text(answer: Dataset, keyword: str) -> str:
    try:
        value = answer.get(keyword)
    except DAMAGE:
        return ""
    first = value[0] if isinstance(value, MultiValue) and value else value
    return "" if first is None or isinstance(first, MultiValue) else str(first).strip()


def _broke_off() -> Dropped:
    return Dropped("the connection broke off")
