"""Payouts of cases: how one stands, and booking that its money moved, once, or did not (AFT-7)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent
from domain.messages import Saying
from store import alerts, audit, cases, messaging
from store.alerts import Level, NewAlert

BY_HAND, FAILED = "payout_by_hand", "payout_failed"
"""Alerts about money that a person has to see to."""

_OF = text(
    "SELECT p.*, g.key AS granted FROM payout p JOIN refund_grant g ON g.key = p.grant_key WHERE p.case_no = :no"
)
_PAID = text(
    """
    UPDATE payout SET state = 'paid', paid_at = :now, reason = '', reference = :reference
    WHERE case_no = :no AND state <> 'paid' RETURNING order_key, amount_minor, currency, way
    """
)
_FAILED = text(
    """
    UPDATE payout SET state = 'failed', reason = :reason WHERE case_no = :no AND state NOT IN ('paid', 'dropped')
    """
)
_DROPPED = text(
    """
    UPDATE payout SET state = 'dropped', reason = :reason
    WHERE case_no = :no AND way = 'channel' AND state NOT IN ('paid', 'dropped')
    """
)
_NOTHING_GRANTED = text("UPDATE case_line SET granted = 0, granted_minor = 0 WHERE case_no = :no")
_NO_REFUND = text("UPDATE after_sales_case SET granted_minor = 0, no_refund = true WHERE no = :no")
# What the channel says it gave back and what we know we gave back are the same money: the larger sum counts.
_ORDER_MONEY = text(
    """
    UPDATE orders o SET refunded_minor = least(o.paid_minor, greatest(o.refunded_minor, paid.total)),
        payment_status = CASE WHEN greatest(o.refunded_minor, paid.total) >= o.paid_minor THEN 'refunded'
            ELSE o.payment_status END
    FROM (SELECT (SELECT coalesce(sum(amount_minor), 0) FROM payout WHERE order_key = :key AND state = 'paid')
        + (SELECT coalesce(sum(amount_minor), 0) FROM refund
            WHERE order_key = :key AND state = 'succeeded' AND case_no = '') AS total) paid
    WHERE o.key = :key
    """
)


async def payout_of(tx: AsyncConnection, no: str) -> Row[Any] | None:
    """Give the payout of a case, if there is one."""
    return (await tx.execute(_OF, {"no": no})).one_or_none()


async def paid(tx: AsyncConnection, no: str, reference: str, now: datetime, *, by: str) -> bool:
    """Book that the money of a case moved, once; `by` says who moved it. False when it was booked before."""
    done = (await tx.execute(_PAID, {"no": no, "reference": reference, "now": now})).one_or_none()
    if done is None:
        return False
    await tx.execute(_ORDER_MONEY, {"key": done.order_key})
    await alerts.clear(tx, no, now, BY_HAND)
    await alerts.clear(tx, no, now, FAILED)
    told = {"amount_minor": done.amount_minor, "way": done.way, "reference": reference}
    await audit.write(tx, "case.paid", no, now, actor=by, **told)
    amount = f"{done.amount_minor / 100:.2f} {done.currency}"
    saying = Saying("case.paid", f"case:{no}:paid", no, order_key=done.order_key, facts={"amount": amount})
    await messaging.say_to_buyer(tx, saying, now)
    await cases.wake(tx, no, done.order_key, CaseEvent.PAYOUT, now)
    return True


async def dropped(tx: AsyncConnection, no: str, reason: str, now: datetime) -> bool:
    """Give up a payout whose channel has ended the case by itself: no money moves, the units are free again.

    False when nothing was due there. Undone by the channel alone: money that it pays all the same is booked.
    """
    if not (await tx.execute(_DROPPED, {"no": no, "reason": reason[:500]})).rowcount:
        return False
    await tx.execute(_NOTHING_GRANTED, {"no": no})
    await tx.execute(_NO_REFUND, {"no": no})
    await alerts.clear(tx, no, now, FAILED)
    await audit.write(tx, "case.payout_dropped", no, now, reason=reason[:500])
    return True


async def failed(tx: AsyncConnection, no: str, order_key: str, reason: str, now: datetime) -> None:
    """Note that a payout was not carried out: the case waits, and finance is told in the vendor's words."""
    if not (await tx.execute(_FAILED, {"no": no, "reason": reason[:500]})).rowcount:
        return
    words = f"the payout of case {no} failed: {reason}; mend it, then oms case retry {no}"
    await alerts.raise_alert(tx, NewAlert(FAILED, Level.CRITICAL, no, words), now)
    await audit.write(tx, "case.payout_failed", no, now, reason=reason[:500])
    await cases.wake(tx, no, order_key, CaseEvent.PAYOUT, now)
