"""Time to read series, beside dcm2niix on the same files in the same run.

    python benchmarks/reading.py --data ../shared/data

Ours is :func:`read_study` in a running process: headers, sorting, weighting, geometry and float32
voxels. dcm2niix (on the path, or from PyPI's package of that name in this environment) is a
process of its own, started anew each time, that sorts and writes uncompressed NIfTI. Both read
from a warm cache and are timed in turns; the best of the rounds counts. Series are those of a
synthetic patient (one folder of all its images), the same as one enhanced multi-frame file each,
and with ``--data`` the real multi-echo knee. Bone masks (DICOM SEG) are left out: dcm2niix does
not decode them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from marrowtrail.imaging.plan import plan_folder
from marrowtrail.imaging.study import read_study
from marrowtrail.phantom import write_patient

TARGET = 2.0
"""Reading may take at most so many times dcm2niix's time."""

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one reading."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One folder, read by both."""

    folder: str
    files: int
    ours: Spent
    headers_only: Spent
    theirs: Spent | None

    @property
    def ratios(self) -> tuple[float, float] | None:
        """Ours over theirs: wall and CPU time."""
        if self.theirs is None:
            return None
        return self.ours.wall_s / self.theirs.wall_s, self.ours.cpu_s / self.theirs.cpu_s


def main() -> int:
    """Run, print a table, return 1 if a ratio of CPU time is above the target."""
    arguments = _parser().parse_args()
    program = dcm2niix()
    if program is None:
        print(
            "dcm2niix was not found, so there is nothing to compare with: install it from PyPI "
            "(package dcm2niix) or Debian.",
            file=sys.stderr,
        )
    with tempfile.TemporaryDirectory() as scratch:
        rows = [
            _compare(name, folder, program, arguments.rounds)
            for name, folder in _folders(arguments, Path(scratch))
        ]
    if arguments.json:
        print(json.dumps([asdict(one) | {"ratios": one.ratios} for one in rows], indent=1))
    else:
        _print_table(rows)
    return int(any(one.ratios is not None and one.ratios[1] > TARGET for one in rows))


def dcm2niix() -> Path | None:
    """The program itself, not the Python script that PyPI's package puts on the path."""
    spec = find_spec("dcm2niix")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "dcm2niix"
        if program.is_file():
            return program
    found = shutil.which("dcm2niix")
    return Path(found) if found else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds knee-multi-echo-dicom")
    parser.add_argument("--patient", type=Path, help="a synthetic patient drawn before")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the best counts")
    parser.add_argument("--json", action="store_true", help="every time, as JSON")
    return parser


def _folders(arguments: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, Path]]:
    patient = arguments.patient
    if patient is None:
        patient = scratch / "patient"
        write_patient("seed", patient, seed=1)
    single, multi = scratch / "single", scratch / "multi"
    _part(patient, single, multi)
    yield "synthetic patient, single frames", single
    yield "synthetic patient, enhanced", multi
    if arguments.data is not None:
        yield "real knee, three echoes", arguments.data / "knee-multi-echo-dicom"


def _part(patient: Path, single: Path, multi: Path) -> None:
    """Copy the MR images, once as they are and once as a multi-frame file for each series."""
    series: dict[str, list[Dataset]] = {}
    single.mkdir()
    multi.mkdir()
    for number, path in enumerate(sorted(patient.rglob("*"))):
        if not path.is_file() or path.suffix in (".yaml", ".json", ".gz"):
            continue
        dataset = pydicom.dcmread(path)
        if dataset.SOPClassUID == MR_IMAGE:
            shutil.copy(path, single / f"{number:05d}.dcm")
            kind = f"{dataset.SeriesInstanceUID} {dataset.ImageType}"
            series.setdefault(kind, []).append(dataset)
    for number, slices in enumerate(series.values()):
        pydicom.dcmwrite(multi / f"{number:03d}.dcm", _enhanced(slices), enforce_file_format=True)


def _enhanced(slices: list[Dataset]) -> Dataset:
    """One enhanced object with the slices as its frames."""
    dataset = slices[0].copy()
    dataset.file_meta = slices[0].file_meta
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.EchoPulseSequence = "GRADIENT" if "GR" in dataset.ScanningSequence else "SPIN"
    shared = Dataset()
    shared.PixelMeasuresSequence = [_only(slices[0], "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_only(slices[0], "ImageOrientationPatient")]
    shared.MRTimingAndRelatedParametersSequence = [_only(slices[0], "RepetitionTime", "FlipAngle")]
    echo = Dataset()
    echo.EffectiveEchoTime = float(slices[0].EchoTime)
    shared.MREchoSequence = [echo]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.NumberOfFrames = len(slices)
    dataset.PerFrameFunctionalGroupsSequence = [
        _frame(number, one) for number, one in enumerate(slices, start=1)
    ]
    dataset.PixelData = b"".join(one.PixelData for one in slices)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime"):
        delattr(dataset, name)
    return dataset


def _frame(number: int, one: Dataset) -> Dataset:
    frame, content = Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber = "1", number
    frame.FrameContentSequence = [content]
    frame.PlanePositionSequence = [_only(one, "ImagePositionPatient")]
    return frame


def _only(dataset: Dataset, *names: str) -> Dataset:
    item = Dataset()
    for name in names:
        if name in dataset:
            item.add(dataset[name])
    return item


def _compare(name: str, folder: Path, program: Path | None, rounds: int) -> Compared:
    def convert() -> None:
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(
                [str(program), "-z", "n", "-b", "n", "-f", "%s_%e_%t", "-o", out, str(folder)],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    times: dict[str, list[Spent]] = {"ours": [], "headers": [], "theirs": []}
    for _ in range(rounds):
        times["ours"].append(_timed(lambda: read_study(folder), resource.RUSAGE_SELF))
        times["headers"].append(_timed(lambda: plan_folder(folder), resource.RUSAGE_SELF))
        if program is not None:
            times["theirs"].append(_timed(convert, resource.RUSAGE_CHILDREN))
    files = sum(1 for one in folder.rglob("*") if one.is_file())
    theirs = _best(times["theirs"]) if program is not None else None
    return Compared(name, files, _best(times["ours"]), _best(times["headers"]), theirs)


def _timed(action: Callable[[], object], whose: int) -> Spent:
    def cpu() -> float:
        used = resource.getrusage(whose)
        return used.ru_utime + used.ru_stime

    before, started = cpu(), time.perf_counter()
    action()
    return Spent(time.perf_counter() - started, cpu() - before)


def _best(times: list[Spent]) -> Spent:
    return Spent(min(one.wall_s for one in times), min(one.cpu_s for one in times))


def _print_table(rows: list[Compared]) -> None:
    print(f"load {os.getloadavg()[0]:.1f}; best of the rounds, seconds wall / CPU")
    print(f"{'':<34}{'files':>6}{'ours':>16}{'headers':>16}{'dcm2niix':>16}{'ratio':>14}")
    for one in rows:
        cells = [one.ours, one.headers_only, *([one.theirs] if one.theirs else [])]
        shown = "".join(f"{cell.wall_s:>8.3f} /{cell.cpu_s:>6.3f}" for cell in cells)
        ratio = f"{one.ratios[0]:>8.2f} /{one.ratios[1]:>4.2f}" if one.ratios else ""
        print(f"{one.folder:<34}{one.files:>6}{shown}{ratio}")


if __name__ == "__main__":
    sys.exit(main())
