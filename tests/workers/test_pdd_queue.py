"""Pinduoduo's messages from a simulated platform into the inbox: stored once, then confirmed (INT-1, INT-8)."""

from dataclasses import replace

import httpx

from clients.clock import utc_now
from connectors import registry
from store.database import Database
from store.keyring import KeyRing
from tests.connectors.inside import SHOP_ID, inside, served
from tests.store.builders import rows
from workers.queues import Taker, Taking

PARAMS = {"mall_id": SHOP_ID, "carriers": "SF=44"}


async def test_what_buyers_did_waits_until_it_is_stored(database: Database, ring: KeyRing) -> None:
    async with inside("pdd", PARAMS, count=5) as market, served(market) as url, httpx.AsyncClient() as http:
        shop = replace(market.shop, params={**PARAMS, "message_url": f"{url}/pdd"})
        await market.acted()
        lost = registry.message_queue(shop, http, utc_now)
        assert len(await lost.take(5)) == 5
        await lost.close()  # gone before anything was stored
        queue, taking = registry.message_queue(shop, http, utc_now), Taking("pdd", "s1")
        taker = Taker(database, ring, taking, utc_now)
        while taking.new < 5:
            await taker.take_some(queue, 5)
        await market.until(lambda: not any(one.unheard for one in market.orders.values()))
        await queue.close()
    kept = await rows(database, "SELECT source, shop, state FROM inbox")
    assert [(row.source, row.shop, row.state) for row in kept] == [("pdd", "s1", "accepted")] * 5
    seen = await rows(database, "SELECT kind, subject FROM observation")
    assert {(row.kind, row.subject) for row in seen} == {("hint", f"pdd:s1:{no}") for no in market.orders}
