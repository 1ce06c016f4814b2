"""A threshold and a histogram go in; the bucket boundaries beside the threshold come out."""

from __future__ import annotations

from opsgen.model.service import Histogram
from opsgen.quantities import Duration


def boundaries_beside(threshold: Duration, histogram: Histogram) -> tuple[Duration, ...]:
    """The nearest boundary below and above the threshold, where there is one; nothing if it is a
    boundary itself, or if the boundaries are not known."""
    bound, buckets = histogram.bound(threshold), histogram.buckets
    if bound in buckets:
        return ()
    below = [bucket for bucket in buckets if bucket < bound]
    above = [bucket for bucket in buckets if bucket > bound]
    unit = histogram.unit_seconds
    return tuple(Duration.from_seconds(one * unit) for one in (*below[-1:], *above[:1]))
