"""The result in two sentences: what the oedema did, and what explains it best."""

from __future__ import annotations

from marrowtrail.diagnosis.differential import Differential
from marrowtrail.follow_up.shifts import name
from marrowtrail.follow_up.track import Change, Track
from marrowtrail.result.inputs import Measured
from marrowtrail.result.moves import told_moves

BECAME = {
    Change.RESOLVED: "resolved",
    Change.GROWING: "grew",
    Change.SHRINKING: "shrank",
    Change.WITHIN_NOISE: "did not change beyond what repeat measurement gives",
    Change.RECURRED: "came back",
    Change.NEW: "is new",
    Change.SPLIT: "parted",
    Change.MERGED: "flowed together",
    Change.SINGLE: "was seen once",
}


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
        return _moved(measured)
    largest = max(lesions.values(), key=lambda one: (one.volume.mm3, one.id))
    if len(visits) == 1:
        volume = largest.volume.mm3 / 1000
        return (
            f"Marrow oedema of {volume:.1f} ml in the {name(largest)}; with one visit only, "
            "nothing can be followed."
        )
    track = next(one for one in measured.followed.tracks if largest.id in one.lesions)
    became = BECAME.get(track.change, "was followed")
    return (
        f"Marrow oedema of the {name(largest)} {became} ({track.explanation}){_since_first(track)}."
    )


def _moved(measured: Measured) -> str:
    followed = measured.followed
    days = {visit.id: visit.date for visit in measured.study.visits}
    moved = told_moves(followed.shifts, followed.tracks, measured.lesions, days)
    if all(shift.verified for shift in followed.shifts):
        return f"Marrow oedema moved {moved}."
    return f"Marrow oedema seems to have moved {moved}; the alignment behind this is not verified."


def _since_first(track: Track) -> str:
    """What the whole course adds to the last interval: oedema may have grown and stayed since.

    It speaks of the last sighting, so it says nothing of oedema that has gone after that.
    """
    since = track.since_first
    if since is None or not track.steps or since.change in (track.change, Change.UNCLEAR):
        return ""
    if track.steps[-1].to_visit != since.to_visit:
        return ""
    return f"; since {since.from_visit} it {BECAME[since.change]} ({since.explanation})"
