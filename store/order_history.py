"""Finished orders from a channel's export file, as facts without a process (INT-10). Owns their batches in SQL.

No stock is reserved, no event delivered, nobody alerted. The file itself is one sealed row of the inbox, which every
order and its audit entry name (INT-11). An order that exists is never touched: what was pushed or pulled knows more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.exported import CLOSE_REASON, order_status
from domain.observations import OrderObserved
from domain.orders import order_key
from domain.waits import WaitFor
from store import audit, contacts
from store.database import Database
from store.inbox import Arrival, Identity, insert
from store.keyring import KeyRing
from store.order_intake import INSERT_LINE, INSERT_ORDER, line_values, order_values

ORDERS_PER_BATCH = 500
IMPORTED = "order.imported"
"""The audit action of an order that came as history."""

_FILE = text("SELECT id FROM inbox WHERE source = :source AND shop = :shop AND key = :key")
_LOCK = text("SELECT id FROM inbox WHERE id = :id FOR UPDATE")
"""Two imports of the same file go in turn."""
_AMOUNTS = text("SELECT key, total_minor, paid_minor, refunded_minor FROM orders WHERE key = ANY(:keys)")
_CLOSE = text(
    """
    UPDATE orders SET status = :status, closed_at = :now, close_reason = :reason, wait_for = :wait, wait_since = :now
    WHERE key = :key AND channel_inbox_id = :inbox_id AND closed_at IS NULL
    """
)
_OURS = text("SELECT key FROM orders WHERE key = ANY(:keys) AND channel_inbox_id = :inbox_id")
_SUMS = text(
    """
    SELECT currency, count(*) AS orders, sum(total_minor)::bigint AS total_minor, sum(paid_minor)::bigint AS paid_minor,
        sum(refunded_minor)::bigint AS refunded_minor
    FROM orders WHERE key = ANY(:keys) GROUP BY currency ORDER BY currency
    """
)


class Amounts(NamedTuple):
    """What an order comes to, in minor units; paid before refunds."""

    total_minor: int
    paid_minor: int
    refunded_minor: int

    @classmethod
    def added(cls, all_of_them: Iterable["Amounts"]) -> "Amounts":
        """Add up column by column."""
        return cls(*map(sum, zip(*all_of_them, strict=True)))


@dataclass(frozen=True, slots=True)
class Sums:
    """What many orders of one currency come to together."""

    currency: str
    orders: int
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Source:
    """Who imports which file: its name without the folder, and the SHA-256 of its bytes."""

    actor: str
    name: str
    digest: str


def file_key(digest: str) -> str:
    """Name a file in the inbox by what it holds: the same file is there once."""
    return f"file:{digest}"


class OrderHistory:
    """Books finished orders in batches, each in one transaction; a second time changes nothing."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def keep_file(self, arrival: Arrival, source: Source, rows: int) -> int:
        """Store the file's bytes once, on record with who brought it; give its inbox id, also of a known one."""
        async with self._database.transaction() as tx:
            inbox_id = await insert(tx, self._ring, arrival, Identity(file_key(source.digest)))
            if inbox_id is None:
                where = {"source": arrival.source, "shop": arrival.shop, "key": file_key(source.digest)}
                return int((await tx.execute(_FILE, where)).scalar_one())
            about = f"{arrival.source}/{arrival.shop}"
            await _on_record(tx, "file.received", about, source, arrival.received_at, inbox_id=inbox_id, rows=rows)
            return inbox_id

    async def book(
        self, orders: Mapping[int, OrderObserved], inbox_id: int, actor: str, now: datetime
    ) -> dict[str, Amounts]:
        """Book the orders by their lines in the file; give the amounts of those that were here before, by key."""
        async with self._database.transaction() as tx:
            await tx.execute(_LOCK, {"id": inbox_id})
            keys = {line: order_key(seen.channel, seen.shop, seen.no) for line, seen in orders.items()}
            before = await _amounts(tx, list(keys.values()))
            new = {line: seen for line, seen in orders.items() if keys[line] not in before}
            ours = await _insert(tx, self._ring, list(new.values()), inbox_id, now)
            entries = [
                audit.entry(IMPORTED, keys[line], now, actor=actor, inbox_id=inbox_id, line=line)
                for line in new
                if keys[line] in ours
            ]
            await audit.write_all(tx, entries)
            # Whoever pushed one of them in this very moment was first: it is known, too.
            raced = [keys[line] for line in new if keys[line] not in ours]
            return before | (await _amounts(tx, raced) if raced else {})

    async def finish(
        self, about: str, source: Source, now: datetime, inbox_id: int, counts: Mapping[str, int | str]
    ) -> None:
        """Put on record what an import came to."""
        async with self._database.transaction() as tx:
            await _on_record(tx, "file.imported", about, source, now, inbox_id=inbox_id, **counts)

    async def known(self, keys: Sequence[str]) -> dict[str, Amounts]:
        """Give the amounts of the orders that are here."""
        async with self._database.transaction() as tx:
            return await _amounts(tx, keys)

    async def sums(self, keys: Sequence[str]) -> list[Sums]:
        """Add up what is kept of these orders, per currency."""
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_SUMS, {"keys": list(keys)})).all()
        return [
            Sums(row.currency, row.orders, Amounts(row.total_minor, row.paid_minor, row.refunded_minor)) for row in rows
        ]


async def _amounts(tx: AsyncConnection, keys: Sequence[str]) -> dict[str, Amounts]:
    rows = await tx.execute(_AMOUNTS, {"keys": list(keys)})
    return {row.key: Amounts(row.total_minor, row.paid_minor, row.refunded_minor) for row in rows}


async def _insert(
    tx: AsyncConnection, ring: KeyRing, seen: Sequence[OrderObserved], inbox_id: int, now: datetime
) -> set[str]:
    """Insert finished orders with lines and receivers; give the keys of those that were not there."""
    if not seen:
        return set()
    values = [order_values(ring, one, inbox_id, now) for one in seen]
    # In key order: two files that share orders never wait for each other in a circle.
    await tx.execute(INSERT_ORDER, sorted(values, key=lambda row: str(row["key"])))
    orders = {row["key"]: one for row, one in zip(values, seen, strict=True)}
    rows = await tx.execute(_OURS, {"keys": list(orders), "inbox_id": inbox_id})
    ours = {row.key: orders[row.key] for row in rows}
    if ours:
        await tx.execute(_CLOSE, [_end(key, one, inbox_id, now) for key, one in ours.items()])
    lines = [line_values(key, line) for key, one in ours.items() for line in one.lines]
    if lines:
        await tx.execute(INSERT_LINE, lines)
    await contacts.save_all(tx, ring, {key: one.contact for key, one in ours.items()})
    return set(ours)


def _end(key: str, seen: OrderObserved, inbox_id: int, now: datetime) -> dict[str, Any]:
    """Say how an order ended. When it did so nobody told: it is closed here since its import."""
    return {
        "key": key,
        "inbox_id": inbox_id,
        "status": order_status(seen.status).value,
        "reason": CLOSE_REASON[seen.status],
        "wait": WaitFor.NOTHING.value,
        "now": now,
    }


async def _on_record(tx: AsyncConnection, action: str, about: str, source: Source, now: datetime, **more: Any) -> None:
    told = {"file": source.name, "sha256": source.digest}
    await audit.write(tx, action, about, now, actor=source.actor, **told, **more)
