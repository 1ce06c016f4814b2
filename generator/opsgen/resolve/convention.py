"""The convention of a spec goes in; the service's comes out. It may be named, written inline, or
named with some parts replaced."""

from __future__ import annotations

from decimal import Decimal

from opsgen.load.convention_file import (
    ConventionFile,
    HistogramSpec,
    InlineConvention,
    NoPlainSelector,
    plain_selector,
)
from opsgen.load.match_spec import ConventionSpec
from opsgen.model.service import Convention, Histogram
from opsgen.promql import Selector
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath, suggest
from opsgen.resolve.own_queries import is_known, is_known_label

_UNIT_SECONDS = {"seconds": Decimal(1), "milliseconds": Decimal("0.001")}

NO_CONVENTION = Convention("none", "no convention")


def service_convention(context: Context) -> Convention:
    """The service's convention; NO_CONVENTION when the spec names none, or one that does not
    exist."""
    spec = context.spec.convention
    if spec is None:
        context.origins["convention"] = "not given: no traffic, errors or latency"
        return NO_CONVENTION
    context.origins["convention"] = context.origin("convention")
    if spec.use is None:
        return _convention(context, "inline", "as the spec names them", spec)
    found = context.library.conventions.get(spec.use)
    if found is None:
        right = suggest(spec.use, context.library.conventions, "conventions")
        context.wrong(("convention",), f"there is no convention {spec.use!r}", right)
        return NO_CONVENTION
    return _convention(context, found.convention, found.title, _laid_over(found, spec))


def _laid_over(base: ConventionFile, spec: ConventionSpec) -> InlineConvention:
    """A named convention, with the parts that the spec replaces."""
    given = {name: getattr(spec, name) for name in spec.model_fields_set if name != "use"}
    return base.model_copy(update=given)


def _convention(context: Context, name: str, title: str, spec: InlineConvention) -> Convention:
    return Convention(
        name=name,
        title=title,
        requests=_selector(context, ("requests",), spec.requests),
        errors=_selector(context, ("errors",), spec.errors),
        latency=_histogram(context, spec.latency),
        route_label=_route(context, spec.route),
    )


def _route(context: Context, label: str | None) -> str | None:
    """The label that names the route; None where the project's Prometheus does not know its
    name."""
    if label is None or is_known_label(context, ("convention", "route"), label):
        return label
    return None


def _selector(context: Context, part: KeyPath, text: str | None) -> Selector | None:
    """The selector of a part; None when there is none, or when a mistake was noted.

    The parts of a convention file were checked when it was loaded. Those of the spec are checked
    here.
    """
    if text is None:
        return None
    path = ("convention", *part)
    try:
        selector = plain_selector(text)
    except NoPlainSelector as error:
        context.wrong(path, error.wrong, error.right)
        return None
    return selector if is_known(context, path, selector) else None


def _histogram(context: Context, spec: HistogramSpec | None) -> Histogram | None:
    if spec is None:
        return None
    base = _selector(context, ("latency", "histogram"), spec.histogram)
    unit = _UNIT_SECONDS[spec.unit]
    latency = context.spec.latency
    own = {bound.seconds / unit for bound in latency.buckets} if latency else set()
    buckets = tuple(sorted(own or set(spec.buckets)))
    return None if base is None else Histogram(base, unit, buckets)
