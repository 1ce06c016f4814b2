"""The kinds of channel in; docs/spec.md with a table of them out, in the place of the old one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from opsgen.channels.kinds import KINDS, Kind
from opsgen.channels.options import Fields, Option

BEGIN = "<!-- The kinds of channel: made by `make docs` of channels/kinds.py. -->\n"
END = "<!-- The end of the kinds of channel. -->\n"
# Nearly every kind has it: the text below the table describes it.
_COMMON = "http_config"


def with_table(page: str) -> str:
    """The page with the table between its two comments made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """A line for each kind: what it must have, what it may have, and since which Alertmanager."""
    rows = [
        "| Kind | Must have | May have | Alertmanager |",
        "| --- | --- | --- | --- |",
        *(f"| `{name}` | {' | '.join(_cells(kind))} |" for name, kind in KINDS.items()),
    ]
    return "".join(f"{row}\n" for row in rows)


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
    reference.write_text(with_table(reference.read_text()))
