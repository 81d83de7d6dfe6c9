"""A paid order waits for its channel's leave to ship, however often that is taken back, and can still be stopped."""

import asyncio

from temporalio.client import Client

from clients.temporal import decide
from domain.observations import ChannelStatus
from domain.orders import workflow_id
from store.database import Database
from store.keyring import KeyRing
from tests.workflows.house import House, eventually, order
from workflows.decisions import Choice, Decision


async def stock(house: House) -> list[tuple[int, int]]:
    found = await house.query("SELECT reserved, allocated FROM sku_stock ORDER BY sku")
    return [tuple(row) for row in found]


async def test_a_held_order_goes_to_the_warehouse_when_its_channel_allows_it(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH1", may_ship=False))
        await house.until("own:s:CH1", wait_for="channel", stuck=False)
        handle = temporal.get_workflow_handle(workflow_id("own:s:CH1"))

        async def waits() -> bool:
            return "Waits for the channel to allow shipping" in str(await handle.query("waiting"))

        await eventually(waits, lambda: handle.query("waiting"))
        assert await stock(house) == [(1, 0), (2, 0)]
        assert not house.warehouse.creates
        await house.tell(order("CH1", minute=1))
        await house.until("own:s:CH1", logistics_status="pushed")
        assert await stock(house) == [(0, 1), (0, 2)]


async def test_a_hold_that_comes_back_before_anybody_looked_holds_until_its_own_end(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH2", may_ship=False))
        await house.until("own:s:CH2", wait_for="channel")
        await house.tell(order("CH2", minute=1), order("CH2", minute=2, may_ship=False))
        looks = "SELECT count(*) AS n FROM delivery WHERE event = 'cleared' AND delivered_at IS NOT NULL"
        assert (await house.query(looks))[0].n == 1
        handle = temporal.get_workflow_handle(workflow_id("own:s:CH2"))

        async def looked_again() -> bool:
            steps = [one.marker_recorded_event_attributes for one in (await handle.fetch_history()).events]
            return sum(step.marker_name != "" for step in steps) == 2

        await eventually(looked_again, house.nothing)
        assert not house.warehouse.creates
        await house.tell(order("CH2", minute=3))
        await house.until("own:s:CH2", logistics_status="pushed")


async def test_leave_that_came_before_the_plan_is_not_lost(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        pass  # furnished, and no worker runs
    await house.tell(order("CH3", may_ship=False), order("CH3", minute=1))
    async with house.worker():
        await house.until("own:s:CH3", logistics_status="pushed")


async def test_an_order_first_seen_unpaid_is_held_too(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH4", ChannelStatus.UNPAID))
        await house.until("own:s:CH4", wait_for="payment")
        await house.tell(order("CH4", minute=1, may_ship=False))
        await house.until("own:s:CH4", wait_for="channel")
        await house.tell(order("CH4", minute=2))
        await house.until("own:s:CH4", logistics_status="pushed")


async def test_a_refund_ends_the_wait(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH5", may_ship=False))
        await house.until("own:s:CH5", wait_for="channel")
        await house.tell(order("CH5", ChannelStatus.REFUNDED, minute=1))
        await house.ended("own:s:CH5")
    row = await house.row("own:s:CH5")
    assert (row.status, row.close_reason) == ("closed", "refunded")
    assert await stock(house) == [(0, 0), (0, 0)]


async def test_an_operator_can_cancel_a_held_order(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH6", may_ship=False))
        await house.until("own:s:CH6", wait_for="channel")
        cancel = decide(temporal, "own:s:CH6", Decision(Choice.CANCEL, "agent-7"), "n-CH6")
        assert await asyncio.wait_for(cancel, 15) == "closed: cancelled by agent-7"
        await house.ended("own:s:CH6")
    assert await stock(house) == [(0, 0), (0, 0)]


async def test_an_order_that_was_shipped_elsewhere_is_completed_when_it_arrived(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """It is never sent to a warehouse of ours; nobody has to decide anything."""
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("CH7", ChannelStatus.SHIPPED), order("CH8", ChannelStatus.SHIPPED))
        for key in ("own:s:CH7", "own:s:CH8"):
            await house.until(key, wait_for="operator", stuck=True)
        await house.tell(order("CH7", ChannelStatus.SIGNED, minute=1), order("CH8", ChannelStatus.REFUNDED, minute=1))
        await house.ended("own:s:CH7")
        await house.ended("own:s:CH8")
        assert not house.warehouse.creates
    assert (await house.row("own:s:CH7")).status == "completed"
    row = await house.row("own:s:CH8")
    assert (row.status, row.close_reason) == ("closed", "refunded")
    assert await stock(house) == [(0, 0), (0, 0)]
