"""The policies of a fleet, and which services use them, go in; its Terraform module comes out, one
file for each provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from opsgen.channels.providers import PROVIDERS
from opsgen.load.library import TEMPLATES
from opsgen.model.artifact import Artifact
from opsgen.model.service import Service
from opsgen.model.signal import Derived
from opsgen.model.targets import TARGETS
from opsgen.render.markdown import Markdown, code_cell
from opsgen.render.subjects import OfFleet
from opsgen.render.templates import render_template
from opsgen.render.terraform import grafana_irm, incidentio, opsgenie, pagerduty, victorops
from opsgen.render.terraform.document import Handed, Module, render_module, render_versions

_FOLDER = TARGETS["terraform"].folder
_TEMPLATE = "terraform.md.j2"
_RENDERERS: Mapping[str, Callable[[Sequence[Handed]], Module]] = {
    "pagerduty": pagerduty.render,
    "opsgenie": opsgenie.render,
    "grafana_irm": grafana_irm.render,
    "incidentio": incidentio.render,
    "victorops": victorops.render,
}


_FACT = "handed_over"


def terraform_facts(service: Service, _: Derived) -> dict[str, dict[str, str]]:
    """The service's policy for every severity of which a provider takes a part; nothing where there
    is none."""
    handed: dict[str, str] = {
        severity: policy.name
        for severity, policy in service.team.policies.items()
        if policy.handovers
    }
    return {_FACT: handed} if handed else {}


def render_terraform(subject: OfFleet) -> Iterator[Artifact]:
    """`terraform/*.tf.json`, one for each provider that takes anything, and a page on how to apply
    them."""
    modules = _modules(subject)
    yield from (render_module(module) for module in modules.values())
    if modules:
        yield render_versions(modules.values())
    yield Artifact(f"{_FOLDER}/README.md", _page(modules))


def _modules(subject: OfFleet) -> dict[str, Module]:
    """The module of every provider that takes anything, by its kind of channel."""
    handed: dict[str, list[Handed]] = {kind: [] for kind in _RENDERERS}
    services = {name: known.get(_FACT, {}) for name, known in subject.facts.items()}
    for name, policy in sorted(subject.organisation.policies.items()):
        its_services = _services_of(name, services)
        for handover in policy.handovers:
            handed[handover.entry.kind].append(Handed(name, handover, its_services))
    return {kind: _RENDERERS[kind](found) for kind, found in handed.items() if found}


def _page(modules: Mapping[str, Module]) -> str:
    """How to apply the modules."""
    variables = [
        (name, body["description"])
        for module in modules.values()
        for name, body in sorted(module.variables.items())
    ]
    return render_template(
        (TEMPLATES,),
        _TEMPLATE,
        rows=[_row(kind, module) for kind, module in modules.items()],
        loops=[_loops(kind) for kind in modules],
        secrets=[name for module in modules.values() for name in module.outputs],
        variables=variables,
    )


def _services_of(
    policy: str, services: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, ...]]:
    """The services that use a policy, each with the severities for which it does."""
    found = {
        name: tuple(
            severity for severity, chosen in sorted(services[name].items()) if chosen == policy
        )
        for name in sorted(services)
    }
    return {name: severities for name, severities in found.items() if severities}


def _row(kind: str, module: Module) -> tuple[object, ...]:
    source = Markdown(f"{code_cell(module.source)} {code_cell(module.version)}")
    return (
        PROVIDERS[kind].title,
        code_cell(f"{module.provider}.tf.json"),
        source,
        " ".join(module.about[1:]),
    )


def _loops(kind: str) -> tuple[object, ...]:
    loops = PROVIDERS[kind].loops
    return PROVIDERS[kind].title, f"at most {loops} times" if loops else "never"
