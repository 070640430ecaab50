"""Signs beside oedema: what this version looks for, and what it leaves open.

No detector of a subchondral fracture line or of a demarcation zone is part of this version.
Each sign is therefore *not assessable*, with that reason, for every bone that has oedema:
silence would read as absence, and absence decides between necrosis and a lesion that heals.
A reader enters what the images show in ``case.yaml`` or ``findings.yaml``.
"""

from __future__ import annotations

from collections.abc import Sequence

from marrowtrail.lesions.lesion import BoneReading, Sign, SignKind, SignState

NOT_LOOKED_FOR = "this version of the program does not look for it; a reader must"


def look_for_signs(readings: Sequence[BoneReading]) -> tuple[Sign, ...]:
    """Every sign of every bone with oedema, each with its state and reason."""
    return tuple(
        Sign(
            kind,
            reading.visit_id,
            reading.bone,
            reading.lesions[0].id,
            SignState.NOT_ASSESSABLE,
            NOT_LOOKED_FOR,
        )
        for reading in readings
        if reading.lesions
        for kind in SignKind
    )
