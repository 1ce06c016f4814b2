"""The simulator of Alertmanager's routing, with amtool as its judge."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.routing import is_inhibited, matcher, receivers_reached

_LABELS = ("service", "severity", "environment")
_WORDS = st.sampled_from(["a", "b", "ab", "a.b"])
_HOSTILE = st.text(st.sampled_from("a\"\\\n{},=~!# 'é🔥"), min_size=1, max_size=8)
_MATCHERS = st.one_of(
    st.builds(
        matcher, st.sampled_from(_LABELS), st.one_of(_WORDS, _HOSTILE), st.sampled_from(["=", "!="])
    ),
    st.builds(
        matcher,
        st.sampled_from(_LABELS),
        st.sampled_from(["a", "a|b", "a.b", ".*", "", "a?b", "(a|b)+"]),
        st.sampled_from(["=~", "!~"]),
    ),
)


def _routes(
    children: st.SearchStrategy[list[dict[str, Any]]],
) -> st.SearchStrategy[list[dict[str, Any]]]:
    route = st.fixed_dictionaries(
        {"matchers": st.lists(_MATCHERS, max_size=2), "routes": children},
        optional={"receiver": st.sampled_from(["one", "two", "three"]), "continue": st.booleans()},
    )
    return st.lists(route, max_size=3)


_NO_ROUTES: st.SearchStrategy[list[dict[str, Any]]] = st.just([])
_TREES = st.recursive(_NO_ROUTES, _routes, max_leaves=8)


def _config(*routes: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    receivers = [{"name": name} for name in ("root", "one", "two", "three")]
    return {"route": {"receiver": "root", "routes": list(routes)}, "receivers": receivers, **rest}


def _judged(amtool: Path, config: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "alertmanager.yml")
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        arguments = [matcher(label, value) for label, value in labels.items()]
        printed = subprocess.run(
            [amtool, "config", "routes", "test", "--config.file", file, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
    return tuple(printed.stdout.strip().split(","))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    routes=_TREES,
    labels=st.dictionaries(st.sampled_from(_LABELS), st.one_of(_WORDS, _HOSTILE), min_size=1),
)
def test_any_alert_reaches_the_receivers_that_amtool_names(
    amtool: Path, routes: list[dict[str, Any]], labels: dict[str, str]
) -> None:
    config = _config(*routes)

    assert receivers_reached(config, labels) == _judged(amtool, config, labels)


def test_an_alert_goes_on_to_the_next_sibling_only_where_a_route_says_so() -> None:
    page = {"matchers": ['severity="page"']}
    config = _config(
        {**page, "receiver": "one", "continue": True},
        {**page, "receiver": "two"},
        {**page, "receiver": "three"},
    )

    assert receivers_reached(config, {"severity": "page"}) == ("one", "two")


def test_an_alert_that_nothing_matches_stays_at_the_root() -> None:
    config = _config({"matchers": ['service="checkout"'], "receiver": "one"})

    assert receivers_reached(config, {"service": "other"}) == ("root",)


def test_a_route_without_a_receiver_has_that_of_its_parent() -> None:
    config = _config({"receiver": "one", "routes": [{"matchers": ['severity="page"']}]})

    assert receivers_reached(config, {"severity": "page"}) == ("one",)


@pytest.mark.parametrize(
    "text", ["service", "service=checkout", 'service="a",severity="b"', '{service="a"}', ""]
)
def test_a_matcher_that_opsgen_would_not_write_is_refused_rather_than_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="is no matcher"):
        receivers_reached(_config({"matchers": [text]}), {})


def test_an_alert_is_inhibited_by_another_one_with_equal_labels() -> None:
    rule = {
        "source_matchers": ['severity="page"'],
        "target_matchers": ['severity="ticket"'],
        "equal": ["service"],
    }
    config = _config(inhibit_rules=[rule])
    ticket = {"severity": "ticket", "service": "checkout"}

    assert is_inhibited(config, ticket, [{"severity": "page", "service": "checkout"}])
    assert not is_inhibited(config, ticket, [{"severity": "page", "service": "other"}])
    assert not is_inhibited(config, ticket, [])


def test_labels_that_are_missing_on_both_sides_are_equal() -> None:
    rule = {
        "source_matchers": ['severity="page"'],
        "target_matchers": ['severity="ticket"'],
        "equal": ["service"],
    }

    assert is_inhibited(
        _config(inhibit_rules=[rule]), {"severity": "ticket"}, [{"severity": "page"}]
    )


def test_an_alert_does_not_inhibit_itself() -> None:
    rule = {
        "source_matchers": ['severity=~"page|ticket"'],
        "target_matchers": ['severity="page"'],
        "equal": [],
    }

    assert not is_inhibited(
        _config(inhibit_rules=[rule]), {"severity": "page"}, [{"severity": "page"}]
    )
    assert is_inhibited(
        _config(inhibit_rules=[rule]), {"severity": "page"}, [{"severity": "ticket"}]
    )
