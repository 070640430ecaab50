"""What a DICOMweb server says of an object that was to be stored (PS3.18 10.5.3)."""

from __future__ import annotations

import requests
from pydicom.dataset import Dataset

from marrowtrail.exchange.pacs.model import Outgoing, State, Verdict
from marrowtrail.exchange.pacs.statuses import DUPLICATE, in_words, is_warning
from marrowtrail.imaging.headers import DAMAGE

UNSAID = "the server says nothing of this object"


def verdict(sent: Outgoing, answer: Dataset) -> Verdict:
    """Read an answer with status 200 or 202. One that is silent on the object accepts nothing."""
    failure = _status(answer, "FailedSOPSequence", sent.instance.sop_uid, "FailureReason")
    if failure is not None:
        return of_status(sent, failure or 0x0110)
    stored = _status(answer, "ReferencedSOPSequence", sent.instance.sop_uid, "WarningReason")
    if stored is None:
        return _verdict(sent, State.REFUSED, UNSAID)
    return of_status(sent, stored)


def refusal(sent: Outgoing, response: requests.Response) -> Verdict:
    """Read an answer with another status, which may say why."""
    try:
        answer = Dataset.from_json(response.json())
    except DAMAGE:
        answer = Dataset()
    status = _status(answer, "FailedSOPSequence", sent.instance.sop_uid, "FailureReason")
    if status:
        return of_status(sent, status)
    return _verdict(sent, State.REFUSED, f"the server answered HTTP {response.status_code}")


def of_status(sent: Outgoing, status: int) -> Verdict:
    """What a status of a store means, over either protocol."""
    if status == 0:
        return _verdict(sent, State.ACCEPTED)
    state = State.REFUSED
    if is_warning(status):
        state = State.WARNED
    elif status == DUPLICATE:
        state = State.THERE
    return _verdict(sent, state, in_words(status))


def _verdict(sent: Outgoing, state: State, said: str = "") -> Verdict:
    return Verdict(sent.path.name, sent.instance.sop_uid, state, said)


def _status(answer: Dataset, sequence: str, uid: str, keyword: str) -> int | None:
    """The number given to an object; 0 where it is only named, ``None`` where it is not."""
    try:
        for item in answer.get(sequence) or ():
            if str(item.get("ReferencedSOPInstanceUID", "")) == uid:
                return int(item.get(keyword) or 0)
    except DAMAGE:
        return None
    return None
