"""Which bone a segment of a DICOM segmentation is, by its codes, and on which side.

The property type says what a segment *is*, the anatomic region only where it lies: oedema in
the femur is no femur. A label counts only where the type has no code that anybody knows, and
only if it is the name of a bone and nothing more ("right femur", not "femoral cartilage").
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from marrowtrail.record.sites import BoneId, Side
from marrowtrail.record.vocabulary import BoneTerm, vocabulary

PRIVATE_SCHEME = "99"
"""Coding schemes of one's own begin with it (PS3.3, 8.2)."""

_ANY_BONE = (codes.SCT.Bone, Code("3138006", "SCT", "Bone"))
"""Types that leave it to the anatomic region which bone it is: the organ and the tissue."""

_SIDES = ((codes.SCT.Right, Side.RIGHT), (codes.SCT.Left, Side.LEFT))

_TYPE = "SegmentedPropertyTypeCodeSequence"
_REGION = "AnatomicRegionSequence"
_MODIFIERS = ("SegmentedPropertyTypeModifierCodeSequence", "AnatomicRegionModifierSequence")


def bone_of_segment(item: Dataset) -> BoneId | None:
    """The bone that one item of the Segment Sequence is; ``None`` where it is none."""
    types = list(_codes(item, _TYPE))
    if any(code in _ANY_BONE for code in types):
        types = list(_codes(item, _REGION))
    label = str(item.get("SegmentLabel", ""))
    bone = _coded_bone(types)
    if bone is None and all(_is_private(code) for code in types):
        bone = _named_bone(label)
    return None if bone is None else BoneId(bone.key, _side(item, label))


def _coded_bone(types: list[Code]) -> BoneTerm | None:
    # Comparing codes one by one also knows the older SRT ones; their hashes differ.
    for term in vocabulary().bones:
        known = [Code(code.value, code.scheme, code.meaning) for code in term.codes]
        if any(code in known for code in types):
            return term
    return None


def _is_private(code: Code) -> bool:
    return bool(code.scheme_designator.startswith(PRIVATE_SCHEME))


def _named_bone(label: str) -> BoneTerm | None:
    name = " ".join(word for word in _words(label) if word not in set(Side))
    for term in vocabulary().bones:
        if name in (term.key.replace("_", " "), term.label.lower()):
            return term
    return None


def _side(item: Dataset, label: str) -> Side:
    """By code; by the label where no code tells. Both sides in one segment are none."""
    coded = {side for code in _side_codes(item) for known, side in _SIDES if code == known}
    named = {Side(word) for word in _words(label) if word in (Side.LEFT, Side.RIGHT)}
    said = coded or named
    return said.pop() if len(said) == 1 else Side.UNKNOWN


def _side_codes(item: Dataset) -> Iterator[Code]:
    for modifiers in _MODIFIERS:
        yield from _codes(item, modifiers)
        for owner in (_TYPE, _REGION):
            for entry in item.get(owner) or ():
                yield from _codes(entry, modifiers)


def _codes(item: Dataset, sequence: str) -> Iterator[Code]:
    for entry in item.get(sequence) or ():
        value, scheme = entry.get("CodeValue"), entry.get("CodingSchemeDesignator")
        if value and scheme:
            yield Code(str(value), str(scheme), str(entry.get("CodeMeaning", "")))


def _words(label: str) -> list[str]:
    return label.lower().replace("_", " ").split()
