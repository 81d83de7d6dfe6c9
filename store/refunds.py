"""The refunds we ask a payment provider for. Owns their rows and states; when one is wanted stands in paying_back.py.

A refund that the channel reports and one of ours are told apart by their numbers: ours has a row here, written before
the provider is asked, and only an observation that names its number books it. What the channel says it gave back
arrives in the order's own message as a sum. The two are never added up twice: the order's `refunded_minor` stops at
what was paid, never falls below what we paid back, and a refund that was not sent yet shrinks by what the channel
gave back meanwhile. In the end the provider pays out no more than it took, whoever asks.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import RefundObserved
from domain.payments import RefundAsk
from store import alerts, audit, case_payouts, orders
from store.alerts import Level, NewAlert

DUE_ALERT, LATE_ALERT = "refund_due", "late_payment"
"""Alerts about money that has to go back; both end when it has."""

_ORDER_OF = text("SELECT order_key FROM refund WHERE key = :key")
_ROW = text(
    """
    SELECT r.*, p.amount_minor AS total_minor, p.currency, o.no AS trade_no, o.paid_minor, o.refunded_minor
    FROM refund r JOIN payment p USING (provider, transaction_id) JOIN orders o ON o.key = r.order_key
    WHERE r.key = :key
    """
)
_BY_NO = text("SELECT key FROM refund WHERE no = :no AND provider = :provider")
_ANY = text("SELECT EXISTS (SELECT 1 FROM refund WHERE order_key = :key AND state <> 'dropped' AND case_no = '')")
_ANY_BACK = text(
    """
    SELECT EXISTS (SELECT 1 FROM refund WHERE order_key = :key AND state <> 'dropped')
        OR EXISTS (SELECT 1 FROM payout WHERE order_key = :key AND state = 'paid')
    """
)
_SENT = text("UPDATE refund SET state = 'sent', sent_at = coalesce(sent_at, :now) WHERE key = :key")
_AMOUNT = text("UPDATE refund SET amount_minor = :amount WHERE key = :key")
_BACK = text(
    """
    UPDATE payment SET back_minor = back_minor + :more WHERE provider = :provider AND transaction_id = :transaction_id
    """
)
_DROPPED = text("UPDATE refund SET state = 'dropped', reason = :reason WHERE key = :key")
_FAILED = text("UPDATE refund SET state = 'failed', reason = :reason WHERE key = :key")
_SUCCEEDED = text(
    """
    UPDATE refund SET state = 'succeeded', reason = '', provider_refund_id = :refund_id, succeeded_at = :at,
        inbox_id = :inbox_id
    WHERE key = :key
    """
)
_IS_SENT = text("SELECT EXISTS (SELECT 1 FROM refund WHERE case_no = :case_no AND state = 'sent')")
_DROP_FOR = text(
    """
    UPDATE refund SET state = 'dropped', reason = :reason WHERE case_no = :case_no AND state IN ('wanted', 'failed')
    RETURNING key
    """
)
_DROP_CALL = text(
    "UPDATE outgoing SET state = 'done', done_at = :now, reason = :reason WHERE key = :key AND state = 'new'"
)
_NAMED = text("UPDATE refund SET provider_refund_id = :refund_id WHERE key = :key")
_MONEY = text(
    """
    UPDATE orders SET payment_status = CASE WHEN refunded_minor + :amount >= paid_minor THEN 'refunded'
        ELSE payment_status END, refunded_minor = least(paid_minor, refunded_minor + :amount)
    WHERE key = :key
    """
)
DROPPED = "the channel has paid it back"


async def lock(tx: AsyncConnection, key: str) -> Row[Any] | None:
    """Lock the order of a refund and read both; None when there is no such refund."""
    order_key = (await tx.execute(_ORDER_OF, {"key": key})).scalar_one_or_none()
    if order_key is None:
        return None
    await orders.must_lock(tx, order_key)
    return (await tx.execute(_ROW, {"key": key})).one()


async def key_of(tx: AsyncConnection, seen: RefundObserved) -> str | None:
    """Find our refund by its number at the provider; None when somebody else asked for it."""
    found: str | None = (
        await tx.execute(_BY_NO, {"no": seen.refund_no, "provider": seen.provider})
    ).scalar_one_or_none()
    return found


async def any_of(tx: AsyncConnection, order_key: str) -> bool:
    """Say whether we pay, or have paid, money of this order back because it will not ship."""
    return bool((await tx.execute(_ANY, {"key": order_key})).scalar_one())


async def any_back(tx: AsyncConnection, order_key: str) -> bool:
    """Say whether we pay, or have paid, money of this order back for any reason, after-sales cases among them."""
    return bool((await tx.execute(_ANY_BACK, {"key": order_key})).scalar_one())


async def ask(tx: AsyncConnection, key: str, now: datetime) -> RefundAsk | None:
    """Note that a refund is about to be sent, and give what is asked for; None when there is nothing left to ask."""
    row = await lock(tx, key)
    if row is None or row.state in {"succeeded", "dropped"}:
        return None
    amount = row.amount_minor
    if row.state == "wanted":
        amount = await _still_due(tx, row, now)
        if not amount:
            return None
    await tx.execute(_SENT, {"key": key, "now": now})
    return RefundAsk(
        no=row.no,
        trade_no=row.trade_no,
        transaction_id=row.transaction_id,
        amount_minor=amount,
        total_minor=row.total_minor,
        currency=row.currency,
        asked_before=row.state != "wanted",
    )


async def _still_due(tx: AsyncConnection, row: Row[Any], now: datetime) -> int:
    """Shrink a refund that nobody was asked for yet to what the channel has not given back meanwhile."""
    amount: int = min(row.amount_minor, max(0, row.paid_minor - row.refunded_minor))
    if amount == row.amount_minor:
        return amount
    less = {"provider": row.provider, "transaction_id": row.transaction_id, "more": amount - row.amount_minor}
    await tx.execute(_BACK, less)
    if amount:
        await tx.execute(_AMOUNT, {"key": row.key, "amount": amount})
    else:
        await tx.execute(_DROPPED, {"key": row.key, "reason": DROPPED})
        await audit.write(tx, "refund.dropped", row.order_key, now, key=row.key, reason=DROPPED)
        if row.case_no:
            await case_payouts.paid(tx, row.case_no, DROPPED, now, by="channel")
        await clear_alerts(tx, row.order_key, now)
    return amount


async def failed(tx: AsyncConnection, key: str, reason: str, now: datetime) -> None:
    """Note that a refund was not carried out: it stays due, and a person is told in the provider's words."""
    row = await lock(tx, key)
    if row is None or row.state in {"succeeded", "dropped"}:
        return
    await tx.execute(_FAILED, {"key": key, "reason": reason[:500]})
    words = f"{row.amount_minor} {row.currency} (minor units) were not paid back: {reason}"
    if row.case_no:
        await case_payouts.failed(tx, row.case_no, row.order_key, reason, now)
        return
    await alerts.clear(tx, row.order_key, now, DUE_ALERT)
    await alerts.raise_alert(tx, NewAlert(DUE_ALERT, Level.CRITICAL, row.order_key, words), now)


async def succeeded(tx: AsyncConnection, row: Row[Any], seen: RefundObserved, inbox_id: int, now: datetime) -> None:
    """Book that money went back, once: on the refund, the order and the record; nobody has to act any more."""
    values = {"key": row.key, "refund_id": seen.refund_id, "at": seen.succeeded_at or now, "inbox_id": inbox_id}
    await tx.execute(_SUCCEEDED, values)
    if not row.case_no:  # a case's money is added up with what its channel says of it: store/case_payouts.py
        await tx.execute(_MONEY, {"key": row.order_key, "amount": row.amount_minor})
    told = {"key": row.key, "amount_minor": row.amount_minor, "refund_id": seen.refund_id}
    await audit.write(tx, "refund.succeeded", row.order_key, now, actor=seen.provider, inbox_id=inbox_id, **told)
    if row.case_no:
        await case_payouts.paid(tx, row.case_no, seen.refund_id, now, by=seen.provider)
    else:
        await clear_alerts(tx, row.order_key, now)


async def is_sent(tx: AsyncConnection, case_no: str) -> bool:
    """Say whether the refund of a case was sent and nobody knows yet what came of it."""
    return bool((await tx.execute(_IS_SENT, {"case_no": case_no})).scalar_one())


async def drop_for(tx: AsyncConnection, case_no: str, reason: str, now: datetime) -> None:
    """Give up the refund of a case that is paid another way, with its call."""
    for key in (await tx.execute(_DROP_FOR, {"case_no": case_no, "reason": reason[:500]})).scalars().all():
        await tx.execute(_DROP_CALL, {"key": key, "now": now, "reason": reason[:500]})


async def named(tx: AsyncConnection, key: str, refund_id: str) -> None:
    """Keep the provider's own number of a refund that is under way."""
    await tx.execute(_NAMED, {"key": key, "refund_id": refund_id})


async def clear_alerts(tx: AsyncConnection, order_key: str, now: datetime) -> None:
    """End the alerts about money that had to go back."""
    for kind in (DUE_ALERT, LATE_ALERT):
        await alerts.clear(tx, order_key, now, kind)
