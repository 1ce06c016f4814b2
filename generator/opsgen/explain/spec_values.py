"""Every key of a spec: its value as the build uses it, and where that comes from.

The keys are those of the spec's model, so that none can be forgotten. A key whose value is resolved
to more than the spec says has rows of its own in `_RESOLVED`; any other is shown as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import BaseModel

from opsgen.fleet.load import ServiceModel
from opsgen.load.documents import validate
from opsgen.load.service_spec import ServiceSpec
from opsgen.load.yaml_reader import Document
from opsgen.model.service import AlertOverride, Place, Probe, Service
from opsgen.model.settings import SettingValue
from opsgen.quantities import number_text
from opsgen.resolve.environments import laid_over_spec, overlaid_keys

_NOT_GIVEN = "not given"


class Row(NamedTuple):
    """A value: its path in the spec or the project file, what it is, and where it comes from."""

    path: str
    value: str
    origin: str


def spec_values(model: ServiceModel) -> Iterator[Row]:
    """A row or more for every key of the spec, in the order of the reference; then those of the
    project file that matter to a service."""
    service = model.service
    written = _Written.of(model)
    shown: set[str] = set()
    for key in ServiceSpec.model_fields:
        for row in _rows(key, service, written):
            shown.add(row.path)
            yield row
    for path, setting in service.settings.items():
        if path not in shown:
            yield Row(path, _words(setting), service.origins[path])
    yield from _platform(service)


def _rows(key: str, service: Service, written: _Written) -> Iterator[Row]:
    rows = [*_resolved(key, service)]
    shown = {row.path for row in rows}
    rows += [row for row in written.parts(key) if row.path not in shown]
    yield from rows or [written.whole(key)]


# -- what the spec says ----------------------------------------------------------------------------


class _Written(NamedTuple):
    """A spec as it is in one environment, `overlaid` by its keys there, and the document that it
    stands in."""

    spec: ServiceSpec
    overlaid: frozenset[str]
    environment: str
    document: Document

    @classmethod
    def of(cls, model: ServiceModel) -> _Written:
        spec, environment = validate(model.document, ServiceSpec), model.service.environment
        return cls(
            spec=laid_over_spec(spec, environment),
            overlaid=overlaid_keys(spec, environment),
            environment=environment,
            document=model.document,
        )

    def whole(self, key: str) -> Row:
        """A key on one line."""
        origin = self._origin(key) if key in self.spec.model_fields_set else _NOT_GIVEN
        return Row(key, _words(getattr(self.spec, key)), origin)

    def parts(self, key: str) -> Iterator[Row]:
        """The keys below one that is a mapping of its own, as far as they are given."""
        below = getattr(self.spec, key)
        if isinstance(below, BaseModel) and key not in _RESOLVED:
            for part, value in _given(below):
                yield Row(f"{key}.{part}", _words(value), self._origin(key, part))

    def _origin(self, *path: str) -> str:
        environment = ("environments", self.environment) if path[0] in self.overlaid else ()
        position = self.document.position((*environment, *path))
        return str(Place(self.document.file, *position))


def _given(model: BaseModel) -> Iterator[tuple[str, Any]]:
    """The keys that are given of a mapping, as they are written, with their values."""
    for name, field in type(model).model_fields.items():
        if name in model.model_fields_set:
            yield field.alias or name, getattr(model, name)


def _words(value: Any) -> str:
    """A value of any type on one line: of a list of things their names, where they have names."""
    match value:
        case None | ():
            return "none"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return number_text(value)
        case BaseModel():
            name = getattr(value, "name", None)
            return name or ", ".join(f"{key} {_words(part)}" for key, part in _given(value))
        case tuple():
            return ", ".join(map(_words, value))
        case Mapping():
            return ", ".join(value) or "none"
        case _:
            return " ".join(str(value).split())


# -- what the build makes of it --------------------------------------------------------------------


def _resolved(key: str, service: Service) -> Iterator[Row]:
    if key in _RESOLVED:
        yield from _RESOLVED[key](service)
    for path, setting in service.settings.items():
        if path.startswith(f"{key}."):
            yield Row(path, _words(setting), service.origins[path])


def _service(service: Service) -> Iterator[Row]:
    yield Row("service", service.name, service.spec_file)
    whence = "the spec's environments, or production"
    yield Row("environment", service.environment, whence)


def _from_origins(key: str, value: Callable[[Service], str]) -> Callable[[Service], Iterator[Row]]:
    def rows(service: Service) -> Iterator[Row]:
        yield Row(key, value(service), service.origins[key])

    return rows


def _match(service: Service) -> str:
    return ", ".join(f"{one.label}{one.op}{one.value}" for one in service.matchers)


def _slos(service: Service) -> Iterator[Row]:
    for index, slo in enumerate(service.slos):
        under = f" under {slo.threshold}" if slo.threshold else ""
        words = f"{slo.name}: {slo.objective}{under} over {slo.window}"
        yield Row(f"slos[{index}]", words, str(slo.place))
        window = f"slos[{index}].window"
        yield Row(window, str(slo.window), service.origins[window])
        fewest = f"slos[{index}].min_bad_events"
        yield Row(fewest, str(slo.min_bad_events), service.origins[fewest])


def _uptime(service: Service) -> Iterator[Row]:
    for index, probe in enumerate(service.probes):
        yield Row(f"uptime[{index}]", _probe(probe), str(probe.place))


def _probe(probe: Probe) -> str:
    words = [
        f"{probe.url} as {probe.name}",
        f"every {probe.interval}",
        f"timeout {probe.timeout}",
        f"slow from {probe.slow}",
    ]
    if probe.certificate:
        words.append(f"certificate {probe.certificate} before its end")
    return ", ".join(words)


def _business(service: Service) -> Iterator[Row]:
    for index, signal in enumerate(service.business):
        words = f"{signal.name}: {' '.join(signal.query.split())}"
        yield Row(f"business[{index}]", words, str(signal.place))


def _settings(service: Service) -> Iterator[Row]:
    for pack, settings in service.pack_settings.items():
        yield from _own_settings(service, f"settings.{pack}", settings)


def _dependencies(service: Service) -> Iterator[Row]:
    for index, dependency in enumerate(service.dependencies):
        path = f"dependencies[{index}]"
        yield Row(path, f"{dependency.kind} {dependency.name}", str(dependency.place))
        yield from _own_settings(service, path, dependency.settings)


def _own_settings(
    service: Service, path: str, settings: Mapping[str, SettingValue]
) -> Iterator[Row]:
    """The settings that a pack declares itself."""
    for name, setting in settings.items():
        yield Row(f"{path}.{name}", _words(setting), service.origins[f"{path}.{name}"])


def _alerts(service: Service) -> Iterator[Row]:
    for name, override in service.overrides.items():
        yield Row(f"alerts.{name}", _override(override), str(override.place))


def _override(override: AlertOverride) -> str:
    changed = {
        "for": override.hold,
        "keep_firing_for": override.keep_firing,
        "severity": override.severity,
    }
    words = [f"{key} {value}" for key, value in changed.items() if value is not None]
    return "off" if override.off else ", ".join(words)


def _platform(service: Service) -> Iterator[Row]:
    platform, origins = service.platform, service.origins
    values = {
        "prometheus.version": platform.prometheus,
        "prometheus.scrape_interval": str(platform.scrape_interval),
        "prometheus.external_labels": ", ".join(platform.external_labels) or "none",
        "prometheus.pushed": "true" if platform.pushed else "false",
        "prometheus.retention": str(platform.retention),
        "alertmanager.version": platform.alertmanager,
    }
    if service.burn_rates is not None:
        values["slo.burn_rates"] = f"{len(service.burn_rates)} tiers"
    yield from (Row(path, value, origins[path]) for path, value in values.items())


_RESOLVED: Mapping[str, Callable[[Service], Iterator[Row]]] = {
    "service": _service,
    "title": _from_origins("title", lambda service: service.title),
    "team": _from_origins("team", lambda service: service.team.name),
    "tier": _from_origins("tier", lambda service: str(service.tier)),
    "runtime": _from_origins("runtime", lambda service: service.runtime),
    "convention": _from_origins("convention", lambda service: service.convention.name),
    "match": _from_origins("match", _match),
    "slos": _slos,
    "uptime": _uptime,
    "business": _business,
    "dependencies": _dependencies,
    "settings": _settings,
    "alerts": _alerts,
}
