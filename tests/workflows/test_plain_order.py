"""The plain order: its whole life, and what it may cost (design: cost of an order)."""

from collections import Counter
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.worker import Replayer

from domain.observations import ChannelStatus, ParcelState
from domain.orders import workflow_id
from store.database import Database
from store.keyring import KeyRing
from tests.workflows.house import House, order, report, shipment, track
from workers.wiring import sandbox
from workflows.orders import OrderWorkflow

STAGES = ("ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", "WEIGH")


async def live(house: House, no: str) -> str:
    """Carry one order from payment to completion with six process reports and twelve traces beside it."""
    key = f"own:s:{no}"
    await house.tell(order(no, ChannelStatus.PAID, minute=1))
    await house.until(key, logistics_status="pushed")
    await house.tell(*(report(no, stage) for stage in STAGES))
    await house.tell(shipment(no, f"SF-{no}"))
    await house.until(key, status="shipped")
    for scans in range(1, 12):
        await house.tell(track(f"SF-{no}", ParcelState.IN_TRANSIT, scans))
    await house.tell(track(f"SF-{no}", ParcelState.SIGNED, 12))
    await house.ended(key)
    return key


async def cost(client: Client, key: str) -> tuple[int, int, int]:
    """Count events, workflow tasks and state transitions of an order's history."""
    handle = client.get_workflow_handle(workflow_id(key))
    described = await handle.describe()
    history = await handle.fetch_history()
    tasks = sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in history.events)
    return len(history.events), tasks, described.raw_description.workflow_execution_info.state_transition_count


@pytest.fixture
def house(temporal: Client, database: Database, ring: KeyRing) -> House:
    return House(temporal, database, ring)


async def test_a_paid_order_lives_within_its_budget_and_leaves_the_right_facts(house: House) -> None:
    async with house.open():
        key = await live(house, "P1")
        row = await house.row(key)
    assert (row.status, row.logistics_status, row.wait_for) == ("completed", "signed", "nothing")
    events, tasks, transitions = await cost(house.client, key)
    print(f"paid at start: {events} events, {tasks} workflow tasks, {transitions} state transitions")
    assert events <= 40
    assert tasks <= 9
    assert transitions <= 22
    stock = await house.query("SELECT sku, on_hand, reserved, allocated FROM sku_stock ORDER BY sku")
    assert [tuple(one) for one in stock] == [("CAP", 9, 0, 0), ("TEE", 8, 0, 0)]
    assert house.warehouse.creates == Counter({"P1-1": 1})


async def test_an_order_first_seen_unpaid_lives_within_its_budget(house: House) -> None:
    async with house.open():
        await house.tell(order("U1", ChannelStatus.UNPAID))
        await house.until("own:s:U1", wait_for="payment")
        key = await live(house, "U1")
    events, tasks, transitions = await cost(house.client, key)
    print(f"first seen unpaid: {events} events, {tasks} workflow tasks, {transitions} state transitions")
    assert events <= 48
    assert tasks <= 10
    assert transitions <= 25


async def test_the_histories_of_both_replay(house: House) -> None:
    async with house.open():
        key = await live(house, "R1")
    history = await house.client.get_workflow_handle(workflow_id(key)).fetch_history()
    await Replayer(workflows=[OrderWorkflow], workflow_runner=sandbox()).replay_workflow(history)


async def test_what_the_web_ui_shows_is_readable_and_names_nobody(house: House) -> None:
    async with house.open():
        await house.tell(order("V1"))
        await house.until("own:s:V1", logistics_status="pushed")
        handle = house.client.get_workflow_handle(workflow_id("own:s:V1"))
        described: Any = await handle.describe()
        words = await handle.query("__temporal_workflow_metadata")
    assert described.id == "order:own:s:V1"
    assert await described.static_summary() == "own:s:V1 · 306.00 CNY"
    assert "Waits for the warehouse to ship since" in str(words)
    assert described.search_attributes["Channel"] == ["own"]
    assert described.search_attributes["Shop"] == ["s"]
    history = (await handle.fetch_history()).to_json()
    for secret in ("欧阳修文", "13800138000", "科技园", "\\u6b27\\u9633"):
        assert secret not in history


async def test_the_warehouse_gets_the_whole_order_and_the_receiver(house: House) -> None:
    async with house.open():
        await house.tell(order("W1"))
        await house.until("own:s:W1", logistics_status="pushed")
    sent = house.warehouse.orders["W1-1"]
    assert (sent.receiver.name, sent.receiver.phone) == ("欧阳修文", "13800138000")
    assert [(line.sku, line.quantity, line.amount_minor) for line in sent.lines] == [
        ("TEE", 2, 24000),
        ("CAP", 1, 7800),
    ]
    assert sent.total_minor == sent.goods_minor - sent.discount_minor + sent.freight_minor == 30600
