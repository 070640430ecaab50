"""Which objects, in which encodings, are offered to an archive that sends or takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, build_role
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from marrowtrail.exchange.pacs.model import Outgoing
from marrowtrail.imaging.decoding import READABLE_SYNTAXES
from marrowtrail.imaging.folder import ENHANCED_MR_IMAGES, MR_IMAGE, SEGMENTATIONS

VERIFICATION = "1.2.840.10008.1.1"
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
"""Services: C-ECHO, and the study root query and retrieve model (PS3.4 A.4, C.6.2)."""

FETCHED_KINDS = (MR_IMAGE, *sorted(ENHANCED_MR_IMAGES), *sorted(SEGMENTATIONS))

_PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
PLAIN_SYNTAXES = tuple(map(str, _PLAIN))
OTHER_SYNTAXES = tuple(sorted(map(str, READABLE_SYNTAXES - frozenset(_PLAIN))))
"""Each in a context of its own: in one with others, an archive would have to choose one for all
images, and recode those that it keeps in another."""


def to_be_fetched() -> tuple[PresentationContext, ...]:
    """Contexts in which the archive may send us what we asked for; fewer than the 128 allowed."""
    syntaxes: Sequence[Sequence[str]] = (PLAIN_SYNTAXES, *((one,) for one in OTHER_SYNTAXES))
    return tuple(build_context(kind, list(some)) for kind in FETCHED_KINDS for some in syntaxes)


def as_receivers() -> tuple[SCP_SCU_RoleSelectionNegotiation, ...]:
    """We call, and yet it is they who send (C-GET)."""
    return tuple(build_role(kind, scp_role=True) for kind in FETCHED_KINDS)


def to_be_stored(objects: Iterable[Outgoing]) -> tuple[PresentationContext, ...]:
    """Contexts for objects as their files are encoded: they are not recoded on the way."""
    kinds = sorted({(one.sop_class_uid, one.transfer_syntax_uid) for one in objects})
    return tuple(build_context(kind, syntax) for kind, syntax in kinds)
