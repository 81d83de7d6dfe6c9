"""One commit for several callers: none waits for another, a refused one hurts no other (INT-4)."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.errors import Broken, Unavailable
from store.database import Database
from store.group_commit import GroupCommit
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import order, rows, value

PUSH = Arrival("own", "demo", "push", {}, b"raw", NOON)


class Writes:
    """A write that can be held up, and that refuses what it is told to."""

    def __init__(self, *, held: bool = False, bad: int | None = None, error: Exception | None = None) -> None:
        self.groups: list[list[int]] = []
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        if not held:
            self.go_on.set()
        self._bad = bad
        self._error = error

    async def __call__(self, group: Sequence[int]) -> list[int]:
        self.groups.append(list(group))
        self.begun.set()
        await self.go_on.wait()
        if self._bad in group and self._error:
            raise self._error
        return [n * 10 for n in group]


async def test_one_that_comes_alone_is_written_at_once_and_those_that_come_meanwhile_go_together() -> None:
    writes = Writes(held=True)
    commit = GroupCommit[int, int](writes, most=3)
    first = asyncio.create_task(commit.add(1))
    await writes.begun.wait()
    rest = [asyncio.create_task(commit.add(n)) for n in (2, 3, 4, 5)]
    await asyncio.gather(*(asyncio.sleep(0) for _ in rest))
    assert not first.done(), "nobody is answered before the commit"
    writes.go_on.set()
    assert await asyncio.gather(first, *rest) == [10, 20, 30, 40, 50]
    assert writes.groups == [[1], [2, 3, 4], [5]]


async def test_one_that_is_refused_hurts_no_other() -> None:
    writes = Writes(bad=2, error=Broken("refused"))
    commit = GroupCommit[int, int](writes, most=9)
    answers = await asyncio.gather(*(commit.add(n) for n in (1, 2, 3)), return_exceptions=True)
    assert [answers[0], answers[2]] == [10, 30]
    assert isinstance(answers[1], Broken)
    assert writes.groups == [[1, 2, 3], [1], [2], [3]]


async def test_without_a_database_each_is_told_and_the_next_is_tried_anew() -> None:
    writes = Writes(bad=2, error=Unavailable("away"))
    commit = GroupCommit[int, int](writes, most=9)
    answers = await asyncio.gather(*(commit.add(n) for n in (1, 2)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert writes.groups == [[1, 2]]
    assert await commit.add(3) == 30


async def test_a_caller_that_goes_away_takes_nobody_with_it() -> None:
    writes = Writes(held=True)
    commit = GroupCommit[int, int](writes, most=9)
    callers = [asyncio.create_task(commit.add(n)) for n in (1, 2)]
    await writes.begun.wait()
    callers[0].cancel()
    writes.go_on.set()
    assert await callers[1] == 20
    with pytest.raises(asyncio.CancelledError):
        await callers[0]


async def test_messages_of_one_commit_keep_their_own_parts_and_only_the_new_ones_are_new(
    database: Database, ring: KeyRing
) -> None:
    """INT-6, INT-11."""
    box = Inbox(database, ring)
    assert await box.accept(PUSH, "e1", NOON, (order("T1"),))
    many = {f"e{n}": (order(f"T{n}"), order(f"T{n}", minute=1)) for n in (3, 2, 1, 4)}
    answers = await asyncio.gather(
        *(box.accept(replace(PUSH, raw=key.encode()), key, NOON, parts) for key, parts in many.items()),
        box.accept(PUSH, "e4", NOON, (order("T9"),)),
    )
    assert answers == [True, True, False, True, False]
    found = await rows(
        database,
        "SELECT i.key, o.part, o.subject FROM observation o JOIN inbox i ON i.id = o.inbox_id ORDER BY i.key, o.part",
    )
    assert [tuple(row) for row in found] == [
        ("e1", 0, "own:demo:T1"),
        *((f"e{n}", part, f"own:demo:T{n}") for n in (2, 3, 4) for part in (0, 1)),
    ]
    for key in ("e2", "e3", "e4"):
        assert await box.raw(await value(database, "SELECT id FROM inbox WHERE key = :key", key=key)) == key.encode()


async def test_a_message_that_the_tables_refuse_is_refused_alone(database: Database, ring: KeyRing) -> None:
    box = Inbox(database, ring)
    keys = ("e1", "e\x002", "e3")
    answers = await asyncio.gather(
        *(box.accept(PUSH, key, NOON, (order(f"T{n}"),)) for n, key in enumerate(keys)), return_exceptions=True
    )
    assert [answers[0], answers[2]] == [True, True]
    assert isinstance(answers[1], Broken)
    assert [row.key for row in await rows(database, "SELECT key FROM inbox ORDER BY key")] == ["e1", "e3"]
