"""An alert goes in; what may have caused it comes out, as a Go template for its description."""

from __future__ import annotations

from opsgen.model.explanations import DEPENDENCIES
from opsgen.model.service import Service
from opsgen.model.signal import Alert
from opsgen.model.texts import go_text
from opsgen.promql import Matcher, Selector, one_line
from opsgen.signals.slo_alerts import BURN_ALERT
from opsgen.signals.steps import STEP_LABEL


def dependencies_that_fire(service: Service, alert: Alert) -> str:
    """Names the services that this one needs, and the pages of theirs that fire when the alert
    does: whoever is told at night then looks there first. Empty where no dependency explains the
    alert, or there is none."""
    if not service.depends_on or not _is_explained(service, alert):
        return ""
    names = service.depends_on
    needed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    firing = one_line(Selector("ALERTS", (*_pages(), _of(names)))).replace('"', "'")
    each = "{{ .Labels.alertname }} of {{ .Labels.service }} fires."
    return go_text(f" It needs {needed}.") + f'{{{{ range query "{firing}" }}}} {each}{{{{ end }}}}'


def _is_explained(service: Service, alert: Alert) -> bool:
    explanations = service.explanations
    if alert.name != BURN_ALERT:
        return alert.name in explanations.alerts(DEPENDENCIES)
    kinds = {f"slo-{slo.name}": slo.kind for slo in service.slos}
    return kinds.get(alert.signal) in explanations.kinds("slo", DEPENDENCIES)


def _pages() -> tuple[Matcher, ...]:
    wanted = {"alertstate": "firing", "severity": "page", STEP_LABEL: ""}
    return tuple(Matcher(label, "=", value) for label, value in wanted.items())


def _of(names: tuple[str, ...]) -> Matcher:
    """Names of services need no escape: they are lowercase letters, digits and hyphens."""
    if len(names) == 1:
        return Matcher("service", "=", names[0])
    return Matcher("service", "=~", "|".join(names))
