"""Hostile carts, limited purchase and low stock on the real store (INV-11): unpaid is refused, paid is looked at."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.observations import ChannelStatus
from store import proposals, settings_docs
from store.breakers import By
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.proposals import Made
from store.settings_docs import Profile
from tests.conftest import NOON
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    counters,
    key,
    order,
    planned,
    rows,
    stocked,
    value,
)

S = ChannelStatus
PERSON = By("ann", NOON, "the campaign goes on")


async def cart(database: Database, ring: KeyRing, no: str, units: int, **more: Any) -> int:
    """Let an unpaid order in; the units that it holds."""
    await apply(database, ring, order(no, S.UNPAID, skus={"A": units}, **more))
    held = "SELECT coalesce(sum(quantity), 0) FROM reservation WHERE order_key = :key AND state = 'open'"
    return int(await value(database, held, key=key(no)))


async def actions(database: Database, no: str) -> list[str]:
    found = await rows(database, "SELECT action FROM audit WHERE subject = :key ORDER BY id", key=key(no))
    return [row.action for row in found]


async def test_one_buyer_cannot_keep_more_than_a_share_unpaid(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    assert await cart(database, ring, "T1", 15, buyer_id="b1") == 15
    assert await cart(database, ring, "T2", 6, buyer_id="b1") == 0, "21 of 100 are too many"
    assert await cart(database, ring, "T3", 5, buyer_id="b1") == 5
    assert await cart(database, ring, "T4", 20, buyer_id="b2") == 20, "another buyer has a share of his own"
    assert "stock.cart_limit" in await actions(database, "T2")
    assert "stock.cart_limit" not in await actions(database, "T3")
    assert await value(database, "SELECT count(*) FROM lock_failure") == 0, "nothing was missing"
    await assert_counters_add_up(database)


async def test_many_buyers_behind_one_address_have_one_share(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    held = [await cart(database, ring, f"T{n}", 5, buyer_id=f"b{n}", buyer_ip="203.0.113.7") for n in range(6)]
    assert held == [5, 5, 5, 5, 0, 0]
    assert await cart(database, ring, "T9", 5, buyer_id="b9", buyer_ip="203.0.113.8") == 5


async def test_a_few_units_are_always_allowed_and_nobody_known_is_never_limited(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=20)
    assert await cart(database, ring, "T1", 10, buyer_id="b1") == 10
    assert await cart(database, ring, "T2", 1, buyer_id="b1") == 0
    assert await cart(database, ring, "T3", 10) == 10


async def test_a_refused_cart_is_served_when_it_is_paid_and_paid_orders_are_never_limited(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=50)
    assert await cart(database, ring, "T1", 10, buyer_id="b1") == 10
    assert await cart(database, ring, "T2", 10, buyer_id="b1") == 0
    await apply(database, ring, order("T2", minute=1, skus={"A": 10}, buyer_id="b1"), 2)
    assert (await SqlOrderFacts(database, ring).plan(key("T2"), TIMING, NOON)).fulfillments == ["T2-1"]
    await apply(database, ring, order("T3", skus={"A": 30}, buyer_id="b1"), 3)
    assert await counters(database) == (50, 40, 10)
    await assert_counters_add_up(database)


async def test_carts_of_one_buyer_at_once_are_counted_one_after_the_other(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=100)
    held = await asyncio.gather(*(cart(database, ring, f"T{n}", 5, buyer_id="b1") for n in range(12)))
    assert sorted(held) == [0] * 8 + [5] * 4
    assert await counters(database) == (100, 20, 0)


async def look(database: Database, days: float = 0) -> list[Made]:
    """Look for SKUs that run low; the proposals that are alive."""
    await proposals.look(database, Profile.LIVE, NOON + timedelta(days=days))
    async with database.transaction() as tx:
        return await proposals.listed(tx)


async def sold(database: Database, ring: KeyRing, units: int, left: int) -> None:
    """Sell units of A so that so many are left."""
    await stocked(database, ring, A=units + left)
    await planned(database, ring, "SOLD", A=units)


async def test_a_sku_that_sells_out_within_three_days_is_proposed_for_once(database: Database, ring: KeyRing) -> None:
    await sold(database, ring, 70, 29)
    made = await look(database)
    assert {(one.sku, one.kind, one.size, one.state, one.atp, one.sold) for one in made} == {
        ("A", "limit", 2, "proposed", 29, 70),
        ("A", "price", 5, "proposed", 29, 70),
    }
    assert await look(database) == made
    assert await actions_of_stock(database) == ["stock.proposed", "stock.proposed"]


async def actions_of_stock(database: Database) -> list[str]:
    found = await rows(database, "SELECT action FROM audit WHERE subject = 'A' ORDER BY id")
    return [row.action for row in found]


async def test_what_came_back_from_the_warehouse_was_not_sold(database: Database, ring: KeyRing) -> None:
    await sold(database, ring, 70, 29)
    await SqlOrderFacts(database, ring).close(key("SOLD"), "cancelled", NOON)
    assert await look(database) == []


async def test_a_proposal_that_is_no_longer_needed_is_withdrawn(database: Database, ring: KeyRing) -> None:
    await sold(database, ring, 70, 29)
    await look(database)
    assert await look(database, days=8) == [], "those sales are long ago"
    async with database.transaction() as tx:
        ended = await proposals.listed(tx, ended=True)
    assert {(one.state, one.ended_by) for one in ended} == {("withdrawn", "rule")}


async def accepted(database: Database, kind: str = "limit") -> int:
    (one,) = [made for made in await look(database) if made.kind == kind]
    async with database.transaction() as tx:
        assert (await proposals.accept(tx, one.id, PERSON)).state == "in_force"
    return one.id


async def test_a_limit_in_force_refuses_unpaid_orders_beyond_it_and_holds_paid_ones_for_review(
    database: Database, ring: KeyRing
) -> None:
    await sold(database, ring, 70, 29)
    await accepted(database)
    assert await cart(database, ring, "T1", 2, buyer_id="b1") == 2
    assert await cart(database, ring, "T2", 1, buyer_id="b1") == 0
    assert await cart(database, ring, "T3", 3) == 0, "nobody known: what one order wants counts"
    assert "stock.buyer_limit" in await actions(database, "T2")
    await apply(database, ring, order("T4", skus={"A": 1}, buyer_id="b1"), 4)
    assert await counters(database) == (99, 3, 70), "a paid order is never refused its units"
    plan = await SqlOrderFacts(database, ring).plan(key("T4"), TIMING, NOON)
    assert plan.held == "to be reviewed: more than 2 of A for one buyer"
    assert await counters(database) == (99, 3, 70)
    await apply(database, ring, order("T5", skus={"A": 2}, buyer_id="b2"), 5)
    assert (await SqlOrderFacts(database, ring).plan(key("T5"), TIMING, NOON)).fulfillments == ["T5-1"]


async def test_a_reverted_limit_limits_nobody_and_is_not_proposed_again_for_the_same_sales(
    database: Database, ring: KeyRing
) -> None:
    await sold(database, ring, 70, 29)
    limit = await accepted(database)
    async with database.transaction() as tx:
        assert (await proposals.revert(tx, limit, PERSON)).state == "reverted"
    assert await cart(database, ring, "T1", 5, buyer_id="b1") == 5
    assert [one.kind for one in await look(database)] == ["price"]
    for step in (proposals.accept, proposals.revert):
        with pytest.raises(BadInput, match="is reverted"):
            async with database.transaction() as tx:
                await step(tx, limit, PERSON)
        with pytest.raises(BadInput, match="there is no proposal"):
            async with database.transaction() as tx:
                await step(tx, limit + 999, PERSON)


async def test_a_limit_that_was_allowed_beforehand_is_in_force_at_once_and_ends_by_itself(
    fresh: Database, ring: KeyRing
) -> None:
    async def allow(tx: AsyncConnection) -> None:
        allowed = (
            "UPDATE setting SET body = jsonb_set(body, '{limit_at_once}', 'true'), version = 2 WHERE kind = 'stock'"
        )
        await tx.execute(text(allowed))
        assert (await settings_docs.stock_rules(tx, Profile.LIVE)).limit_at_once

    async with fresh.transaction() as tx:
        await allow(tx)
    await sold(fresh, ring, 70, 29)
    made = {one.kind: one for one in await look(fresh)}
    assert (made["limit"].state, made["limit"].in_force_by) == ("in_force", "rule")
    assert made["price"].state == "proposed", "a price is a person's to raise"
    assert await cart(fresh, ring, "T1", 3, buyer_id="b1") == 0
    assert await look(fresh, days=8) == []
    assert await cart(fresh, ring, "T2", 3, buyer_id="b1") == 3


async def test_a_limit_stays_while_the_sku_is_sold_out(database: Database, ring: KeyRing) -> None:
    await sold(database, ring, 70, 29)
    await look(database)
    await planned(database, ring, "REST", A=29)
    assert len(await look(database)) == 2
