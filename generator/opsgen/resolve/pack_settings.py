"""What a spec says of packs by name goes in: the runtime, the process, and settings that packs
declare. The checked values come out."""

from __future__ import annotations

from collections.abc import Mapping

from opsgen.load.pack_file import PackFile
from opsgen.load.pack_setting import SettingMistake, SettingSpec, Written
from opsgen.model.runtimes import RUNTIMES
from opsgen.model.settings import SettingValue
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath, suggest


def service_runtime(context: Context) -> str:
    """The service's runtime: one that opsgen knows itself, or one that has a pack."""
    runtime = context.spec.runtime
    known = [*RUNTIMES, *context.library.packs_for("runtime")]
    if runtime not in known:
        wrong = f"there is no runtime {runtime!r}"
        context.wrong(("runtime",), wrong, suggest(runtime, known, "runtimes"))
    return context.given("runtime", runtime, "default: nothing is assumed of what it runs on")


def service_process(context: Context) -> str:
    """The pack of the service's kind of process; empty when the spec names none."""
    process = context.spec.process
    if process is None:
        return ""
    known = context.library.packs_for("process")
    if process not in known:
        wrong = f"there is no pack for processes {process!r}"
        context.wrong(("process",), wrong, suggest(process, known, "packs for processes"))
    return context.given("process", process, "")


def pack_settings(context: Context) -> dict[str, dict[str, SettingValue]]:
    """The settings of every pack that the service uses, by the pack's name. A dependency has the
    settings of its pack itself."""
    packs = {
        name: pack
        for name, pack in context.library.packs.items()
        if pack.settings and _is_used(context, pack)
    }
    for name in context.spec.settings:
        if name not in packs:
            _refuse_pack(context, name, packs)
    return {
        name: filled_settings(
            context, pack, ("settings", name), context.spec.settings.get(name, {})
        )
        for name, pack in packs.items()
    }


def filled_settings(
    context: Context, pack: PackFile, path: KeyPath, written: Mapping[str, Written]
) -> dict[str, SettingValue]:
    """The settings of a pack: each as the spec writes it at this path, or its default."""
    for name in written:
        if name not in pack.settings:
            wrong = f"the pack {pack.pack} has no setting {name!r}"
            right = suggest(name, pack.settings, "settings")
            context.wrong((*path, name), wrong, right, of="key")
    return {
        name: _filled(context, spec, (*path, name), written.get(name))
        for name, spec in pack.settings.items()
    }


def _filled(
    context: Context, spec: SettingSpec, path: KeyPath, written: Written | None
) -> SettingValue:
    key = _dotted(path)
    if written is None:
        context.origins[key] = (
            "not asked for" if spec.default is None else f"default: {spec.source}"
        )
        return spec.value
    context.origins[key] = context.origin(*path)
    try:
        return spec.read(written)
    except SettingMistake as error:
        context.wrong(path, error.wrong, error.right)
        return spec.value


def _dotted(path: KeyPath) -> str:
    """The path as `explain` prints it: `dependencies[0].connections`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _is_used(context: Context, pack: PackFile) -> bool:
    spec = context.spec
    return {
        "service": True,
        "probe": bool(spec.uptime),
        "runtime": spec.runtime == pack.pack,
        "process": spec.process == pack.pack,
        "dependency": False,
    }[pack.of]


def _refuse_pack(context: Context, name: str, packs: Mapping[str, PackFile]) -> None:
    path = ("settings", name)
    found = context.library.packs.get(name)
    if found is None:
        right = suggest(name, packs, "packs with settings")
        context.wrong(path, f"there is no pack {name!r}", right, of="key")
    elif found.of == "dependency":
        wrong = f"each dependency has its own settings of the pack {name}"
        context.wrong(path, wrong, "write them beside its match, under dependencies", of="key")
    elif not found.settings:
        wrong = f"the pack {name} has no settings"
        context.wrong(path, wrong, suggest("", packs, "packs with settings"), of="key")
    else:
        context.wrong(path, f"the service does not use the pack {name}", "leave it out", of="key")
