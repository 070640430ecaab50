"""When a difference in volume is more than measuring it twice would give.

Repeat measurements of small lesions differ by a coefficient of variation of 22.6 % below
0.67 cm2 and 12.1 % above (multiple sclerosis plaques, Arch Neurol 1992;49:261, the best
figures there are; none exist for marrow oedema). The difference of two measurements varies by
the square root of two more than one of them, so that 95 of 100 repeats lie within a factor of
exp(1.96 * sqrt(2) * s), where s is the standard deviation of the logarithm: 1.86 and 1.40 up,
and one over that down. A change is called only if it exceeds that *and* the intervals of the
two volumes part.
"""

from __future__ import annotations

from math import exp, log, sqrt

from marrowtrail.follow_up.track import Change
from marrowtrail.lesions.lesion import VolumeEstimate

SMALL_LESION_MM3 = 500.0
"""Volume of a ball with a cross-section of 0.67 cm2 is 410 mm3; below that counts as small."""

REPEAT_SMALL = 0.226
REPEAT_LARGE = 0.121
"""Coefficients of variation of repeat measurements (see above)."""

LEVEL = 0.95
NORMAL_AT_LEVEL = 1.96
"""A change is called at this two-sided level; so many standard deviations."""

RESIDUAL_SHARE = 0.5
"""Oedema has faded once it is down to half; what is left of it does not stop a shift."""


def repeat_factor(variation: float) -> float:
    """Factor that two measurements of one volume stay within at :data:`LEVEL`.

    ``variation`` is the coefficient of variation of one measurement, lognormal.
    """
    return exp(NORMAL_AT_LEVEL * sqrt(2 * log(1 + variation**2)))


def limits(earlier: VolumeEstimate, later: VolumeEstimate) -> tuple[float, float]:
    """Lowest and highest ratio, later over earlier, that repeat measurement alone gives."""
    is_small = max(earlier.mm3, later.mm3) < SMALL_LESION_MM3
    factor = repeat_factor(REPEAT_SMALL if is_small else REPEAT_LARGE)
    return 1 / factor, factor


def compare(earlier: VolumeEstimate, later: VolumeEstimate) -> Change:
    """Growing, shrinking, or within noise."""
    low, high = limits(earlier, later)
    if later.mm3 > earlier.mm3 * high and later.low_mm3 > earlier.high_mm3:
        return Change.GROWING
    if later.mm3 < earlier.mm3 * low and later.high_mm3 < earlier.low_mm3:
        return Change.SHRINKING
    return Change.WITHIN_NOISE


def level_in_words(earlier: VolumeEstimate, later: VolumeEstimate) -> str:
    """``repeats alone give 0.72 to 1.40 times (95%)``."""
    low, high = limits(earlier, later)
    return f"repeats alone give {low:.2f} to {high:.2f} times ({LEVEL:.0%})"
