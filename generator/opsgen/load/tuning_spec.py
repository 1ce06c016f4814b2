"""Alerts by name, changed or dropped."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from opsgen.load.forms import StandIn, Strict
from opsgen.load.quantity_fields import (
    DurationField,
)
from opsgen.load.scalars import YesNo, mistake
from opsgen.load.shown import shown
from opsgen.model.oncall import Severity

_ALERT_NAME = r"[A-Z][A-Za-z0-9]*"


def _alert_name(text: str) -> str:
    if re.fullmatch(_ALERT_NAME, text):
        return text
    raise mistake(f"'{shown(text)}' is not a valid alert name", "write it in CamelCase: TargetDown")


AlertName = Annotated[
    str,
    AfterValidator(_alert_name),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_ALERT_NAME}$",
            "description": "The name of an alert, in CamelCase.",
            "examples": ["TargetDown", "LatencyP99High"],
        }
    ),
]
_LASTING = Field(
    alias="for",
    description="How long the condition must last before the alert fires.",
    examples=["5m"],
)


class AlertTuning(Strict):
    """Changes to the alerts of one name; `off` drops them."""

    off: Annotated[YesNo, Field(description="true to drop the alert.")] = False
    for_: Annotated[DurationField | None, _LASTING] = None
    keep_firing_for: Annotated[
        DurationField | None,
        Field(
            description=(
                "How long the alert keeps firing after its condition ended; 0s: not at all."
            ),
            examples=["5m"],
        ),
    ] = None
    severity: Annotated[
        Severity | None, Field(description="The alert's severity, at every tier.")
    ] = None


# YAML 1.1 reads `off` as false, YAML 1.2 (editors) as a text.
Tunings = dict[AlertName, Annotated[AlertTuning, StandIn((False, "off"), (("off", True),))]]
