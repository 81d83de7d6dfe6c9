"""A status code that nobody knows: nothing is booked, nothing is lost, one alert says how to mend it (INT-13)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.lanes import NORMAL, URGENT
from domain.observations import ChannelStatus, Observation, OrderHinted
from store import observations, unmapped
from store.apply import book
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.reads.proof import ProofReads
from store.replay import By, Replays
from store.settings_docs import status_map_of
from tests.conftest import NOON
from tests.store.builders import booking, order, rows, stocked, value

S = ChannelStatus
KNOWS = status_map_of(2, {"channels": {"douyin": {"777": {"status": "paid"}}}})


def raw(code: str, no: str = "T1", minute: int = 0) -> Observation:
    return order(no, S.UNMAPPED, minute, channel="douyin", raw_status=code)


async def hear(database: Database, ring: KeyRing, *seen: Observation) -> None:
    for one in seen:
        told = await value(database, "SELECT count(*) FROM inbox")
        await Inbox(database, ring).accept(
            Arrival("douyin", "demo", "pull", {}, b"raw", NOON), f"e{told}", None, (one,)
        )


async def apply_all(database: Database, ring: KeyRing, now: datetime = NOON + timedelta(hours=1)) -> list[str]:
    became: list[str] = []
    while True:
        async with database.transaction() as tx:
            taken = await observations.take(tx, ring, now)
            if taken is None:
                return became
            became.append(await book(tx, taken, booking(ring)))
            await observations.done(tx, taken, became[-1], NOON)


async def alerts_open(database: Database) -> list[Any]:
    return await rows(database, "SELECT * FROM alert WHERE cleared_at IS NULL ORDER BY subject")


@pytest.mark.parametrize(("code", "lane"), [("1", NORMAL), ("2", URGENT), ("105", URGENT), ("777", URGENT)])
async def test_a_raw_code_takes_the_lane_of_its_meaning_and_an_unknown_one_goes_first(
    database: Database, ring: KeyRing, code: str, lane: int
) -> None:
    await hear(database, ring, raw(code))
    assert await value(database, "SELECT lane FROM observation") == lane


async def test_a_known_code_is_booked_with_the_meaning_in_force(database: Database, ring: KeyRing) -> None:
    await hear(database, ring, raw("4"))
    assert await apply_all(database, ring) == ["applied"]
    row = (await rows(database, "SELECT * FROM orders"))[0]
    assert (row.channel_status, row.raw_status) == ("cancelled", "4")


async def test_an_order_keeps_its_last_known_state_while_an_unknown_code_waits(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=1)
    await hear(database, ring, raw("1"), raw("777", minute=1))
    assert await apply_all(database, ring) == ["unmapped", "applied"]
    row = (await rows(database, "SELECT * FROM orders"))[0]
    assert (row.channel_status, row.raw_status) == ("unpaid", "1")
    waits = (await rows(database, "SELECT state, raw_status FROM observation ORDER BY id"))[1]
    assert tuple(waits) == ("unmapped", "777")
    assert (await ProofReads(database).work()).unmapped == 1


async def test_one_alert_per_code_says_how_many_wait_and_what_to_do(database: Database, ring: KeyRing) -> None:
    await hear(database, ring, raw("777"), raw("777", "T2"), raw("778", "T3"))
    assert await apply_all(database, ring) == ["unmapped"] * 3
    first, second = await alerts_open(database)
    assert (first.kind, first.subject, first.level) == ("unknown_status", "status:douyin:777", "1-critical")
    assert "'777': 2 messages of douyin wait" in first.words
    assert "oms settings activate status_map" in first.words
    assert "'778': 1 message of douyin wait" in second.words


async def test_messages_that_are_set_aside_at_once_are_all_counted(database: Database, ring: KeyRing) -> None:
    await hear(database, ring, *(raw("777", f"T{n}") for n in range(8)))
    await asyncio.gather(*(apply_all(database, ring) for _ in range(4)))
    (alert,) = await alerts_open(database)
    assert "8 messages" in alert.words


async def test_a_map_that_knows_the_code_queues_what_waited_and_clears_the_alert(
    database: Database, ring: KeyRing
) -> None:
    await hear(database, ring, raw("777"), raw("777", "T2"), raw("778", "T3"))
    await apply_all(database, ring)
    async with database.transaction() as tx:
        assert await unmapped.waiting(tx) == {("douyin", "777"): 2, ("douyin", "778"): 1}
        assert await unmapped.queue_known(tx, KNOWS, NOON) == 2
        assert await unmapped.waiting(tx) == {("douyin", "778"): 1}
    assert [one.subject for one in await alerts_open(database)] == ["status:douyin:778"]
    assert await value(database, "SELECT count(*) FROM observation WHERE state = 'new'") == 2


async def test_an_unknown_code_is_replayed_like_any_message_that_was_set_aside(
    database: Database, ring: KeyRing
) -> None:
    await hear(database, ring, raw("777"))
    await apply_all(database, ring)
    row_id = await value(database, "SELECT id FROM observation")
    assert await Replays(database, ring).requeue(row_id, By("ann", NOON)) == "unmapped"
    assert await apply_all(database, ring) == ["unmapped"], "the map in force still does not know it"
    assert len(await alerts_open(database)) == 1


async def test_a_hint_with_an_unknown_code_asks_for_the_order_all_the_same(database: Database, ring: KeyRing) -> None:
    await hear(database, ring, OrderHinted("douyin", "demo", "T1", S.UNMAPPED, NOON, "777"))
    assert await apply_all(database, ring) == ["applied"]
    assert await value(database, "SELECT no FROM reread WHERE lane = 0") == "T1"


async def test_a_code_that_becomes_known_while_it_is_looked_at_is_booked(fresh: Database, ring: KeyRing) -> None:
    """Apply has read the old map when the new one comes in force: it looks again before it sets anything aside."""
    await hear(fresh, ring, raw("777"))
    async with fresh.transaction() as activating:
        await activating.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('setting:status_map', 0))"))
        applying = asyncio.create_task(apply_all(fresh, ring))
        while not await value(fresh, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            await asyncio.sleep(0)
        code = """'{"channels": {"douyin": {"777": {"status": "paid"}}}}'"""
        change = f"UPDATE setting SET version = 2, body = {code} WHERE kind = 'status_map'"  # noqa: S608  (a test's own)
        await activating.execute(text(change))
    assert await applying == ["applied"]
    assert await value(fresh, "SELECT channel_status FROM orders") == "paid"
