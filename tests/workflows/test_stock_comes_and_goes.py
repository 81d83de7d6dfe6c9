"""An order that waits for stock goes on by itself (INV-7); one whose stock is taken away gives it back once (INV-3)."""

from temporalio.client import Client

from clients.clock import utc_now
from clients.temporal import decide
from domain.observations import ChannelStatus
from store import breakers, waiting
from store.breakers import By
from store.database import Database
from store.keyring import KeyRing
from store.unstocking import Outcome, release_all
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import House, order
from workflows.decisions import Choice, Decision

FORCED = "its stock was released by ann: the buyer was refunded by phone"


async def restock(house: House, sku: str, count: int) -> None:
    """Put units on the shelf and let the loops run dry."""
    await house.set_stock(sku, count)
    await wake(house)


async def wake(house: House) -> None:
    await waiting.wake(house.database, utc_now())
    await house.settle()


async def stock_of(house: House, sku: str) -> tuple[int, ...]:
    found = await house.query(f"SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = '{sku}'")  # noqa: S608
    return tuple(found[0])


async def test_new_stock_is_enough_for_an_order_to_go_on_without_anybody(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.set_stock("TEE", 1)
        await house.tell(order("G1"))
        await house.until("own:s:G1", stuck=True, wait_for="stock")
        await restock(house, "TEE", 5)
        await house.until("own:s:G1", stuck=False, logistics_status="pushed")
    assert await house.query("SELECT 1 FROM alert WHERE cleared_at IS NULL") == []
    assert await house.query("SELECT 1 FROM audit WHERE action = 'order.retry'") == [], "nobody decided anything"
    await assert_counters_add_up(database)


async def test_an_order_that_is_woken_in_vain_waits_on_and_may_still_be_decided_upon(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await house.set_stock("TEE", 1)
        await house.tell(order("G2"))
        await house.until("own:s:G2", stuck=True)
        await house.set_stock("TEE", 2)
        await waiting.wake(database, utc_now())
        await house.say(order("G2b"))
        await house.apply()  # somebody is faster
        await house.settle()
        await house.until("own:s:G2b", logistics_status="pushed")
        await house.until("own:s:G2", stuck=True, wait_for="stock")
        assert await decide(temporal, "own:s:G2", Decision(Choice.CANCEL, "ann"), "n1") == "closed: cancelled by ann"
        await house.ended("own:s:G2")
    assert await house.query("SELECT 1 FROM stock_wait") == []


async def test_an_order_parked_by_a_stopped_sale_goes_on_when_the_sale_does(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        async with database.transaction() as tx:
            await breakers.stop(tx, "TEE", By("ann", utc_now(), "a batch is faulty"))
        await house.tell(order("G3"))
        await house.until("own:s:G3", wait_for="breaker", stuck_reason="sale stopped by hand: TEE")
        async with database.transaction() as tx:
            await breakers.resume(tx, "TEE", 2, By("ann", utc_now()))
        await wake(house)
        await house.until("own:s:G3", stuck=False, logistics_status="pushed")
    events = await house.query("SELECT ended FROM breaker_event")
    assert [row.ended for row in events] == ["trial"]


async def test_the_stock_of_a_paid_order_that_is_taken_by_force_is_recalled_and_the_order_waits_in_words(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house, key = House(temporal, database, ring), "own:s:G4"
    by = By("ann", utc_now(), "the buyer was refunded by phone")
    async with house.open():
        await house.tell(order("G4"))
        await house.until(key, logistics_status="pushed")
        (answer,) = await release_all(database, ["G4"], by, force=True)
        assert (answer.outcome, answer.units) == (Outcome.RECALLED, 3)
        await house.settle()
        await house.until(key, stuck=True, stuck_reason=FORCED, wait_for="operator")
        assert house.warehouse.cancels["G4-1"] == 1
        assert await stock_of(house, "TEE") == (10, 0, 0)
        (again,) = await release_all(database, ["G4"], by, force=True)
        assert again.outcome is Outcome.NOTHING
        assert await decide(temporal, key, Decision(Choice.RETRY, "ann"), "n1") == "taken"
        await house.until(key, stuck=False, logistics_status="pushed")
        assert (house.warehouse.creates["G4-1"], house.warehouse.creates["G4-2"]) == (1, 1)
    assert await stock_of(house, "TEE") == (10, 0, 2)
    await assert_counters_add_up(database)


async def test_goods_that_leave_before_they_are_recalled_ship_on(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house, key = House(temporal, database, ring), "own:s:G5"
    house.warehouse.too_late.add("G5-1")
    async with house.open():
        await house.tell(order("G5"))
        await house.until(key, logistics_status="pushed")
        await release_all(database, ["G5"], By("ann", utc_now(), "by mistake"), force=True)
        await house.settle()
        await house.until(key, wait_for="shipment")
    assert await stock_of(house, "TEE") == (10, 0, 2)


async def test_a_refunded_order_that_a_warehouse_still_has_is_recalled_by_its_own_workflow(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house, key = House(temporal, database, ring), "own:s:G6"
    async with house.open():
        await house.tell(order("G6"))
        await house.until(key, logistics_status="pushed")
        await house.say(order("G6", ChannelStatus.REFUNDED, minute=1))
        await house.apply()  # its event is still on the way
        (answer,) = await release_all(database, ["G6"], By("ann", utc_now()))
        assert (answer.outcome, answer.units) == (Outcome.RECALLED, 3)
        await house.settle()
        await house.ended(key)
    assert (await house.row(key)).close_reason == "refunded"
    assert len(await house.query("SELECT 1 FROM delivery WHERE event = 'refunded'")) == 1, "it was on its way already"
    assert await stock_of(house, "TEE") == (10, 0, 0)
    await assert_counters_add_up(database)
