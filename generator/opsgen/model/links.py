"""Anchors, ids of dashboards and panels, and the URLs between artifacts. This is the only module
that decides them."""

from __future__ import annotations

import hashlib
import re

from opsgen.model.service import Service
from opsgen.model.signal import Alert

_LONGEST_UID = 40  # Grafana's limit, as is the charset [a-zA-Z0-9-_]
_PANEL_IDS = 2_000_000_000


def alert_anchor(alert: Alert) -> str:
    """The anchor of an alert's runbook section. All severities of an alert share one section."""
    return _anchor(alert.name, alert.signal)


def former_anchors(alert: Alert) -> tuple[str, ...]:
    """The anchors of the alert under its former names."""
    return tuple(_anchor(name, signal) for name, signal in alert.was)


def _anchor(name: str, signal: str) -> str:
    return f"{name}-{signal}".lower()


def heading_anchor(heading: str) -> str:
    """The anchor that GitHub, and programs that follow it, give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def runbook_url(service: Service, alert: Alert) -> str:
    return f"{service.runbook_url}#{alert_anchor(alert)}"


def dashboard_uid(service_name: str) -> str:
    """Stable, and unique in the fleet: a name that is too long for Grafana ends in its hash."""
    uid = f"opsgen-{service_name}"
    if len(uid) <= _LONGEST_UID:
        return uid
    digest = hashlib.sha256(service_name.encode()).hexdigest()[:8]
    return f"{uid[: _LONGEST_UID - 9]}-{digest}"


def panel_id(key: str) -> int:
    """Depends only on the panel's key, so that a new panel does not change the ids of the others
    and no link breaks."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % _PANEL_IDS + 1


def panel_url(service: Service, panel_key: str) -> str:
    """Empty if the project does not name its Grafana."""
    if not service.dashboard_url:
        return ""
    return f"{service.dashboard_url}?viewPanel={panel_id(panel_key)}"
