"""No workflow is cached, so every task replays its whole history: the cheapest detector of non-determinism."""

import pytest
from temporalio.client import Client

from clients.temporal import decide
from domain.errors import Refused
from domain.observations import ChannelStatus
from store.database import Database
from store.keyring import KeyRing
from tests.faults import Faults, When
from tests.workflows.house import House, order, shipment, track
from tests.workflows.test_plain_order import live
from workers.wiring import memory
from workflows.decisions import Choice, Decision


async def test_a_plain_order_lives_without_a_cache(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open(**memory(0)):
        key = await live(house, "M1")
    assert (await house.row(key)).status == "completed"


async def test_a_cancelled_order_is_recalled_without_a_cache(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open(**memory(0)):
        await house.tell(order("M2"))
        await house.until("own:s:M2", logistics_status="pushed")
        answer = await decide(temporal, "own:s:M2", Decision(Choice.CANCEL, "agent-7"), "n-M2")
        assert answer == "closed: cancelled by agent-7"
        await house.ended("own:s:M2")
    stock = await house.query("SELECT on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    assert [tuple(one) for one in stock] == [(10, 0, 0), (10, 0, 0)]


async def test_a_refused_then_retried_then_held_order_lives_without_a_cache(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    house.warehouse.failures.append(Refused("S003", "unknown item TEE"))
    async with house.open(**memory(0)):
        await house.tell(order("M3", ChannelStatus.UNPAID), order("M3", ChannelStatus.PAID, minute=1))
        await house.until("own:s:M3", stuck=True)
        await decide(temporal, "own:s:M3", Decision(Choice.RETRY, "agent-7"), "n-M3a")
        await house.until("own:s:M3", stuck=False, logistics_status="pushed")
        await decide(temporal, "own:s:M3", Decision(Choice.HOLD, "agent-7", "moved"), "n-M3b")
        await decide(temporal, "own:s:M3", Decision(Choice.RELEASE, "agent-7"), "n-M3c")
        await house.tell(shipment("M3", "M3"))
        await house.until("own:s:M3", status="shipped")
        await house.tell(track("M3"))
        await house.ended("own:s:M3")


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("step", ["plan", "create", "book_shipments"])
async def test_a_step_that_goes_wrong_without_a_cache_changes_nothing_in_the_end(
    temporal: Client, database: Database, ring: KeyRing, step: str, when: When
) -> None:
    house = House(temporal, database, ring, faults=Faults(step, when, 3))
    no = f"M-{step}-{when}"
    async with house.open(**memory(0)):
        await live(house, no)
    assert house.faults.struck == 3
    stock = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    assert [tuple(one) for one in stock] == [("CAP", 9, 0, 0), ("TEE", 8, 0, 0)]
