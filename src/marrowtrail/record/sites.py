"""Where in the body something is: a bone of one side, and a named region of it.

The words come from :mod:`marrowtrail.record.vocabulary`; this module only holds the
value objects, so that every room speaks of the same bone in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The patient's own side, never the viewer's."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"
    UNKNOWN = "unknown"

    @property
    def opposite(self) -> Side:
        """The other side; a bone of the midline or of unknown side has none but itself."""
        return {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}.get(self, self)


@dataclass(frozen=True, slots=True, order=True)
class BoneId:
    """One bone of one patient: the vocabulary's bone key and the side.

    ``end`` is the joint whose end of the bone is meant, where a bone reaches two and one was
    imaged: the tibia of a knee series and the tibia of an ankle series share no tissue, so
    they are measured and followed apart. It is empty for a whole bone.
    """

    bone: str
    side: Side
    end: str = ""

    def __str__(self) -> str:
        return f"{self.side.value} {self.bone}"


@dataclass(frozen=True, slots=True)
class Site:
    """A bone, a side and, where known, a region of that bone."""

    bone: str
    side: Side
    region: str | None = None

    @property
    def bone_id(self) -> BoneId:
        """The bone without the region."""
        return BoneId(self.bone, self.side)
