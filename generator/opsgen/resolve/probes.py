"""The `uptime` of a spec goes in; the probes come out, each with its name, interval and limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from opsgen.load.probe_spec import ProbeSpec
from opsgen.model.service import Probe
from opsgen.model.settings import default_duration
from opsgen.quantities import Duration
from opsgen.resolve.context import Context

_INTERVAL = Duration.of("30s")
_TIMEOUT = Duration.of("5s")
_SLOW = default_duration("probe.slow")
_CERTIFICATE = default_duration("probe.certificate")


def service_probes(context: Context) -> tuple[Probe, ...]:
    """Every probe of the spec, in its order."""
    names = _names(context)
    specs = context.spec.uptime
    return tuple(_probe(context, index, spec, names[index]) for index, spec in enumerate(specs))


def _names(context: Context) -> list[str]:
    """A name for each probe: its first candidate that no earlier probe has."""
    names: list[str] = []
    for index, spec in enumerate(context.spec.uptime):
        free = [candidate for candidate in _candidates(spec) if candidate not in names]
        if not free:
            wrong = "another probe has the same name"
            context.wrong(("uptime", index), wrong, "give this one a name of its own")
        names.append(free[0] if free else f"probe-{index}")
    return names


def _candidates(spec: ProbeSpec) -> list[str]:
    """The given name; otherwise the last part of the path, then host and path, then the whole
    URL."""
    if spec.name is not None:
        return [spec.name]
    parts = urlsplit(spec.url)
    host, path = _slug(parts.hostname or ""), _slug(parts.path)
    last = _slug(parts.path.rstrip("/").rsplit("/", 1)[-1])
    return [name for name in (last or host, f"{host}-{path}".strip("-"), _slug(spec.url)) if name]


def _slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens, at most 63 of them."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    return "-".join(words)[:63].strip("-")


def _probe(context: Context, index: int, spec: ProbeSpec, name: str) -> Probe:
    interval = spec.interval or _INTERVAL
    timeout = spec.timeout or min(_TIMEOUT, interval)
    is_https = spec.url.startswith("https://")
    _check(context, index, spec, interval, timeout)
    return Probe(
        name=name,
        url=spec.url,
        interval=interval,
        timeout=timeout,
        slow=spec.slow or min(_SLOW, timeout // 2),
        certificate=(spec.certificate or _CERTIFICATE) if is_https else None,
        module=spec.module or context.organisation.blackbox_module,
        place=context.place("uptime", index),
    )


def _check(
    context: Context, index: int, spec: ProbeSpec, interval: Duration, timeout: Duration
) -> None:
    path = ("uptime", index)
    if timeout > interval:
        wrong = f"{timeout} is longer than the interval of {interval}"
        context.wrong((*path, "timeout"), wrong, f"write {interval} or less")
    if spec.certificate is not None and not spec.url.startswith("https://"):
        wrong = "an http:// URL has no certificate"
        context.wrong((*path, "certificate"), wrong, "write https://, or leave it out")
    if spec.slow is not None and spec.slow >= timeout:
        wrong = f"a probe is stopped after {timeout}"
        context.wrong((*path, "slow"), wrong, "write less than the timeout")
