"""The units that packs and specs may name, as one table; any other unit is shown as it is
written."""

from __future__ import annotations

from decimal import Decimal

from opsgen.model.signal import Unit

# Grafana's unit ids: its units JSON Schema; `humanize*`: prometheus.io, "Template reference".
UNITS: dict[str, Unit] = {
    unit.name: unit
    for unit in (
        Unit("ratio", "percentunit", "humanizePercentage", Decimal(100), "%"),
        Unit("seconds", "s", "humanizeDuration"),
        Unit("bytes", "bytes", "humanize1024", suffix=" B"),
        Unit("requests/s", "reqps", "humanize", suffix=" requests/s"),
        Unit("targets", "short", "humanize", suffix=" targets"),
        Unit("state", "bool_on_off", "humanize"),
        Unit("count", "short", "humanize"),
        Unit("burn-rate", "short", "humanize", suffix="x"),
    )
}


def unit_named(name: str) -> Unit:
    """A unit of the table, or for somebody's own words (`orders/s`) Grafana's free suffix."""
    known = UNITS.get(name)
    if known is not None:
        return known
    return Unit(name, f"suffix: {name}", "humanize", suffix=f" {name}")
