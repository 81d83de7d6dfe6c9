"""Orders, and after-sales cases, that a channel only hinted at. Owns the rows that ask for them.

Implements activities/ports.py: Rereads.

A hint creates no order: it asks for the whole one, and the answer goes the same way as a push, into the inbox and
through apply (design: full or hint). Hints about one order fall together in one row.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.lanes import URGENT, lane
from domain.observations import CaseHinted, CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.orders import RANK, Seen, order_key, place
from domain.outgoing import Call, Queue
from domain.pulling import CASES, ORDERS
from store import alerts, audit, settings_docs
from store.alerts import Level, NewAlert
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.outgoing import LEASE_SECONDS
from store.serial import as_json
from store.shedding import OPEN_LANES
from store.tracing import trace_now

_KNOWN = text("SELECT channel_status, channel_time FROM orders WHERE key = :key")
# A row that waits keeps its place and its back-off: hints in a row must not outrun a shop that asked for patience.
# `asked_at` always moves, also within one clock tick, for it tells an answer whether it came before the last hint.
_ASK = text(
    """
    INSERT INTO reread AS r (channel, shop, no, about, lane, asked_at, next_at, state, trace, polled)
    VALUES (:channel, :shop, :no, :about, :lane, :now, :now, 'new', :trace, :polled)
    ON CONFLICT (channel, shop, no, about) DO UPDATE SET state = 'new', reason = '', trace = :trace, polled = :polled,
        asked_at = greatest(:now, r.asked_at + interval '1 microsecond'),
        lane = CASE WHEN r.state = 'new' THEN least(r.lane, :lane) ELSE :lane END,
        attempts = CASE WHEN r.state = 'new' THEN r.attempts ELSE 0 END,
        next_at = CASE WHEN r.state = 'new' THEN r.next_at ELSE :now END
    """
)
_ANSWERS = text("SELECT 1 FROM shop WHERE vendor = :channel AND code = :shop AND active AND answers")
_DUE = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT channel, shop, no, about FROM reread
        WHERE channel = :channel AND shop = :shop AND state = 'new' AND next_at <= :now
            AND lane <= {OPEN_LANES}
        ORDER BY lane, next_at FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE reread SET attempts = attempts + 1, next_at = :lease
    WHERE (channel, shop, no, about) IN (SELECT channel, shop, no, about FROM due)
    RETURNING channel, shop, no, about, lane, asked_at, attempts, trace
    """  # noqa: S608  (our own words)
)
_CLOSE = text(
    """
    UPDATE reread SET attempts = 0, next_at = :now,
        state = CASE WHEN asked_at = :asked_at THEN :state ELSE 'new' END,
        reason = CASE WHEN asked_at = :asked_at THEN :reason ELSE '' END
    WHERE channel = :channel AND shop = :shop AND no = :no AND about = :about AND state = 'new'
    RETURNING state
    """
)
# Only we had asked, and no hint came since.
_POLLED = text(
    """
    SELECT o.channel_status FROM reread r JOIN orders o ON o.key = :key
    WHERE r.channel = :channel AND r.shop = :shop AND r.no = :no AND r.about = :about AND r.state = 'new' AND r.polled
        AND r.asked_at = :asked_at
    """
)
_AGAIN = text(
    """
    UPDATE reread SET next_at = :next_at, reason = :reason, attempts = :attempts
    WHERE channel = :channel AND shop = :shop AND no = :no AND about = :about AND state = 'new'
    """
)

REFUND_ALERT = "refund_unheard"
REFUND_MEND = "Is its push on, does its key fit? See oms inbox list --state unverified"


async def ask(tx: AsyncConnection, seen: OrderHinted, now: datetime) -> str:
    """Ask for the order behind a hint; `stale` when what is booked of it is as new as the hint (INT-6)."""
    row = (await tx.execute(_KNOWN, {"key": order_key(seen.channel, seen.shop, seen.no)})).one_or_none()
    if row is not None:
        booked = Seen(ChannelStatus(row.channel_status), row.channel_time, 0)
        hinted = Seen(seen.status, seen.vendor_time, 0)
        # More than "unpaid" is news whatever its time: a channel whose zone is off must not hide a payment (I-5).
        if _newness(hinted) <= _newness(booked) and place(hinted) <= place(booked):
            return "stale"
    where = {"channel": seen.channel, "shop": seen.shop, "no": seen.no, "about": ORDERS}
    await tx.execute(_ASK, where | {"lane": lane(seen), "now": now, "trace": trace_now(), "polled": False})
    return "applied"


async def ask_case(tx: AsyncConnection, seen: CaseHinted, now: datetime) -> str:
    """Ask for the after-sales case behind a hint; what is booked already does no harm when it is read again."""
    where = {"channel": seen.channel, "shop": seen.shop, "no": seen.case_no, "about": CASES}
    await tx.execute(_ASK, where | {"lane": lane(seen), "now": now, "trace": trace_now(), "polled": False})
    return "applied"


def _newness(seen: Seen) -> tuple[datetime, int]:
    return seen.vendor_time, RANK[seen.status]


async def ask_again(
    tx: AsyncConnection, row: Row[Any], now: datetime, *, lane: int = URGENT, polled: bool = False
) -> bool:
    """Ask an order's channel how it stands, although nothing was heard; False when the channel cannot be asked.

    `polled`: only to learn of a refund that nobody told us (store/refund_polls.py).
    """
    where = {"channel": row.channel, "shop": row.shop}
    if (await tx.execute(_ANSWERS, where)).one_or_none() is None:
        return False
    asked = {"no": row.no, "about": ORDERS, "lane": lane, "now": now, "trace": trace_now(), "polled": polled}
    await tx.execute(_ASK, where | asked)
    return True


async def ask_by_number(tx: AsyncConnection, channel: str, shop: str, no: str, now: datetime) -> bool:
    """Ask for an order that nobody here has heard of; False when its channel cannot be asked."""
    if (await tx.execute(_ANSWERS, {"channel": channel, "shop": shop})).one_or_none() is None:
        return False
    where = {"channel": channel, "shop": shop, "no": no, "about": ORDERS}
    await tx.execute(_ASK, where | {"lane": URGENT, "now": now, "trace": trace_now(), "polled": False})
    return True


class SqlReread:
    """The rows as drains use them."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)

    async def due(self, queue: Queue, now: datetime, most: int, lease_seconds: float = LEASE_SECONDS) -> list[Call]:
        """Take up to `most` orders to ask for under a lease, most urgent lane first."""
        lease = now + timedelta(seconds=lease_seconds)
        values = {"channel": queue.vendor, "shop": queue.shop, "now": now, "lease": lease}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_DUE, values | {"most": most})).all()
        calls = []
        for row in sorted(rows, key=lambda row: (row.lane, row.asked_at)):
            place = {"channel": row.channel, "shop": row.shop, "no": row.no, "about": row.about}
            key = ("" if row.about == ORDERS else "case:") + order_key(row.channel, row.shop, row.no)
            calls.append(Call(0, f"reread:{row.no}", key, place, row.attempts, row.asked_at, row.trace))
        return calls

    async def heard(
        self, queue: Queue, call: Call, seen: OrderObserved | CaseObserved, raw: bytes, now: datetime
    ) -> None:
        """Store an answer as received (INT-11), the same one once; done unless a newer hint came meanwhile."""
        polled = False
        if isinstance(seen, OrderObserved):
            polled = await self._tell_of_refund(call, seen, now)  # before it can be booked, for then it is no news
        # By what it says, not by its time: a refund need not move the vendor's own time of change.
        what = "case" if isinstance(seen, CaseObserved) else "poll" if polled else "reread"
        key = f"{what}:{call.payload['no']}:{hashlib.sha256(as_json(seen)).hexdigest()}"
        arrival = Arrival(queue.vendor, queue.shop, "pull", {"content-type": "application/json"}, raw, now)
        await self._inbox.accept(arrival, key, None, (seen,))
        await self._close(call, "done", "", now)

    async def refused(self, queue: Queue, call: Call, reason: str, now: datetime) -> None:
        """Close a question that the shop refused; the next hint asks it anew."""
        await self._close(call, "refused", reason[:500], now)

    async def again(self, call: Call, next_at: datetime, reason: str) -> None:
        """Put a question back until `next_at`."""
        async with self._database.transaction() as tx:
            values = {"next_at": next_at, "reason": reason[:500], "attempts": call.attempts}
            await tx.execute(_AGAIN, call.payload | values)

    async def _close(self, call: Call, state: str, reason: str, now: datetime) -> None:
        values = call.payload | {"asked_at": call.created_at, "state": state, "reason": reason, "now": now}
        async with self._database.transaction() as tx:
            became = (await tx.execute(_CLOSE, values)).scalar_one_or_none()
            subject = f"reread:{call.order_key}"
            if became == "refused":
                await audit.write(tx, "reread.refused", call.order_key, now, reason=reason, key=call.key)
                await alerts.raise_alert(tx, NewAlert("reread", Level.WARNING, subject, reason), now)
            elif became == "done":
                await alerts.clear(tx, subject, now)

    async def _tell_of_refund(self, call: Call, seen: OrderObserved, now: datetime) -> bool:
        """Say whether only we had asked; tell people of a refund whose callback did not come (INV-3, I-6)."""
        async with self._database.transaction() as tx:
            values = call.payload | {"asked_at": call.created_at, "key": call.order_key}
            polled = (await tx.execute(_POLLED, values)).one_or_none()
            found = await settings_docs.resolved(tx, seen)
            refunded = isinstance(found, OrderObserved) and found.status is ChannelStatus.REFUNDED
            if polled is not None and refunded and polled.channel_status != ChannelStatus.REFUNDED:
                where = f"{seen.channel}/{seen.shop}"
                words = f"{seen.no} was refunded and no callback came: we found it by asking. {REFUND_MEND}"
                await alerts.raise_alert(tx, NewAlert(REFUND_ALERT, Level.CRITICAL, where, words), now)
                await audit.write(tx, "refund.polled", call.order_key, now, actor="poll")
            return polled is not None
