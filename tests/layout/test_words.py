"""Banned calls are flagged everywhere but where they belong; what the README tells people to type exists."""

import re
import subprocess
import sys

import pytest

from tests.layout.house import HOUSE

CLOCK = "from datetime import UTC, datetime\nprint(datetime.now(UTC))\n"
BANNED = [
    CLOCK,
    "import datetime\nprint(datetime.datetime.now(datetime.UTC))\n",
    "import time\nprint(time.time())\n",
    "import uuid\nprint(uuid.uuid4())\n",
    "import os\nprint(os.environ)\n",
    "import os\nprint(os.getenv('HOME'))\n",
]
TARGET = re.compile(r"^([a-z][a-z-]*)\s*:(?!=)", re.MULTILINE)


def flagged(source: str, file: str) -> list[str]:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    command += ["--select", "TID251", "--stdin-filename", file, "-"]
    done = subprocess.run(command, cwd=HOUSE, input=source, capture_output=True, text=True, check=False)
    assert not done.stderr.strip() or "TID251" in done.stdout, done.stderr
    return re.findall(r"TID251", done.stdout)


@pytest.mark.parametrize("source", BANNED)
@pytest.mark.parametrize("file", ["domain/probe.py", "clients/gateway/probe.py"])
def test_a_banned_call_is_flagged(source: str, file: str) -> None:
    assert flagged(source, file)


@pytest.mark.parametrize(("source", "file"), [(CLOCK, "clients/clock.py"), (BANNED[4], "clients/settings.py")])
def test_a_banned_call_is_allowed_where_it_belongs(source: str, file: str) -> None:
    assert not flagged(source, file)


def typed_commands(markdown: str) -> list[str]:
    """What stands in code, inline or in a block; prose may say "make sure"."""
    return re.findall(r"```.*?```|`[^`\n]+`|^(?: {4}|\t).+$", markdown, re.MULTILINE | re.DOTALL)


def test_every_make_target_in_the_readme_exists() -> None:
    readme = HOUSE / "README.md"
    if not readme.exists():
        pytest.skip("there is no README.md yet")
    targets = set(TARGET.findall((HOUSE / "Makefile").read_text()))
    told = {name for code in typed_commands(readme.read_text()) for name in re.findall(r"\bmake ([a-z][a-z-]*)", code)}
    assert told
    assert told <= targets


def test_the_main_commands_are_targets() -> None:
    targets = set(TARGET.findall((HOUSE / "Makefile").read_text()))
    assert {"demo", "up", "test", "check", "bench", "setup", "lock"} <= targets


def test_every_phony_target_exists() -> None:
    text = (HOUSE / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) <= set(TARGET.findall(text))
