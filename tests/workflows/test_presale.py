"""A presale order waits for its goods, with a deposit also for its balance; whatever goes wrong on the way (INV-4)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from clients.clock import utc_now
from clients.temporal import decide
from domain.observations import ChannelStatus, OrderObserved
from domain.orders import workflow_id
from store import presale_news, presale_supply
from store.database import Database
from store.keyring import KeyRing
from store.presale_supply import NewSupply
from tests.faults import FaultOfEach, Faults, When
from tests.workflows.house import QUICK, START, House, eventually, order, shipment
from workflows.decisions import Choice, Decision

S = ChannelStatus
STEPS = ("await_balance", "plan", "prepare", "complete")
FAULTS = ((When.BEFORE, 1), (When.BEFORE, 3), (When.AFTER, 1), (When.TWICE, 1))


async def supply(house: House, units: int = 5) -> None:
    async with house.database.transaction() as tx:
        due = utc_now() + timedelta(days=10)
        await presale_supply.add(tx, NewSupply("PO1", "COAT", units, due, title="coat"), utc_now(), "alice")


async def arrive(house: House) -> None:
    async with house.database.transaction() as tx:
        await presale_supply.arrive(tx, "PO1", "GZ01", None, (utc_now(), "alice"))
    await presale_news.tell(house.database, utc_now())
    await house.settle()


def presold(no: str, status: ChannelStatus = S.PAID, minute: int = 0, **more: Any) -> OrderObserved:
    """The usual order with two coats in place of the shirts; the coats are presale."""
    seen = order(no, status, minute, **more)
    lines = (replace(seen.lines[0], sku="COAT", presale=True), seen.lines[1])
    if status is S.DEPOSIT:
        at = START + timedelta(minutes=minute)
        return replace(seen, lines=lines, paid_at=None, paid_minor=1000, deposit_at=at, balance_until=more.get("until"))
    return replace(seen, lines=lines)


async def stock(house: House) -> dict[str, tuple[int, int, int]]:
    found = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock WHERE sku <> 'TEE'")
    return {row.sku: (row.on_hand, row.reserved, row.allocated) for row in found}


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_a_step_that_goes_wrong_changes_nothing_in_the_end(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    faults = FaultOfEach(of={f"P-{step}-{when}-{times}": Faults(step, when, times) for step in STEPS})
    house = House(temporal, database, ring, faults=faults)
    keys = {no: f"own:s:{no}" for no in faults.of}
    async with house.open():
        await supply(house, 5 * len(keys))
        await house.tell(*(presold(no, S.UNPAID) for no in keys))
        await house.all_until(keys.values(), wait_for="payment")
        until = utc_now() + timedelta(days=1)
        await house.tell(*(replace(presold(no, S.DEPOSIT, minute=1), balance_until=until) for no in keys))
        await house.all_until(keys.values(), wait_for="balance", payment_status="deposit")
        await house.tell(*(presold(no, minute=2) for no in keys))
        await house.all_until(keys.values(), wait_for="presale", status="paid", payment_status="paid", stuck=False)
        assert await stock(house) == {"CAP": (10, len(keys), 0), "COAT": (0, 0, 0)}
        await arrive(house)
        await house.all_until(keys.values(), logistics_status="pushed")
        await house.tell(*(shipment(no, no, COAT=2, CAP=1) for no in keys))
        await house.all_arrive(keys)
    faults.assert_struck()
    assert await stock(house) == {"CAP": (10 - len(keys), 0, 0), "COAT": (3 * len(keys), 0, 0)}
    assert set(house.warehouse.creates) == {f"{no}-1" for no in keys}


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_a_balance_that_is_never_paid_leaves_a_clean_slate(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    steps = ("end_balance", "close")
    faults = FaultOfEach(of={f"B-{step}-{when}-{times}": Faults(step, when, times) for step in steps})
    house = House(temporal, database, ring, replace(QUICK, balance_seconds=0.3), faults)
    async with house.open():
        await supply(house)
        await house.tell(*(replace(presold(no, S.DEPOSIT), deposit_at=utc_now()) for no in faults.of))
        for no in faults.of:
            await house.ended(f"own:s:{no}")
    faults.assert_struck()
    found = [await house.row(f"own:s:{no}") for no in faults.of]
    assert {(row.status, row.close_reason) for row in found} == {("closed", "balance unpaid")}
    assert await stock(house) == {"CAP": (10, 0, 0), "COAT": (0, 0, 0)}
    assert not await house.query("SELECT 1 FROM presale_hold WHERE state = 'open'")


async def test_goods_that_came_before_the_plan_are_not_waited_for(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        pass  # furnished, and no worker runs
    await supply(house)
    await house.tell(presold("PS1"))
    await arrive(house)
    async with house.worker():
        await house.until("own:s:PS1", logistics_status="pushed")


async def test_a_deposit_whose_event_is_still_on_the_way_keeps_the_goods(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring, replace(QUICK, unpaid_lock_seconds=1.0, balance_seconds=60))
    async with house.open():
        await supply(house)
        await house.tell(presold("PS2", S.UNPAID))
        await house.until("own:s:PS2", wait_for="payment")
        await house.say(replace(presold("PS2", S.DEPOSIT, minute=1), balance_until=utc_now() + timedelta(days=1)))
        await house.apply()  # stored, and not delivered
        await house.until("own:s:PS2", wait_for="balance")
        assert (await house.query("SELECT state FROM presale_hold"))[0].state == "open"
        await house.tell(presold("PS2", minute=2))
        await house.until("own:s:PS2", wait_for="presale")


async def test_a_refund_or_an_operator_ends_the_wait_for_goods(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await supply(house)
        await house.tell(presold("PS3"), presold("PS4"))
        for no in ("PS3", "PS4"):
            await house.until(f"own:s:{no}", wait_for="presale")
        handle = temporal.get_workflow_handle(workflow_id("own:s:PS3"))

        async def waits() -> bool:
            return "Waits for presale goods to arrive" in str(await handle.query("waiting"))

        await eventually(waits, lambda: handle.query("waiting"))
        await house.tell(presold("PS3", S.REFUNDED, minute=1))
        await house.ended("own:s:PS3")
        cancel = decide(temporal, "own:s:PS4", Decision(Choice.CANCEL, "agent-7"), "n-PS4")
        assert await asyncio.wait_for(cancel, 15) == "closed: cancelled by agent-7"
    assert await stock(house) == {"CAP": (10, 0, 0), "COAT": (0, 0, 0)}
