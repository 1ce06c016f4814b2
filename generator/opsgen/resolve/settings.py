"""A spec goes in; every setting of the table comes out: the given value or the default. Checks that
the service's convention can measure it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from opsgen.model.service import Convention, Histogram
from opsgen.model.settings import ConventionPart, Setting, SettingValue, settings_of
from opsgen.quantities import Duration, Ratio
from opsgen.resolve.bucket_bounds import boundaries_beside
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath
from opsgen.resolve.needs import refuse_without


def service_settings(context: Context, convention: Convention) -> dict[str, SettingValue]:
    """Every setting of the table by its dotted path; None when the spec does not ask for it, or the
    convention lacks what it needs."""
    settings: dict[str, SettingValue] = {}
    for row in settings_of("service"):
        given = _given(context, row)
        settings[row.name] = row.default if given is None else given
        context.origins[row.name] = _origin(context, row, given)
        if row.needs is not None and not convention.has((row.needs,)):
            settings[row.name] = None
            context.origins[row.name] = f"not used: the convention has no {row.needs}"
        elif given is not None:
            _check(context, row, given, convention)
    for path, part in _asked_for(context):
        refuse_without(context, path, part, (part,), convention)
    return settings


def _given(context: Context, row: Setting) -> SettingValue:
    section, name = row.path
    spec = getattr(context.spec, section, None)
    given: SettingValue = getattr(spec, "for_" if name == "for" else name, None)
    return given


def _origin(context: Context, row: Setting, given: SettingValue) -> str:
    if given is not None:
        return context.origin(*row.path)
    return row.source if row.default is None else f"default: {row.source}"


def _asked_for(context: Context) -> Iterator[tuple[KeyPath, ConventionPart]]:
    """What the spec writes that needs a part of a convention."""
    for row in settings_of("service"):
        if row.needs is not None and _given(context, row) is not None:
            yield row.path, row.needs
    errors = context.spec.errors
    if errors is not None and not errors.model_fields_set:
        yield ("errors",), "errors"  # `errors: {}` asks for the ticket with all defaults
    if context.spec.latency is not None and context.spec.latency.buckets:
        yield ("latency", "buckets"), "latency"


def _check(context: Context, row: Setting, given: SettingValue, convention: Convention) -> None:
    if isinstance(given, Ratio) and row.between is not None:
        _check_share(context, row.path, given, row.between)
    if isinstance(given, Duration) and row.quantile is not None and convention.latency is not None:
        _check_percentile(context, row.path, given, row.quantile, convention.latency)


def _check_share(
    context: Context, path: KeyPath, share: Ratio, between: tuple[Decimal, Decimal]
) -> None:
    least, most = between
    if least < share.value < most:
        return
    never = f"a share of requests is never above {share}: this can never fire"
    wrong = (
        f"a single failed request is above {share}: this would always fire"
        if share.value <= least
        else never
    )
    right = f"write a percentage between {Ratio(least)} and {Ratio(most)}, for example 2%"
    context.wrong(path, wrong, right)


def _check_percentile(
    context: Context,
    path: KeyPath,
    threshold: Duration,
    quantile: Decimal,
    histogram: Histogram,
) -> None:
    if not histogram.buckets:
        return
    bound, unit = histogram.bound(threshold), histogram.unit_seconds
    first, last = histogram.buckets[0], histogram.buckets[-1]
    if bound >= last:
        most = Duration.from_seconds(last * unit)
        is_last = "at" if bound == last else "above"
        wrong = f"{threshold} is {is_last} the last bucket ({most}): this can never fire"
        right = f"write less than {most}, or write the real buckets under latency.buckets"
        context.wrong(path, wrong, right)
    elif bound < quantile * first:  # interpolated from 0, a quantile is never below this
        lowest_value = quantile * first * unit
        least = Duration.from_seconds(lowest_value + Decimal("0.001"))
        lowest = Duration.from_seconds(first * unit)
        wrong = f"{threshold} is below the first bucket ({lowest}): this would always fire"
        right = f"write at least {least}, or write the real buckets under latency.buckets"
        context.wrong(path, wrong, right)
    else:
        _warn_of_estimate(context, path, threshold, histogram)


def _warn_of_estimate(
    context: Context, path: KeyPath, threshold: Duration, histogram: Histogram
) -> None:
    """Warns of a threshold between two boundaries: there histogram_quantile() only interpolates, as
    if all times between them were as frequent."""
    nearest = boundaries_beside(threshold, histogram)
    if not nearest:
        return
    lowest = nearest[0] if len(nearest) > 1 else Duration(0)
    texts = " or ".join(str(one) for one in nearest)
    says = (
        f"{threshold} is between the buckets {lowest} and {nearest[-1]} of {histogram.base.metric},"
        f" where a percentile is only estimated: it may fire at a true {path[-1]} just above"
        f" {lowest}, and stay silent just below {nearest[-1]}; write {texts}, or write the real"
        " buckets under latency.buckets"
    )
    context.warn(path, says)
