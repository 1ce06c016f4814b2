"""The template of an annotation or a label of an alert goes in; what keeps Prometheus from loading
it comes out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from opsgen.judge.go_template import Names, TemplateError, template_error
from opsgen.judge.releases import OLDEST, Release

# Of text/template itself ("Functions" of its documentation).
_GO_FUNCTIONS = (
    "and",
    "call",
    "eq",
    "ge",
    "gt",
    "html",
    "index",
    "js",
    "le",
    "len",
    "lt",
    "ne",
    "not",
    "or",
    "print",
    "printf",
    "println",
    "slice",
    "urlquery",
)
# template/template.go of Prometheus 3.16; the releases are those of its CHANGELOG.
_PROMETHEUS_FUNCTIONS: Mapping[str, Release] = {
    "args": OLDEST,
    "externalURL": OLDEST,
    "first": OLDEST,
    "graphLink": OLDEST,
    "humanize": OLDEST,
    "humanize1024": OLDEST,
    "humanizeDuration": OLDEST,
    "humanizePercentage": OLDEST,
    "humanizeTimestamp": OLDEST,
    "label": OLDEST,
    "match": OLDEST,
    "now": (3, 6),
    "parseDuration": OLDEST,
    "pathPrefix": OLDEST,
    "query": OLDEST,
    "reReplaceAll": OLDEST,
    "safeHtml": OLDEST,
    "sortByLabel": OLDEST,
    "stripDomain": OLDEST,
    "stripPort": OLDEST,
    "strvalue": OLDEST,
    "tableLink": OLDEST,
    "title": OLDEST,
    "toDuration": (3, 6),
    "toLower": OLDEST,
    "toTime": OLDEST,
    "toUpper": OLDEST,
    "urlQueryEscape": (3, 8),
    "value": OLDEST,
}
# Prometheus writes their definitions in front of every template (rules/alerting.go).
_VARIABLES = ("$labels", "$externalLabels", "$externalURL", "$value")
# Prometheus 2.55 is the first that is built with Go 1.23.
_ELSE_WITH: Release = (2, 55)


def rule_template_error(text: str, release: Release) -> TemplateError | None:
    """What this release of Prometheus refuses in a template, or None."""
    found = template_error(text, _names(release))
    if found is None:
        return None
    newer = next((since for since in _NEWER if since > release and _loads(text, since)), None)
    if newer is None:
        return found
    right = f"Prometheus {newer[0]}.{newer[1]} and later take it"
    return TemplateError(found.message, right)


def _loads(text: str, release: Release) -> bool:
    return template_error(text, _names(release)) is None


_NEWER = tuple(sorted({*_PROMETHEUS_FUNCTIONS.values(), _ELSE_WITH}))


@lru_cache(maxsize=16)
def _names(release: Release) -> Names:
    known = {name for name, since in _PROMETHEUS_FUNCTIONS.items() if since <= release}
    return Names(known.union(_GO_FUNCTIONS), _VARIABLES, release >= _ELSE_WITH)
