"""Events on their way to workflows: urgent first, under a lease, closed once; and the audit log that never changes."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import Broken
from domain.observations import ChannelStatus
from domain.orders import OrderEvent
from store import audit, deliveries
from store.database import Database
from store.deliveries import LEASE_SECONDS, Claim
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import apply, change, key, order, value

LEASE_END = NOON + timedelta(seconds=LEASE_SECONDS)


async def orders_of(database: Database, ring: KeyRing, *statuses: ChannelStatus) -> None:
    for n, status in enumerate(statuses, 1):
        await apply(database, ring, order(f"T{n}", status))


async def claim(database: Database, most: int = 10, seconds: float = 0) -> list[Claim]:
    async with database.transaction() as tx:
        return await deliveries.claim(tx, NOON + timedelta(seconds=seconds), most)


async def test_the_urgent_lane_is_claimed_first(database: Database, ring: KeyRing) -> None:
    unpaid, paid, cancelled = ChannelStatus.UNPAID, ChannelStatus.PAID, ChannelStatus.CANCELLED
    await orders_of(database, ring, unpaid, unpaid, paid, cancelled)
    events = [[one.event for one in await claim(database, 2)] for _ in range(3)]
    assert events == [[OrderEvent.PAID, OrderEvent.CANCELLED], [OrderEvent.PLACED] * 2, []]


async def test_a_claim_carries_what_the_start_of_a_workflow_needs(database: Database, ring: KeyRing) -> None:
    await orders_of(database, ring, ChannelStatus.PAID)
    (one,) = await claim(database)
    assert one == Claim(one.id, key("T1"), OrderEvent.PAID, "own", "demo", 1000, "CNY", NOON)


async def test_eight_claimers_at_once_never_take_the_same_event_nor_more_than_they_asked_for(
    database: Database, ring: KeyRing
) -> None:
    await orders_of(database, ring, *[ChannelStatus.PAID] * 20)
    claims = await asyncio.gather(*(claim(database, 2) for _ in range(8)))
    assert all(len(some) <= 2 for some in claims)
    ids = [one.id for some in claims for one in some]
    assert len(ids) == len(set(ids)) == 16


async def test_an_event_whose_claimer_died_is_claimed_again_when_the_lease_ends(
    database: Database, ring: KeyRing
) -> None:
    await orders_of(database, ring, ChannelStatus.PAID)
    first = await claim(database)
    assert await claim(database, seconds=LEASE_SECONDS - 1) == []
    assert await claim(database, seconds=LEASE_SECONDS) == first
    assert await value(database, "SELECT attempts FROM delivery") == 2


async def test_an_event_given_back_is_claimed_again_when_its_time_comes(database: Database, ring: KeyRing) -> None:
    await orders_of(database, ring, ChannelStatus.PAID)
    (one,) = await claim(database)
    async with database.transaction() as tx:
        await deliveries.release(tx, [one], NOON + timedelta(seconds=5))
    assert await claim(database, seconds=4) == []
    assert await claim(database, seconds=5) == [one]


async def test_a_closed_event_stays_closed_and_notes_when_the_order_started(database: Database, ring: KeyRing) -> None:
    await orders_of(database, ring, ChannelStatus.PAID)
    (one,) = await claim(database)
    for seconds in (1, 9):
        async with database.transaction() as tx:
            await deliveries.close(tx, {one: "started"}, NOON + timedelta(seconds=seconds))
    assert await claim(database, seconds=3600) == []
    assert await value(database, "SELECT started_at FROM orders") == NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "TRUNCATE audit", "DELETE FROM audit WHERE false"],
)
async def test_the_audit_log_cannot_be_changed(database: Database, statement: str) -> None:
    async with database.transaction() as tx:
        await audit.write(tx, "order.closed", key(), NOON, actor="ann", inbox_id=7, reason="unpaid")
    with pytest.raises(Broken):
        await change(database, statement)
    assert await value(database, "SELECT actor FROM audit") == "ann"
    assert await value(database, "SELECT inbox_id FROM audit") == 7
    assert await value(database, "SELECT detail FROM audit") == {"reason": "unpaid"}


async def test_a_failed_statement_names_the_constraint_and_never_the_row(database: Database) -> None:
    with pytest.raises(Broken, match="ck_sku_stock_not_negative") as broken:
        await change(database, "INSERT INTO sku_stock (sku, on_hand, updated_at) VALUES ('SECRET', -1, :now)", now=NOON)
    assert "SECRET" not in str(broken.value)
