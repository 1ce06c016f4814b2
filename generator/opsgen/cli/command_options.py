"""What several commands share: their options, and how they report mistakes in the input."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opsgen.cli.printing import print_findings, print_mistakes

if TYPE_CHECKING:
    from opsgen.errors import Mistake
    from opsgen.load.discovery import Shard


_F = TypeVar("_F", bound=Callable[..., Any])


PATHS = click.Path(path_type=Path)


def reporting_mistakes(command: _F) -> _F:
    """Prints all mistakes in the input together and exits with 2. Any other exception is a bug and
    shows its traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        import gc

        from opsgen.errors import InputError

        # A run keeps almost everything to its end, so that the search for cycles finds nothing and
        # costs a fifth of a large build.
        gc.disable()
        try:
            return command(*args, **kwargs)
        except InputError as error:
            print_mistakes(error.mistakes)
            _print_for_programs(kwargs.get("form", "text"), error.mistakes)
            sys.exit(2)

    return run  # type: ignore[return-value]


def _print_for_programs(form: str, mistakes: Iterable[Mistake]) -> None:
    """Prints mistakes in the formats that can show them at their place. For the others, the exit
    code says that there is no answer."""
    if form in ("text", "json"):
        return
    from opsgen.model import findings

    if form == "junit":
        cases = [findings.CaseResult("specs", one.file, str(one)) for one in mistakes]
        click.echo(findings.as_junit(cases), nl=False)
    elif form in findings.FORMATS:
        print_findings(findings.of_mistakes(mistakes), form)


def _shard_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Shard | None:
    """`2/8`: the second of eight parts."""
    if value is None:
        return None
    from opsgen.load.discovery import Shard

    number, slash, of = value.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise click.BadParameter(f"'{value}' is not a shard; write for example 2/8")
    return Shard(int(number), int(of))


shard_option = click.option(
    "--shard",
    callback=_shard_of,
    metavar="K/N",
    help="Only part K of N of the specs: one part for each job of a pipeline.",
)


today_option = click.option(
    "--today",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    callback=lambda _ctx, _param, value: value.date() if value else None,
    metavar="DATE",
    help="The date of today, for runbooks.review_after; opsgen reads no clock.",
)


def format_option(*forms: str) -> Callable[[_F], _F]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", *forms]),
        default="text",
        show_default=True,
        help="Text for people, or a format for programs and comments.",
    )


json_or_text = format_option("json")
