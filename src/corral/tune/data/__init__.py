"""Examples in files, as the tokens that serving would send and the model should write.

In: a `Spec` and its base. Out: `Prepared`: token sequences to train and to hold out, and a `Report`. The
job's child calls `prepare(spec, model, max_length=..., eval_fraction=..., seed=...)`; no torch is needed.
"""

from corral.tune.data.preparing import Prepared, prepare, vocabulary
from corral.tune.data.report import DropReason, FileFound, Lengths, Report, Sample, Span
from corral.tune.data.rows import Dropped, Place, Row
from corral.tune.data.sequences import TokenSequence

__all__ = [
    "DropReason",
    "Dropped",
    "FileFound",
    "Lengths",
    "Place",
    "Prepared",
    "Report",
    "Row",
    "Sample",
    "Span",
    "TokenSequence",
    "prepare",
    "vocabulary",
]
