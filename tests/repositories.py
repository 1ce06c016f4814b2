"""Repositories of git that tests make: a command of git in a folder, by an author who is nobody."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@example.com")


def git(folder: Path, *arguments: str) -> None:
    """Fails where git does; the test skips where it is not installed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", *_IDENTITY, *arguments], cwd=folder, check=True, capture_output=True)


def committed(folder: Path) -> Path:
    """A repository of all that lies in the folder, with one commit on `main`."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder
