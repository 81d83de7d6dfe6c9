"""A hold that comes while the push is under way: the warehouse is told to wait as soon as it has the order (FUL-7)."""

import asyncio

from temporalio.client import Client

from clients.temporal import decide
from domain.errors import Unavailable
from store.database import Database
from store.keyring import KeyRing
from tests.workflows.house import House, eventually, order
from workflows.decisions import Choice, Decision


async def test_a_hold_during_the_push_reaches_the_warehouse_after_it(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    house.warehouse.failures.extend(Unavailable("the warehouse is down") for _ in range(5000))
    async with house.open():
        await house.tell(order("H1"))
        await house.until("own:s:H1", logistics_status="allocated")
        await eventually(lambda: _tried(house), lambda: house.row("own:s:H1"))
        hold = Decision(Choice.HOLD, "agent-7", "the buyer moves")
        assert await asyncio.wait_for(decide(temporal, "own:s:H1", hold, "n-H1"), 15) == "held"
        house.warehouse.failures.clear()
        house.warehouse.pended.clear()
        await house.until("own:s:H1", logistics_status="pushed")
        await eventually(lambda: _told(house), lambda: house.row("own:s:H1"))
        assert (await house.row("own:s:H1")).hold_reason == "the buyer moves"


async def _tried(house: House) -> bool:
    return len(house.warehouse.failures) < 4999


async def _told(house: House) -> bool:
    return ("H1-1", True) in house.warehouse.pended
