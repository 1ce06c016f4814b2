"""Refuses settings and SLOs whose part of a convention the service's convention lacks."""

from __future__ import annotations

from opsgen.load.convention_file import ConventionFile
from opsgen.load.shown import listed
from opsgen.model.service import Convention
from opsgen.model.settings import ConventionPart
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath

_CALLED: dict[ConventionPart, str] = {
    "requests": "requests",
    "errors": "errors",
    "latency": "a latency histogram",
}
Parts = tuple[ConventionPart, ...]


def refuse_without(
    context: Context, path: KeyPath, what: str, parts: Parts, convention: Convention
) -> None:
    """Notes a mistake at `path` if the convention lacks one of the parts that `what` is measured
    by."""
    if convention.has(parts):
        return
    if any(("convention", part) in context.faulty for part in parts):
        return  # the part itself was reported
    called = " and ".join(_CALLED[part] for part in parts)
    if context.spec.convention is None:
        wrong = f"{what} can't be measured without a convention"
    elif convention.name == "none":
        return  # the convention itself was reported
    else:
        wrong = f"the convention {convention.name} has no {called.removeprefix('a ')}"
    conventions = context.library.conventions.items()
    known = sorted(name for name, one in conventions if _has(one, parts))
    right = f"name a convention that has ({listed(known)}), or write convention: with {called}"
    context.wrong(path, wrong, right)


def _has(convention: ConventionFile, parts: Parts) -> bool:
    return all(getattr(convention, part) is not None for part in parts)
