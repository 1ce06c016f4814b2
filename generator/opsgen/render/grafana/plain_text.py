"""People's words go in; text comes out that Grafana shows unchanged: it replaces no variable, and
no Markdown or HTML takes effect."""

from __future__ import annotations

import re

# Grafana replaces $name, ${name} and [[name]] in titles, descriptions, legends and URLs, and has no
# escape for them.
_VARIABLE = re.compile(r"\$(?=[A-Za-z_{])|\[(?=\[)")
# no width, no line break: seen as nothing, and enough to keep the name off its dollar
_WORD_JOINER = "\u2060"

_MARKDOWN = re.compile(r"[\\`*~|\[\]]|(?<!\w)_|_(?!\w)")
# What makes a line a heading, a list or a rule.
_LINE_START = re.compile(r"^(?:([-+=#])|(\d{1,9})([.)]))", re.MULTILINE)
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_PROMQL_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_PROMQL_ESCAPES = {"$": "\\x24", "[": "\\x5b"}


def single_line(text: str) -> str:
    """A title: one line, no variables."""
    return _without_variables(" ".join(text.split()))


def legend(text: str) -> str:
    """The words as a legend, escaped, since `{{label}}` would stand for a label's value."""
    return text.replace("{{", f"{{{_WORD_JOINER}{{")


def paragraphs(text: str) -> str:
    """Text of several lines, in fields that know no Markdown."""
    return _without_variables("\n".join(line.strip() for line in text.splitlines()))


def markdown(text: str) -> str:
    """The text as Markdown that shows just that text; empty lines separate its paragraphs."""
    lines = "\n".join(line.strip() for line in text.splitlines()).translate(_HTML)
    escaped = _MARKDOWN.sub(lambda match: f"\\{match[0]}", lines)
    return _without_variables(_LINE_START.sub(_harmless_start, escaped))


def plain_url(url: str) -> str:
    """A URL without variables: what would begin one is percent-encoded."""
    return url.replace("$", "%24").replace("[[", "%5B%5B")


def query_text(promql: str, *variables: str) -> str:
    """A query whose strings hold no Grafana variables except the named ones, and those only as the
    whole value of a string.

    PromQL has `$` only in strings, or in a range that opsgen wrote.
    """
    if "$" not in promql and "[[" not in promql:
        return promql
    kept = {f'"${name}"' for name in variables}

    def escape(match: re.Match[str]) -> str:
        string = match[0]
        if string in kept:
            return string
        return _VARIABLE.sub(lambda found: _PROMQL_ESCAPES[found[0]], string)

    return _PROMQL_STRING.sub(escape, promql)


def _without_variables(text: str) -> str:
    return _VARIABLE.sub(lambda match: f"{match[0]}{_WORD_JOINER}", text)


def _harmless_start(match: re.Match[str]) -> str:
    mark, number, point = match.groups()
    return f"\\{mark}" if mark else f"{number}\\{point}"
