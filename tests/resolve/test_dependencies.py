"""The dependencies of a service."""

from __future__ import annotations

from pathlib import Path

from tests.resolve.mistakes import headed
from tests.specs import refused


def test_a_dependency_without_a_name_is_a_mistake(tmp_path: Path) -> None:
    assert refused(tmp_path, headed("convention: grpc\ndependencies: [{redis: }]\n")) == [
        "service.yaml:4:17: dependencies[0].redis: has no value; write one, or leave the key out"
    ]
