"""The result in two sentences: what the oedema did, and what explains it best."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.follow_up.shifts import name
from marrowtrail.follow_up.track import Change
from marrowtrail.result.inputs import Measured


def headline(measured: Measured, differential: Differential) -> str:
    """One sentence on the course, then the first one of the differential's conclusion."""
    conclusion = differential.conclusion.split(". ")[0].rstrip(".")
    return f"{_course(measured)} {conclusion}." if conclusion else _course(measured)


def _course(measured: Measured) -> str:
    lesions = measured.lesions
    visits = measured.study.visits
    read = [reading for reading in measured.readings if reading.is_read]
    if not read:
        return "No bone could be read for marrow oedema."
    if not lesions:
        times = "the visit" if len(visits) == 1 else f"{len(visits)} visits"
        if any(reading.possible for reading in read):
            return f"No certain marrow oedema in the bones read at {times}; a reader must decide."
        return f"No marrow oedema was found in the bones read at {times}."
    if measured.followed.shifts:
        return _trail(measured)
    largest = max(lesions.values(), key=lambda one: (one.volume.mm3, one.id))
    if len(visits) == 1:
        volume = largest.volume.mm3 / 1000
        return (
            f"Marrow oedema of {volume:.1f} ml in the {name(largest)}; with one visit only, "
            "nothing can be followed."
        )
    track = next(one for one in measured.followed.tracks if largest.id in one.lesions)
    became = {
        Change.RESOLVED: "resolved",
        Change.GROWING: "grew",
        Change.SHRINKING: "shrank",
        Change.WITHIN_NOISE: "did not change beyond what repeat measurement gives",
        Change.RECURRED: "came back",
        Change.NEW: "is new",
        Change.SPLIT: "parted",
        Change.MERGED: "flowed together",
        Change.SINGLE: "was seen once",
    }.get(track.change, "was followed")
    return f"Marrow oedema of the {name(largest)} {became} ({track.explanation})."


def _trail(measured: Measured) -> str:
    lesions = measured.lesions
    shifts = measured.followed.shifts
    places = [name(lesions[shifts[0].from_lesion])]
    for shift in shifts:
        place = f"{name(lesions[shift.to_lesion])} ({shift.days} days later)"
        if place not in places:
            places.append(place)
    moved = f"moved from the {places[0]} to the {' and then to the '.join(places[1:])}"
    if all(shift.verified for shift in shifts):
        return f"Marrow oedema {moved}."
    return f"Marrow oedema seems to have {moved}; the alignment behind this is not verified."
