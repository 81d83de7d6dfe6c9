"""What an order waits for and what ends the wait: payment, late payment, stock, an operator, deadlines of days."""

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from clients.temporal import decide
from domain.errors import Refused
from domain.observations import ChannelStatus
from domain.orders import workflow_id
from store.database import Database
from store.keyring import KeyRing
from tests.workflows.house import QUICK, House, order, shipment, track
from workflows.decisions import Choice, Decision


async def test_the_stock_of_an_unpaid_order_is_free_again_after_half_an_hour(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    house = House(skipping.client, database, ring)
    key = "own:s:E1"
    with skipping.with_time_skipping_disabled():
        async with house.open():
            await house.tell(order("E1", ChannelStatus.UNPAID))
            await house.until(key, wait_for="payment")
            held = await house.query("SELECT reserved FROM sku_stock WHERE sku = 'TEE'")
            assert held[0].reserved == 2
            handle = skipping.client.get_workflow_handle(workflow_id(key))
            await skipping.fast_forward(handle, timedelta(minutes=31))
            await house.until(key, wait_for="late_payment")
            held = await house.query("SELECT reserved FROM sku_stock WHERE sku = 'TEE'")
            assert held[0].reserved == 0


async def test_a_payment_after_the_lock_is_honoured_while_stock_is_left(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring, replace(QUICK, unpaid_lock_seconds=0.2))
    async with house.open():
        await house.tell(order("L1", ChannelStatus.UNPAID))
        await house.until("own:s:L1", wait_for="late_payment")
        await house.tell(order("L1", ChannelStatus.PAID, minute=1))
        await house.until("own:s:L1", logistics_status="pushed")
    held = await house.query("SELECT reserved, allocated FROM sku_stock WHERE sku = 'TEE'")
    assert tuple(held[0]) == (0, 2)


async def test_a_payment_stored_while_the_lock_ends_is_never_lost(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring, replace(QUICK, unpaid_lock_seconds=1.0))
    async with house.open():
        await house.tell(order("L2", ChannelStatus.UNPAID))
        await house.until("own:s:L2", wait_for="payment")
        await house.say(order("L2", ChannelStatus.PAID, minute=1))
        await house.apply()  # the facts are stored, the event is not delivered: the engine was slow
        await house.until("own:s:L2", logistics_status="pushed")


async def test_an_order_without_stock_waits_for_an_operator_and_goes_on_after_a_retry(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.set_stock("TEE", 1)
        await house.tell(order("K1"))
        await house.until("own:s:K1", stuck=True)
        row = await house.row("own:s:K1")
        assert row.stuck_reason == "out of stock: TEE"
        stock = await house.query("SELECT sku, reserved, allocated FROM sku_stock ORDER BY sku")
        assert [tuple(one) for one in stock] == [("CAP", 0, 0), ("TEE", 0, 0)], "nothing is held by halves"
        await house.set_stock("TEE", 5)
        await decide(temporal, "own:s:K1", Decision(Choice.RETRY, "agent-7"), "n-K1")
        await house.until("own:s:K1", stuck=False, logistics_status="pushed")


async def test_a_refusal_of_the_warehouse_parks_the_order_with_its_words(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    house.warehouse.failures.append(Refused("S003", "unknown item TEE"))
    async with house.open():
        await house.tell(order("K2"))
        await house.until("own:s:K2", stuck=True)
        assert "S003" in (await house.row("own:s:K2")).stuck_reason
        await decide(temporal, "own:s:K2", Decision(Choice.RETRY, "agent-7"), "n-K2")
        await house.until("own:s:K2", stuck=False, logistics_status="pushed")


async def test_a_decision_that_makes_no_sense_is_refused_with_the_reason(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("K3"))
        await house.until("own:s:K3", logistics_status="pushed")
        with pytest.raises(Refused, match="not stuck"):
            await decide(temporal, "own:s:K3", Decision(Choice.RETRY, "agent-7"), "n-K3")
        handle = temporal.get_workflow_handle(workflow_id("own:s:K3"))
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("decide", {"choice": "dance", "actor": "agent-7", "reason": ""})


async def test_an_unknown_signal_hurts_nobody(temporal: Client, database: Database, ring: KeyRing) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.tell(order("K4"))
        await house.until("own:s:K4", logistics_status="pushed")
        await temporal.get_workflow_handle(workflow_id("own:s:K4")).signal("observed", "moonlight")
        await house.tell(shipment("K4", "K4"))
        await house.until("own:s:K4", status="shipped")


async def test_the_settlement_wait_is_two_days_after_the_signature(
    skipping: WorkflowEnvironment, database: Database, ring: KeyRing
) -> None:
    house = House(skipping.client, database, ring, replace(QUICK, settle_seconds=172800))
    with skipping.with_time_skipping_disabled():
        async with house.open():
            await house.tell(order("D1"))
            await house.until("own:s:D1", logistics_status="pushed")
            await house.tell(shipment("D1", "D1"))
            await house.until("own:s:D1", status="shipped")
            await house.tell(track("D1"))
            await house.until("own:s:D1", wait_for="settlement")
            handle = skipping.client.get_workflow_handle(workflow_id("own:s:D1"))
            await skipping.fast_forward(handle, timedelta(hours=47))
            assert (await house.row("own:s:D1")).status == "signed"
            await skipping.fast_forward(handle, timedelta(hours=2))
            await house.ended("own:s:D1")
    assert (await house.row("own:s:D1")).status == "completed"


async def test_a_payment_stored_while_the_late_window_ends_is_honoured(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring, replace(QUICK, unpaid_lock_seconds=0.2, late_payment_seconds=1.0))
    async with house.open():
        await house.tell(order("L3", ChannelStatus.UNPAID))
        await house.until("own:s:L3", wait_for="late_payment")
        await house.say(order("L3", ChannelStatus.PAID, minute=1))
        await house.apply()  # stored, but its event is still on the way
        await house.until("own:s:L3", logistics_status="pushed")
