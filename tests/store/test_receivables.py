"""Receivable changes are posted by exports: each once, under one number, and the file is always the same (EXC-2)."""

import csv
from datetime import timedelta

import pytest

from clients.receivables import HEAD, ReceivableExports
from domain.errors import BadInput
from store import receivables
from store.database import Database
from store.keyring import KeyRing
from store.reads import receivables as reads
from store.receivables import Change
from tests.store.builders import key, rows, value
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    made = await case_world(database, ring)
    await made.paid_order(A=2)
    return made


async def change(world: CaseWorld, name: str, amount_minor: int, reason: str = "refund for short") -> None:
    async with world.database.transaction() as tx:
        made = Change(name, key(), amount_minor, "CNY", reason, "exception:E1")
        await receivables.note(tx, made, world.now)


def exports(world: CaseWorld) -> ReceivableExports:
    return ReceivableExports(world.database, lambda: world.now)


async def test_an_export_posts_each_change_once_and_its_file_is_always_the_same(world: CaseWorld) -> None:
    """Goods left for which nothing is received are posted, too: 0.00."""
    await change(world, "exception:E1:1", -500)
    await change(world, "exception:E2:1", 0, "reship for short")
    no = await exports(world).post("form-1", "fin")
    assert await exports(world).post("form-1", "fin") == no, "the second press shows the first"
    content = await exports(world).file(no, "fin")
    await change(world, "claim:E1-L", 1500, "courier pays")
    world.now += timedelta(days=1)
    assert await exports(world).file(no, "bob") == content
    assert content.startswith(b"\xef\xbb\xbf")
    head, *found = csv.reader(content.decode("utf-8-sig").splitlines())
    assert tuple(head) == HEAD
    assert [(one[0], one[1], one[4], one[5]) for one in found] == [
        (no, "exception:E1:1", "T1", "-5.00"),
        (no, "exception:E2:1", "T1", "0.00"),
    ]
    second = await exports(world).post("form-2", "fin")
    assert second != no
    posted = await rows(world.database, "SELECT key, export_no, posted_at FROM receivable_change ORDER BY id")
    assert [one.export_no for one in posted] == [no, no, second]
    assert all(one.posted_at for one in posted)
    seen = await rows(world.database, "SELECT action, actor FROM audit WHERE subject = :no ORDER BY id", no=no)
    assert [tuple(one) for one in seen] == [
        ("receivable.posted", "fin"),
        ("receivable.downloaded", "fin"),
        ("receivable.downloaded", "bob"),
    ]


async def test_finance_sees_what_waits_and_what_was_exported(world: CaseWorld) -> None:
    await change(world, "exception:E1:1", -500)
    await change(world, "exception:E2:1", -250)
    async with world.database.transaction() as tx:
        found = await reads.overview(tx, 1)
    assert [one.key for one in found.waiting] == ["exception:E1:1"]
    assert [(one.n, one.amount_minor) for one in found.sums] == [(2, -750)]
    no = await exports(world).post("form-1", "fin")
    async with world.database.transaction() as tx:
        found = await reads.overview(tx, 1)
    assert (list(found.waiting), list(found.sums)) == ([], [])
    assert [(one.no, one.n, one.amount_minor, one.actor) for one in found.exports] == [(no, 2, -750, "fin")]


async def test_nothing_to_export_and_an_unknown_export_are_said_in_words_and_draw_no_number(world: CaseWorld) -> None:
    with pytest.raises(BadInput, match="no receivable change waits"):
        await exports(world).post("form-1", "fin")
    with pytest.raises(BadInput, match="there is no export YS1"):
        await exports(world).file("YS1", "fin")
    with pytest.raises(BadInput, match="actor is empty"):
        await exports(world).post("form-1", " ")
    assert await value(world.database, "SELECT count(*) FROM receivable_export") == 0
    assert await value(world.database, "SELECT count(*) FROM number_series WHERE series = 'YS'") == 0
