"""A query of another tool goes in; the events of an SLO come out, as PromQL over five minutes."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from opsgen.importers.source import At, Source
from opsgen.load.name_fields import slug_of
from opsgen.promql import PromqlError, Selector, parse
from opsgen.promql.tree import selectors
from opsgen.quantities import number_text

# Sloth's own, and those of OpenSLO documents that sloth reads.
_WINDOW = re.compile(r"\{\{-?\s*\.?window\s*-?\}\}")
_SUBQUERY = re.compile(r"\[\s*(?:5m|\{\{-?\s*\.?window\s*-?\}\})\s*:[^\]]*\]")
_FIVE_MINUTES = "5m"
# Labels that say where a series is from; others say what it counts.
_IDENTIFYING = ("cluster", "namespace", "job")
_SAMPLES = (
    "it counts samples of a gauge in a subquery, but an SLO of opsgen counts events of counters"
)
_COUNTER_OR_BUSINESS = "record a counter, or watch the gauge as a business signal"


def query(source: Source, path: At) -> str:
    """A query over a window; raises InputError where it counts no events."""
    text = " ".join(source.text(*path).split())
    if not text:
        raise source.refused(path, "there is no query")
    if _SUBQUERY.search(text):
        raise source.refused(path, _SAMPLES, _COUNTER_OR_BUSINESS)
    found = _WINDOW.sub(_FIVE_MINUTES, text)
    if "{{" in found:
        raise source.refused(path, "it contains a template other than the window's")
    try:
        parse(found)
    except PromqlError as error:
        raise source.refused(path, f"this is not PromQL: {error}") from None
    return found


def shared_matchers(queries: list[str]) -> dict[str, str]:
    """The exact matchers that all selectors of all queries have: they identify the service's
    series."""
    found = [selector for text in queries for selector in selectors(parse(text))]
    if not found:
        return {}
    shared = set.intersection(*(_identifying(selector) for selector in found))
    in_order = sorted(shared, key=lambda pair: _IDENTIFYING.index(pair[0]))
    return dict(in_order)


def _identifying(selector: Selector) -> set[tuple[str, str]]:
    exact = {one.label: one.value for one in selector.matchers if one.op == "="}
    return {(label, exact[label]) for label in _IDENTIFYING if label in exact}


def percentage(source: Source, path: At, scale: int = 1) -> str:
    """An objective as `99.9%`; `scale` 100 for one that is written as 0.999."""
    text = source.text(*path)
    try:
        number = Decimal(text) * scale
    except InvalidOperation:
        raise source.refused(path, f"'{text}' is not an objective") from None
    if not 0 < number < 100:
        wrong = f"an objective must be above 0% and below 100%; this is {text}"
        raise source.refused(path, wrong)
    return f"{number_text(number.normalize())}%"


def slug(source: Source, path: At) -> str:
    """The name in opsgen's form; raises InputError where no valid character is left."""
    text = source.text(*path)
    found = slug_of(text)
    if not found:
        raise source.refused(path, f"'{text}' contains nothing that a name can be made of")
    return found
