"""The audit sheet: every number of a ranking, as a table that a spreadsheet re-adds.

One line a hypothesis: logarithm of its starting probability, logarithm of the likelihood of each
piece of evidence, their sum, and the probability, which is exp(sum) divided by the sum of exp(sum)
over all lines.
"""

from __future__ import annotations

import csv
import io

import numpy as np

from marrowtrail.diagnosis.knowledge_base import Knowledge
from marrowtrail.diagnosis.part_words import describe_part
from marrowtrail.diagnosis.weighing import Weighing

FORMULA = "probability = exp(sum) / total of exp(sum); sum = log_prior + all columns of evidence"


def audit_sheet(case: Weighing, knowledge: Knowledge, setting: str) -> str:
    """The sheet as CSV, with the hash of the knowledge and the formula in its first lines."""
    out = io.StringIO()
    sheet = csv.writer(out, lineterminator="\n")
    power = knowledge.calibration.likelihood_power
    sheet.writerow(["knowledge", knowledge.version, knowledge.hash])
    sheet.writerow(["prior", setting, "likelihoods raised to", power])
    sheet.writerow(["formula", FORMULA])
    evidence = [describe_part(group, knowledge) for group in case.groups]
    sheet.writerow(["hypothesis", "counts_for", "log_prior", *evidence, "sum", "probability"])
    logs = np.log(case.hypotheses.spread(case.likelihoods))
    for h, composite in enumerate(case.hypotheses.composites):
        counts_for = knowledge.diagnoses[case.hypotheses.counts_for[h]]
        start = float(np.log(case.hypotheses.prior[h]))
        name = counts_for if composite is None else composite.key
        row = [float(value) for value in logs[h]]
        total = start + sum(row)
        numbers = [repr(start), *(repr(value) for value in row), repr(total)]
        sheet.writerow([name, counts_for, *numbers, repr(float(case.weighed[h]))])
    return out.getvalue()
