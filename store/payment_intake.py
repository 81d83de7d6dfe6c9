"""Applying what a payment provider says: a payment makes its order paid, exactly once; a refund of ours is booked.

A payment must be what is due, to the fen; otherwise it is kept, somebody is told, and the order stays as it is.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import NotYet
from domain.observations import ChannelStatus, PaymentObserved, RefundObserved
from domain.orders import OrderEvent, PaymentStatus, order_key
from domain.payments import RefundState, Taken, misfit
from store import alerts, audit, deliveries, late, orders, outgoing, paying_back, refunds
from store.alerts import Level, NewAlert

MISFIT_ALERT = "payment_misfit"

_KNOWN = text("SELECT order_key FROM payment WHERE provider = :provider AND transaction_id = :transaction_id")
_TAKEN = text("SELECT transaction_id FROM payment WHERE order_key = :key AND state = 'taken'")
_KEEP = text(
    """
    INSERT INTO payment (provider, transaction_id, account, order_key, amount_minor, currency, state, paid_at, heard_at,
        inbox_id)
    VALUES (:provider, :transaction_id, :account, :key, :amount, :currency, :state, :paid_at, :now, :inbox_id)
    """
)
# The channel's own time stays: its clock alone orders what it says. A channel that called the order off keeps its word.
_PAID = text(
    """
    UPDATE orders SET payment_status = 'paid', paid_minor = :amount, paid_at = coalesce(paid_at, :paid_at),
        channel_status = CASE WHEN channel_status = 'unpaid' THEN 'paid' ELSE channel_status END
    WHERE key = :key
    """
)


async def apply_payment(tx: AsyncConnection, seen: PaymentObserved, inbox_id: int, now: datetime) -> str:
    """Book a payment; return applied, late, stale or contradiction. Raises NotYet while its order is unknown."""
    key = order_key(seen.channel, seen.shop, seen.no)
    row = await orders.lock(tx, key)
    if row is None:
        raise NotYet(f"no order {seen.no}")
    names = {"provider": seen.provider, "transaction_id": seen.transaction_id}
    if (await tx.execute(_KNOWN, names)).one_or_none() is not None:
        return "stale"
    before = (await tx.execute(_TAKEN, {"key": key})).scalar_one_or_none() or ""
    unpaid = row.payment_status == PaymentStatus.UNPAID
    due = Taken(row.total_minor if unpaid else row.paid_minor, row.currency, before)
    wrong = misfit(due, seen.transaction_id, seen.amount_minor, seen.currency)
    state = ("again" if before else "differs") if wrong else "taken"
    await _keep(tx, seen, {"key": key, "state": state, "inbox_id": inbox_id, "now": now})
    if wrong:
        words = f"{wrong}: look at it at {seen.provider}, then pay back there what is too much"
        await alerts.raise_alert(tx, NewAlert(MISFIT_ALERT, Level.CRITICAL, key, words), now)
        return "contradiction"
    return await _take(tx, row, seen, now)


async def _keep(tx: AsyncConnection, seen: PaymentObserved, about: dict[str, Any]) -> None:
    names = "provider transaction_id account currency paid_at"
    values = {name: getattr(seen, name) for name in names.split()} | {"amount": seen.amount_minor}
    await tx.execute(_KEEP, values | about)
    told = {"transaction_id": seen.transaction_id, "amount_minor": seen.amount_minor, "state": about["state"]}
    more = told | {"actor": seen.provider, "inbox_id": about["inbox_id"]}
    await audit.write(tx, "payment.received", about["key"], about["now"], **more)


async def _take(tx: AsyncConnection, row: Row[Any], seen: PaymentObserved, now: datetime) -> str:
    """Make an order paid, unless its channel said so before; a closed one is paid back."""
    if row.payment_status == PaymentStatus.UNPAID:
        await tx.execute(_PAID, {"key": row.key, "amount": seen.amount_minor, "paid_at": seen.paid_at})
    if row.closed_at is not None:
        if not await paying_back.begin(tx, row.key, now) and row.payment_status == PaymentStatus.UNPAID:
            await late.tell(tx, row, OrderEvent.PAID, now)
        return "late"
    if row.payment_status == PaymentStatus.UNPAID and row.channel_status == ChannelStatus.UNPAID:
        await deliveries.add(tx, row.key, OrderEvent.PAID, now)
    return "applied"


async def apply_refund(tx: AsyncConnection, seen: RefundObserved, inbox_id: int, now: datetime) -> str:
    """Book how a refund of ours stands; one that somebody else asked for is the channel's to tell, and stale here."""
    key = await refunds.key_of(tx, seen)
    row = await refunds.lock(tx, key) if key else None
    if row is None or row.state in {"succeeded", "dropped"}:
        return "stale"
    if (seen.amount_minor, seen.transaction_id) != (row.amount_minor, row.transaction_id):
        words = (
            f"{seen.provider} says {seen.amount_minor} of refund {row.no}, we asked for {row.amount_minor}: look there"
        )
        await alerts.raise_alert(tx, NewAlert(MISFIT_ALERT, Level.CRITICAL, row.order_key, words), now)
        return "contradiction"
    if seen.state is RefundState.PROCESSING:
        await refunds.named(tx, row.key, seen.refund_id)
    elif seen.state is RefundState.SUCCEEDED:
        await refunds.succeeded(tx, row, seen, inbox_id, now)
        await outgoing.close(tx, row.key, "done", "", now)
    else:
        words = f"{seen.provider} says {seen.state.value} of refund {row.no}"
        await refunds.failed(tx, row.key, words, now)
        await outgoing.close(tx, row.key, "refused", words, now)
    return "applied"
