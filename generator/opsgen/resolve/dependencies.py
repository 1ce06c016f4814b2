"""The dependencies of a spec go in; the service's come out, each with its kind, its matchers and
the settings of the kind's pack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opsgen.load.dependency_kinds import DEPENDENCY_KEYS, FLEET, KINDS_NOT_YET
from opsgen.load.dependency_spec import DependencySpec
from opsgen.load.name_fields import is_slug, slug_of
from opsgen.load.pack_file import PackFile
from opsgen.load.pack_setting import Written
from opsgen.model.service import Dependency
from opsgen.resolve.context import Context
from opsgen.resolve.match import checked_matchers
from opsgen.resolve.mistakes import KeyPath, suggest
from opsgen.resolve.pack_settings import filled_settings


def service_dependencies(context: Context) -> tuple[Dependency, ...]:
    """Every dependency of the spec that has no mistake."""
    packs = context.library.packs_for("dependency")
    found: list[Dependency] = []
    for index, spec in enumerate(context.spec.dependencies):
        kind = _kind(context, ("dependencies", index), spec, packs)
        if kind is None:
            continue
        one = _dependency(context, index, spec, kind, packs.get(kind))
        if (one.kind, one.name) in ((other.kind, other.name) for other in found):
            wrong = f"the {kind} {one.name} is already a dependency"
            context.wrong(("dependencies", index), wrong, "leave one of them out")
        if ("dependencies", index) not in context.faulty:
            found.append(one)
    return tuple(found)


def services_needed(context: Context, dependencies: Iterable[Dependency]) -> tuple[str, ...]:
    """The other services of the fleet, each as its outputs are named in this environment."""
    names = [one.name for one in dependencies if one.kind == FLEET]
    return tuple(dict.fromkeys(f"{name}{context.suffix}" for name in names))


def _kind(
    context: Context, path: KeyPath, spec: DependencySpec, packs: Mapping[str, PackFile]
) -> str | None:
    """The kind that the entry names; None after a mistake was noted."""
    known = sorted({FLEET, *KINDS_NOT_YET, *packs})
    kinds = [key for key in spec.written if key in known]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        wrong = f"a dependency can't have {' and '.join(kinds)} together"
        context.wrong(path, wrong, "write one entry for each")
    elif not spec.written:
        context.wrong(path, "a dependency needs a kind", f"write one of {', '.join(known)}")
    for key in () if kinds else spec.written:
        wrong = f"there is no kind of dependency {key!r}"
        context.wrong((*path, key), wrong, suggest(key, known, "kinds"), of="key")
    return None


def _dependency(
    context: Context, index: int, spec: DependencySpec, kind: str, pack: PackFile | None
) -> Dependency:
    path = ("dependencies", index)
    settings = {key: value for key, value in spec.written.items() if key != kind}
    if pack is None:
        for key in settings:
            wrong = f"a dependency of the kind {kind} has no key {key!r}"
            context.wrong((*path, key), wrong, suggest(key, DEPENDENCY_KEYS, "keys"), of="key")
    elif not spec.match:
        right = f"write match: with the labels of the {kind}'s own scrape"
        context.wrong(path, "opsgen can't tell which series belong to it", right)
    return Dependency(
        kind=kind,
        name=_name(context, (*path, kind), spec.written[kind]),
        matchers=checked_matchers(context, (*path, "match"), spec.match),
        settings={} if pack is None else filled_settings(context, pack, path, settings),
        place=context.place(*path),
    )


def _name(context: Context, path: KeyPath, written: Written) -> str:
    name = str(written)
    if not (isinstance(written, str) and is_slug(name)):
        right = "use lowercase letters, digits and inner hyphens"
        suggested = slug_of(name)
        context.wrong(
            path,
            f"{name!r} is not a valid name here",
            f"{right}: {suggested}" if suggested else right,
        )
    return name
