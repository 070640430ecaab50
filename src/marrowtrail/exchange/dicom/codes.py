"""Codes of bones, regions and sides, as the vocabulary has verified them.

Only schemes that DICOM knows (PS3.16, table 8-1) come into its objects; what has no such code
is named by its bone, and in words beside it. A private scheme would name it to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from marrowtrail.record.sites import Side
from marrowtrail.record.vocabulary import Code as VerifiedCode
from marrowtrail.record.vocabulary import vocabulary

ANATOMY = codes.SCT.AnatomicalStructure
ABNORMAL = codes.SCT.MorphologicallyAbnormalStructure
OEDEMA = codes.SCT.Edema
"""No released code means oedema of marrow; the site says that it lies in a bone."""

SIDES = {Side.RIGHT: codes.SCT.Right, Side.LEFT: codes.SCT.Left}

_KNOWN_TO_DICOM = ("SCT", "UBERON")


def bone_code(bone: str) -> Code:
    """The code of a bone; that of bone itself where this one has none."""
    return _first(vocabulary().bone(bone).codes) or codes.SCT.Bone


def region_code(bone: str, region: str) -> Code | None:
    """The code of a region of a bone; ``None`` where it has none or is not named."""
    known = {one.key: one.codes for one in vocabulary().bone(bone).regions}
    return _first(known.get(region, ()))


def _first(verified: Iterable[VerifiedCode]) -> Code | None:
    for code in verified:
        if code.verified and code.scheme in _KNOWN_TO_DICOM:
            return Code(code.value, code.scheme, code.meaning)
    return None
