"""Where the house stands and what is in it; shared by the tests of the house rules."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parents[2]
NOT_OURS = {".venv", ".venv-sdk", "build", "var", ".git", "__pycache__"}


@cache
def pyproject() -> dict[str, Any]:
    """The project's settings."""
    return tomllib.loads((HOUSE / "pyproject.toml").read_text())


@cache
def rooms() -> tuple[str, ...]:
    """The packages that the import contracts watch."""
    return tuple(pyproject()["tool"]["importlinter"]["root_packages"])


@cache
def shipped_rooms() -> tuple[str, ...]:
    """The packages without the tests."""
    return tuple(room for room in rooms() if room != "tests")


def python_files(*folders: str) -> list[Path]:
    """Every Python file of these rooms."""
    return sorted(file for folder in folders for file in (HOUSE / folder).rglob("*.py"))


def named(file: Path) -> str:
    """A file's name as people write it."""
    return file.relative_to(HOUSE).as_posix()
