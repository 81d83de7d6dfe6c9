"""A gateway on a real database, an own shop that signs, and a clock that is moved by hand."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text

from clients.gateway.app import Gateway, application
from connectors.platforms.own import signature
from domain.shops import Shop
from store.database import Database
from store.keyring import KeyRing
from store.shops import NewWarehouse, Shops
from tests.connectors.worlds import KDNIAO, NOW, OWN, QIMEN

LIMIT = 64 * 1024
PERSONAL = ("李小明", "13812345678", "科技园南路9号", "请放前台")
WAREHOUSE = NewWarehouse("GZ01", "广州仓", "广东省", "SF")
SENT = "2026-11-22T21:30:00+08:00"
Oms = Callable[..., Awaitable[tuple[int, str]]]
"""Types a command; gives its exit code and everything it said."""
PATHS = {shop.vendor: f"/in/{shop.vendor}/{shop.code}" for shop in (OWN, QIMEN, KDNIAO)}


class HandClock:
    """Shows what it was set to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def connect(database: Database, ring: KeyRing, *accounts: Shop) -> None:
    """Add accounts as `oms shop add` does."""
    for shop in accounts:
        warehouse = WAREHOUSE if shop.vendor == "qimen" else None
        await Shops(database, ring).add(shop, warehouse, NOW)


@asynccontextmanager
async def gateway_of(
    database: Database, ring: KeyRing, clock: HandClock, limit: int = LIMIT
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that reaches this gateway; what the server would answer with 500 is an answer here too."""
    app = application(Gateway(database, ring, clock, limit), database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=30) as client:
        yield client


def order(**changes: Any) -> dict[str, Any]:
    """A paid order as an own shop sends it; `...` leaves a field out."""
    line = {"no": "1", "sku": "TEE-WHITE-M", "title": "纯棉圆领短袖 白 M", "quantity": 2}
    base: dict[str, Any] = {
        "no": "D1", "status": "paid", "updated_at": SENT, "placed_at": SENT, "paid_at": SENT, "currency": "CNY",
        "goods_minor": 31800, "shop_discount_minor": 2000, "platform_discount_minor": 0, "freight_minor": 800,
        "total_minor": 30600, "paid_minor": 30600, "refunded_minor": 0,
        "lines": [{**line, "unit_minor": 15900, "discount_minor": 0, "amount_minor": 31800}],
        "receiver": {"name": "李小明", "phone": "13812345678", "province": "广东省", "city": "深圳市",
                     "district": "南山区", "address": "科技园南路9号"},
        "buyer": {"id": "b-1007", "ip": "203.0.113.7"},
        "remark": "请放前台",
    }  # fmt: skip
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def message(**changes: Any) -> bytes:
    """The body that carries an order."""
    return json.dumps({"order": order(**changes)}, ensure_ascii=False).encode()


def signed(
    body: bytes, event: str = "evt-1", sent: datetime = NOW, secret: str = OWN.secrets[0], key: str = OWN.key_id
) -> dict[str, str]:
    """The headers of an own shop's message."""
    timestamp = sent.astimezone(UTC).isoformat()
    return {
        "content-type": "application/json",
        "x-steadfast-key": key,
        "x-steadfast-timestamp": timestamp,
        "x-steadfast-event": event,
        "x-steadfast-signature": signature(secret, timestamp, event, body),
    }


async def send(client: httpx.AsyncClient, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Post a message of the own shop; signed well unless headers are given."""
    return await client.post(PATHS["own"], content=body, headers=signed(body) if headers is None else headers)


async def rows(database: Database, table: str) -> list[Any]:
    """Everything in a table, oldest first."""
    async with database.transaction() as tx:
        return list(await tx.execute(text(f"SELECT * FROM {table} ORDER BY id")))  # noqa: S608  (a test's own word)
