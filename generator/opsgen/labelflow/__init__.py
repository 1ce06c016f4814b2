"""The label-flow checker: PromQL trees go in; what their labels make impossible comes out.

`labels` says what a series can carry, `flow` follows labels through an expression, and `checker`
finds what is surely wrong.
"""

from opsgen.labelflow.annotations import prints_value, template_labels
from opsgen.labelflow.checker import check_alert, check_expression
from opsgen.labelflow.flow import labels_of, recorded_labels
from opsgen.labelflow.labels import Domain, Labels
from opsgen.labelflow.mismatches import MISMATCHES, Mismatch, MismatchKind

__all__ = [
    "MISMATCHES",
    "Domain",
    "Labels",
    "Mismatch",
    "MismatchKind",
    "check_alert",
    "check_expression",
    "labels_of",
    "prints_value",
    "recorded_labels",
    "template_labels",
]
