"""The project's watchdog goes in, an alert that always fires; its rule and its unit test come out.

When Prometheus, Alertmanager or the network between them breaks, the watchdog's beat stops, and
whoever expects it notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import FLEET_MIMIR, FLEET_PROOF, FLEET_RULES
from opsgen.promql import pretty
from opsgen.promql.rewrite import call, number
from opsgen.promql.text import quote
from opsgen.render.alertmanager import WATCHDOG
from opsgen.render.subjects import OfFleet
from opsgen.render.yaml_writer import dump, generated_from

_GENERATED = generated_from("opsgen.yaml")
# No severity of ours, so that only the watchdog's own route matches it.
_LABELS = {"severity": "none"}


def watchdog_groups() -> list[dict[str, Any]]:
    """The watchdog's rule group as data."""
    rule = {
        "alert": WATCHDOG,
        "expr": pretty(call("vector", number(1))),
        "labels": _LABELS,
        "annotations": {
            "summary": "Alerting works.",
            "description": (
                "This always fires."
                " Whoever expects it knows by its silence that no alert arrives any more."
            ),
        },
    }
    return [{"name": "watchdog", "rules": [rule]}]


def render_watchdog(subject: OfFleet) -> Iterator[Artifact]:
    """The fleet's own rules; nothing where there is no watchdog."""
    if subject.organisation.watchdog:
        yield Artifact(FLEET_RULES.path, dump({"groups": watchdog_groups()}, _GENERATED))


def render_watchdog_mimir(subject: OfFleet) -> Iterator[Artifact]:
    """The same rules in a Mimir namespace of their own."""
    if subject.organisation.watchdog:
        document = {"namespace": "opsgen", "groups": watchdog_groups()}
        yield Artifact(FLEET_MIMIR.path, dump(document, _GENERATED))


def render_watchdog_proof(subject: OfFleet) -> Iterator[Artifact]:
    """The unit test of these rules: the alert fires at once, and keeps firing."""
    if not subject.organisation.watchdog:
        return
    labels = ", ".join(
        f"{label}={quote(value)}" for label, value in {"alertname": WATCHDOG, **_LABELS}.items()
    )
    fires = [{"labels": f"{{{labels}}}", "value": 1}]
    always = {"expr": "group by (alertname, severity) (ALERTS)", "exp_samples": fires}
    test = {
        "interval": "1m",
        "promql_expr_test": [{**always, "eval_time": time} for time in ("1m", "1h")],
    }
    proof = {"rule_files": [FLEET_RULES.path], "evaluation_interval": "1m", "tests": [test]}
    yield Artifact(FLEET_PROOF.path, dump(proof, _GENERATED))
