"""The models of a pack file: the signals of one kind of thing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from opsgen.load.forms import Deferred, exactly_one
from opsgen.load.name_fields import Slug
from opsgen.load.pack_each import MOST_ENTRIES
from opsgen.load.pack_guard import GuardSpec
from opsgen.load.pack_setting import SettingName, SettingSpec, Written
from opsgen.load.quantity_fields import DurationField
from opsgen.load.scalars import YesNo, mistake
from opsgen.load.text_fields import Text
from opsgen.model.oncall import Severity
from opsgen.model.settings import ConventionPart
from opsgen.model.signal import Group

_ALERT_NAME = r"^[A-Z][A-Za-z0-9]{1,39}$"
# In a signal with `each`, names have blanks that its values fill.
_ALERT_NAME_WITH_BLANKS = r"^([A-Z]|\{[a-z_]+\})([A-Za-z0-9]|\{[a-z_]+\}){0,39}$"
_SLUG_WITH_BLANKS = r"^([a-z0-9-]|\{[a-z_]+\})+$"

# The alerts that code derives, by their names and kinds in the file of texts.
DerivedName = Literal[
    "ErrorBudgetBurn/availability",
    "ErrorBudgetBurn/latency",
    "ErrorBudgetBurn/events",
    "Business/below",
    "Business/above",
    "Business/drop",
    "Business/absent",
]


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# A number, or the dotted path of a setting that holds one.
NumberOrSetting = Annotated[
    str,
    BeforeValidator(_number_as_text),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "description": "A number, or the dotted path of a setting that holds one.",
            "examples": [0.1, "latency.p99"],
        }
    ),
]


class CheckSpec(Deferred):
    """One step of a diagnosis."""

    text: Annotated[Text, Field(description="What to look at, and what it tells.")]
    query: Annotated[Text | None, Field(description="A query that shows it.")] = None
    command: Annotated[Text | None, Field(description="A command that shows it.")] = None


class GuidanceSpec(Deferred):
    """The words of an alert; each may have {blanks}."""

    summary: Annotated[Text, Field(description="The alert in one line, as a notification begins.")]
    description: Annotated[Text, Field(description="What was measured, and what is too much.")]
    meaning: Annotated[Text, Field(description="What it means that it fires.")]
    impact: Annotated[Text, Field(description="What users notice.")]
    diagnosis: Annotated[
        tuple[CheckSpec, ...], Field(min_length=1, description="How to find the cause, in order.")
    ]
    causes: Annotated[tuple[Text, ...], Field(min_length=1, description="What it usually is.")]
    mitigation: Annotated[
        tuple[Text, ...],
        Field(min_length=1, description="What to do about it, first things first."),
    ]


_EXPLAINED_BY = Field(
    description=(
        "What explains its alerts, so that they are not told beside it: signals whose page says"
        " so, `probes`, `availability`, `latency`, and `dependencies`, a service that this one"
        " needs and that is gone; [] for nothing."
    ),
    examples=[["targets", "dependencies"]],
)


class AlertSpec(GuidanceSpec):
    """An alert of a pack: a comparison with a number or a setting, or with `when` a whole
    condition."""

    model_config = ConfigDict(json_schema_extra=exactly_one("above", "below", "when"))

    name: Annotated[
        str,
        Field(
            pattern=_ALERT_NAME,
            description="Its name, the same for every service.",
            examples=["TargetDown"],
            json_schema_extra={"pattern": _ALERT_NAME_WITH_BLANKS},
        ),
    ]
    was: Annotated[
        tuple[str, ...],
        Field(
            description="Its names before this one: people's words in runbooks follow it.",
            examples=[["TargetsDown"]],
        ),
    ] = ()
    above: Annotated[
        NumberOrSetting | None, Field(description="It fires while the signal is above this.")
    ] = None
    below: Annotated[
        NumberOrSetting | None, Field(description="It fires while the signal is below this.")
    ] = None
    when: Annotated[Text | None, Field(description="It fires while this query has a result.")] = (
        None
    )
    guard: Annotated[
        GuardSpec | None, Field(description="The fewest events for which it may fire.")
    ] = None
    hold: Annotated[
        str,
        Field(
            alias="for",
            description="How long it must last: a duration, or a setting that holds one.",
            examples=["5m", "latency.for"],
        ),
    ] = "0s"
    keep_firing: Annotated[
        DurationField | None,
        Field(
            alias="keep_firing_for",
            description="How long it goes on after the condition ended.",
            examples=["5m"],
        ),
    ] = None
    severity: Annotated[Severity, Field(description="At tiers 1 and 2; lower tiers lower it.")] = (
        "ticket"
    )
    requires: Annotated[
        str | None, Field(description="A setting without which the alert is not written.")
    ] = None
    means_down: Annotated[
        YesNo,
        Field(
            description=(
                "Whether it says that the service is down: then the alerts that this explains at"
                " services that need it are not told."
            )
        ),
    ] = False

    @model_validator(mode="after")
    def _one_condition(self) -> AlertSpec:
        if sum(part is not None for part in (self.above, self.below, self.when)) != 1:
            raise mistake(
                "an alert needs exactly one condition", "write one of above, below and when"
            )
        return self


def _named(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise mistake("the unit is empty", "write one, or count for a plain number")
    return value


UnitName = Annotated[Text, BeforeValidator(_named)]


class LineSpec(Deferred):
    """One line of a panel."""

    query: Annotated[Text, Field(description="What it draws.")]
    legend: Annotated[Text, Field(description="What the line is called.")]


class PanelSpec(Deferred):
    """How the signal is drawn, where its own title and query are not enough."""

    key: Annotated[Slug | None, Field(description="Signals with the same key share a panel.")] = (
        None
    )
    title: Annotated[Text | None, Field(description="Its title, where it is not the signal's.")] = (
        None
    )
    kind: Annotated[
        Literal["timeseries", "stat", "state"], Field(description="What kind of panel it is.")
    ] = "timeseries"
    legend: Annotated[str, Field(description="What the signal's line is called.")] = ""
    lines: Annotated[
        tuple[LineSpec, ...], Field(description="Its lines, in place of the signal's query.")
    ] = ()
    live: Annotated[
        YesNo, Field(description="Whether its windows follow the dashboard's zoom.")
    ] = True


# What a pack records begins so.
RECORDED = "service:"


class RecordSpec(Deferred):
    """A recording rule for the alerts of the pack."""

    name: Annotated[
        str,
        Field(
            pattern=rf"^{RECORDED[:-1]}(:[a-z][a-z0-9_]*){{2}}$",
            description="What the pack's queries call it; it has the label service alone.",
            examples=["service:requests:increase1h"],
        ),
    ]
    query: Annotated[Text, Field(description="What it records, every two minutes.")]
    requires: Annotated[
        str | None, Field(description="A setting without which nothing reads it.")
    ] = None


class SignalSpec(Deferred):
    """One measured quantity: what is measured, how it is drawn, and what alerts on it."""

    each: Annotated[
        dict[SettingName, dict[SettingName, Written]],
        Field(
            min_length=1,
            max_length=MOST_ENTRIES,
            description=(
                "Makes one signal for each entry: its values fill the blanks of these names, and"
                " its key fills {item}."
            ),
            examples=[{"p50": {"quantile": 0.5}, "p95": {"quantile": 0.95}}],
        ),
    ] = Field(default_factory=dict)
    name: Annotated[
        Slug,
        Field(
            description="Its name: the label `signal` of its alerts.",
            json_schema_extra={"pattern": _SLUG_WITH_BLANKS},
        ),
    ]
    group: Annotated[
        Group,
        Field(description="The group of its rules, and the row of its panel."),
    ]
    title: Annotated[Text, Field(description="Its name for people.")]
    description: Annotated[Text, Field(description="What it says, for the panel and the runbook.")]
    unit: Annotated[
        UnitName,
        Field(description="What it is counted in.", examples=["ratio", "seconds", "requests/s"]),
    ]
    query: Annotated[
        Text,
        Field(
            description="Plain PromQL; the service's matchers are added to it.",
            examples=["sum(up)"],
        ),
    ]
    range: Annotated[
        str | None, Field(description="A setting that replaces the query's windows.")
    ] = None
    requires: Annotated[
        str | None, Field(description="A setting without which there is no such signal.")
    ] = None
    explained_by: Annotated[tuple[Slug, ...] | None, _EXPLAINED_BY] = None
    panel: Annotated[PanelSpec, Field(description="How it is drawn.")] = PanelSpec()
    alerts: Annotated[tuple[AlertSpec, ...], Field(description="What alerts on it.")] = ()


PackFor = Literal["service", "probe", "dependency", "runtime", "process"]


class PackFile(Deferred):
    """A file of templates/packs: the signals of one kind of thing."""

    pack: Annotated[
        Slug,
        Field(
            description=(
                "Its name. A dependency of this kind, a runtime or a process is written by it."
            )
        ),
    ]
    of: Annotated[
        PackFor,
        Field(
            alias="for",
            description=(
                "What its signals are of: every service, each probe, each dependency of the"
                " pack's name, or the services with this runtime or process."
            ),
            examples=["service"],
        ),
    ]
    title: Annotated[Text, Field(description="Its name for people.")]
    source: Annotated[Text, Field(description="Where the numbers were taken from.")]
    needs: Annotated[
        tuple[ConventionPart, ...],
        Field(
            description="The parts of the convention that it reads.",
            examples=[["requests"], ["latency"]],
        ),
    ] = ()
    settings: Annotated[
        dict[SettingName, SettingSpec],
        Field(
            description="Settings of its own, by their names: numbers that a spec may give.",
            examples=[
                {
                    "connections": {
                        "type": "percentage",
                        "default": "80%",
                        "source": "awesome-prometheus-alerts",
                        "description": "The share of connections in use that is too much.",
                    }
                }
            ],
        ),
    ] = Field(default_factory=dict)
    explained_by: Annotated[tuple[Slug, ...] | None, _EXPLAINED_BY] = None
    records: Annotated[
        tuple[RecordSpec, ...],
        Field(description="Recording rules for its alerts; one that no alert reads is left out."),
    ] = ()
    signals: Annotated[tuple[SignalSpec, ...], Field(min_length=1, description="What it measures.")]

    def explanations_of(self, signal: SignalSpec) -> tuple[str, ...]:
        """What explains a signal's alerts: as it says itself, or as its pack does."""
        own = signal.explained_by
        return (self.explained_by or ()) if own is None else own


class DerivedAlertSpec(GuidanceSpec):
    """The words of an alert that code derives, and what explains it."""

    explained_by: Annotated[tuple[Slug, ...], _EXPLAINED_BY]


class TextsFile(Deferred):
    """A file of templates/packs that has only the words of alerts that code derives, by
    `Name/kind`."""

    texts: Annotated[
        dict[DerivedName, DerivedAlertSpec],
        Field(description="The words of each alert, by its name and kind."),
    ]
