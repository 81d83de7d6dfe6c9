"""A claim takes at most what it says: a LIMIT within `IN (SELECT ...)` may be run again for every row of the plan."""

import re
from pathlib import Path

STORE = Path(__file__).parents[2] / "store"
STATEMENT = re.compile(r'"""(.*?)"""', re.DOTALL)


def claims() -> list[tuple[str, str]]:
    return [
        (file.name, words)
        for file in sorted(STORE.glob("*.py"))
        for words in STATEMENT.findall(file.read_text())
        if re.search(r"^ *UPDATE ", words, re.MULTILINE) and "SKIP LOCKED LIMIT" in words
    ]


def test_every_update_of_claimed_rows_reads_them_once() -> None:
    found = claims()
    assert len(found) >= 5
    assert [name for name, words in found if "AS MATERIALIZED" not in words.split("SKIP LOCKED")[0]] == []
