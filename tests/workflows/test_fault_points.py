"""The worker dies before and after every commit and every outside call of an order's life; the facts stay the same.

For every order of a test it dies at a place of its own; when it has died at all of them, it is closed and a new one
opened. Per story one order lives on untroubled: its facts are the measure.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest
from temporalio.client import Client

from clients.temporal import decide
from domain.errors import Refused, Unavailable
from domain.observations import ChannelStatus
from domain.timing import OrderTiming
from store.database import Database
from store.keyring import KeyRing
from tests.facts import facts_without_number, stock_of
from tests.faults import When
from tests.store.builders import assert_counters_add_up
from tests.workflows.deaths import MortalHouse
from tests.workflows.house import QUICK, eventually, order, shipment, track
from workflows.decisions import Choice, Decision

Story = Callable[[MortalHouse, str, str], Awaitable[None]]


async def to_the_door(house: MortalHouse, no: str, key: str) -> None:
    await house.say(order(no, ChannelStatus.UNPAID))
    await house.until(key, wait_for="payment")
    await house.say(order(no, ChannelStatus.PAID, minute=1))
    await house.until(key, logistics_status="pushed")
    await house.say(shipment(no, no))
    await house.until(key, status="shipped")
    await house.say(track(no))
    await house.ended(key)


async def never_paid(house: MortalHouse, no: str, key: str) -> None:
    await house.say(order(no, ChannelStatus.UNPAID))
    await house.until(key, closed=True)
    await house.ended(key)


async def refunded_at_the_warehouse(house: MortalHouse, no: str, key: str) -> None:
    await house.say(order(no))
    await house.until(key, logistics_status="pushed")
    await house.say(order(no, ChannelStatus.REFUNDED, minute=2))
    await house.ended(key)


async def refunded_too_late(house: MortalHouse, no: str, key: str) -> None:
    house.warehouse.too_late.add(f"{no}-1")
    await house.say(order(no))
    await house.until(key, logistics_status="pushed")
    await house.say(order(no, ChannelStatus.REFUNDED, minute=2))
    await house.until(key, wait_for="shipment", channel_status="refunded")
    await told_too_late(house, key)  # else the shipment may be heard first, and nothing is called off
    await house.say(shipment(no, no))
    await house.until(key, status="shipped")
    await house.say(track(no))
    await house.ended(key)


async def told_too_late(house: MortalHouse, key: str) -> None:
    async def there() -> bool:
        told = await house.query("SELECT subject FROM alert WHERE kind = 'too_late'")
        return any(one.subject == key for one in told)

    await eventually(there, house.nothing, 0.2, house.patience_seconds)


async def held_and_released(house: MortalHouse, no: str, key: str) -> None:
    await house.say(order(no))
    await house.until(key, logistics_status="pushed")
    assert await decided(house, key, Choice.HOLD) == "held"
    await house.until(key, stuck=True)
    assert await decided(house, key, Choice.RELEASE) == "released"
    await house.until(key, stuck=False, hold_reason="")
    await house.say(shipment(no, no))
    await house.until(key, status="shipped")
    await house.say(track(no))
    await house.ended(key)


async def refused_then_done_by_hand(house: MortalHouse, no: str, key: str) -> None:
    house.warehouse.refusals[f"{no}-1"] = Refused("S003", "unknown item")
    await house.say(order(no))
    await house.until(key, stuck=True, wait_for="operator")
    await decided(house, key, Choice.SKIP)
    await house.until(key, wait_for="shipment")
    await house.say(shipment(no, no))
    await house.until(key, status="shipped")
    await house.say(track(no))
    await house.ended(key)


async def late_at_the_warehouse(house: MortalHouse, no: str, key: str) -> None:
    await house.say(order(no))
    await house.until(key, late_stage=2)
    await house.say(shipment(no, no))
    await house.until(key, status="shipped")
    await house.say(track(no))
    await house.ended(key)


async def decided(house: MortalHouse, key: str, choice: Choice) -> str:
    """Decide as a person does: the same form again while nobody answers."""
    for _ in range(PATIENCE):
        with suppress(Unavailable):
            return await decide(house.client, key, Decision(choice, "agent-7", "test"), f"{choice}-{key}")
    raise AssertionError(f"nobody answered {choice} of {key}")


PATIENCE = 3
SOON = replace(QUICK, unpaid_lock_seconds=0.3, late_payment_seconds=0.2)
LATE = replace(QUICK, ship_by_seconds=0.6, ship_warning_seconds=0.3)
TO_THE_DOOR = "await_payment plan prepare create accepted book_shipments book_signatures complete"
PLACES: dict[str, tuple[OrderTiming, dict[Story, str]]] = {
    "with days before every deadline": (
        QUICK,
        {
            to_the_door: TO_THE_DOOR,
            refunded_at_the_warehouse: "where cancel cancelled close",
            refunded_too_late: "where cancel too_late book_shipments",
            held_and_released: "hold where pending release",
            refused_then_done_by_hand: "park resume pushed_by_hand",
        },
    ),
    "with the deadline of the payment": (SOON, {never_paid: "end_lock close"}),
    "with the deadline of the warehouse": (LATE, {late_at_the_warehouse: "warn_late"}),
}


@pytest.mark.parametrize("name", PLACES)
async def test_a_worker_that_dies_anywhere_leaves_the_facts_of_a_calm_run(
    temporal: Client, database: Database, ring: KeyRing, name: str
) -> None:
    timing, stories = PLACES[name]
    house = MortalHouse(temporal, database, ring, timing)
    calm = {story: f"{story.__name__}-calm" for story in stories}
    cast = {no: story for story, no in calm.items()}
    for story, methods in stories.items():
        for method, when in product(methods.split(), (When.BEFORE, When.AFTER)):
            no = f"{story.__name__}-{when}-{method}"
            house.deaths.plant(no, method, when)
            cast[no] = story
    async with house.living():
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, 200)
        await asyncio.gather(*(story(house, no, f"own:s:{no}") for no, story in cast.items()))
    measure = {story: await facts_without_number(database, no) for story, no in calm.items()}
    for no, story in cast.items():
        assert await facts_without_number(database, no) == measure[story], no
    assert set(house.warehouse.orders) <= {f"{no}-1" for no in cast}
    assert all(reserved == allocated == 0 for _, _, reserved, allocated in await stock_of(database))
    await assert_counters_add_up(database)
