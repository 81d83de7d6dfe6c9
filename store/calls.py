"""The row of a call to a stranger: its insertion, once per key. Draining is store/outgoing.py's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.outgoing import Queue
from store.tracing import trace_now

_ADD = text(
    """
    INSERT INTO outgoing (kind, vendor, shop, key, order_key, payload, state, next_at, created_at, trace)
    VALUES (:kind, :vendor, :shop, :key, :order_key, :payload, 'new', :now, :now, :trace) ON CONFLICT (key) DO NOTHING
    """
).bindparams(bindparam("payload", type_=JSONB))


async def add(tx: AsyncConnection, queue: Queue, key: str, order_key: str, payload: dict[str, Any]) -> None:
    """Ask for a call once, in the transaction that makes it due; `payload["at"]` is when (ISO 8601)."""
    await add_all(tx, [asked(queue, key, order_key, payload)])


async def add_all(tx: AsyncConnection, calls: Sequence[dict[str, Any]]) -> None:
    """Ask for several calls, each once, with one trip to the database."""
    if calls:
        await tx.execute(_ADD, calls)


def asked(queue: Queue, key: str, order_key: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Build one call as `add_all` takes it."""
    place = {"kind": queue.kind, "vendor": queue.vendor, "shop": queue.shop}
    now = datetime.fromisoformat(payload["at"])
    return place | {"key": key, "order_key": order_key, "payload": payload, "now": now, "trace": trace_now()}
