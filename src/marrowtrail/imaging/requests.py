"""NIfTI visits as the case record names them."""

from __future__ import annotations

from pathlib import Path

from marrowtrail.imaging.nifti import NiftiBones, NiftiSeries, NiftiVisit
from marrowtrail.imaging.series import Weighting
from marrowtrail.record.case import Case


def nifti_visits(case: Case, folder: Path) -> tuple[NiftiVisit, ...]:
    """The visits of a case that name files, with paths below the patient folder.

    One with a mask and no series hands in a mask for the DICOM images of that date.
    """
    return tuple(
        NiftiVisit(
            visit.date,
            tuple(
                NiftiSeries(
                    folder / one.file,
                    one.body_part,
                    one.side,
                    Weighting(one.weighting),
                    one.fat_suppressed,
                )
                for one in visit.series
            ),
            NiftiBones(folder / visit.bones.file, folder / visit.bones.labels)
            if visit.bones
            else None,
        )
        for visit in case.visits
        if visit.series or visit.bones
    )
