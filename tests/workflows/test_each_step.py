"""Every step of an order fails once, fails long, loses its answer, and runs twice: the facts are the same each time.

One house has an order for each step, and all of them are on their way at once.
"""

from dataclasses import replace

import pytest
from temporalio.client import Client

from domain.observations import ChannelStatus
from store.database import Database
from store.keyring import KeyRing
from tests.faults import FaultOfEach, Faults, When
from tests.workflows.house import QUICK, House, order, shipment

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


SKUS = ("CAP", "TEE")
CALLS = ("subscribe", "writeback")


async def stock(house: House) -> list[tuple[str, int, int, int]]:
    found = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    return [(one.sku, one.on_hand, one.reserved, one.allocated) for one in found]


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_a_step_that_goes_wrong_changes_nothing_in_the_end(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    faults = FaultOfEach(of={f"S-{step}-{when}-{times}": Faults(step, when, times) for step in STEPS_TO_THE_DOOR})
    house = House(temporal, database, ring, faults=faults)
    keys = {no: f"own:s:{no}" for no in faults.of}
    async with house.open():
        for sku in SKUS:
            await house.set_stock(sku, 10 * len(keys))
        await house.tell(*(order(no, ChannelStatus.UNPAID) for no in keys))
        await house.all_until(keys.values(), wait_for="payment")
        await house.tell(*(order(no, ChannelStatus.PAID, minute=1) for no in keys))
        await house.all_until(keys.values(), logistics_status="pushed")
        await house.tell(*(shipment(no, no) for no in keys))
        await house.all_arrive(keys)
    faults.assert_struck()
    assert {(await house.row(key)).status for key in keys.values()} == {"completed"}
    assert await stock(house) == [("CAP", 9 * len(keys), 0, 0), ("TEE", 8 * len(keys), 0, 0)]
    assert set(house.warehouse.creates) == {f"{no}-1" for no in keys}
    (booked,) = await house.query("SELECT count(*) AS n FROM stock_movement WHERE reason = 'shipped'")
    assert booked.n == 2 * len(keys)
    calls = await house.query("SELECT order_key, kind, count(*) AS n FROM outgoing GROUP BY 1, 2")
    assert sorted(map(tuple, calls)) == sorted((key, kind, 1) for key in keys.values() for kind in CALLS)


@pytest.mark.parametrize(("when", "times"), FAULTS)
async def test_an_order_that_is_never_paid_leaves_a_clean_slate_whatever_goes_wrong(
    temporal: Client, database: Database, ring: KeyRing, when: When, times: int
) -> None:
    soon = replace(QUICK, unpaid_lock_seconds=0.3, late_payment_seconds=0.2)
    faults = FaultOfEach(of={f"N-{step}-{when}-{times}": Faults(step, when, times) for step in STEPS_TO_THE_END})
    house = House(temporal, database, ring, soon, faults)
    keys = [f"own:s:{no}" for no in faults.of]
    async with house.open():
        await house.tell(*(order(no, ChannelStatus.UNPAID) for no in faults.of))
        for key in keys:
            await house.ended(key)
    faults.assert_struck()
    found = [await house.row(key) for key in keys]
    assert {(row.status, row.close_reason) for row in found} == {("closed", "unpaid")}
    assert await stock(house) == [("CAP", 10, 0, 0), ("TEE", 10, 0, 0)]
    assert not house.warehouse.creates
    open_holds = await house.query("SELECT 1 FROM reservation WHERE state = 'open'")
    assert not open_holds
