"""The environments of a spec: which there are, the spec as it is in each, and what two of them may
not have in common."""

from __future__ import annotations

from opsgen.load.name_fields import SLUG_LENGTH
from opsgen.load.service_spec import ServiceSpec
from opsgen.resolve.context import Context

_PRIMARY = "production"

# Of what an environment has in common with the first, what would be told twice, or tell people to
# touch the wrong one.
_SHARED = {
    "match": "watches the same series as the first environment;"
    " write match:, unless it has a Prometheus of its own",
    "runbook": "has the same commands in its runbook as the first environment;"
    " write runbook: for it",
    "uptime": "polls the same URLs as the first environment;"
    " write uptime: for it, or uptime: [] for none",
}


def environments_of(spec: ServiceSpec) -> tuple[str, ...]:
    """The names of a spec's environments: first production, or the first that is named where there
    is none."""
    names = list(spec.environments) or [_PRIMARY]
    first = _PRIMARY if _PRIMARY in names else names[0]
    return (first, *(name for name in names if name != first))


def laid_over_spec(spec: ServiceSpec, environment: str) -> ServiceSpec:
    """The spec as it is in one of its environments."""
    overlay = spec.environments.get(environment)
    if overlay is None:
        return spec
    return spec.model_copy(update={key: getattr(overlay, key) for key in overlay.model_fields_set})


def overlaid_keys(spec: ServiceSpec, environment: str) -> frozenset[str]:
    """The keys that an environment writes in the place of the spec's own."""
    overlay = spec.environments.get(environment)
    return frozenset() if overlay is None else frozenset(overlay.model_fields_set)


def check_environment(context: Context) -> None:
    """Notes a name that would be too long, and warns of what is told twice, because another
    environment has it in common with the first."""
    first, environment, name = context.first, context.environment, context.name
    if first is None:
        return
    path = ("environments", environment)
    if len(name) > SLUG_LENGTH:
        wrong = f"its name would be {name}, which has {len(name)} characters"
        context.mistakes.add(
            path, wrong, f"shorten the two names to {SLUG_LENGTH - 1} characters together"
        )
    place = context.mistakes.place(path, "key")
    for key, words in _SHARED.items():
        given = getattr(context.spec, key)
        if given and given == getattr(first, key):
            context.warnings.append(f"{place.file}:{place.line}: {environment} {words}")
