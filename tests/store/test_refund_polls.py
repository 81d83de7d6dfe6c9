"""Refunds of which no callback came are found by asking (INV-3, I-6): who is asked about, how often, who is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from domain.lanes import LATER
from domain.observations import ChannelStatus, OrderHinted
from domain.outgoing import Queue
from domain.shops import Role
from store import refund_polls
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reread import REFUND_ALERT, SqlReread, ask
from store.settings_docs import Profile
from store.shipping_facts import SqlShippingFacts
from store.shops import Shops
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    WMS,
    apply,
    change,
    confirm,
    key,
    order,
    package,
    planned,
    rows,
    ship,
    stocked,
    value,
)

S = ChannelStatus
QUEUE = Queue("reread", "own", "demo")
SHOP = replace(WMS, vendor="own", code="demo", role=Role.SALES, answers=True)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


async def poll(database: Database, hours: float, most: int = 60) -> int:
    return await refund_polls.ask(database, Profile.LIVE, at(hours), most)


async def asked(database: Database) -> list[str]:
    return [row.no for row in await rows(database, "SELECT no FROM reread WHERE state = 'new' AND polled ORDER BY no")]


@pytest.fixture
async def shop(database: Database, ring: KeyRing) -> SqlReread:
    """A shop that can be asked, and stock."""
    await stocked(database, ring, A=50)
    await Shops(database, ring).add(SHOP, None, NOON)
    return SqlReread(database, ring)


async def answer(database: Database, rereads: SqlReread, hours: float, status: ChannelStatus) -> None:
    """Let the shop answer what it was asked."""
    for call in await rereads.due(QUEUE, at(hours), 100):
        seen = order(str(call.payload["no"]), status, minute=30)
        await rereads.heard(QUEUE, call, seen, b"{}", at(hours))


async def test_an_order_that_holds_stock_is_asked_about_after_two_hours_and_again_every_two(
    database: Database, ring: KeyRing, shop: SqlReread
) -> None:
    await planned(database, ring)
    assert await poll(database, 1.9) == 0
    assert await poll(database, 2) == 1
    assert (await rows(database, "SELECT lane, polled FROM reread"))[0] == (LATER, True)
    assert await poll(database, 4.5) == 0, "it waits to be asked already"
    await answer(database, shop, 4.5, S.PAID)
    assert await poll(database, 3.9) == 0
    assert await poll(database, 6.6) == 1


async def test_only_orders_that_could_hold_stock_for_nothing_are_asked_about(
    database: Database, ring: KeyRing, shop: SqlReread
) -> None:
    await apply(database, ring, order("RESERVED"))
    await planned(database, ring, "ALLOCATED")
    await apply(database, ring, order("UNPAID", S.UNPAID))
    await apply(database, ring, order("ELSEWHERE", shop="silent"))
    await apply(database, ring, order("SHORT", skus={"A": 999}))
    await planned(database, ring, "CLOSED")
    await SqlOrderFacts(database, ring).close(key("CLOSED"), "cancelled", NOON)
    await apply(database, ring, order("REFUNDED"))
    await apply(database, ring, order("REFUNDED", S.REFUNDED, minute=1), 2)
    await planned(database, ring, "SHIPPED")
    await ship(database, confirm(package("SF1", A=1), no="SHIPPED-1"))
    await SqlShippingFacts(database).book_shipments(key("SHIPPED"), TIMING, NOON)
    await poll(database, 3)
    assert await asked(database) == ["ALLOCATED", "RESERVED"]


async def test_a_shop_is_asked_about_a_few_at_a_time_the_longest_unheard_first(
    database: Database, ring: KeyRing, shop: SqlReread
) -> None:
    for n in range(5):
        await apply(database, ring, order(f"T{n}"))
        await change(database, "UPDATE orders SET created_at = :at WHERE no = :no", at=at(-n), no=f"T{n}")
    assert [await poll(database, 3, most=2) for _ in range(3)] == [2, 2, 1]
    assert await poll(database, 3, most=2) == 0


async def test_a_refund_that_was_found_by_asking_is_told_once_for_its_shop(
    database: Database, ring: KeyRing, shop: SqlReread
) -> None:
    for no in ("T1", "T2"):
        await planned(database, ring, no)
    await poll(database, 2)
    await answer(database, shop, 2, S.REFUNDED)
    alerts = await rows(database, "SELECT subject, level, words FROM alert WHERE kind = :kind", kind=REFUND_ALERT)
    assert [(one.subject, one.level) for one in alerts] == [("own/demo", "1-critical")]
    assert "was refunded and no callback came" in alerts[0].words
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'refund.polled'") == 2


async def test_nobody_is_told_of_what_the_channel_hinted_at_itself(
    database: Database, ring: KeyRing, shop: SqlReread
) -> None:
    await planned(database, ring)
    await poll(database, 2)
    async with database.transaction() as tx:
        await ask(tx, OrderHinted("own", "demo", "T1", S.REFUNDED, at(0.5)), at(2))
    await answer(database, shop, 2.1, S.REFUNDED)
    assert await rows(database, "SELECT * FROM alert") == []


async def test_an_answer_without_a_refund_alarms_nobody(database: Database, ring: KeyRing, shop: SqlReread) -> None:
    await planned(database, ring)
    await poll(database, 2)
    await answer(database, shop, 2, S.PAID)
    assert await rows(database, "SELECT * FROM alert") == []
