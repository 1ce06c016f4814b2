"""The label-flow checker: PromQL trees in, what their labels make impossible out.

`labels` says what a series can carry, `flow` follows it through an expression, `check` finds what
is surely wrong.
"""

from opsgen.labelflow.check import check_alert, check_expression
from opsgen.labelflow.findings import KINDS, Finding, Kind
from opsgen.labelflow.flow import labels_of, recorded_labels
from opsgen.labelflow.labels import Domain, Labels
from opsgen.labelflow.templates import prints_value, template_labels

__all__ = [
    "KINDS",
    "Domain",
    "Finding",
    "Kind",
    "Labels",
    "check_alert",
    "check_expression",
    "labels_of",
    "prints_value",
    "recorded_labels",
    "template_labels",
]
