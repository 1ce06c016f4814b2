"""Fixtures for all tests: the external programs they run, and real data to run them on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.programs import AMTOOLS, PROMTOOLS, ROOT, require_program

# Speed is for benchmarks: a slow machine is no failure. CI draws the same examples every time.
settings.register_profile("opsgen", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("opsgen")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests build is remembered for the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", params=PROMTOOLS)
def promtool(request: pytest.FixtureRequest) -> Path:
    """Each promtool in turn: Prometheus 2 and Prometheus 3."""
    return require_program(request.param)


@pytest.fixture(scope="session", params=AMTOOLS)
def amtool(request: pytest.FixtureRequest) -> Path:
    """Each amtool in turn: the packaged one and the current one."""
    return require_program(request.param)


@pytest.fixture(scope="session")
def prometheus_server() -> Path:
    """The Prometheus 2 server."""
    return require_program("prometheus-2")


@pytest.fixture(scope="session")
def current_prometheus_server() -> Path:
    """The Prometheus 3 server. It is built without its web pages and without the clouds' service
    discoveries."""
    return require_program("prometheus-3")


@pytest.fixture(scope="session")
def alertmanager_server() -> Path:
    return require_program("alertmanager")


@pytest.fixture(scope="session")
def blackbox_exporter() -> Path:
    return require_program("blackbox-exporter")


@pytest.fixture(scope="session")
def node_exporter() -> Path:
    return require_program("node-exporter")


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Expositions of real programs and public rule collections, which are too large to be kept in
    this repository.

    OPSGEN_SAMPLE_DATA names their folder. Without it the tests on them skip, in CI too.
    """
    named = os.environ.get("OPSGEN_SAMPLE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no sample data: OPSGEN_SAMPLE_DATA names no folder")
    return folder
