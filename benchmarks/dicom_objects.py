"""Time to write the segmentations and reports of a patient.

    python benchmarks/dicom_objects.py PATIENT [--repeat 3]

``PATIENT`` is a patient's folder, as ``marrowtrail phantom OUT --scenario seed`` writes one. It is
run once, which takes minutes; then its objects are written, and the fastest is printed as CPU and
wall seconds, beside those of a loop of ten million additions on the same machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import marrowtrail
from marrowtrail.exchange.dicom.files import dicom_files
from marrowtrail.exchange.dicom.form import DicomForm


def fastest(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """CPU and wall seconds of the fastest of several."""
    times = []
    for _ in range(repeat):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(times)


def main() -> None:
    """Run the patient, write its objects in every form, print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patient", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    result = marrowtrail.run(asked.patient)
    forms = {
        "binary": DicomForm(),
        "label map": DicomForm(labelmap=True),
        "pseudonymous": DicomForm(pseudonymous=True),
    }
    for name, form in forms.items():
        files = dicom_files(result, form)
        size = sum(map(len, files.values())) / 1e6
        cpu, wall = fastest(lambda form=form: dicom_files(result, form), asked.repeat)
        print(f"{name:14} {len(files)} objects, {size:.1f} MB: {cpu:.2f} s CPU, {wall:.2f} s")
    cpu, _ = fastest(lambda: sum(range(10**7)), asked.repeat)
    print(f"{'ten million':14} additions: {cpu:.2f} s CPU")


if __name__ == "__main__":
    main()
