"""Money that has to go back because an order will not ship. Owns when a refund is wanted, and of what payment.

The refund and the call that asks for it are written in the transaction that makes them due (design: facts), so that
there is one for each reason, whatever is retried. Only orders whose payment we know at a provider of ours are paid back
by us; what a marketplace took it gives back itself, and what a channel calls refunded is refunded (refunds.py).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import OrderStatus
from domain.outgoing import Queue
from domain.payments import owed, refund_key, refund_no
from store import alerts, audit, case_stop, outgoing, refunds
from store.alerts import Level, NewAlert

REFUND, PAYMENT = "refund", "payment"
"""Kinds of outgoing calls: pay back; ask what became of a payment whose notification never came."""

_ORDER = text(
    """
    SELECT key, channel, shop, no, status, channel_status, close_reason, paid_minor, refunded_minor FROM orders
    WHERE key = :key
    """
)
_TAKEN = text("SELECT * FROM payment WHERE order_key = :key AND state = 'taken'")
# Of cases, what goes back another way than by the payment that is paid back here (store/case_money.py).
_OTHER_WAYS = text(
    """
    SELECT coalesce(sum(amount_minor), 0)::bigint FROM payout
    WHERE order_key = :key AND way <> 'provider' AND state NOT IN ('paid', 'dropped')
    """
)
_UNITS = text(
    """
    SELECT coalesce(sum(o.amount_minor * l.quantity / greatest(o.quantity, 1)), 0)::bigint
    FROM case_line l JOIN order_line o ON o.order_key = :key AND o.line_no = l.line_no WHERE l.case_no = :no
    """
)
_COUNT = text("SELECT count(*) FROM refund WHERE order_key = :key")
_ACCOUNTS = text(
    """
    SELECT vendor, code FROM shop
    WHERE role = 'payment' AND active AND params ->> 'shop' = CAST(:sells AS text) ORDER BY vendor, code
    """
)
_WANT = text(
    """
    INSERT INTO refund (key, no, order_key, provider, transaction_id, amount_minor, state, wanted_at)
    VALUES (:key, :no, :order_key, :provider, :transaction_id, :amount, 'wanted', :now)
    """
)
_BACK = text(
    """
    UPDATE payment SET back_minor = back_minor + :amount
    WHERE provider = :provider AND transaction_id = :transaction_id
    """
)


async def begin(tx: AsyncConnection, key: str, now: datetime) -> bool:
    """Want back what a closed order's buyer paid, once; True when the money goes back, or is back, by our own doing.

    The order's row is locked and shows its end. False: nothing is due, or a person has to see to it. Money that is an
    open case's to pay back stays there, also when word of the payment comes, or comes again, after the order's end.
    """
    order = (await tx.execute(_ORDER, {"key": key})).one()
    if order.status != OrderStatus.CLOSED or not order.paid_minor:
        return False
    if await refunds.any_of(tx, key) or await case_stop.pays_back(tx, key):
        return True
    if order.channel_status == ChannelStatus.REFUNDED or order.refunded_minor >= order.paid_minor:
        return False
    payment = (await tx.execute(_TAKEN, {"key": key})).one_or_none()
    if payment is None:
        await _ask_for_payment(tx, order, now)
        return False
    return await _want(tx, order, payment, now)


async def after_case(tx: AsyncConnection, case: Row[Any], now: datetime) -> None:
    """Pay back what does not ship because of a case that has ended and paid nothing back, or tell a person of it.

    Until its end the money was the case's. The order's row is locked. What only some units of an order cost is told.
    """
    order = (await tx.execute(_ORDER, {"key": case.order_key})).one()
    if await begin(tx, order.key, now):
        return
    units = int((await tx.execute(_UNITS, {"key": order.key, "no": case.no})).scalar_one())
    if order.channel_status == ChannelStatus.REFUNDED or order.refunded_minor >= min(units, order.paid_minor):
        return
    words = f"case {case.no} kept its units from being shipped and ended without money: pay back what they cost"
    await alerts.raise_alert(tx, NewAlert(refunds.DUE_ALERT, Level.CRITICAL, order.key, words), now)


async def _want(tx: AsyncConnection, order: Row[Any], payment: Row[Any], now: datetime) -> bool:
    other = int((await tx.execute(_OTHER_WAYS, {"key": order.key})).scalar_one())
    amount = owed(order.paid_minor, order.refunded_minor + other, payment.amount_minor, payment.back_minor)
    if not amount:
        return False
    n = int((await tx.execute(_COUNT, {"key": order.key})).scalar_one()) + 1
    key = refund_key(order.key, n)
    place = {"provider": payment.provider, "transaction_id": payment.transaction_id, "amount": amount}
    await tx.execute(_WANT, place | {"key": key, "no": refund_no(key), "order_key": order.key, "now": now})
    await tx.execute(_BACK, place)
    queue = Queue(REFUND, payment.provider, payment.account)
    await outgoing.add(tx, queue, key, order.key, {"at": now.isoformat()})
    await audit.write(tx, "refund.wanted", order.key, now, key=key, amount_minor=amount, reason=order.close_reason)
    words = f"closed ({order.close_reason}) though the buyer has paid: {payment.provider} is asked to pay it back"
    await alerts.raise_alert(tx, NewAlert(refunds.DUE_ALERT, Level.NOTE, order.key, words), now)
    return True


async def _ask_for_payment(tx: AsyncConnection, order: Row[Any], now: datetime) -> None:
    """Ask every payment account of the shop, where there are some, for a payment that only the channel spoke of."""
    accounts = (await tx.execute(_ACCOUNTS, {"sells": f"{order.channel}/{order.shop}"})).all()
    for account in accounts:
        queue = Queue(PAYMENT, account.vendor, account.code)
        key = f"{PAYMENT}:{order.key}:{account.vendor}:{account.code}"
        await outgoing.add(tx, queue, key, order.key, {"at": now.isoformat(), "no": order.no})
