"""The values that tune packs: thresholds on errors, latency and targets, as the spec gives them or
by default."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from opsgen.model.service import Convention, Histogram, Setting
from opsgen.quantities import Duration, Ratio
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath

# The defaults of everything a spec may leave out, with where each comes from.
_DEFAULTS: dict[str, tuple[Setting, str]] = {
    "errors.above": (
        Ratio.parse("5%"),
        "default: 5% of requests, as awesome-prometheus-alerts has it",
    ),
    "errors.for": (Duration.of("5m"), "default: as long as the window it is measured over"),
    "latency.p50": (None, "not asked for"),
    "latency.p95": (None, "not asked for"),
    "latency.p99": (None, "not asked for"),
    "latency.for": (Duration.of("10m"), "default: two windows of five minutes"),
    "targets.down": (Ratio.parse("10%"), "default: kube-prometheus' TargetDown"),
}
_QUANTILES = {"p50": Decimal("0.5"), "p95": Decimal("0.95"), "p99": Decimal("0.99")}


def service_settings(context: Context, convention: Convention) -> dict[str, Setting]:
    """Every setting by its dotted path, after checking what the service's convention can tell."""
    settings: dict[str, Setting] = {}
    for key, (default, origin) in _DEFAULTS.items():
        section, _, name = key.partition(".")
        given = _given(context, section, name)
        settings[key] = default if given is None else given
        context.origins[key] = origin if given is None else context.origin(section, name)
    if convention.errors is None:
        settings["errors.above"] = None
    _check_errors(context, convention)
    _check_error_ratio(context, settings["errors.above"])
    _check_percentiles(context, settings, convention)
    return settings


def default_of(key: str) -> Setting:
    """What a setting is where the spec does not give it."""
    default, _ = _DEFAULTS[key]
    return default


def _given(context: Context, section: str, name: str) -> Setting:
    spec = getattr(context.spec, section, None)
    field = "for_" if name == "for" else name
    given: Setting = getattr(spec, field, None)
    return given


def _check_errors(context: Context, convention: Convention) -> None:
    if convention.errors is not None or convention.name == "none":
        return
    if context.spec.errors is not None:
        wrong = f"the convention {convention.name} has no errors"
        context.wrong(("errors",), wrong, "leave this out")


def _check_error_ratio(context: Context, limit: Setting) -> None:
    """With neither end of the scale can a single failure be told from trouble."""
    if isinstance(limit, Ratio) and not 0 < limit.value < 1:
        never = f"a share of failed requests is never above {limit}"
        wrong = never if limit.value else f"above {limit} every single failure fires"
        right = "write a percentage between 0% and 100%, for example 2%"
        context.wrong(("errors", "above"), wrong, right)


def _check_percentiles(
    context: Context, settings: Mapping[str, Setting], convention: Convention
) -> None:
    for name, quantile in _QUANTILES.items():
        threshold = settings[f"latency.{name}"]
        if not isinstance(threshold, Duration):
            continue
        path = ("latency", name)
        if convention.latency is not None:
            _check_percentile(context, path, threshold, quantile, convention.latency)
        elif convention.name != "none" or context.spec.convention is None:
            right = "name a convention that has one"
            context.wrong(path, "there is no latency histogram", right)


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
        wrong = (
            f"the histogram can't tell more than its last bucket, so above {threshold} never fires"
        )
        context.wrong(path, wrong, f"write less than {most}, or state latency.buckets")
    elif bound < quantile * first:
        least = Duration.from_seconds(quantile * first * unit + Decimal("0.001"))
        wrong = (
            "the histogram can't tell less than its first bucket,"
            f" so above {threshold} always fires"
        )
        context.wrong(path, wrong, f"write at least {least}, or state latency.buckets")
