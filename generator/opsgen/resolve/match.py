"""The `match` of a spec goes in; label matchers come out that select the service's series."""

from __future__ import annotations

from opsgen.load.match_spec import Match, MatchSpec
from opsgen.promql import Matcher, PromqlError, Selector, one_line, parse
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath
from opsgen.resolve.own_queries import is_known_label


def service_matchers(context: Context) -> tuple[Matcher, ...]:
    """The matchers of all the service's series; none when `match` is written but empty."""
    spec = context.spec
    if spec.match:
        context.origins["match"] = context.origin("match")
        return checked_matchers(context, ("match",), spec.match)
    if "match" in spec.model_fields_set:
        _check_empty(context)
        context.origins["match"] = context.origin("match")
        return ()
    context.origins["match"] = "default: the scrape job of the service's name"
    return (Matcher("job", "=", spec.service),)


def _check_empty(context: Context) -> None:
    if context.spec.convention is not None:
        wrong = "a convention needs to know which series are the service's"
        context.wrong(("match",), wrong, "write a matcher, or leave it out")
    says = "it is empty, so no alert can tell when the service's targets are down"
    context.warn(("match",), says)


def checked_matchers(context: Context, path: KeyPath, match: Match) -> tuple[Matcher, ...]:
    """The matchers. One whose name or regular expression Prometheus refuses is noted and left
    out."""
    matchers = []
    for label, spec in match.items():
        matcher = _matcher(label, spec)
        try:
            parse(one_line(Selector("up", (matcher,))))
            if is_known_label(context, (*path, label), label):
                matchers.append(matcher)
        except PromqlError:
            key = "regex" if spec.regex is not None else "not_regex"
            wrong = f"{matcher.value!r} is not a regular expression that Prometheus accepts"
            context.wrong((*path, label, key), wrong, "write it in RE2 syntax")
    return tuple(matchers)


def _matcher(label: str, spec: MatchSpec) -> Matcher:
    if spec.equals is not None:
        return Matcher(label, "=", spec.equals)
    if spec.regex is not None:
        return Matcher(label, "=~", spec.regex)
    if spec.not_ is not None:
        return Matcher(label, "!=", spec.not_)
    assert spec.not_regex is not None  # the model has one of the four
    return Matcher(label, "!~", spec.not_regex)
