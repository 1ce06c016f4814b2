"""A service and the library's packs in; every use of a pack out: one for the service, for each of
its probes, for each of its dependencies, for its runtime and its process."""

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

# A probe has failed when none has succeeded for twice so many intervals: in the window, and then
# for as long again. The window alone would do after a gap in the scrapes, when one lost packet is
# all that there is in it.
_FAILED_INTERVALS = 2
_SHORTEST_WINDOW = default_duration("probe.window")


def instances(service: Service, library: Library) -> Iterator[Instance]:
    """In the order of the packs' names."""
    for pack in library.packs.values():
        if service.convention.has(pack.needs):
            yield from _INSTANCES[pack.of](service, pack)


def _of_service(service: Service, pack: PackFile) -> Iterator[Instance]:
    if service.matchers:  # else its signals would be of everybody's series
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
            words = {"name": dependency.name}
            yield Instance(pack, dependency.matchers, dependency.settings, dependency.name, words)


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
    """The settings that the pack itself declares, as the service has them."""
    return service.pack_settings.get(pack.pack, {})


_INSTANCES: Mapping[PackFor, Callable[[Service, PackFile], Iterator[Instance]]] = {
    "service": _of_service,
    "probe": _of_probes,
    "dependency": _of_dependencies,
    "runtime": _of_runtime,
    "process": _of_process,
}
