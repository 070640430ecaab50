"""Telling islands of red marrow from oedema.

Red marrow lingers in the metaphysis and spares the epiphysis (20 of 20 knees in Shellock et
al., 10.2214/ajr.158.2.1729795), and on fat-suppressed images it is hardly brighter than
muscle (less so at long echo times). An area is taken for red marrow only if both hold; one
that is bright, or that reaches an epiphysis, is oedema. What was taken for red marrow is said
with the bone's reading.
"""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.lesions.lesion import RegionShare
from marrowtrail.record.vocabulary import vocabulary

HOME = frozenset({"distal_metaphysis", "proximal_metaphysis", "shaft", "neck"})
"""Regions of long bones in which red marrow lingers in adults."""

ELSEWHERE_SHARE = 0.2
"""An area with more than a fifth of it elsewhere has crossed into the epiphysis; less is what the
border between two regions is uncertain by. A part without a
named region is a shaft further than regions reach."""

MOST_OF_MUSCLE = 1.8
"""Red marrow is not brighter than this many times muscle: about as bright at an echo time of
35 ms, and 1.6 times at 75 ms, when muscle (T2 near 32 ms) has faded further than red marrow
(50 ms). Oedema is 1.6 to 4 times as bright, so that brightness alone tells too little."""

MOST_CONTRAST = 2.2
"""Nor this many times the yellow marrow beside it."""

DARKER_THAN_MUSCLE, DARK_CONTRAST = 0.9, 3.0
"""What is darker than muscle is red marrow even at a higher contrast: well suppressed yellow
marrow is darker still."""


def is_red_marrow(
    bone: str,
    shares: Sequence[RegionShare],
    signal: float,
    contrast: float,
    muscle: float | None,
) -> bool:
    """Whether an area has the place and the brightness of red marrow.

    ``bone`` is its key, ``signal`` the area's plateau, ``contrast`` the same over normal marrow;
    ``muscle`` is ``None`` where soft tissue could not be measured, and contrast then decides alone.
    """
    is_long_bone = any(region.key in HOME for region in vocabulary().bone(bone).regions)
    elsewhere = sum(one.share_of_lesion for one in shares if one.region not in HOME)
    is_faint = contrast < MOST_CONTRAST and (muscle is None or signal < MOST_OF_MUSCLE * muscle)
    if muscle is not None and signal < DARKER_THAN_MUSCLE * muscle:
        is_faint = contrast < DARK_CONTRAST
    return is_long_bone and elsewhere <= ELSEWHERE_SHARE and is_faint
