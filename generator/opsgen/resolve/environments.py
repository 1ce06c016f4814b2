"""A spec goes in; its environments come out, and the spec as it is in each. Also checks that two
environments do not share what must differ."""

from __future__ import annotations

from opsgen.load.name_fields import SLUG_LENGTH
from opsgen.load.service_spec import ServiceSpec
from opsgen.resolve.context import Context

_PRIMARY = "production"

# What an environment should not share with the first: it would alert twice, or send people to the
# wrong environment.
_SHARED = {
    "match": "watches the same series as the first environment;"
    " write match:, unless it has a Prometheus of its own",
    "runbook": "has the same commands in its runbook as the first environment;"
    " write runbook: for it",
    "uptime": "polls the same URLs as the first environment;"
    " write uptime: for it, or uptime: [] for none",
}


def environments_of(spec: ServiceSpec) -> tuple[str, ...]:
    """The names of a spec's environments, the first one first: production, or else the one that is
    written first."""
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
    """The keys of the spec that an environment replaces."""
    overlay = spec.environments.get(environment)
    return frozenset() if overlay is None else frozenset(overlay.model_fields_set)


def check_environment(context: Context) -> None:
    """Notes a name that is too long, and warns of values that this environment should not share
    with the first."""
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
