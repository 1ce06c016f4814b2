"""Writes the tables of the reference, docs/spec.md, anew from the tables of the code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from opsgen.channels.kinds import KINDS, Kind
from opsgen.channels.options import Fields, Option
from opsgen.load.library import load_library
from opsgen.load.pack_file import PackFile
from opsgen.load.pack_setting import SettingSpec
from opsgen.model.targets import TARGETS

# Nearly every kind has it: the text below the table describes it.
_COMMON = "http_config"


def with_tables(page: str) -> str:
    """The page with each table between its two comments made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name}: made by `make docs`. -->\n", f"<!-- The end of {name}. -->\n"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        lines = "".join(f"{row}\n" for row in table())
        page = f"{before}{begin}\n{lines}\n{end}{after}"
    return page


def _targets() -> Iterator[str]:
    """A line for each target: what it adds, and where the docs say more."""
    yield "| Target | What it adds |"
    yield "| --- | --- |"
    for name, target in TARGETS.items():
        link = f"[`{name}`]({target.docs})" if target.docs else f"`{name}`"
        yield f"| {link} | {target.about} |"


def _channels() -> Iterator[str]:
    """A line for each kind: what it must have, what it may have, and since which Alertmanager."""
    yield "| Kind | Must have | May have | Alertmanager |"
    yield "| --- | --- | --- | --- |"
    for name, kind in KINDS.items():
        yield f"| `{name}` | {' | '.join(_cells(kind))} |"


def _settings() -> Iterator[str]:
    """A line for each setting of the shipped packs that are not for dependencies."""
    yield "| Setting | What it is | Default |"
    yield "| --- | --- | --- |"
    for pack in load_library().packs.values():
        for name, setting in pack.settings.items() if pack.of != "dependency" else ():
            words, default = _cell(setting.description), _default(setting)
            yield f"| `{pack.pack}.{name}` | {words} | {default} |"


def _dependencies() -> Iterator[str]:
    """A line for each kind of dependency with a shipped pack, and for each of its settings."""
    packs = [pack for pack in load_library().packs.values() if pack.of == "dependency"]
    if not packs:
        yield "opsgen ships no pack for a kind of dependency yet."
        return
    yield "| Kind, and its settings | What it is | Default |"
    yield "| --- | --- | --- |"
    for pack in packs:
        yield from _rows_of_kind(pack)


def _rows_of_kind(pack: PackFile) -> Iterator[str]:
    yield f"| `{pack.pack}` | {_cell(pack.title)} | |"
    for name, setting in pack.settings.items():
        yield f"| `{pack.pack}`, `{name}` | {_cell(setting.description)} | {_default(setting)} |"


def _default(setting: SettingSpec) -> str:
    return "none" if setting.default is None else _cell(f"{setting.default}, {setting.source}")


def _cell(text: str) -> str:
    """A text as a cell of a table has it."""
    return " ".join(text.split()).replace("|", "\\|")


TABLES: Mapping[str, Callable[[], Iterator[str]]] = {
    "the targets": _targets,
    "the kinds of channel": _channels,
    "the settings of packs": _settings,
    "the kinds of dependency": _dependencies,
}


def _cells(kind: Kind) -> tuple[str, str, str]:
    required = [" or ".join(_options(kind, group)) for group in kind.fields.one_of]
    in_groups = {name for group in kind.fields.one_of for name in group}
    others = [name for name in kind.fields.options if name not in {*in_groups, _COMMON}]
    return ", ".join(required), ", ".join(_options(kind, others)), kind.since


def _options(kind: Kind, names: tuple[str, ...] | list[str]) -> Iterator[str]:
    """Each option with what it must have itself, and with its release where that is later."""
    for name in names:
        option = kind.fields.options[name]
        later = f" ({option.since})" if option.since > kind.since else ""
        yield f"`{name}`{_inner(option)}{later}"


def _inner(option: Option) -> str:
    groups = option.value.one_of if isinstance(option.value, Fields) else ()
    needed = [group[0] for group in groups if len(group) == 1]
    return f" with {', '.join(f'`{name}`' for name in needed)}" if needed else ""


if __name__ == "__main__":
    reference = Path(sys.argv[1])
    reference.write_text(with_tables(reference.read_text()))
