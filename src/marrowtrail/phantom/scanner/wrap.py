"""What lies beyond the field of view in the phase direction appears at its other end."""

from __future__ import annotations

import numpy as np

from marrowtrail.phantom.grids import Field


def folded(picture: Field, axis: int, margin: int) -> Field:
    """The inner part of a picture, with the ``margin`` pixels beyond each end laid over it.

    What lies further out is heard less: oversampling and the coil's end take it away.
    """
    if margin == 0:
        return picture
    count = picture.shape[axis] - 2 * margin
    moved = np.moveaxis(picture, axis, 0)
    inner = moved[margin : margin + count].copy()
    heard = (np.arange(1, margin + 1, dtype=np.float32) / (margin + 1))[:, None, None]
    inner[count - margin :] += heard * moved[:margin]
    inner[:margin] += heard[::-1] * moved[margin + count :]
    return np.moveaxis(inner, 0, axis)
