"""What is known of a series before any expression changes it: the name of a metric goes in, the
labels of its series come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from opsgen.labelflow.labels import ASSUMED, MAYBE, PRESENT, Domain, Labels
from opsgen.promql import Node
from opsgen.promql.tree import selectors


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is taken for granted of series that no expression shows.

    `scraped`: Prometheus has scraped every series that no rule records, and so gave it `job` and
    `instance`. That is not so of series that programs push (OTLP, Pushgateway).
    `external_labels`: any series may have these, since other servers have added them before the
    rules read it: Thanos Ruler, a federating Prometheus.
    """

    scraped: bool = True
    external_labels: tuple[str, ...] = ()


# Of a Prometheus that scrapes everything itself.
USUAL = Assumptions()


class RecordingRule(NamedTuple):
    """A recording rule: the name of its series, its expression, its static labels, and what is
    assumed of the series that it reads."""

    name: str
    expr: Node
    static: Mapping[str, str]
    assumed: Assumptions = USUAL


# Prometheus adds both to whatever it scrapes; `honor_labels` lets a target name them otherwise.
_SCRAPED = Labels({"job": ASSUMED, "instance": ASSUMED})

# Prometheus itself writes these for every target that it scrapes. "Jobs and instances".
_OF_TARGETS = frozenset(
    {
        "scrape_duration_seconds",
        "scrape_samples_post_metric_relabeling",
        "scrape_samples_scraped",
        "scrape_series_added",
        "up",
    }
)
_TARGET = Labels({"job": PRESENT, "instance": PRESENT})

# Series that Prometheus itself writes for alerts; the rest of their labels is the alerts' own.
_SYNTHETIC = {
    "ALERTS": Labels(
        {"alertname": PRESENT, "alertstate": Domain(False, frozenset({"pending", "firing"}))}
    ),
    "ALERTS_FOR_STATE": Labels({"alertname": PRESENT}),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of series: the labels of those that rules record, by name, what is assumed of
    all others, and which recorded series are made of the buckets of classic histograms alone."""

    recorded: Mapping[str, Labels] = field(default_factory=dict, hash=False)
    assumed: Assumptions = USUAL
    buckets: frozenset[str] = frozenset()

    def are_buckets(self, node: Node) -> bool:
        """Whether an expression reads classic buckets, and nothing else."""
        metrics = [found.metric or "" for found in selectors(node)]
        return bool(metrics) and all(
            metric.endswith("_bucket") or metric in self.buckets for metric in metrics
        )

    def of(self, metric: str | None) -> Labels:
        """The labels of every series of this name."""
        labels = self._written(metric)
        for label in self.assumed.external_labels:
            if labels.domain(label).missing:
                labels = labels.with_domain(label, MAYBE)
        return labels

    def _written(self, metric: str | None) -> Labels:
        if metric is None:
            return Labels.anything()
        if metric in self.recorded:
            return self.recorded[metric]
        if metric in _SYNTHETIC:
            return _SYNTHETIC[metric]
        if metric in _OF_TARGETS:
            return _TARGET
        is_scraped = self.assumed.scraped and ":" not in metric
        return _SCRAPED if is_scraped else Labels.anything()


NOTHING_KNOWN = Known()
