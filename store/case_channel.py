"""Telling a sales channel what we decide about its own after-sales case: one outgoing call per case and action."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseAction
from domain.observations import ChannelCaseState
from domain.outgoing import Queue
from store import alerts, outgoing
from store.alerts import Level, NewAlert

KIND = "case"
UNANSWERED = "case_unanswered"
"""A case that has ended here while its platform waits for our answer: it decides by itself when its time is over."""
AGREE_REFUND = CaseAction.AGREE_REFUND

OVER = frozenset({ChannelCaseState.REFUSED, ChannelCaseState.PAID, ChannelCaseState.CLOSED})
"""States in which a platform waits for nobody."""

_PARCEL = text("SELECT carrier, waybill_no FROM parcel WHERE order_key = :key ORDER BY waybill_no LIMIT 1")
_TOLD = text("UPDATE after_sales_case SET channel_told = :action WHERE no = :no")


def call_key(no: str, action: CaseAction) -> str:
    """Name the call that tells a channel something about a case."""
    return f"case:{no}:{action.value}"


async def tell(tx: AsyncConnection, row: Row[Any], action: CaseAction, now: datetime, **more: Any) -> None:
    """Ask for the call once; a case that is no channel's is told to nobody.

    `more`: amount_minor, reason, carrier, waybill_no, as the action needs them.
    """
    if not row.channel_case_no:
        return
    order_no = row.order_key.split(":", 2)[2]
    payload: dict[str, Any] = {
        "at": now.isoformat(),
        "case_no": row.channel_case_no,
        "order_no": order_no,
        "kind": row.kind,
        "action": action.value,
        "currency": row.currency,
        "our_no": row.no,
    }
    queue = Queue(KIND, row.channel, row.shop)
    await outgoing.add(tx, queue, call_key(row.no, action), row.order_key, payload | more)
    await tx.execute(_TOLD, {"no": row.no, "action": action.value})


async def shipped(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Tell under which waybill the goods of an exchange or a reshipment left."""
    parcel = (await tx.execute(_PARCEL, {"key": row.replacement_key})).one_or_none()
    if parcel is not None:
        told = {"carrier": parcel.carrier, "waybill_no": parcel.waybill_no}
        await tell(tx, row, CaseAction.SHIPPED, now, **told)


async def tell_unanswered(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Tell a person of a case that ends without money while its platform waits for an answer."""
    if row.channel_case_no and row.channel_state not in OVER:
        words = (
            f"nothing is paid for case {row.no}, and {row.channel} waits for an answer to its case"
            f" {row.channel_case_no}: answer it there"
        )
        await alerts.raise_alert(tx, NewAlert(UNANSWERED, Level.CRITICAL, row.no, words), now)


async def agree_refund(tx: AsyncConnection, row: Row[Any], amount_minor: int, now: datetime) -> None:
    """Agree to a refund: the platform moves the money, and says so in its own case."""
    await tell(tx, row, CaseAction.AGREE_REFUND, now, amount_minor=amount_minor)
