"""When a difference in volume is more than measuring it twice would give.

Repeat measurements of small lesions differ by a coefficient of variation of 22.6 % below
0.67 cm2 and 12.1 % above (multiple sclerosis plaques, Arch Neurol 1992;49:261, the best
figures there are; none exist for marrow oedema): two standard deviations make 45 and 24 %.
A change is called only if it exceeds that *and* the intervals of the two volumes part.
"""

from __future__ import annotations

from marrowtrail.follow_up.track import Change
from marrowtrail.lesions.lesion import VolumeEstimate

SMALL_LESION_MM3 = 500.0
"""Volume of a ball with a cross-section of 0.67 cm2 is 410 mm3; below that counts as small."""

NOISE_SMALL = 0.45
NOISE_LARGE = 0.24
"""Relative change that repeat measurement alone would give (see above)."""

RESIDUAL_SHARE = 0.5
"""Oedema has faded once it is down to half; what is left of it does not stop a shift."""


def compare(earlier: VolumeEstimate, later: VolumeEstimate) -> Change:
    """Growing, shrinking, or within noise."""
    reference = max(earlier.mm3, later.mm3)
    noise = NOISE_SMALL if reference < SMALL_LESION_MM3 else NOISE_LARGE
    if later.mm3 > earlier.mm3 * (1 + noise) and later.low_mm3 > earlier.high_mm3:
        return Change.GROWING
    if later.mm3 < earlier.mm3 * (1 - noise) and later.high_mm3 < earlier.low_mm3:
        return Change.SHRINKING
    return Change.WITHIN_NOISE
