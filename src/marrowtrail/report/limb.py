"""The drawn limb: outlines of its bones and where each named region lies on the drawing.

The drawing is data (``limb.yaml``): a right limb from the front, mirrored for the left. The
patient's right stands on the viewer's left, as on a radiograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

from marrowtrail.record.sites import Side


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BoneShape(_Part):
    """Outline of a bone as an SVG path."""

    key: str
    path: str


class BoneSites(_Part):
    """Middle of a bone, and of each of its regions, on the right limb."""

    default: tuple[float, float]
    regions: dict[str, tuple[float, float]]


class JointWindow(_Part):
    """Part of the drawing that an examination of a joint images."""

    x: float
    y: float
    half_width: float
    half_height: float


class LimbMap(_Part):
    """The whole drawing; ``bones`` in the order in which they are painted."""

    width: float
    height: float
    bones: tuple[BoneShape, ...]
    sites: dict[str, BoneSites]
    joints: dict[str, JointWindow]

    def site(self, bone: str, region: str, side: Side) -> tuple[float, float] | None:
        """Where a region of a bone lies; ``None`` for a bone or a side that is not drawn."""
        if bone not in self.sites or side not in (Side.LEFT, Side.RIGHT):
            return None
        sites = self.sites[bone]
        x, y = sites.regions.get(region, sites.default)
        return (self.width - x if side is Side.LEFT else x), y

    def window(self, joint: str, side: Side) -> Window | None:
        """The rectangle of an examination; ``None`` for a joint or side that is not drawn."""
        if joint not in self.joints or side not in (Side.LEFT, Side.RIGHT):
            return None
        part = self.joints[joint]
        x = self.width - part.x if side is Side.LEFT else part.x
        return Window(
            x - part.half_width,
            part.y - part.half_height,
            2 * part.half_width,
            2 * part.half_height,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle on the drawing."""

    x: float
    y: float
    width: float
    height: float


@cache
def limb_map() -> LimbMap:
    """The drawing of this version, read and validated once."""
    text = (resources.files("marrowtrail.report") / "limb.yaml").read_text(encoding="utf-8")
    return LimbMap.model_validate(yaml.safe_load(text))
