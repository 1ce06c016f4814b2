"""A pack and one use of it go in; its signals come out, filled in for the service, a probe or a
dependency.

Queries in a pack are plain PromQL. Some names stand for selectors of the convention (`requests`,
`errors`, `latency_bucket`, `latency_count`); they are replaced, and the instance's matchers are
added to every selector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from opsgen.load.pack_file import (
    RECORDED,
    AlertSpec,
    CheckSpec,
    GuidanceSpec,
    PackFile,
    SignalSpec,
)
from opsgen.model.service import Convention, Place, Service
from opsgen.model.settings import SettingValue, as_number
from opsgen.model.signal import (
    Alert,
    Check,
    Guard,
    Guidance,
    Line,
    Panel,
    Record,
    Signal,
    Threshold,
    Unit,
)
from opsgen.model.texts import fill, go_text
from opsgen.model.units import unit_named
from opsgen.promql import Call, Matcher, Node, Selector
from opsgen.promql.rewrite import (
    binary,
    number,
    rule_query,
    transform,
    with_matchers,
    with_range,
    with_selectors,
)
from opsgen.promql.tree import selectors
from opsgen.quantities import Duration
from opsgen.signals.pack_guards import Stage, guards_of, in_turn

Texts = Mapping[str, GuidanceSpec]

# Words that are Go template actions of opsgen, and so are not escaped.
_ACTIONS = frozenset({"value", "budget_left"})


@dataclass(frozen=True)
class AlertText:
    """The words of one alert, filled in."""

    summary: str
    description: str
    guidance: Guidance


@dataclass(frozen=True)
class Instance:
    """One use of a pack: its name (empty for the service itself), matchers, settings and words, and
    where the spec asks for it. A setting that the pack itself declares has its plain name."""

    pack: PackFile
    matchers: tuple[Matcher, ...]
    settings: Mapping[str, SettingValue]
    name: str = ""
    words: Mapping[str, str] | None = None
    place: Place | None = None


def pack_signals(service: Service, instance: Instance) -> tuple[Signal, ...]:
    """The signals of one use of a pack. A signal is left out if the service does not have the
    setting that it requires."""
    filler = _Filler(service, instance)
    signals = [
        filler.signal(spec)
        for spec in instance.pack.signals
        if _asked_for(spec.requires, instance.settings)
    ]
    for record in filler.records():
        _record_for_first_reader(record, signals)
    return tuple(signals)


def _record_for_first_reader(record: Record, signals: list[Signal]) -> None:
    """Gives the record to the first signal with an alert that reads it, if there is one."""
    for index, signal in enumerate(signals):
        read = {found.metric for alert in signal.alerts for found in selectors(alert.expr)}
        if record.name in read:
            signals[index] = replace(signal, records=(*signal.records, record))
            return


def hold_of(service: Service, alert: str, default: Duration) -> Duration:
    """How long an alert's condition must hold: what the spec says under `alerts`, or the
    default."""
    override = service.overrides.get(alert)
    return default if override is None or override.hold is None else override.hold


def alert_texts(texts: Texts, key: str, service: Service, words: Mapping[str, str]) -> AlertText:
    """The filled-in words of an alert that code derives, from the file of texts."""
    return filled(texts[key], service, words, service.matchers)


def filled(
    spec: GuidanceSpec, service: Service, words: Mapping[str, str], matchers: tuple[Matcher, ...]
) -> AlertText:
    """The texts of an alert with their blanks filled, and its diagnosis queries on the given
    matchers.

    A word that is a Go template action (`{{ $value | humanize }}`) stays one in the description.
    All other words are escaped as plain text.
    """
    plain = service_words(service) | dict(words)
    escaped = {name: word if name in _ACTIONS else go_text(word) for name, word in plain.items()}
    return AlertText(
        summary=fill(spec.summary, plain),
        description=" ".join(fill(spec.description, escaped).split()),
        guidance=Guidance(
            meaning=fill(spec.meaning, plain),
            impact=fill(spec.impact, plain),
            diagnosis=tuple(_check(check, service, matchers, plain) for check in spec.diagnosis),
            causes=tuple(fill(cause, plain) for cause in spec.causes),
            mitigation=tuple(fill(step, plain) for step in spec.mitigation),
        ),
    )


def service_words(service: Service) -> dict[str, str]:
    """The blanks that every text may have."""
    return {
        "service": service.name,
        "title": service.title,
        "team": service.team.name,
        "tier": str(service.tier),
        "environment": service.environment,
    }


def convention_selectors(convention: Convention) -> dict[str, Selector]:
    """The selectors that the names in a pack stand for, under a convention."""
    histogram = convention.latency
    named = {
        "requests": convention.requests,
        "errors": convention.errors,
        "latency_bucket": histogram.part("bucket") if histogram else None,
        "latency_count": histogram.part("count") if histogram else None,
    }
    return {name: found for name, found in named.items() if found is not None}


def localised(query: str, service: Service, matchers: tuple[Matcher, ...]) -> Node:
    """A pack's query for one service, with its convention's selectors and its matchers. What
    opsgen records has other labels than what is scraped."""
    named = convention_selectors(service.convention)
    in_seconds = _quantiles_in_seconds(rule_query(query), service.convention)
    scraped = with_matchers(
        with_selectors(in_seconds, named.get),
        matchers,
        lambda metric: not metric.startswith(("slo:", RECORDED)),
    )
    own = (Matcher("service", "=", service.name),)
    return with_matchers(scraped, own, lambda metric: metric.startswith(RECORDED))


def _quantiles_in_seconds(query: Node, convention: Convention) -> Node:
    """Multiplies percentiles of a histogram in milliseconds by 0.001: every latency is shown in
    seconds."""
    histogram = convention.latency
    if histogram is None or histogram.unit_seconds == 1:
        return query
    unit = number(histogram.unit_seconds)

    def scale(node: Node) -> Node:
        is_quantile = isinstance(node, Call) and node.function == "histogram_quantile"
        return binary("*", node, unit) if is_quantile else node

    return transform(query, scale)


def _check(
    spec: CheckSpec, service: Service, matchers: tuple[Matcher, ...], words: Mapping[str, str]
) -> Check:
    query = None if spec.query is None else localised(fill(spec.query, words), service, matchers)
    command = None if spec.command is None else fill(spec.command, words)
    return Check(fill(spec.text, words), query, command)


def _asked_for(requires: str | None, settings: Mapping[str, SettingValue]) -> bool:
    return requires is None or settings.get(requires) is not None


@dataclass(frozen=True)
class _Filler:
    """Fills in one pack for one instance."""

    service: Service
    instance: Instance

    def records(self) -> Iterator[Record]:
        for spec in self.instance.pack.records:
            if _asked_for(spec.requires, self.instance.settings):
                query = localised(spec.query, self.service, self.instance.matchers)
                yield Record(spec.name, query, (("service", self.service.name),), slow=True)

    def signal(self, spec: SignalSpec) -> Signal:
        unit = unit_named(spec.unit)
        query = self._query(spec.query, spec)
        words = self._words(spec)
        alerts = tuple(
            self._alert(alert, spec, query, unit)
            for alert in spec.alerts
            if _asked_for(alert.requires, self.instance.settings)
        )
        title = fill(spec.title, words)
        description = fill(spec.description, words)
        return Signal(
            name=self._name(spec),
            group=spec.group,
            title=title,
            description=description,
            unit=unit,
            query=query,
            panel=self._panel(spec, query, title, description, words),
            alerts=alerts,
        )

    def _name(self, spec: SignalSpec) -> str:
        return f"{spec.name}-{self.instance.name}" if self.instance.name else spec.name

    def _words(self, spec: SignalSpec) -> dict[str, str]:
        own = {"signal": self._name(spec), "name": self.instance.name}
        return service_words(self.service) | own | dict(self.instance.words or {})

    def _query(self, text: str, spec: SignalSpec) -> Node:
        query = localised(text, self.service, self.instance.matchers)
        if spec.range is not None:
            window = self.instance.settings[spec.range]
            assert isinstance(window, Duration)
            query = with_range(query, window)
        return query

    def _panel(
        self, spec: SignalSpec, query: Node, title: str, description: str, words: dict[str, str]
    ) -> Panel:
        panel = spec.panel
        own = [Line(query, fill(panel.legend, words) or title, panel.live)]
        more = [
            Line(self._query(line.query, spec), fill(line.legend, words), panel.live)
            for line in panel.lines
        ]
        return Panel(
            key=panel.key or self._name(spec),
            title=fill(panel.title, words) if panel.title else title,
            description=description,
            kind=panel.kind,
            lines=tuple(more or own),
        )

    def _alert(self, spec: AlertSpec, signal: SignalSpec, query: Node, unit: Unit) -> Alert:
        threshold = self._threshold(spec, unit)
        hold = hold_of(self.service, spec.name, self._duration(spec.hold))
        keep = self._keep_firing(spec)
        guards = guards_of(spec, threshold)
        stages = self._stages(spec, signal, query, guards)
        condition = self._on_scraped(stages[0].guarded(threshold))
        numbers = _number_words(unit, threshold, hold, guards)
        words = self._words(signal) | numbers
        text = filled(spec, self.service, words, self.instance.matchers)
        return Alert(
            name=spec.name,
            signal=self._name(signal),
            severity=spec.severity,
            expr=in_turn(stages, threshold),
            condition=condition,
            hold=hold,
            keep_firing=keep,
            labels=(),
            summary=text.summary,
            description=text.description,
            guidance=text.guidance,
            panel=signal.panel.key or self._name(signal),
            thresholds=(threshold,) if threshold else (),
            guards=guards,
            was=tuple((was, self._name(signal)) for was in spec.was),
        )

    def _stages(
        self, spec: AlertSpec, signal: SignalSpec, query: Node, guards: Sequence[Guard]
    ) -> list[Stage]:
        """What the alert compares, and what stands in for it, in turn."""
        if spec.when is not None:
            query = self._query(spec.when, signal)
        if spec.guard is None:
            return [Stage(query)]
        stand_ins = (self._query(one.query, signal) for one in spec.guard.stand_ins)
        counts = (self._query(one.count, signal) for one in spec.guard.counts)
        stages = zip((query, *stand_ins), counts, guards, strict=True)
        return [
            Stage(compared, binary(">=", count, number(guard.events)))
            for compared, count, guard in stages
        ]

    def _on_scraped(self, expr: Node) -> Node:
        """The expression with the pack's own series replaced by what they are recorded from."""
        recorded = {record.name: record.expr for record in self.records()}

        def replaced(node: Node) -> Node:
            if not isinstance(node, Selector) or node.metric is None:
                return node
            return recorded.get(node.metric, node)

        return transform(expr, replaced)

    def _threshold(self, spec: AlertSpec, unit: Unit) -> Threshold | None:
        written = spec.above if spec.above is not None else spec.below
        if written is None:
            return None
        return Threshold(self._number(written), spec.above is not None, unit)

    def _keep_firing(self, spec: AlertSpec) -> Duration:
        return spec.keep_firing or Duration(0)

    def _duration(self, written: str) -> Duration:
        setting = self.instance.settings.get(written)
        return setting if isinstance(setting, Duration) else Duration.parse(written)

    def _number(self, written: str) -> Decimal:
        try:
            return Decimal(written)
        except InvalidOperation:
            return as_number(self.instance.settings[written])


def _number_words(
    unit: Unit, threshold: Threshold | None, hold: Duration, guards: Sequence[Guard]
) -> dict[str, str]:
    """The words for the numbers of an alert."""
    guard = guards[0] if guards else None
    return {
        "value": f"{{{{ $value | {unit.humanize} }}}}",
        "threshold": threshold.words if threshold else "",
        "hold": hold.in_words,
        "events": str(guard.events) if guard else "",
        "events_window": guard.window.in_words if guard else "",
    }
