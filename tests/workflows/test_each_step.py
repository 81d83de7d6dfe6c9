"""Every step of an order fails once, fails long, loses its answer, and runs twice: the facts are the same each time."""

from dataclasses import replace

import pytest
from temporalio.client import Client

from domain.observations import ChannelStatus
from store.database import Database
from store.keyring import KeyRing
from tests.faults import Faults, When
from tests.workflows.house import QUICK, House, order, shipment, track

STEPS_TO_THE_DOOR = (
    "await_payment",
    "plan",
    "prepare",
    "create",
    "accepted",
    "book_shipments",
    "book_signatures",
    "complete",
)
STEPS_TO_THE_END = ("await_payment", "end_lock", "close")
FAULTS = (
    (When.BEFORE, 1),
    (When.BEFORE, 3),  # more than the local attempts: the step goes on remotely
    (When.AFTER, 1),  # the answer is lost: the step runs again on changed facts
    (When.TWICE, 1),
)


@pytest.mark.parametrize(("when", "times"), FAULTS)
@pytest.mark.parametrize("step", STEPS_TO_THE_DOOR)
async def test_a_step_that_goes_wrong_changes_nothing_in_the_end(
    temporal: Client, database: Database, ring: KeyRing, step: str, when: When, times: int
) -> None:
    house = House(temporal, database, ring, faults=Faults(step, when, times))
    no = f"S-{step}-{when}-{times}"
    key = f"own:s:{no}"
    async with house.open():
        await house.tell(order(no, ChannelStatus.UNPAID))
        await house.until(key, wait_for="payment")
        await house.tell(order(no, ChannelStatus.PAID, minute=1))
        await house.until(key, logistics_status="pushed")
        await house.tell(shipment(no, no))
        await house.until(key, status="shipped")
        await house.tell(track(no))
        await house.ended(key)
    assert house.faults.struck == times, f"the planted fault in {step} never struck"
    assert (await house.row(key)).status == "completed"
    stock = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    assert [tuple(one) for one in stock] == [("CAP", 9, 0, 0), ("TEE", 8, 0, 0)]
    assert set(house.warehouse.creates) == {f"{no}-1"}
    booked = await house.query("SELECT count(*) AS n FROM stock_movement WHERE reason = 'shipped'")
    assert booked[0].n == 2
    calls = await house.query("SELECT kind, count(*) AS n FROM outgoing GROUP BY kind ORDER BY kind")
    assert [tuple(one) for one in calls] == [("subscribe", 1), ("writeback", 1)]


@pytest.mark.parametrize(("when", "times"), FAULTS)
@pytest.mark.parametrize("step", STEPS_TO_THE_END)
async def test_an_order_that_is_never_paid_leaves_a_clean_slate_whatever_goes_wrong(
    temporal: Client, database: Database, ring: KeyRing, step: str, when: When, times: int
) -> None:
    soon = replace(QUICK, unpaid_lock_seconds=0.3, late_payment_seconds=0.2)
    house = House(temporal, database, ring, soon, Faults(step, when, times))
    no = f"N-{step}-{when}-{times}"
    key = f"own:s:{no}"
    async with house.open():
        await house.tell(order(no, ChannelStatus.UNPAID))
        await house.ended(key)
    assert house.faults.struck == times, f"the planted fault in {step} never struck"
    row = await house.row(key)
    assert (row.status, row.close_reason) == ("closed", "unpaid")
    stock = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    assert [tuple(one) for one in stock] == [("CAP", 10, 0, 0), ("TEE", 10, 0, 0)]
    assert not house.warehouse.creates
    open_holds = await house.query("SELECT 1 FROM reservation WHERE state = 'open'")
    assert not open_holds
