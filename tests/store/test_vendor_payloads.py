"""The vendors' own sample payloads go through the gateway as they are, to the byte (issue 9, acceptance 2; INT-11)."""

import base64
import hashlib
import hmac
from pathlib import Path

import httpx
import pytest

from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from domain.timing import Timing
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.connectors.shopify_answers import SHOPIFY
from tests.store.builders import TIMING, rows
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

TOPICS = {
    "order": "orders/updated",
    "orders": "orders/updated",
    "order_with_transaction": "orders/paid",
    "order_with_properties": "orders/paid",
    "refund": "refunds/create",
    "fulfillment": "fulfillments/update",
    "fulfillments": "fulfillments/update",
    "fulfillment_accept": "fulfillment_orders/fulfillment_request_accepted",
    "fulfillment_event": "fulfillment_events/create",
    "fulfillment_events": "fulfillment_events/create",
}
"""Under which topic a file is pushed; others under one of their own name, of which nothing is asked."""
ORDERS = {"123456", "450789469"}
"""The orders that the files speak of."""


async def test_every_payload_of_shopify_is_taken_and_its_orders_are_asked_for(
    database: Database, ring: KeyRing, shared: Path
) -> None:
    files = sorted((shared / "data" / "payloads" / "shopify").rglob("*.json"))
    assert len(files) > 40
    await Shops(database, ring).add(SHOPIFY, None, utc_now())
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
    gateway = httpx.ASGITransport(application(Gateway(database, ring, utc_now, 1024 * 1024), database))
    async with httpx.AsyncClient(transport=gateway, base_url="http://gateway") as client:
        for file in files:
            reply = await client.post("/in/shopify/sf1", content=file.read_bytes(), headers=_headers(file))
            assert (reply.status_code, reply.json()) == (200, {"accepted": True}), file
    stored = await rows(database, "SELECT state, count(*) AS n FROM inbox GROUP BY state")
    assert sum(one.n for one in stored) == len(files)
    timing = Timing(1, TIMING, LOOPS, PULLS)
    while (await apply_some(database, ring, timing, utc_now())).taken:
        pass
    assert {row.no for row in await rows(database, "SELECT no FROM reread WHERE about = 'order'")} >= ORDERS


def _headers(file: Path) -> dict[str, str]:
    signed = base64.b64encode(hmac.new(b"hush", file.read_bytes(), hashlib.sha256).digest()).decode()
    return {
        "x-shopify-topic": TOPICS.get(file.stem, f"{file.stem}/update"),
        "x-shopify-hmac-sha256": signed,
        "x-shopify-webhook-id": hashlib.sha256(str(file).encode()).hexdigest(),
    }


@pytest.mark.parametrize("signature", ["", "A" * 43 + "="])
async def test_a_payload_that_is_not_signed_so_is_turned_down(
    database: Database, ring: KeyRing, signature: str
) -> None:
    await Shops(database, ring).add(SHOPIFY, None, utc_now())
    gateway = httpx.ASGITransport(application(Gateway(database, ring, utc_now, 1024 * 1024), database))
    async with httpx.AsyncClient(transport=gateway, base_url="http://gateway") as client:
        headers = {"x-shopify-topic": "orders/paid", "x-shopify-hmac-sha256": signature}
        reply = await client.post("/in/shopify/sf1", content=b'{"id": 1}', headers=headers)
    assert reply.status_code == 401
