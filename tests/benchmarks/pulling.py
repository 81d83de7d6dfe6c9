"""Orders stored per second by a pull: the real worker process against a platform that has nothing else to do.

The platform speaks Shopify's wire format, 250 whole orders a page, the most that this vendor gives. It stands in this
process, which does nothing else, and writes its pages from a template, so that it costs next to nothing. First the
pull with the loops of apply and deliver off: what storing can do. Then a smaller one with all of the worker at work.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from temporalio.client import Client

from clients.clock import utc_now
from clients.temporal import pull_is_on, pull_now
from domain.shops import Role, Shop, Token
from store.shops import Shops
from store.tokens import SqlTokens
from tests.benchmarks.machine import Servers, process, process_ms, servers
from tests.connectors import shopify_answers as answers
from tests.workflows.house import eventually

ORDERS, ORDERS_AT_WORK, PAGE = 20_000, 4_000, 250
PATIENCE_SECONDS = 900.0
SPREAD = timedelta(hours=20)
"""The orders of a page list lie in so many hours before now, within the first window of an installation."""
TOKEN = "access"
_STORED = text(
    """
    SELECT (SELECT pulled_at FROM pull WHERE vendor = 'shopify' AND shop = :shop AND kind = 'order') AS ended_at,
        (SELECT count(*) FROM inbox WHERE source = 'shopify' AND shop = :shop AND key = ANY(:keys)) AS pages,
        (SELECT count(*) FROM observation WHERE subject LIKE 'shopify:' || :shop || ':%') AS orders,
        (SELECT count(*) FROM heard WHERE channel = 'shopify' AND shop = :shop) AS heard
    """
)
_ENDED = text("SELECT pulled_at FROM pull WHERE vendor = 'shopify' AND shop = :shop AND kind = 'order'")
_APPLIED = text("SELECT count(*) FROM observation WHERE state <> 'new'")


@dataclass
class Platform:
    """A shop at Shopify with so many orders, oldest change first; it answers its list page by page."""

    orders: int
    now: datetime
    first_asked_at: datetime | None = None
    pages: list[str] = field(default_factory=list)
    """The keys under which the inbox keeps what was answered."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Listen; give the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                body = self._answer(head, json.loads(await reader.readexactly(length)))
                answered = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(answered.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):  # the caller has gone
            writer.close()

    def _answer(self, head: bytes, asked: dict[str, Any]) -> bytes:
        if f"x-shopify-access-token: {TOKEN}\r\n".encode() not in head or b"/graphql.json " not in head:
            raise AssertionError("asked as nobody may ask the platform")
        if not asked["query"].lstrip().startswith("query Orders("):  # cases, and the list of what was placed: nothing
            page: dict[str, Any] = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
            return json.dumps({"data": {"orders": page, "ordersCount": {"count": 0, "precision": "EXACT"}}}).encode()
        return self._page(asked["variables"])

    def _page(self, variables: dict[str, Any]) -> bytes:
        self.first_asked_at = self.first_asked_at or utc_now()
        begins = int(variables["after"] or 0)
        ends = min(begins + variables["first"], self.orders)
        nodes = ",".join(self._order(n) for n in range(begins, ends))
        page = json.dumps({"hasNextPage": ends < self.orders, "endCursor": str(ends)})
        body = f'{{"data":{{"orders":{{"nodes":[{nodes}],"pageInfo":{page}}}}}}}'.encode()
        self.pages.append(f"pull:{hashlib.sha256(body).hexdigest()}")
        return body

    def _order(self, n: int) -> str:
        at = self.now - SPREAD + n * (SPREAD / self.orders)
        return _TEMPLATE.replace("#NO#", str(7_000_000_000 + n)).replace("#AT#", f"{at:%Y-%m-%dT%H:%M:%SZ}")


def _template() -> str:
    """Write an order of two lines whose every text differs from order to order where it does at a platform."""
    lines = [answers.line(71, id="gid://shopify/LineItem/#NO#01"), answers.line(72, id="gid://shopify/LineItem/#NO#02")]
    moments = dict.fromkeys(("createdAt", "processedAt", "updatedAt"), "#AT#")
    amounts = {"totalPriceSet": "615.94", "subtotalPriceSet": "596.00", "totalReceivedSet": "615.94"}
    whole = answers.order(
        legacyResourceId="#NO#",
        **moments,
        **{name: answers.bag(amount) for name, amount in amounts.items()},
        note="gift #NO#",
        transactions=[{"kind": "SALE", "status": "SUCCESS", "processedAt": "#AT#"}],
        lineItems={"nodes": lines, "pageInfo": {"hasNextPage": False, "endCursor": "c"}},
    )
    whole["shippingAddress"] |= {"name": "Steve #NO#", "phone": "+1 #NO#", "address1": "#NO# Shipping Street"}
    return json.dumps(whole)


_TEMPLATE = _template()


async def measure(orders: int = ORDERS) -> dict[str, Any]:
    """Pull so many orders, then some more with everything at work."""
    async with servers() as hosts:
        alone = await _pull(hosts, "many", orders, OMS_APPLY_TASKS="0", OMS_DELIVER_TASKS="0")
    async with servers() as hosts:
        at_work = await _pull(hosts, "some", ORDERS_AT_WORK)
    return {f"pull_{name}": value for name, value in alone.items()} | {
        "pull_at_work_orders": at_work["orders"],
        "pull_at_work_stored_per_second": at_work["stored_per_second"],
    }


async def _pull(hosts: Servers, code: str, orders: int, **environment: str) -> dict[str, Any]:
    """Connect the shop, start a worker, pull once by the shop's schedule; count what is stored."""
    platform = Platform(orders, utc_now())
    async with platform.open() as url:
        await _connect(hosts, url, code)
        log = hosts.folder / "worker.log"
        async with process("workers.main", hosts.environment(**environment), log) as worker:
            await eventually(lambda: _scheduled(hosts.client, code), lambda: _read(log), 0.2, 60)
            before = process_ms(worker), hosts.cpu_ms()
            await pull_now(hosts.client, "shopify", code)
            await eventually(lambda: _ended(hosts, code), lambda: _read(log), 0.5, PATIENCE_SECONDS)
            spent = {name: ms - before[1][name] for name, ms in hosts.cpu_ms().items()}
            spent |= {"platform": spent["worker"], "worker": process_ms(worker) - before[0]}
    async with hosts.database.transaction() as tx:
        stored = (await tx.execute(_STORED, {"shop": code, "keys": platform.pages})).one()
    if (stored.orders, stored.heard, stored.pages) != (orders, orders, len(set(platform.pages))):
        raise AssertionError(f"{orders} orders in {len(platform.pages)} pages, but stored are {stored}")
    seconds = (stored.ended_at - platform.first_asked_at).total_seconds()
    return {
        "orders": orders,
        "stored_per_second": round(orders / seconds, 1),
        "cpu_ms_per_order": {name: round(ms / orders, 2) for name, ms in spent.items()},
    }


async def _connect(hosts: Servers, url: str, code: str) -> None:
    shop = Shop("shopify", code, Role.SALES, "UTC", "USD", url, "client", ("secret",), {"page_size": str(PAGE)})
    await Shops(hosts.database, hosts.ring).add(shop, None, utc_now())
    await SqlTokens(hosts.database, hosts.ring).put("shopify", code, Token(TOKEN, "refresh"), utc_now(), "bench")


async def _scheduled(client: Client, code: str) -> bool:
    """Say whether the worker pulls the shop by now."""
    return await pull_is_on(client, "shopify", code)


async def _ended(hosts: Servers, code: str) -> bool:
    async with hosts.database.transaction() as tx:
        return (await tx.execute(_ENDED, {"shop": code})).scalar_one_or_none() is not None


async def _read(log: Any) -> str:
    return str(log.read_text()[-2000:])
