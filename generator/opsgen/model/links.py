"""Where things are: anchors, dashboard and panel ids, and the URLs between artifacts, each decided
in one place."""

from __future__ import annotations

import hashlib
import re

from opsgen.model.service import Service
from opsgen.model.signal import Alert

_LONGEST_UID = 40  # Grafana's limit, as is the charset [a-zA-Z0-9-_]
_PANEL_IDS = 2_000_000_000


def anchor(alert: Alert) -> str:
    """The runbook section of an alert. Severities of one cause share a section."""
    return _anchor(alert.name, alert.signal)


def former_anchors(alert: Alert) -> tuple[str, ...]:
    """Where links led before the alert, or its signal, had another name."""
    return tuple(_anchor(name, signal) for name, signal in alert.was)


def _anchor(name: str, signal: str) -> str:
    return f"{name}-{signal}".lower()


def heading_anchor(heading: str) -> str:
    """Where GitHub, and those that do as it does, link to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def runbook_url(service: Service, alert: Alert) -> str:
    return f"{service.runbook_url}#{anchor(alert)}"


def dashboard_uid(service_name: str) -> str:
    """Stable and unique over the fleet: names too long for Grafana end in a hash of the whole."""
    uid = f"opsgen-{service_name}"
    if len(uid) <= _LONGEST_UID:
        return uid
    digest = hashlib.sha256(service_name.encode()).hexdigest()[:8]
    return f"{uid[: _LONGEST_UID - 9]}-{digest}"


def panel_id(key: str) -> int:
    """From the panel's key alone, so that a new panel changes no other panel's id and no link
    breaks."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % _PANEL_IDS + 1


def panel_url(service: Service, panel_key: str) -> str:
    """Empty where the project does not say where its Grafana is."""
    if not service.dashboard_url:
        return ""
    return f"{service.dashboard_url}?viewPanel={panel_id(panel_key)}"
