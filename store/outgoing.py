"""Calls to strangers that are not steps of an order: subscriptions, write-backs. Owns the rows a drain works off."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseAction
from domain.contacts import ContactForm
from domain.observations import CaseObserved, PaymentObserved, RefundObserved
from domain.outgoing import Call, Queue
from domain.payments import RefundAsk
from store import alerts, audit, case_payouts, case_returns, cases, contacts, refunds, return_parcels
from store.alerts import Level, NewAlert
from store.calls import add as add
from store.calls import add_all as add_all
from store.calls import asked as asked
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.serial import as_json

LEASE_SECONDS = 60.0
TAIL = 4

_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id FROM outgoing
        WHERE kind = :kind AND vendor = :vendor AND shop = :shop AND state = 'new' AND next_at <= :now
        ORDER BY id FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE outgoing SET attempts = attempts + 1, next_at = :lease
    WHERE id IN (SELECT id FROM due)
    RETURNING id, key, order_key, payload, attempts, created_at, trace
    """
)
_CLOSE = text("UPDATE outgoing SET state = :state, done_at = :now, reason = :reason WHERE id = :id AND state = 'new'")
_SETTLE = text(
    """
    UPDATE outgoing SET state = :state, done_at = :now, reason = :reason
    WHERE key = :key AND (state = 'new' OR state = 'refused' AND CAST(:state AS text) = 'done')
    """
)
_AGAIN = text(
    "UPDATE outgoing SET next_at = :next_at, reason = :reason, attempts = :attempts WHERE id = :id AND state = 'new'"
)


_SENDER_PHONE = text(
    """
    SELECT s.params ->> 'sender_mobile' FROM fulfillment f JOIN warehouse w ON w.code = f.warehouse
        JOIN shop s ON s.vendor = w.vendor AND s.code = w.shop
    WHERE f.order_key = :key ORDER BY f.no LIMIT 1
    """
)
_TOLD = text("UPDATE parcel SET subscribed_at = :now WHERE carrier = :carrier AND waybill_no = :waybill_no")
_REFUSED = text(
    "UPDATE orders SET stuck = true, stuck_reason = :reason WHERE key = :key AND NOT stuck AND closed_at IS NULL"
)
_REQUEUE = text(
    "UPDATE outgoing SET state = 'new', next_at = :now, done_at = NULL WHERE order_key = :key AND state = 'refused'"
)
_REOPEN = text(
    "UPDATE outgoing SET state = 'new', next_at = :now, done_at = NULL WHERE key = :key AND state = 'refused'"
)
_CLEARED = text("UPDATE orders SET stuck = false, stuck_reason = '' WHERE key = :key")


async def close(tx: AsyncConnection, key: str, state: str, reason: str, now: datetime) -> None:
    """Close a call whose outcome came another way, as `done` or `refused`."""
    await tx.execute(_SETTLE, {"key": key, "state": state, "reason": reason[:500], "now": now})


async def reopen(tx: AsyncConnection, key: str, now: datetime) -> bool:
    """Put one refused call back in the queue; False when it is not refused."""
    return bool((await tx.execute(_REOPEN, {"key": key, "now": now})).rowcount)


async def _case_refused(tx: AsyncConnection, queue: Queue, call: Call, reason: str, now: datetime) -> None:
    """A payout that the channel does not carry out waits; that it refused another word is told to somebody."""
    no, action = call.payload["our_no"], call.payload["action"]
    if action == CaseAction.AGREE_REFUND.value:
        await case_payouts.failed(tx, no, call.order_key, reason, now)
        return
    words = f"{queue.vendor}/{queue.shop} did not take {action} for case {no}: {reason}; decide it on its own pages"
    await alerts.raise_alert(tx, NewAlert("case_answer", Level.CRITICAL, no, words), now)


class SqlOutgoing:
    """The queue as drains use it. Implements activities/ports.py: OutgoingCalls."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def claim(self, queue: Queue, now: datetime, most: int, lease_seconds: float = LEASE_SECONDS) -> list[Call]:
        """Take up to `most` due calls under a lease, oldest first."""
        place = {"kind": queue.kind, "vendor": queue.vendor, "shop": queue.shop}
        lease = now + timedelta(seconds=lease_seconds)
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_CLAIM, place | {"now": now, "lease": lease, "most": most})).all()
        return [Call(*row) for row in sorted(rows, key=lambda row: row.id)]

    async def done(self, queue: Queue, call: Call, now: datetime) -> None:
        """Close a call that was answered well."""
        async with self._database.transaction() as tx:
            closed = (await tx.execute(_CLOSE, {"id": call.id, "state": "done", "now": now, "reason": ""})).rowcount
            if closed and queue.kind == "subscribe":
                place = {name: call.payload[name] for name in ("carrier", "waybill_no")}
                await tx.execute(_TOLD, place | {"now": now})
                await return_parcels.subscribed(tx, place["carrier"], place["waybill_no"], now)

    async def refused(self, queue: Queue, call: Call, reason: str, now: datetime) -> None:
        """Close a call that the stranger refused; a refused write-back makes the order visible as stuck."""
        async with self._database.transaction() as tx:
            if queue.kind == "case":
                await cases.lock(tx, call.payload["our_no"])  # before the call's own row, as everybody does
            values = {"id": call.id, "state": "refused", "now": now, "reason": reason[:500]}
            if not (await tx.execute(_CLOSE, values)).rowcount:
                return
            await audit.write(tx, f"{queue.kind}.refused", call.order_key, now, reason=reason, key=call.key)
            if queue.kind == "writeback":
                words = f"{queue.vendor}/{queue.shop} refused the shipment: {reason}"
                await tx.execute(_REFUSED, {"key": call.order_key, "reason": words[:500]})
            if queue.kind == "refund":
                await refunds.failed(tx, call.key, reason, now)
            if queue.kind == "return":
                await case_returns.refused(tx, call, reason, now)
            if queue.kind == "case":
                await _case_refused(tx, queue, call, reason, now)
            if queue.kind == "entry":
                words = f"{queue.vendor}/{queue.shop} does not expect it: {reason}; tell it by hand"
                alert = NewAlert("entry_refused", Level.CRITICAL, call.order_key.partition(":")[2], words)
                await alerts.raise_alert(tx, alert, now)

    async def refund(self, call: Call, now: datetime) -> RefundAsk | None:
        """Give what a refund asks for, noted as sent before it is; None when there is nothing to ask any more."""
        async with self._database.transaction() as tx:
            return await refunds.ask(tx, call.key, now)

    async def answered(
        self, queue: Queue, seen: PaymentObserved | RefundObserved | CaseObserved, raw: bytes, now: datetime
    ) -> None:
        """Store a stranger's answer as received (INT-11), the same one once; apply books what it says."""
        arrival = Arrival(queue.vendor, queue.shop, "pull", {"content-type": "application/json"}, raw, now)
        if isinstance(seen, CaseObserved):
            what = f"{seen.case_no}:{hashlib.sha256(as_json(seen)).hexdigest()}"
        elif isinstance(seen, PaymentObserved):
            what = seen.transaction_id
        else:
            what = f"{seen.refund_no}:{seen.state.value}"
        await Inbox(self._database, self._ring).accept(arrival, f"{queue.kind}:{what}", None, (seen,))

    async def again(self, call: Call, next_at: datetime, reason: str) -> None:
        """Put a call back until `next_at`."""
        async with self._database.transaction() as tx:
            values = {"id": call.id, "next_at": next_at, "reason": reason[:500], "attempts": call.attempts}
            await tx.execute(_AGAIN, values)

    async def requeue(self, order_key: str, actor: str, now: datetime) -> int:
        """Put an order's refused calls back in the queue and clear its mark; return how many there were."""
        async with self._database.transaction() as tx:
            found = (await tx.execute(_REQUEUE, {"key": order_key, "now": now})).rowcount
            if found:
                await tx.execute(_CLEARED, {"key": order_key})
                await audit.write(tx, "calls.retried", order_key, now, actor=actor, calls=found)
        return found

    async def phone_tail(self, order_key: str) -> str:
        """Give four digits by which a courier knows a parcel: the end of the receiver's phone, else of the sender's.

        A masked phone still shows its end; where the channel hides it whole, the warehouse's own number serves.
        """
        async with self._database.transaction() as tx:
            contact = await contacts.load(tx, self._ring, order_key)
            sender = (await tx.execute(_SENDER_PHONE, {"key": order_key})).scalar_one_or_none() or ""
        tail = contact.phone[-TAIL:] if contact.form is not ContactForm.CIPHERTEXT else ""
        return tail if len(tail) == TAIL and tail.isdigit() else sender[-TAIL:]
