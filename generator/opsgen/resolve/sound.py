"""A service whose spec has mistakes goes in; the service without the faulty parts comes out.

Later stages check the sound parts, so that their mistakes are reported together with the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from opsgen.errors import Mistake
from opsgen.model.service import BusinessSignal, Convention, EventSlo, Service
from opsgen.model.settings import SettingValue, setting_row
from opsgen.resolve.context import Context

_T = TypeVar("_T")

# The keys that say who is told; they do not change the alerts.
_POLICIES = frozenset({"team", "escalation"})


@dataclass(frozen=True)
class Resolved:
    """A service, and all mistakes of its spec.

    The service lacks each SLO, probe, business signal, setting or part of the convention that has a
    mistake, so that no later stage reports the mistake again. `faulty` are the keys of the spec
    that have one, empty for the spec as a whole; `left_out` are the business signals that have one.
    """

    service: Service
    mistakes: tuple[Mistake, ...]
    faulty: frozenset[str]
    left_out: tuple[BusinessSignal, ...] = ()

    @property
    def lacks_alerts(self) -> bool:
        """Whether there may be more alerts once the mistakes are mended."""
        return not self.faulty <= _POLICIES

    @property
    def lacks_policies(self) -> bool:
        """Whether others may be told once the mistakes are mended."""
        return not self.faulty.isdisjoint(_POLICIES)


def resolved(context: Context, service: Service) -> Resolved:
    """The service without the parts that have a mistake."""
    faulty = context.faulty
    if not faulty:
        return Resolved(service, (), frozenset())
    slos = _sound(context, "slos", service.slos)
    business = _sound(context, "business", service.business)
    settings = {
        name: _sound_setting(context, name, setting) for name, setting in service.settings.items()
    }
    return Resolved(
        service=replace(
            service,
            slos=tuple(slo for slo in slos if _is_measured(slo, service.convention)),
            probes=_sound(context, "uptime", service.probes),
            business=business,
            settings=settings,
        ),
        mistakes=context.mistakes.all,
        faulty=frozenset(str(path[0]) if path else "" for path in faulty),
        left_out=tuple(signal for signal in service.business if signal not in business),
    )


def _sound(context: Context, key: str, values: Sequence[_T]) -> tuple[_T, ...]:
    """The entries of a list of the spec that have no mistake."""
    faulty = context.faulty
    return tuple(value for index, value in enumerate(values) if (key, index) not in faulty)


def _sound_setting(context: Context, name: str, setting: SettingValue) -> SettingValue:
    """A setting, or its default if the given value has a mistake. It stays None if the convention
    lacks the part that it needs."""
    row = setting_row(name)
    return row.default if row.path in context.faulty and setting is not None else setting


def _is_measured(slo: EventSlo, convention: Convention) -> bool:
    """Whether the convention has the parts that the SLO is measured by. A part with a mistake is
    missing."""
    match slo.kind:
        case "availability":
            return convention.requests is not None and convention.errors is not None
        case "latency":
            return convention.latency is not None
        case "events":
            return True
