"""What grafanalib lacks for today's Grafana, as small subclasses in its own (attrs) style."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attr
from grafanalib import core

Json = dict[str, Any]


@attr.s(auto_attribs=True)
class PrometheusTarget(core.Target):
    """A query in the form of today's query editor: of a range, or with `instant` of one moment."""

    def to_json_data(self) -> Json:
        written = core.Target.to_json_data(self)
        kept = {
            key: written[key]
            for key in ("datasource", "expr", "format", "instant", "legendFormat", "refId")
        }
        return kept | {"editorMode": "code", "range": not self.instant}


@attr.s(auto_attribs=True)
class BaseFirstThreshold(core.Threshold):
    """A threshold step without dead keys, the first of which has a value of null and not of
    "null"."""

    def to_json_data(self) -> Json:
        return {"color": self.color, "value": None if self.index == 0 else _whole(self.value)}


@attr.s(auto_attribs=True)
class TimeSeries(core.TimeSeries):
    """A time series panel whose axis begins at 0 and reaches `softMax`, which need not be whole
    numbers."""

    softMax: Decimal | None = None

    def to_json_data(self) -> Json:
        written: Json = core.TimeSeries.to_json_data(self)
        written["options"]["legend"]["showLegend"] = True
        written["fieldConfig"]["defaults"]["custom"] |= {
            "axisSoftMin": 0,
            "axisSoftMax": None if self.softMax is None else _whole(float(self.softMax)),
            "scaleDistribution": {"type": "linear"},
            "stacking": {"group": "A", "mode": "none"},
        }
        return written


@attr.s(auto_attribs=True)
class StateTimeline(core.StateTimeline):
    """A state timeline with a unit, and with the legend that Grafana shows only when told to."""

    unit: str = ""

    def to_json_data(self) -> Json:
        written: Json = core.StateTimeline.to_json_data(self)
        written["options"]["legend"] |= {"calcs": [], "showLegend": True}
        written["options"]["tooltip"]["sort"] = "none"
        written["fieldConfig"]["defaults"]["unit"] = self.unit
        return written


@attr.s(auto_attribs=True)
class Stat(core.Stat):
    """A stat coloured by its thresholds."""

    def to_json_data(self) -> Json:
        written: Json = core.Stat.to_json_data(self)
        written["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}
        written["options"] |= {
            "percentChangeColorMode": "standard",
            "showPercentChange": False,
            "wideLayout": True,
        }
        return written


@attr.s(auto_attribs=True)
class Table(core.Table):
    """A table whose cells are set up as Grafana 10 and later read it."""

    noValue: str = ""

    def to_json_data(self) -> Json:
        written: Json = core.Table.to_json_data(self)
        defaults: Json = written["fieldConfig"]["defaults"]
        defaults["custom"] = {
            "align": "auto",
            "cellOptions": {"type": "auto"},
            "filterable": True,
            "inspect": False,
        }
        defaults["color"] = {"mode": "thresholds"}
        defaults["noValue"] = self.noValue
        written["options"] |= {"cellHeight": "sm", "frameIndex": 0}
        return written


@attr.s(auto_attribs=True)
class QueryVariable(core.Template):
    """A variable filled by a query, with 'All' chosen; or of type `datasource`, where Grafana
    chooses its default."""

    def to_json_data(self) -> Json:
        written: Json = core.Template.to_json_data(self)
        kept = {key: written[key] for key in ("hide", "label", "name", "query", "refresh", "type")}
        if self.type == "datasource":
            return kept
        chosen = {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
        return (
            kept
            | chosen
            | {
                key: written[key]
                for key in ("allValue", "datasource", "includeAll", "multi", "sort")
            }
        )


def _whole(value: float) -> int | float:
    """Whole numbers without a point, as people write them."""
    return int(value) if value.is_integer() else value
