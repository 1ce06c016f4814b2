"""Specs as texts through the public stages: a service as it comes out of derive, or what is said
against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.errors import InputError
from opsgen.fleet.build import contents
from opsgen.fleet.load import FleetModel, ServiceModel, load_fleet


def fleet(folder: Path, spec: str, project: str = "") -> FleetModel:
    """The fleet of one spec, beside a project file where there is a text for it."""
    folder.mkdir(parents=True, exist_ok=True)
    if project:
        (folder / "opsgen.yaml").write_text(project)
    file = folder / "service.yaml"
    file.write_text(spec)
    return load_fleet([file])


def derived(folder: Path, spec: str, project: str = "") -> ServiceModel:
    """The service of a spec in its first environment, through load, resolve and derive."""
    return next(
        one
        for one in fleet(folder, spec, project).services
        if one.service.name == one.service.spec_name
    )


def file_texts(folder: Path, spec: str, project: str = "") -> dict[str, str]:
    """What is made of one spec: the text of every file, by its path, the fleet's too."""
    built = contents(fleet(folder, spec, project), folder / "out").values()
    return {artifact.path: artifact.content for content in built for artifact in content.artifacts}


def warned(folder: Path, spec: str, project: str = "") -> list[str]:
    """Every warning, with files named from the folder; but that nobody is told, and that a budget
    of 30 days is more than Prometheus keeps by default, as most specs of tests say no more."""
    texts = (text.replace(f"{folder}/", "") for text in fleet(folder, spec, project).warnings)
    usual = ("nobody is told", "Prometheus keeps 15d, too little")
    return [text for text in texts if not any(words in text for words in usual)]


def refused(folder: Path, spec: str, project: str = "") -> list[str]:
    """Every mistake as it is printed, with files named from the folder; fails where the spec is
    taken."""
    with pytest.raises(InputError) as caught:
        fleet(folder, spec, project)
    return [str(mistake).replace(f"{folder}/", "") for mistake in caught.value.mistakes]
