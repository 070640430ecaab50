"""From an archive into a patient's folder, which ``marrowtrail run`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from marrowtrail.errors import InputError
from marrowtrail.exchange.pacs.failures import Dropped
from marrowtrail.exchange.pacs.hush import hushed
from marrowtrail.exchange.pacs.listing import MR, checked, list_images
from marrowtrail.exchange.pacs.model import Archive, Instance, LeftOut, Listing, Search
from marrowtrail.exchange.pacs.patience import Patience, Say, persist
from marrowtrail.exchange.pacs.shelf import Shelf

MODALITIES = (MR,)
WITH_SEGMENTATIONS = (MR, "SEG")
"""What ``run`` measures on, without and with masks that were drawn."""

_STEPS = 20
"""How often progress is told of: somebody may read it in a log."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came, by numbers."""

    folder: Path
    studies: int
    series: int
    instances: int
    fetched: int
    left_out: tuple[LeftOut, ...]

    @property
    def is_doubtful(self) -> bool:
        """Something that may be missed was left out."""
        return any(one.is_doubtful for one in self.left_out)


def pull(
    archive: Archive,
    search: Search,
    out: Path,
    *,
    modalities: Sequence[str] = MODALITIES,
    patience: Patience | None = None,
    say: Say = lambda _: None,
) -> Pulled:
    """Fetch the images of one patient; go on where an earlier pull stopped.

    Parameters
    ----------
    archive
        Whom to ask.
    search
        For whose images.
    out
        The patient's folder; made if it is not there. What is in it stays.
    modalities
        Of series to fetch.
    patience
        How often to try.
    say
        Told what is being done.

    Raises
    ------
    InputError
        If not every object is there at the end, with how many are and how to go on; each file in
        the folder is whole.
    """
    wanted, patience = checked(search), patience or Patience()
    with hushed():
        say("searching")
        listing = persist(
            lambda: list_images(archive, wanted, modalities), patience, say, archive.where
        )
        shelf = Shelf.open(out, listing.patient)
        missing = shelf.missing(listing.instances)
        _fetch(archive, listing, shelf, patience, say)
    return Pulled(
        out,
        listing.studies,
        listing.series,
        len(listing.instances),
        len(missing),
        listing.left_out,
    )


def _fetch(archive: Archive, listing: Listing, shelf: Shelf, patience: Patience, say: Say) -> None:
    wanted, total = frozenset(listing.instances), len(listing.instances)
    missing, failures = shelf.missing(listing.instances), 0

    def take(content: bytes) -> None:
        shelf.put(content, wanted)
        if shelf.whole % max(1, total // _STEPS) == 0:
            say(f"fetching, {shelf.whole} of {total}")

    while missing:
        reason = "the archive did not send all"
        try:
            archive.fetch(missing, take)
        except Dropped as dropped:
            reason = dropped.reason
        left = shelf.missing(listing.instances)
        if not left:
            return
        # Anything that came is progress, and the count begins anew.
        failures = failures + 1 if len(left) == len(missing) else 1
        missing = left
        if patience.is_over(failures):
            raise _incomplete(missing, total, reason, archive.where, shelf.folder)
        patience.wait(failures, reason, say)


def _incomplete(
    missing: Sequence[Instance], total: int, reason: str, where: str, folder: Path
) -> InputError:
    series = len({one.series_uid for one in missing})
    return InputError(
        f"{len(missing)} of {total} objects are missing, in {series} series: {reason}. "
        f"The {total - len(missing)} others in {folder} are whole.",
        where=where,
        remedy="give the same command again: it asks only for what is missing; do not measure on "
        "the folder before",
    )
