"""A service and the library's packs go in; every use of a pack comes out: for the service, each
probe, each dependency, the runtime and the process."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

from opsgen.load.library import Library
from opsgen.load.pack_file import PackFile, PackFor
from opsgen.model.service import Probe, Service
from opsgen.model.settings import SettingValue, default_duration
from opsgen.promql import Matcher
from opsgen.quantities import Duration
from opsgen.signals.packs import Instance

# A probe has failed if none succeeded in the window, and this held for as long again. The window
# alone is not enough: after a gap in the scrapes it may hold a single lost packet.
_FAILED_INTERVALS = 2
_SHORTEST_WINDOW = default_duration("probe.window")


def instances(service: Service, library: Library) -> Iterator[Instance]:
    """Every use of a pack, in the order of the packs' names."""
    for pack in library.packs.values():
        if service.convention.has(pack.needs):
            yield from _INSTANCES[pack.of](service, pack)


def _of_service(service: Service, pack: PackFile) -> Iterator[Instance]:
    if service.matchers:  # otherwise its signals would select everybody's series
        yield Instance(pack, service.matchers, {**service.settings, **_own(service, pack)})


def _of_runtime(service: Service, pack: PackFile) -> Iterator[Instance]:
    if service.runtime == pack.pack:
        yield from _of_service(service, pack)


def _of_process(service: Service, pack: PackFile) -> Iterator[Instance]:
    if service.process == pack.pack:
        yield from _of_service(service, pack)


def _of_dependencies(service: Service, pack: PackFile) -> Iterator[Instance]:
    for dependency in service.dependencies:
        if dependency.kind == pack.pack:
            yield Instance(
                pack,
                dependency.matchers,
                dependency.settings,
                dependency.name,
                {"name": dependency.name},
                dependency.place,
            )


def _of_probes(service: Service, pack: PackFile) -> Iterator[Instance]:
    for probe in service.probes:
        window = max(probe.interval * _FAILED_INTERVALS, _SHORTEST_WINDOW)
        settings: dict[str, SettingValue] = {
            "probe.window": window,
            "probe.for": window,
            "probe.slow": probe.slow,
            "probe.certificate": probe.certificate,
        }
        matchers = (Matcher("job", "=", probe.job(service.name)),)
        yield Instance(
            pack,
            matchers,
            {**settings, **_own(service, pack)},
            probe.name,
            _words_of_probe(service, probe, window),
            probe.place,
        )


def _words_of_probe(service: Service, probe: Probe, window: Duration) -> dict[str, str]:
    return {
        "url": probe.url,
        "url_shell": shlex.quote(probe.url),
        "probe_job": probe.job(service.name),
        "probe_window": (window * 2).in_words,
        "probe_timeout": probe.timeout.in_words,
    }


def _own(service: Service, pack: PackFile) -> Mapping[str, SettingValue]:
    """The service's values of the settings that the pack itself declares."""
    return service.pack_settings.get(pack.pack, {})


_INSTANCES: Mapping[PackFor, Callable[[Service, PackFile], Iterator[Instance]]] = {
    "service": _of_service,
    "probe": _of_probes,
    "dependency": _of_dependencies,
    "runtime": _of_runtime,
    "process": _of_process,
}
