"""What waits in a vendor's queue is stored before it is confirmed: a death in between loses and doubles nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from clients.clock import utc_now
from connectors.outbound import Queued
from domain.errors import Unavailable
from domain.shops import Shop
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.shops import Shops
from tests.conftest import NOON
from tests.connectors.worlds import OWN
from tests.store.builders import change, order, rows, value
from workers import metrics, queues
from workers.queues import Queues, Taker, Taking


class Died(Exception):
    """The process is gone."""


@dataclass
class FakeQueue:
    """Gives every message again until it is confirmed. Dies, or is away, as told."""

    waiting: list[Queued]
    dies_before_confirm: int = 0
    away: int = 0
    confirmed: list[str] = field(default_factory=list)
    closed: int = 0

    async def take(self, longest_seconds: float) -> Sequence[Queued]:
        if self.away:
            self.away -= 1
            raise Unavailable("the queue does not answer")
        await asyncio.sleep(0)
        return list(self.waiting[:2])

    async def confirm(self, taken: Sequence[Queued]) -> None:
        if self.dies_before_confirm:
            self.dies_before_confirm -= 1
            raise Died
        receipts = {one.receipt for one in taken}
        self.confirmed += sorted(receipts)
        self.waiting = [one for one in self.waiting if one.receipt not in receipts]

    async def close(self) -> None:
        self.closed += 1


def message(no: str, **changed: object) -> Queued:
    told = {"observations": (order(no),), "sent_at": NOON} | changed
    return Queued(f"r-{no}", f"key-{no}", f"raw {no}".encode(), **told)  # type: ignore[arg-type]


def taker(database: Database, ring: KeyRing) -> tuple[Taker, Taking]:
    taking = Taking("taobao", "tm")
    return Taker(database, ring, taking, lambda: NOON), taking


async def test_messages_are_stored_as_received_and_then_confirmed(database: Database, ring: KeyRing) -> None:
    queue = FakeQueue([message("A"), message("B"), message("C")])
    one, taking = taker(database, ring)
    assert [await one.take_some(queue) for _ in range(3)] == [2, 1, 0]
    assert queue.confirmed == ["r-A", "r-B", "r-C"]
    stored = await rows(database, "SELECT id, source, shop, way, key FROM inbox ORDER BY key")
    assert [tuple(row)[1:] for row in stored] == [("taobao", "tm", "push", f"key-{no}") for no in "ABC"]
    assert await Inbox(database, ring).raw(stored[0].id) == b"raw A"
    assert await value(database, "SELECT count(*) FROM observation") == 3
    assert (taking.taken, taking.new, taking.unparsable) == (3, 3, 0)


async def test_a_death_between_storing_and_confirming_loses_nothing_and_doubles_nothing(
    database: Database, ring: KeyRing
) -> None:
    queue = FakeQueue([message("A"), message("B")], dies_before_confirm=1)
    with pytest.raises(Died):
        await taker(database, ring)[0].take_some(queue)
    assert queue.confirmed == []
    assert await value(database, "SELECT count(*) FROM inbox") == 2

    after, taking = taker(database, ring)  # the next process
    assert await after.take_some(queue) == 2
    assert queue.confirmed == ["r-A", "r-B"]
    assert await value(database, "SELECT count(*) FROM inbox") == 2
    assert await value(database, "SELECT count(*) FROM observation") == 2
    assert (taking.taken, taking.new) == (2, 0)


async def test_nothing_is_confirmed_that_could_not_be_stored(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = FakeQueue([message("A")])

    async def away(*_: object) -> bool:
        raise Unavailable("no database")

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "accept", away)
        with pytest.raises(Unavailable):
            await taker(database, ring)[0].take_some(queue)
    assert queue.confirmed == []
    assert await taker(database, ring)[0].take_some(queue) == 1
    assert queue.confirmed == ["r-A"]


async def test_a_message_that_nobody_can_read_is_kept_with_the_reason_and_stops_no_other(
    database: Database, ring: KeyRing
) -> None:
    queue = FakeQueue([message("A", observations=(), reason="tid is missing"), message("B")])
    one, taking = taker(database, ring)
    await one.take_some(queue)
    stored = await rows(database, "SELECT state, reason FROM inbox ORDER BY id")
    assert [tuple(row) for row in stored] == [("unparsable", "tid is missing"), ("accepted", "")]
    assert queue.waiting == []
    assert taking.unparsable == 1


@pytest.mark.parametrize(("hours", "alerts"), [(-8, 0), (8, 1)])
async def test_a_message_that_waited_is_no_wrong_clock_but_one_from_the_future_is(
    database: Database, ring: KeyRing, hours: int, alerts: int
) -> None:
    """INT-12: after an outage of ours nobody is sent to look for a wrong zone."""
    queue = FakeQueue([message("A", sent_at=NOON + timedelta(hours=hours))])
    await taker(database, ring)[0].take_some(queue)
    assert await value(database, "SELECT count(*) FROM alert WHERE kind = 'drift'") == alerts


async def test_what_a_message_says_to_people_is_told_once_before_it_is_confirmed(
    database: Database, ring: KeyRing
) -> None:
    told = ("taobao_x_Y", "nobody here knows this topic: its messages are kept")
    queue = FakeQueue([message("A", observations=(), tell=told), message("B", observations=(), tell=told)])
    await taker(database, ring)[0].take_some(queue)
    alerts = await rows(database, "SELECT kind, subject, words FROM alert")
    assert [tuple(row) for row in alerts] == [("queue_message", "taobao/tm/taobao_x_Y", f"{told[0]}: {told[1]}")]
    assert await value(database, "SELECT count(*) FROM inbox WHERE state = 'accepted'") == 2
    assert queue.confirmed == ["r-A", "r-B"]


async def test_a_queue_that_is_away_is_opened_anew_and_told_of_when_it_stays_away(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(queues, "TELL_AFTER", utc_now() - utc_now())
    queue, opened = FakeQueue([message("A")], away=3), 0
    one, taking = taker(database, ring)

    async def connect() -> FakeQueue:
        nonlocal opened
        opened += 1
        if opened == 3:
            assert await value(database, "SELECT subject FROM alert WHERE kind = 'queue'") == "taobao/tm"
            assert "steadfast_vendor_queue_away_seconds" in metrics.of_queues([taking], NOON)
        return queue

    task = asyncio.create_task(one.take_forever(connect))
    async with asyncio.timeout(10):
        while not queue.confirmed or taking.away_since is not None:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (opened, queue.closed) == (4, 4)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 0
    assert 'steadfast_vendor_queue_taken{vendor="taobao",shop="tm"} 1' in metrics.of_queues([taking], NOON)


async def test_a_shop_with_a_queue_gets_a_taker_and_loses_it_with_its_row(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "LOOK_SECONDS", 0.02)
    waiting: dict[str, FakeQueue] = {"one": FakeQueue([message("A")])}

    async def connect(shop: Shop) -> FakeQueue:
        return waiting[shop.code]

    shop = replace(OWN, vendor="pdd", code="one", params={})
    await Shops(database, ring).add(shop, None, NOON)
    await Shops(database, ring).add(replace(OWN, code="without"), None, NOON)
    keeper = Queues(database, ring, connect, lambda: NOON)
    task = asyncio.create_task(keeper.keep())
    async with asyncio.timeout(10):
        while not waiting["one"].confirmed:
            await asyncio.sleep(0.01)
        assert list(keeper.takings) == [("pdd", "one")]
        await change(database, "UPDATE shop SET active = false WHERE code = 'one'")
        while not waiting["one"].closed:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [row.source for row in await rows(database, "SELECT source FROM inbox")] == ["pdd"]
