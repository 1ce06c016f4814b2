"""What is published works without the checkout: both distributions hold the templates, the locks
pin everything."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import opsgen
from tests.programs import ROOT

pytestmark = pytest.mark.xdist_group("packaging")

TEMPLATES = ROOT / "templates"
LOCKS = ("requirements.lock", "requirements-dev.lock")

# Printed from inside an installed opsgen: each convention, on the path where importlib.resources
# finds it.
FIND_CONVENTIONS = """
from importlib.resources import files
for convention in sorted(files("opsgen").joinpath("templates", "conventions").iterdir(), key=str):
    print(convention)
"""


@dataclass(frozen=True)
class Distributions:
    sdist: Path
    wheel_of_sdist: Path
    wheel_of_checkout: Path


def run(*command: str | Path, cwd: Path) -> str:
    """The command's standard output. Only what is installed counts, hence no PYTHONPATH; nothing is
    fetched."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    finished = subprocess.run(
        command,
        cwd=cwd,
        env=environment | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """An sdist, a wheel built from the sdist, and a wheel built from the checkout, as `pipx install
    .` does."""
    via_sdist, direct = tmp_path_factory.mktemp("via-sdist"), tmp_path_factory.mktemp("direct")
    build = (sys.executable, "-m", "build", "--no-isolation", ROOT, "--outdir")
    run(*build, via_sdist, cwd=via_sdist)
    run(*build, direct, "--wheel", cwd=direct)
    return Distributions(
        sdist=next(via_sdist.glob("*.tar.gz")),
        wheel_of_sdist=next(via_sdist.glob("*.whl")),
        wheel_of_checkout=next(direct.glob("*.whl")),
    )


@pytest.fixture(params=["wheel_of_sdist", "wheel_of_checkout"])
def wheel(distributions: Distributions, request: pytest.FixtureRequest) -> Path:
    path: Path = getattr(distributions, request.param)
    return path


def template_files() -> set[PurePosixPath]:
    """Every template of the checkout, relative to templates/."""
    found = {
        PurePosixPath(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*")
        if path.is_file()
    }
    assert found, "the checkout has no templates"
    return found


def below(folder: str, names: list[str]) -> set[PurePosixPath]:
    """Those of the names that are below the folder, relative to it."""
    paths = [PurePosixPath(name) for name in names]
    return {path.relative_to(folder) for path in paths if path.is_relative_to(folder)}


@pytest.mark.slow
def test_the_sdist_holds_every_template_as_a_regular_file(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        regular = [member.name for member in archive if member.isfile()]
        links = [member.name for member in archive if member.issym() or member.islnk()]

    assert (
        below(f"opsgen-{opsgen.__version__}/generator/opsgen/templates", regular)
        == template_files()
    )
    assert links == []


@pytest.mark.slow
def test_the_wheel_holds_every_template_as_a_regular_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        links = [
            entry.filename
            for entry in archive.infolist()
            if stat.S_ISLNK(entry.external_attr >> 16)
        ]

    assert below("opsgen/templates", names) == template_files()
    assert links == []


@pytest.mark.slow
def test_the_wheel_holds_opsgen_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top_level = {PurePosixPath(name).parts[0] for name in archive.namelist()}

    assert top_level == {"opsgen", f"opsgen-{opsgen.__version__}.dist-info"}


@pytest.mark.slow
def test_an_installed_wheel_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    # The dependencies come from this environment. Python reads no .pth file in a folder that a .pth
    # file names, so the checkout, which is installed here as editable, stays out of sight.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, cwd=tmp_path
    )
    version = run(environment / "bin" / "opsgen", "--version", cwd=tmp_path)
    conventions = [
        Path(line) for line in run(python, "-c", FIND_CONVENTIONS, cwd=tmp_path).splitlines()
    ]

    assert opsgen.__version__ in version.split()[-1]
    assert {path.parent for path in conventions} == {
        packages / "opsgen" / "templates" / "conventions"
    }
    assert {path.name for path in conventions} == {
        path.name for path in (TEMPLATES / "conventions").iterdir()
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_packages_by_version_and_hash_and_by_nothing_else(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.sub(r"(?m)^\s*#.*\n", "", text).replace("\\\n", "").splitlines()

    pinned = re.compile(r"[\w-]+==[\w.]+ *(; [^#]*?)?( +--hash=sha256:\w{64})+")
    loose = [entry for entry in entries if not pinned.fullmatch(entry)]

    assert entries
    assert loose == []
    assert "://" not in text


@pytest.mark.parametrize(
    ("lock", "group"), [("requirements.lock", "build"), ("requirements-dev.lock", "dev")]
)
def test_a_lock_pins_every_dependency_that_the_project_declares(lock: str, group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(
            r"(?m)^([\w-]+)==([\w.]+)", (ROOT / lock).read_text(encoding="utf-8")
        )
    }

    declared = [
        Requirement(line)
        for line in [*project["project"]["dependencies"], *project["dependency-groups"][group]]
        if isinstance(line, str)
    ]
    unmet = [
        str(requirement)
        for requirement in declared
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
        or canonicalize_name(requirement.name) not in pinned
    ]

    assert unmet == []
