"""I-7: network jitter sends one payment callback twice within 500 ms; the second arrives before the first is written.

One order, one parcel, and the second answer is a success. Remove `ON CONFLICT (source, shop, key) DO NOTHING` from
_ACCEPT in store/inbox.py to see the answers fail; remove the unique constraint of the inbox too, then
`ON CONFLICT DO NOTHING` of INSERT_ORDER in store/order_intake.py, to see the second line of defence fall. (INT-6)
"""

import asyncio
from collections import Counter

from temporalio.client import Client

from store.database import Database
from store.keyring import KeyRing
from tests.clients.worlds import HandClock, connect, gateway_of, message, send, signed
from tests.connectors.worlds import OWN
from tests.workflows.house import House, shipment, track

LINE = {
    "no": "1", "sku": "TEE", "title": "短袖", "quantity": 2,
    "unit_minor": 15900, "discount_minor": 0, "amount_minor": 31800,
}  # fmt: skip
KEY = "own:mall:I7"


def callback() -> bytes:
    return message(no="I7", lines=[LINE])


async def test_one_payment_callback_twice_within_half_a_second_makes_one_order_and_one_parcel(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    async with house.open():
        await connect(database, ring, OWN)
        async with gateway_of(database, ring, HandClock()) as client:
            answers = await asyncio.gather(send(client, callback()), send(client, callback()))
        assert [one.status_code for one in answers] == [200, 200]
        assert sorted(one.json()["duplicate"] for one in answers) == [False, True]
        assert all(one.json()["accepted"] for one in answers)
        await _one_order_one_parcel(house)


async def test_the_same_order_under_two_event_ids_at_once_is_still_one_order(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """A provider that numbers its repeats anew: the inbox sees two messages, the order's own key sees one order."""
    house = House(temporal, database, ring)
    async with house.open():
        await connect(database, ring, OWN)
        body = message(no="I7b", lines=[LINE])
        async with gateway_of(database, ring, HandClock()) as client:
            pair = (send(client, body, signed(body, event)) for event in ("evt-a", "evt-b"))
            answers = await asyncio.gather(*pair)
        assert [(one.status_code, one.json()["duplicate"]) for one in answers] == [(200, False)] * 2
        await _one_order_one_parcel(house, "own:mall:I7b", "I7b")


async def _one_order_one_parcel(house: House, key: str = KEY, no: str = "I7") -> None:
    await asyncio.gather(house.apply(), house.apply())
    await house.settle()
    await house.until(key, logistics_status="pushed")
    assert len(await house.query("SELECT 1 FROM orders")) == 1
    assert house.warehouse.creates == Counter({f"{no}-1": 1})
    await asyncio.gather(house.tell(shipment(no, no, TEE=2)), house.tell(shipment(no, no, TEE=2)))
    await house.until(key, status="shipped")
    await house.tell(track(no))
    await house.ended(key)
    assert len(await house.query("SELECT 1 FROM parcel")) == 1
    stock = await house.query("SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = 'TEE'")
    assert tuple(stock[0]) == (8, 0, 0)
