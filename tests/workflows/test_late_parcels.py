"""The warehouse's last confirmation overtakes the one before: what it tells of afterwards has left all the same."""

from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Replayer

from domain.observations import ParcelState
from domain.orders import workflow_id
from store.database import Database
from store.keyring import KeyRing
from tests.workflows.house import House, order, shipment, track
from workers.wiring import sandbox
from workflows.orders import OrderWorkflow


@pytest.fixture
def house(temporal: Client, database: Database, ring: KeyRing) -> House:
    return House(temporal, database, ring)


async def parcels_told(house: House) -> list[str]:
    found = await house.query("SELECT payload ->> 'waybill_no' AS no FROM outgoing WHERE kind = 'writeback' ORDER BY 1")
    return [one.no for one in found]


async def stock(house: House) -> list[tuple[Any, ...]]:
    found = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    return [tuple(one) for one in found]


async def test_a_parcel_that_is_told_of_after_the_last_one_is_booked_and_waited_for(house: House) -> None:
    """INT-17, FUL: the channel and the courier hear of it, its units are off the shelf, its signature counts."""
    async with house.open():
        await house.tell(order("LATE1"))
        await house.until("own:s:LATE1", logistics_status="pushed")
        await house.tell(shipment("LATE1", "SF-LAST", TEE=2))
        await house.until("own:s:LATE1", status="shipped")
        await house.tell(shipment("LATE1", "SF-BEFORE", final=False, CAP=1))
        await house.tell(track("SF-LAST", ParcelState.SIGNED))
        await house.tell(track("SF-BEFORE", ParcelState.SIGNED))
        await house.ended("own:s:LATE1")
        assert (await house.row("own:s:LATE1")).status == "completed"
        assert await parcels_told(house) == ["SF-BEFORE", "SF-LAST"]
        assert await stock(house) == [("CAP", 9, 0, 0), ("TEE", 8, 0, 0)]
        history = await house.client.get_workflow_handle(workflow_id("own:s:LATE1")).fetch_history()
    await Replayer(workflows=[OrderWorkflow], workflow_runner=sandbox()).replay_workflow(history)


async def test_a_parcel_that_is_told_of_when_the_others_are_signed_is_booked_before_the_order_ends(
    house: House,
) -> None:
    async with house.open():
        await house.tell(order("LATE2"))
        await house.until("own:s:LATE2", logistics_status="pushed")
        await house.tell(shipment("LATE2", "SF-LAST", TEE=2), track("SF-LAST", ParcelState.SIGNED))
        await house.until("own:s:LATE2", status="signed")
        await house.tell(shipment("LATE2", "SF-BEFORE", final=False, CAP=1))
        await house.ended("own:s:LATE2")
        assert await parcels_told(house) == ["SF-BEFORE", "SF-LAST"]
        assert await stock(house) == [("CAP", 9, 0, 0), ("TEE", 8, 0, 0)]
