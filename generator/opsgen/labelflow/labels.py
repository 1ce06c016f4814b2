"""Label matchers go in; frozen `Labels` come out, the labels that the series of a result can have.

As in Prometheus, a missing label is a label with the empty value. So one `Domain` says everything:
whether the label may be missing, and which values it may have. Where nothing is known, a label may
be there or not; what is called impossible or guaranteed holds for every series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from opsgen.labelflow.patterns import Pattern, alternatives, exclude_each_other
from opsgen.promql import Matcher


@dataclass(frozen=True, slots=True)
class Domain:
    """What one label can be: missing where `missing`, else one of `values` (None: anything but
    empty).

    `assumed` where it is not missing for the one reason that its series are taken to be scraped.
    Values that are not listed satisfy all `patterns`.
    """

    missing: bool
    values: frozenset[str] | None
    assumed: bool = False
    patterns: frozenset[Pattern] = frozenset()

    def __and__(self, other: Domain) -> Domain:
        """What is possible under both."""
        if other is MAYBE or self is other:
            return self
        if self is MAYBE:
            return other
        missing = self.missing and other.missing
        sure = any(not one.missing and not one.assumed for one in (self, other))
        is_assumed = not missing and not sure
        if self.values is None and other.values is None:
            if exclude_each_other(self.patterns, other.patterns):
                return Domain(missing, frozenset(), is_assumed)
            return Domain(missing, None, is_assumed, self.patterns | other.patterns)
        return Domain(missing, self._listed(other) & other._listed(self), is_assumed)

    def _listed(self, other: Domain) -> frozenset[str]:
        """Its values; those of the other that its patterns accept where it lists none."""
        if self.values is not None:
            return self.values
        return frozenset(
            value
            for value in other.values or ()
            if all(pattern.accepts(value) is not False for pattern in self.patterns)
        )

    def __or__(self, other: Domain) -> Domain:
        """What is possible under either."""
        if self is other or other is MAYBE:
            return other
        missing = self.missing or other.missing
        is_assumed = not missing and (self.assumed or other.assumed)
        if self.values is None or other.values is None:
            return Domain(missing, None, is_assumed, self._shared(other) & other._shared(self))
        return Domain(missing, self.values | other.values, is_assumed)

    def _shared(self, other: Domain) -> frozenset[Pattern]:
        """The patterns of either that all values of this one satisfy."""
        if self.values is None:
            return self.patterns
        return frozenset(
            pattern
            for pattern in other.patterns
            if all(pattern.accepts(value) for value in self.values)
        )

    @property
    def without_assumption(self) -> Domain:
        """What it can be if its series may not be scraped."""
        return replace(self, missing=True, assumed=False) if self.assumed else self

    @property
    def impossible(self) -> bool:
        """Whether nothing is left, not even a missing label."""
        return not self.missing and self.values == frozenset()


GONE = Domain(True, frozenset())
MAYBE = Domain(True, None)
PRESENT = Domain(False, None)
ASSUMED = Domain(False, None, assumed=True)


def exactly(value: str) -> Domain:
    """One fixed value; the empty one means that the label is not there."""
    return Domain(False, frozenset({value})) if value else GONE


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of every series of a result: what is known of some, and whether there can be
    `others`.

    Labels that start with two underscores are Prometheus' own (`__name__`) and never count as gone.
    """

    known: Mapping[str, Domain] = field(default_factory=dict, hash=False)
    others: bool = True

    @classmethod
    def anything(cls) -> Labels:
        """Nothing is known: any label is possible, none is sure."""
        return cls()

    @classmethod
    def nothing(cls) -> Labels:
        """A result without labels: `sum(x)`, `vector(1)`, a scalar."""
        return cls({}, others=False)

    @classmethod
    def of(cls, known: Mapping[str, Domain], others: bool) -> Labels:
        """The canonical value: leaves out what `others` already says, so that equal knowledge
        compares equal."""
        default = MAYBE if others else GONE
        kept = {
            label: domain
            for label, domain in known.items()
            if domain is not default and domain != default
        }
        return cls(kept, others)

    def domain(self, label: str) -> Domain:
        found = self.known.get(label)
        if found is not None:
            return found
        return MAYBE if self.others or label.startswith("__") else GONE

    def can_have(self, label: str) -> bool:
        """Whether some series may have the label, with a value that is not empty."""
        return self.domain(label).values != frozenset()

    def guarantees(self, label: str) -> bool:
        """Whether every series has the label, with a value that is not empty."""
        return not self.domain(label).missing

    def keep(self, labels: Iterable[str]) -> Labels:
        """Only these labels, as `by` does."""
        kept = (label for label in labels if not label.startswith("__"))
        return Labels.of({label: self.domain(label) for label in kept}, others=False)

    def drop(self, labels: Iterable[str]) -> Labels:
        """All but these labels, as `without` does."""
        gone = (label for label in labels if not label.startswith("__"))
        return Labels.of({**self.known, **dict.fromkeys(gone, GONE)}, self.others)

    def with_domain(self, label: str, domain: Domain) -> Labels:
        return Labels.of({**self.known, label: domain}, self.others)

    def __or__(self, other: Labels) -> Labels:
        """Series of either kind."""
        names = {**self.known, **other.known}
        known = {label: self.domain(label) | other.domain(label) for label in names}
        return Labels.of(known, self.others or other.others)


def matcher_domain(matcher: Matcher) -> Domain:
    """What the label can be in a series that the matcher selects."""
    if matcher.op == "=":
        return exactly(matcher.value)
    values = alternatives(matcher.value) if matcher.op == "=~" else None
    if values is not None:
        return Domain("" in values, values - {""})
    pattern = Pattern(matcher.op, matcher.value)
    says_nothing = matcher.value in _SAYS_NOTHING[matcher.op]
    can_be_missing = pattern.accepts("") is not False
    return Domain(can_be_missing, None, patterns=frozenset(() if says_nothing else {pattern}))


# Texts that only say whether the label is there.
_SAYS_NOTHING: dict[str, tuple[str, ...]] = {"!=": ("",), "=~": (".*", ".+"), "!~": ("",)}
