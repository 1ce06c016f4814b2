"""The label-flow checker: PromQL trees go in; what their labels make impossible comes out.

`labels` says what a series can carry, `flow` follows labels through an expression, and `checker`
finds what is surely wrong.
"""

from opsgen.labelflow.annotations import prints_value, template_labels
from opsgen.labelflow.checker import check_alert, check_expression, range_of
from opsgen.labelflow.flow import labels_of
from opsgen.labelflow.known import NOTHING_KNOWN, USUAL, Assumptions, Known, RecordingRule
from opsgen.labelflow.labels import Domain, Labels
from opsgen.labelflow.mismatches import MISMATCHES, Assumption, Mismatch, MismatchKind
from opsgen.labelflow.recorded import known_series

__all__ = [
    "MISMATCHES",
    "NOTHING_KNOWN",
    "USUAL",
    "Assumption",
    "Assumptions",
    "Domain",
    "Known",
    "Labels",
    "Mismatch",
    "MismatchKind",
    "RecordingRule",
    "check_alert",
    "check_expression",
    "known_series",
    "labels_of",
    "prints_value",
    "range_of",
    "template_labels",
]
