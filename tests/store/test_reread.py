"""Hints fall together in one row per order, and the answers enter like pushes (design: full or hint, INT-11)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.lanes import NORMAL, URGENT
from domain.observations import ChannelStatus, OrderHinted
from domain.outgoing import Call, Queue
from store import observations
from store.apply import book
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.reads.proof import ProofReads
from store.reread import SqlReread, ask
from tests.conftest import NOON
from tests.store.builders import NAME, apply, booking, key, order, rows, value

S = ChannelStatus
QUEUE = Queue("reread", "own", "demo")
RAW = b'{ "order": {"no": "T1"},\r\n "as": "received" }'


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def hint(status: ChannelStatus = S.PAID, minute: int = 0, no: str = "T1") -> OrderHinted:
    return OrderHinted("own", "demo", no, status, NOON + timedelta(minutes=minute))


async def asked(database: Database, seen: OrderHinted, seconds: float = 0) -> str:
    async with database.transaction() as tx:
        return await ask(tx, seen, at(seconds))


async def row(database: Database) -> Any:
    (one,) = await rows(database, "SELECT * FROM reread")
    return one


@pytest.fixture
def rereads(database: Database, ring: KeyRing) -> SqlReread:
    return SqlReread(database, ring)


async def due(rereads: SqlReread, seconds: float = 0) -> list[Call]:
    return await rereads.due(QUEUE, at(seconds), 10)


async def test_a_hint_through_the_inbox_asks_and_creates_no_order(database: Database, ring: KeyRing) -> None:
    await Inbox(database, ring).accept(Arrival("own", "demo", "push", {}, b"raw", NOON), "e1", None, (hint(),))
    async with database.transaction() as tx:
        taken = await observations.take(tx, ring, NOON)
        assert taken is not None
        assert (taken.seen, taken.subject) == (hint(), key())
        assert await book(tx, taken, booking(ring)) == "applied"
        await observations.done(tx, taken, "applied", NOON)
    assert await value(database, "SELECT count(*) FROM orders") == 0
    found = await row(database)
    assert (found.channel, found.shop, found.no, found.lane, found.state) == ("own", "demo", "T1", URGENT, "new")
    assert (await ProofReads(database).work()).waiting == 1


async def test_hints_about_one_order_fall_together_in_the_more_urgent_lane(
    database: Database, rereads: SqlReread
) -> None:
    for seconds, status in enumerate((S.UNPAID, S.PAID, S.UNPAID)):
        assert await asked(database, hint(status, no="T1"), seconds) == "applied"
    assert (await row(database)).lane == URGENT
    (call,) = await due(rereads, 3)
    assert (call.key, call.order_key, call.payload["no"], call.attempts) == ("reread:T1", key(), "T1", 1)
    assert await due(rereads, 4) == []


async def test_urgent_orders_are_asked_for_first_and_only_those_of_the_shop(
    database: Database, rereads: SqlReread
) -> None:
    for n, (no, status) in enumerate((("T1", S.UNPAID), ("T2", S.PAID), ("T3", S.UNPAID), ("T4", S.REFUNDED))):
        await asked(database, hint(status, no=no), n)
    await asked(database, replace(hint(no="X1"), shop="other"))
    first = await rereads.due(QUEUE, at(9), 3)
    assert [call.payload["no"] for call in first] == ["T2", "T4", "T1"]
    assert [call.payload["no"] for call in await due(rereads, 9)] == ["T3"]


async def test_an_answer_is_stored_as_received_and_the_same_one_once(
    database: Database, ring: KeyRing, rereads: SqlReread
) -> None:
    for seconds in (0, 10):
        await asked(database, hint(), seconds)
        (call,) = await due(rereads, seconds)
        await rereads.heard(QUEUE, call, order(), RAW, at(seconds + 1))
        assert (await row(database)).state == "done"
    (stored,) = await rows(database, "SELECT * FROM inbox")
    assert (stored.source, stored.shop, stored.way) == ("own", "demo", "pull")
    assert stored.key.startswith("reread:T1:")
    assert await Inbox(database, ring).raw(stored.id) == RAW
    assert NAME not in str(stored)
    assert await value(database, "SELECT count(*) FROM observation WHERE kind = 'order'") == 1
    await asked(database, hint(), 20)
    (call,) = await due(rereads, 20)
    await rereads.heard(QUEUE, call, order(minute=1), RAW, at(21))
    assert await value(database, "SELECT count(*) FROM observation") == 2


async def test_two_raw_codes_of_one_moment_are_two_messages(database: Database, rereads: SqlReread) -> None:
    """A channel that speaks codes only: whether two of them mean the same is the map's to say (INT-13)."""
    for seconds, code in ((0, "105"), (10, "2")):
        await asked(database, hint(), seconds)
        (call,) = await due(rereads, seconds)
        await rereads.heard(QUEUE, call, order(status=S.UNMAPPED, raw_status=code), RAW, at(seconds + 1))
    assert await value(database, "SELECT count(*) FROM observation") == 2


async def test_a_newer_hint_makes_a_closed_row_new_again(database: Database, rereads: SqlReread) -> None:
    await asked(database, hint())
    (call,) = await due(rereads)
    await rereads.heard(QUEUE, call, order(), RAW, at(1))
    assert await due(rereads, 1000) == []
    assert await asked(database, hint(S.UNPAID, minute=1), 1000) == "applied"
    (call,) = await due(rereads, 1000)
    assert call.attempts == 1
    assert (await row(database)).lane == NORMAL


@pytest.mark.parametrize("tick", [0, 1])
async def test_an_answer_to_a_question_before_the_last_hint_does_not_close_the_row(
    database: Database, rereads: SqlReread, tick: int
) -> None:
    await asked(database, hint(S.UNPAID))
    (call,) = await due(rereads)
    await asked(database, hint(S.PAID), tick)  # also within the same tick of the clock
    await rereads.heard(QUEUE, call, order(status=S.UNPAID), RAW, at(2))
    (again,) = await due(rereads, 2)
    assert (again.payload, again.attempts) == (call.payload, 1)
    await rereads.heard(QUEUE, again, order(), RAW, at(3))
    assert (await row(database)).state == "done"
    assert await value(database, "SELECT count(*) FROM inbox") == 2


@pytest.mark.parametrize(
    ("status", "minute", "became"),
    [
        (S.PAID, -1, "stale"),
        (S.PAID, 0, "stale"),
        (S.UNPAID, 0, "stale"),
        # At an equal time the rank decides, as it does between two whole orders.
        (S.REFUNDED, 0, "applied"),
        (S.PAID, 1, "applied"),
        (S.UNPAID, 1, "applied"),
    ],
)
async def test_a_hint_that_is_not_newer_than_what_is_booked_is_ignored(
    database: Database, ring: KeyRing, status: ChannelStatus, minute: int, became: str
) -> None:
    await apply(database, ring, order())
    assert await asked(database, hint(status, minute)) == became
    assert await value(database, "SELECT count(*) FROM reread") == (became == "applied")


async def test_a_refused_question_is_shown_and_the_next_hint_asks_anew(database: Database, rereads: SqlReread) -> None:
    await asked(database, hint())
    (call,) = await due(rereads)
    await rereads.refused(QUEUE, call, "refused (http-404): no such order", at(1))
    assert ((await row(database)).state, await due(rereads, 1000)) == ("refused", [])
    assert await value(database, "SELECT subject FROM audit WHERE action = 'reread.refused'") == key()
    open_alerts = "SELECT count(*) FROM alert WHERE subject LIKE 'reread:%' AND cleared_at IS NULL"
    assert await value(database, open_alerts) == 1
    await asked(database, hint(), 2)
    (call,) = await due(rereads, 2)
    await rereads.heard(QUEUE, call, order(), RAW, at(3))
    assert ((await row(database)).reason, await value(database, open_alerts)) == ("", 0)


async def test_a_refusal_of_a_question_before_the_last_hint_is_no_last_word(
    database: Database, rereads: SqlReread
) -> None:
    await asked(database, hint())
    (call,) = await due(rereads)
    await asked(database, hint(minute=1), 1)
    await rereads.refused(QUEUE, call, "no such order", at(2))
    assert (await row(database)).state == "new"
    assert await value(database, "SELECT count(*) FROM audit") == 0
    assert len(await due(rereads, 2)) == 1


async def test_a_shop_that_asked_for_patience_is_not_outrun_by_more_hints(
    database: Database, rereads: SqlReread
) -> None:
    await asked(database, hint(S.UNPAID))
    (call,) = await due(rereads)
    await rereads.again(call, at(300), "unavailable: HTTP 429")
    await asked(database, hint(S.PAID), 10)
    assert await due(rereads, 299) == []
    (call,) = await due(rereads, 300)
    assert (call.attempts, (await row(database)).lane) == (2, URGENT)


async def test_what_a_dead_worker_took_is_asked_for_again_after_its_lease(
    database: Database, rereads: SqlReread
) -> None:
    await asked(database, hint())
    assert len(await due(rereads)) == 1
    assert await due(rereads, 59) == []
    assert [call.attempts for call in await due(rereads, 60)] == [2]


async def test_a_late_word_about_a_closed_row_changes_nothing(database: Database, rereads: SqlReread) -> None:
    await asked(database, hint())
    (call,) = await due(rereads)
    await rereads.heard(QUEUE, call, order(), RAW, at(1))
    await rereads.again(call, at(2), "late")
    await rereads.refused(QUEUE, call, "late", at(2))
    found = await row(database)
    assert (found.state, found.reason) == ("done", "")
