"""The watchdog of a fleet, an alert that always fires: nothing goes in, its rule and its proof come
out.

Who expects its beat hears nothing more when Prometheus, Alertmanager or the way between them is
broken.
"""

from __future__ import annotations

from typing import Any

from opsgen.model.artifact import Artifact
from opsgen.promql import pretty
from opsgen.promql.rewrite import call, number
from opsgen.promql.text import quote
from opsgen.render.alertmanager import WATCHDOG
from opsgen.render.yaml_writer import dump, generated_from

_GENERATED = generated_from("opsgen.yaml")
# Of no severity: it is told to nobody but to whoever expects it.
_LABELS = {"severity": "none"}


def watchdog_groups() -> list[dict[str, Any]]:
    """Its one group, as data."""
    rule = {
        "alert": WATCHDOG,
        "expr": pretty(call("vector", number(1))),
        "labels": _LABELS,
        "annotations": {
            "summary": "Alerting works.",
            "description": (
                "This always fires. Whoever expects it knows by its silence that no alert arrives"
                " any more."
            ),
        },
    }
    return [{"name": "watchdog", "rules": [rule]}]


def render_watchdog(mimir: bool = False) -> list[Artifact]:
    """`rules.yaml` and `rules.test.yaml` of the fleet, and with `mimir` the first in a namespace of
    its own."""
    labels = ", ".join(
        f"{label}={quote(value)}" for label, value in {"alertname": WATCHDOG, **_LABELS}.items()
    )
    fires = [{"labels": f"{{{labels}}}", "value": 1}]
    always = {"expr": "group by (alertname, severity) (ALERTS)", "exp_samples": fires}
    test = {
        "interval": "1m",
        "promql_expr_test": [{**always, "eval_time": time} for time in ("1m", "1h")],
    }
    proof = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    return [
        Artifact("rules.yaml", dump({"groups": watchdog_groups()}, _GENERATED)),
        Artifact("rules.test.yaml", dump(proof, _GENERATED)),
        *(
            [
                Artifact(
                    "mimir.yaml",
                    dump({"namespace": "opsgen", "groups": watchdog_groups()}, _GENERATED),
                )
            ]
            if mimir
            else []
        ),
    ]
