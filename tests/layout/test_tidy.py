"""The rules of style that no linter keeps: sizes, broad excepts, lock files without hosts (design: style)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles

import pytest

from tests.layout.house import HOUSE, NOT_OURS, named, python_files, rooms, shipped_rooms

MOST_LINES, MOST_TEST_LINES, MOST_FUNCTION_LINES = 400, 500, 50
MEDIAN_FUNCTION_LINES, P90_FUNCTION_LINES = 10, 30
MIGRATIONS = HOUSE / "store" / "migrations" / "versions"
"""A migration is a list of statements that is never edited again: it has no length to keep."""

PROCESS_EDGES: frozenset[str] = frozenset()
"""Files that may catch Exception because nothing is above them. None needs it today."""

# Halves, so that this file does not hold what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "crates" + ".io/",
    "proxy." + "golang.org",
    "tuna." + "tsinghua",
    "mirrors." + "aliyun",
    "index-" + "url",
    "artifactory" + ".",
]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-ocr.lock"]
BROAD = {"Exception", "BaseException"}


def functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{named(file)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def shipped_functions() -> list[tuple[str, int]]:
    files = (file for file in python_files(*shipped_rooms()) if MIGRATIONS not in file.parents)
    return [found for file in files for found in functions(file)]


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    sizes = {named(file): len(file.read_text().splitlines()) for file in python_files(*rooms())}
    long = {name: n for name, n in sizes.items() if n > (MOST_TEST_LINES if name.startswith("tests/") else MOST_LINES)}
    assert not long


def test_no_function_is_longer_than_fifty_lines() -> None:
    tests = [found for file in python_files("tests") for found in functions(file)]
    long = {name: n for name, n in shipped_functions() + tests if n > MOST_FUNCTION_LINES}
    assert not long


def test_functions_are_short_as_a_rule() -> None:
    lengths = [n for _, n in shipped_functions()]
    assert median(lengths) <= MEDIAN_FUNCTION_LINES
    assert quantiles(lengths, n=10)[-1] <= P90_FUNCTION_LINES


def is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(one, ast.Name) and one.id in BROAD for one in caught)


def test_nobody_catches_everything_but_at_a_process_edge() -> None:
    broad = [
        f"{named(file)}:{node.lineno}"
        for file in python_files(*rooms())
        if named(file) not in PROCESS_EDGES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ExceptHandler) and is_broad(node)
    ]
    assert not broad


@pytest.mark.parametrize("source", ["except:", "except Exception:", "except (ValueError, BaseException) as error:"])
def test_a_handler_that_catches_everything_is_seen(source: str) -> None:
    tree = ast.parse(f"try:\n    pass\n{source}\n    pass\n")
    assert [is_broad(node) for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)] == [True]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_by_hash_and_names_no_host(name: str) -> None:
    text = (HOUSE / name).read_text()
    assert not re.findall(r"https?://\S+", text)
    pinned = re.findall(r"^([a-zA-Z0-9._-]+(?:\[[^]]*\])?==\S+)(.*(?:\n    .*)*)", text, re.MULTILINE)
    assert len(pinned) > 20
    assert [what for what, rest in pinned if "--hash=sha256:" not in rest] == []


def test_no_file_names_a_package_registry() -> None:
    # Whose registry serves a newcomer is the newcomer's own setting.
    guilty = [(named(file), word) for file in text_files() for word in REGISTRIES if word in read(file)]
    assert not guilty


def text_files() -> list[Path]:
    inside = (file for file in HOUSE.rglob("*") if not NOT_OURS.intersection(file.relative_to(HOUSE).parts))
    return [file for file in inside if file.is_file() and not hidden(file)]


def hidden(file: Path) -> bool:
    return any(part.startswith(".") and part != ".github" for part in file.relative_to(HOUSE).parts[:-1])


def read(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "ignore").lower()
