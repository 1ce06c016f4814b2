"""A service goes in; shell commands for its runbook come out, made from what the spec says for
certain: a plausible wrong command is worse than none.

A command is given only where every word of it is known: from the matchers, from the probes, or from
a command in the spec. They all only read, except those that silence alerts.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from itertools import chain

from opsgen.model.service import Probe, Service
from opsgen.model.signal import Alert
from opsgen.promql.tree import exact_value
from opsgen.quantities import number_text
from opsgen.render.workload_tools import TOOLS, Look


@dataclass(frozen=True)
class Workload:
    """What the spec's own commands restart or deploy: the tool, the words before its verb, and the
    name."""

    tool: str
    start: str
    name: str


# What a shell gives a meaning to: a command with one of these is more than its words.
_SHELL = re.compile(r"[;&|<>$`\\\n(){}*?#!~]")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._:-]*", re.ASCII)
_KUBERNETES_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*", re.ASCII)
# The names that kubectl takes for a kind of workload.
_ALIASES = {
    "deployment": ("deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"),
    "statefulset": (
        "sts",
        "statefulset",
        "statefulsets",
        "statefulset.apps",
        "statefulsets.apps",
    ),
    "daemonset": ("ds", "daemonset", "daemonsets", "daemonset.apps", "daemonsets.apps"),
}
_KINDS = {alias: kind for kind, aliases in _ALIASES.items() for alias in aliases}
_NAMESPACE_OPTIONS = ("-n", "--namespace")
# Options that say which cluster is meant, and so belong to every command for it.
_CLUSTER_OPTIONS = (*_NAMESPACE_OPTIONS, "--context", "--cluster", "--kubeconfig")


def first_looks(service: Service) -> tuple[Look, ...]:
    """What to run first, before anything is known."""
    start = _in_namespace(service)
    looks = [
        Look(look.question, look.command.format(start=start))
        for look in TOOLS["kubectl"].of_namespace
        if start
    ]
    return (*looks, *(_probed(probe) for probe in service.probes if probe.module == "http_2xx"))


def debug_looks(service: Service) -> tuple[Look, ...]:
    """Commands that show the workload which the spec's own commands name."""
    found = workload(service)
    return tuple(_filled(look, found) for look in TOOLS[found.tool].of_workload) if found else ()


def logs_look(service: Service) -> Look | None:
    """The command that shows the logs, where the spec names the workload but not the logs."""
    found = workload(service)
    return _filled(TOOLS[found.tool].logs, found) if found else None


def workload(service: Service) -> Workload | None:
    """The workload of all the spec's commands that can be read; None where they disagree or name
    none."""
    found = {
        named
        for command in service.runbook_commands.values()
        if (named := _named(command, service))
    }
    return found.pop() if len(found) == 1 else None


def silence(service: Service) -> str:
    """Silences every alert of the service for an hour."""
    return f"amtool silence add {_matchers(service)} --duration=1h --comment='planned work'"


def silence_one(service: Service, alert: Alert) -> str:
    """Silences the alerts of one cause for an hour, in all severities."""
    own = _words(f"alertname={alert.name}", f"signal={alert.signal}")
    return (
        f"amtool silence add {own} {_matchers(service)} --duration=1h --comment='being worked on'"
    )


def silences(service: Service) -> str:
    return f"amtool silence query {_matchers(service)}"


def end_silences(service: Service) -> str:
    return f"amtool silence expire $(amtool silence query --quiet {_matchers(service)})"


def firing_alerts(service: Service) -> str:
    return f"amtool alert query {_matchers(service)}"


def _matchers(service: Service) -> str:
    return _words(f"service={service.name}", f"environment={service.environment}")


def _words(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _filled(look: Look, found: Workload) -> Look:
    return Look(look.question, look.command.format(start=found.start, name=found.name))


def _probed(probe: Probe) -> Look:
    show = "-w '%{http_code} %{time_total}s\\n'"
    limit = number_text(probe.timeout.seconds)
    return Look(
        f"Does it answer from outside ({probe.name})?",
        f"curl -sS -o /dev/null {show} --max-time {limit} {shlex.quote(probe.url)}",
    )


def _in_namespace(service: Service) -> str:
    """kubectl for the service's namespace, as the spec's own commands or its matchers have it."""
    found = workload(service)
    if (
        found
        and found.tool == "kubectl"
        and any(option in found.start for option in (" -n", " --namespace"))
    ):
        return found.start
    named = _namespace(service)
    runs_there = service.runtime == TOOLS["kubectl"].runtime
    return f"kubectl -n {shlex.quote(named)}" if named and runs_there else ""


def _namespace(service: Service) -> str:
    """The namespace, where the matchers name exactly one."""
    return exact_value(service.matchers, "namespace")


def _named(command: str, service: Service) -> Workload | None:
    if _SHELL.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that does not end
        return None
    start = "sudo " if words[:1] == ["sudo"] else ""
    match words[1:] if start else words:
        case ["kubectl", *rest] if not start:
            return _kubernetes(rest, _namespace(service))
        case [tool, verb, name] if _acts(tool, verb) and _UNIT.fullmatch(name):
            return Workload(tool, start, name)
        case _:
            return None


def _acts(tool: str, verb: str) -> bool:
    return tool in TOOLS and verb in TOOLS[tool].verbs


def _kubernetes(words: list[str], namespace: str) -> Workload | None:
    """The workload of a kubectl command; None where its namespace is not that of the service's
    series."""
    split = _options(words)
    if split is None:
        return None
    options, plain = split
    match plain:
        case ["rollout", _, *target] | ["scale", *target]:
            name = _target("/".join(target))
        case ["set", "image" | "env", target, *_]:
            name = _target(target)
        case _:
            return None
    elsewhere = {value for option, value in options if option in _NAMESPACE_OPTIONS} - {namespace}
    if name is None or (namespace and elsewhere):
        return None
    start = " ".join(["kubectl", *(shlex.quote(word) for word in chain.from_iterable(options))])
    return Workload("kubectl", start, name)


def _options(words: list[str]) -> tuple[list[tuple[str, str]], list[str]] | None:
    """The options that say which cluster is meant, and the plain words.

    None where there is an option that may or may not take the next word.
    """
    options: list[tuple[str, str]] = []
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        option, has_value, value = word.partition("=")
        if option in _CLUSTER_OPTIONS:
            options.append((option, value if has_value else next(rest, "")))
        elif not word.startswith("-"):
            plain.append(word)
        elif not has_value:
            return None
    return options, plain


def _target(written: str) -> str | None:
    """`deploy/checkout` as `deployment/checkout`; None for several targets, or for an unknown
    kind."""
    alias, _, name = written.partition("/")
    return (
        f"{_KINDS[alias]}/{name}" if alias in _KINDS and _KUBERNETES_NAME.fullmatch(name) else None
    )
