"""Time from a result to each of its outputs: the page, the PDF, the FHIR bundle.

    marrowtrail demo --out demo
    python benchmarks/outputs.py demo

Prints the best of some repetitions in seconds, by the clock and by the processor alone; the
first includes what the other programs on the machine take.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from marrowtrail.exchange.fhir import fhir_bundle
from marrowtrail.report.html import render_html
from marrowtrail.report.pdf import render_pdf
from marrowtrail.result.stored import read_stored


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path, help="an output folder of a run")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    stored = read_stored(asked.result)
    document, figures = stored.document, stored.figures
    pdf = render_pdf(document, figures)
    jobs: dict[str, Callable[[], object]] = {
        "report.html": lambda: render_html(document, figures),
        "report.pdf": lambda: render_pdf(document, figures),
        "fhir/bundle.json": lambda: fhir_bundle(document, pdf),
    }
    print(f"{'':18} {'first':>8} {'clock':>8} {'processor':>10}")
    for name, job in jobs.items():
        runs = [_timed(job) for _ in range(max(1, asked.repeats))]
        clock, processor = (min(run[n] for run in runs) for n in (0, 1))
        print(f"{name:18} {runs[0][0]:8.2f} {clock:8.2f} {processor:10.2f}")
    print(f"PDF {len(pdf) / 1000:.0f} kB")


def _timed(job: Callable[[], object]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
