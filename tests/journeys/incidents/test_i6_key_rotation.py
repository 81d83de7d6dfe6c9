"""I-6, stock side: a platform changes its signing, 327 refund callbacks are rejected, their stock would stay locked.

Rejected callbacks are kept and the fifth raises the alarm; the refunds are seen by asking within two hours, and each
order's own workflow frees its stock; who cannot wait frees it by the list of the platform, within 17 s; the kept
callbacks, let in after the key is mended, change nothing any more. (INT-14, INV-3)

To see it fail: take `await reread.ask_again(...)` out of _ask in store/refund_polls.py (the refunds are never seen), or
`await stock.release_reservations(...)` out of _release in store/unstocking.py (new orders find no units).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from clients.clock import utc_now
from clients.replay import Replayer
from domain.errors import Refused
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import ChannelStatus, OrderObserved
from domain.outgoing import Queue
from domain.pulling import Page, Window
from domain.stock_push import Batch, ListingKey
from store import refund_polls
from store.breakers import By
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reread import REFUND_ALERT, SqlReread
from store.settings_docs import Profile
from store.shops import Shops
from store.tracking import SqlTracking
from store.unstocking import release_all
from tests.channels import NoCases
from tests.clients.worlds import HandClock, connect, gateway_of, message, send, signed
from tests.connectors.worlds import NOW, OWN
from tests.store.builders import assert_counters_add_up, change, rows
from tests.workflows.house import LOOPS, House, order

CALLBACKS, MOST_SECONDS = 327, 17
FEW = 5
OLD, NEW = OWN.secrets[0], "the-signing-since-february"
MALL = replace(OWN, answers=True)
REREAD = Queue("reread", "own", "mall")


@dataclass
class Platform(NoCases):
    """The platform's own answers: it has refunded every order. Nobody else is asked. Typed as activities' ports."""

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        return self

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        return order(no, ChannelStatus.REFUNDED, minute=30, shop="mall"), b'{"refunded": true}'

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError("nothing ships here")

    async def pull(self, window: Window, cursor: str) -> Page:
        raise AssertionError("nothing is pulled here")

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError("nothing is promised here")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        raise AssertionError("nobody is told of stock here")

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("no warehouse is asked by a drain")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("no courier is asked here")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("no payment provider is asked here")


async def test_refunds_whose_callbacks_are_rejected_are_seen_by_asking_and_their_stock_is_free(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    numbers = [f"I6-{n}" for n in range(FEW)]
    async with house.open():
        await connect(database, ring, MALL)
        await house.tell(*(order(no, shop="mall") for no in numbers))
        for no in numbers:
            await house.until(f"own:mall:{no}", logistics_status="pushed")
        await rejected(database, ring, numbers)
        assert await stock_of(house) == (10, 0, 10), "the refunds succeeded, and the stock is locked"

        assert await ask(database, ring, hours=1) == 0
        assert await ask(database, ring, hours=2) == FEW
        await house.settle()
        for no in numbers:
            await house.ended(f"own:mall:{no}")
        assert await stock_of(house) == (10, 0, 0)
        ends = await house.query("SELECT DISTINCT status, close_reason, payment_status FROM orders")
        assert [tuple(row) for row in ends] == [("closed", "refunded", "refunded")]
        told = await house.query(f"SELECT subject FROM alert WHERE kind = '{REFUND_ALERT}'")  # noqa: S608
        assert [row.subject for row in told] == ["own/mall"], "people learn that the callback is dead"

        before = await facts_of(house)
        await mend_and_replay(database, ring)
        await house.settle()
        assert await facts_of(house) == before, "the callbacks come late, and do no harm"
        assert await ask(database, ring, hours=9) == 0, "nothing is left to ask about"
    await assert_counters_add_up(database)


async def test_three_hundred_and_twenty_seven_locked_orders_are_freed_by_a_list_and_new_orders_get_the_units(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    numbers = [f"I6b-{n}" for n in range(CALLBACKS)]
    await house.furnish()
    await connect(database, ring, MALL)
    for sku, units in (("TEE", 2), ("CAP", 1)):
        await house.set_stock(sku, CALLBACKS * units)
    await asyncio.gather(*(house.say(order(no, shop="mall")) for no in numbers))
    await asyncio.gather(*(house.apply() for _ in range(4)))
    await rejected(database, ring, numbers)
    assert await stock_of(house) == (CALLBACKS * 2, CALLBACKS * 2, 0), "no unit is left for anybody"

    refused = await release_all(database, numbers[:1], By("ann", utc_now()))
    assert refused[0].words.startswith("refused: it is paid"), "as far as we know"
    began = monotonic()
    answers = await release_all(database, numbers, By("ann", utc_now(), "the platform's list of refunds"), force=True)
    assert monotonic() - began < MOST_SECONDS
    assert {one.words for one in answers} == {"released 3 units"}
    assert await stock_of(house) == (CALLBACKS * 2, 0, 0)
    again = await release_all(database, numbers, By("ann", utc_now(), "once more"), force=True)
    assert {one.words for one in again} == {"nothing held"}, "nothing is released twice"

    await house.say(order("I6b-new", shop="mall"))
    await house.apply()
    assert await stock_of(house) == (CALLBACKS * 2, 2, 0), "new orders can ship again"
    await assert_counters_add_up(database)


async def rejected(database: Database, ring: KeyRing, numbers: Sequence[str]) -> None:
    """The platform signs anew and tells of every refund: nothing is accepted, everything kept, the fifth alarms."""
    async with gateway_of(database, ring, HandClock(NOW)) as client:
        for n, no in enumerate(numbers[:FEW], 1):
            assert (await callback(client, no)).status_code == 401
            if n >= FEW - 1:
                told = await rows(database, "SELECT level FROM alert WHERE kind = 'signatures'")
                assert [row.level for row in told] == (["1-critical"] if n == FEW else [])
        answers = await asyncio.gather(*(callback(client, no) for no in numbers[FEW:]))
        assert {answer.status_code for answer in answers} <= {401}
    kept = await rows(database, "SELECT count(*) AS n FROM unverified WHERE replayed_at IS NULL")
    assert kept[0].n == len(numbers)


async def callback(client: httpx.AsyncClient, no: str) -> httpx.Response:
    body = refund(no)
    return await send(client, body, signed(body, f"refund-{no}", secret=NEW))


def refund(no: str) -> bytes:
    """The callback of one refund: of the same two TEE and one CAP, paid before."""
    seen = order(no, ChannelStatus.REFUNDED, minute=30)
    lines = [
        {
            "no": one.line_no, "sku": one.sku, "title": one.title, "quantity": one.quantity,
            "unit_minor": one.unit_minor, "discount_minor": one.discount_minor, "amount_minor": one.amount_minor,
        }
        for one in seen.lines
    ]  # fmt: skip
    times = {name: getattr(seen, field).isoformat() for name, field in TIMES.items()}
    money = {name: getattr(seen, name) for name in MONEY}
    return message(no=no, status="refunded", lines=lines, **times, **money)


TIMES = {"updated_at": "vendor_time", "placed_at": "placed_at", "paid_at": "paid_at"}
MONEY = ("goods_minor", "shop_discount_minor", "freight_minor", "total_minor", "paid_minor", "refunded_minor")


async def ask(database: Database, ring: KeyRing, hours: float) -> int:
    """Let so many hours have passed since the orders came, poll as the worker's loop does, and let the drain ask."""
    now = utc_now()
    await change(database, "UPDATE orders SET created_at = :at", at=now - timedelta(hours=hours))
    asked = await refund_polls.ask(database, Profile.LIVE, now)
    calls, parcels = SqlOutgoing(database, ring), SqlTracking(database, ring, 60)
    drains = DrainActivities(calls, parcels, SqlReread(database, ring), Platform(), utc_now)
    await ActivityEnvironment().run(drains.drain, REREAD, LOOPS, 1)
    return asked


async def mend_and_replay(database: Database, ring: KeyRing) -> None:
    """Give the shop its new key and let in what was kept."""
    await Shops(database, ring).set_secrets(("own", "mall"), (NEW, OLD), "ann", utc_now())
    replayer = Replayer(database, ring, "ann", lambda: NOW)
    results = [await replayer.replay(name) for name in await replayer.all_unverified("own", "mall")]
    assert results
    assert [one.words for one in results if not one.done] == []


async def facts_of(house: House) -> list[Any]:
    """What must not change: orders, holds, counters and the ledger."""
    found: list[Any] = []
    for statement in (
        "SELECT key, status, close_reason, refunded_minor, payment_status FROM orders ORDER BY key",
        "SELECT order_key, sku, quantity, state FROM reservation ORDER BY order_key, sku",
        "SELECT fulfillment_no, sku, quantity, state FROM allocation ORDER BY fulfillment_no, sku",
        "SELECT sku, on_hand, reserved, allocated, version FROM sku_stock ORDER BY sku",
        "SELECT count(*) FROM stock_ledger",
    ):
        found += [tuple(row) for row in await house.query(statement)]
    return found


async def stock_of(house: House) -> tuple[int, ...]:
    found = await house.query("SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = 'TEE'")
    return tuple(found[0])
