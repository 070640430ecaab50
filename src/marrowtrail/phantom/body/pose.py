"""Where a patient's limb lies at a visit: the whole limb, and each bone on its own.

Poses map the limb frame at rest to the scanner's LPS. The knee bends about the axis
through the femoral condyles; the patella follows by half; fibula and tibia hardly move
against each other. In the ankle the leg moves against talus and foot; in an exam of the foot it
is the foot that lies still. In the hip the femur turns about the middle of its head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.phantom.body.limb import Limb
from marrowtrail.phantom.scanner.plan import ImagingPlan
from marrowtrail.record.sites import Side

LIMB_OFFSET_MM = 95.0
"""How far a limb lies from the midline of the table: half the distance of two knees."""

PATELLA_SHARE = 0.55
"""The patella turns by about this share of the knee's flexion."""

HIP_SHARE = 0.5
"""The thigh turns by this share of the drawn flexion."""

LOOSE_DEG = 0.4
LOOSE_MM = 0.25
"""Play of each bone beside flexion."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Limb frame to scanner LPS, for the limb as a whole and for each bone."""

    limb: RigidTransform
    bones: Mapping[str, RigidTransform]

    def moved(self, motion: RigidTransform) -> Pose:
        """The same limb after the patient moved as a whole, by a motion in scanner LPS."""
        bones = {name: motion @ bone for name, bone in self.bones.items()}
        return Pose(motion @ self.limb, bones)


def draw_pose(limb: Limb, plan: ImagingPlan, rng: np.random.Generator) -> Pose:
    """The limb's position at one visit."""
    turn = np.radians([plan.turn_deg.draw(rng) for _ in range(3)])
    shift = np.array([plan.shift_mm.draw(rng) for _ in range(3)])
    lateral = -1.0 if limb.side is Side.RIGHT else 1.0
    whole = RigidTransform.about(
        np.zeros(3), turn, shift + np.array([lateral * LIMB_OFFSET_MM, 0.0, 0.0])
    )
    bend = np.radians(plan.flexion_deg.draw(rng))
    moves = MOVES[limb.joint](limb, bend)
    bones = {}
    for bone in limb.bones:
        centre = bone.inside_points().mean(axis=0)
        loose = RigidTransform.about(
            centre,
            np.radians(rng.uniform(-LOOSE_DEG, LOOSE_DEG, 3)),
            rng.uniform(-LOOSE_MM, LOOSE_MM, 3),
        )
        bones[bone.bone_id.bone] = whole @ moves[bone.bone_id.bone] @ loose
    return Pose(whole, bones)


def draw_restlessness(
    pose: Pose, plan: ImagingPlan, rng: np.random.Generator
) -> RigidTransform | None:
    """How the patient lies after moving between two series; ``None`` where nobody moves."""
    if plan.moved_mm.high == 0 and plan.moved_deg.high == 0:
        return None
    ways = rng.choice((-1.0, 1.0), (2, 3))
    turn = ways[0] * [plan.moved_deg.draw(rng) for _ in range(3)]
    shift = ways[1] * [plan.moved_mm.draw(rng) for _ in range(3)]
    middle = pose.limb.apply(np.zeros(3))
    return RigidTransform.about(middle, np.radians(turn), shift)


def _bend(centre: NDArray[np.float64], angle: float) -> RigidTransform:
    return RigidTransform.about(centre, np.array([angle, 0.0, 0.0]), np.zeros(3))


def _knee(limb: Limb, flexion: float) -> dict[str, RigidTransform]:
    """Flexion turns the shin backwards about the centre of the femoral condyles.

    The turn is shared out, half to the thigh and half to the shin: on the table the knee
    rises and both slope away from it.
    """
    inside = limb.bone("femur").inside_points()
    low = inside[inside[:, 2] < inside[:, 2].min() + 30.0]
    centre = np.array([low[:, 0].mean(), np.percentile(low[:, 1], 65.0), np.median(low[:, 2])])
    thigh, shin = _bend(centre, -flexion / 2), _bend(centre, flexion / 2)
    patella = _bend(centre, flexion * (PATELLA_SHARE - 0.5))
    return {"femur": thigh, "tibia": shin, "fibula": shin, "patella": patella}


def _ankle(limb: Limb, flexion: float) -> dict[str, RigidTransform]:
    """Plantar flexion turns the foot about the centre of the talar dome."""
    return _leg_and_foot(limb, RigidTransform.identity(), _bend(_dome(limb), -flexion))


def _foot(limb: Limb, flexion: float) -> dict[str, RigidTransform]:
    """Plantar flexion turns the leg about the centre of the talar dome."""
    return _leg_and_foot(limb, _bend(_dome(limb), flexion), RigidTransform.identity())


def _dome(limb: Limb) -> NDArray[np.float64]:
    inside = limb.bone("talus").inside_points()
    return np.append(inside.mean(axis=0)[:2], inside[:, 2].max() - 20.0)


def _leg_and_foot(
    limb: Limb, leg: RigidTransform, foot: RigidTransform
) -> dict[str, RigidTransform]:
    return {
        bone.bone_id.bone: leg if bone.bone_id.bone in ("tibia", "fibula") else foot
        for bone in limb.bones
    }


def _hip(limb: Limb, flexion: float) -> dict[str, RigidTransform]:
    """Flexion lifts the thigh: the femur turns about the middle of its head, the frame's origin.

    A hip is imaged nearly straight, so the joint takes half of what is drawn for a knee.
    """
    thigh = _bend(np.zeros(3), -HIP_SHARE * flexion)
    return {
        bone.bone_id.bone: thigh if bone.bone_id.bone == "femur" else RigidTransform.identity()
        for bone in limb.bones
    }


MOVES: Mapping[str, Callable[[Limb, float], dict[str, RigidTransform]]] = {
    "knee": _knee,
    "ankle": _ankle,
    "foot": _foot,
    "hip": _hip,
}
"""How the bones of a joint move when it bends by an angle in radians."""
