"""The uptime probes of a service: their names and defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.quantities import Duration
from tests.resolve.mistakes import headed
from tests.specs import derived


@pytest.mark.parametrize(
    ("uptime", "names"),
    [
        ("[https://shop.example.com/healthz]", ["healthz"]),
        ("[https://shop.example.com/]", ["shop-example-com"]),
        ("[https://shop.example.com]", ["shop-example-com"]),
        (
            "[https://a.example.com/ready, https://b.example.com/ready]",
            ["ready", "b-example-com-ready"],
        ),
        (
            "['https://a.example.com/a?x=1', 'https://a.example.com/a?x=2']",
            ["a", "a-example-com-a"],
        ),
        ("['https://a.example.com/api/Über%20uns/']", ["ber-20uns"]),
        ("[{url: 'https://a.example.com/x', name: front}]", ["front"]),
    ],
)
def test_a_probe_is_named_by_its_path_or_its_host(
    tmp_path: Path, uptime: str, names: list[str]
) -> None:
    assert [
        probe.name for probe in derived(tmp_path, headed(f"uptime: {uptime}\n")).service.probes
    ] == names


def test_a_probe_has_defaults_that_fit_each_other(tmp_path: Path) -> None:
    spec = headed(
        "uptime: [https://a.example.com/a, {url: 'http://a.example.com/b', interval: 2s}]\n"
    )

    secure, plain = derived(tmp_path, spec).service.probes

    assert (secure.interval, secure.timeout, secure.slow) == tuple(
        map(Duration.of, ("30s", "5s", "1s"))
    )
    assert secure.certificate == Duration.of("14d")
    assert (plain.timeout, plain.slow, plain.certificate) == (
        Duration.of("2s"),
        Duration.of("1s"),
        None,
    )
