"""Applying what a sales channel says of its own after-sales cases: each opens one of ours, once, and moves it.

The platform's money is the platform's word: a case that it paid is paid here too, also one that we never agreed to.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent, CaseLine, NewCase, Origin
from domain.errors import NotYet
from domain.observations import CaseObserved, ChannelCaseState
from domain.orders import order_key
from store import (
    alerts,
    audit,
    case_channel,
    case_money,
    case_payouts,
    case_reopen,
    case_returns,
    cases,
    outgoing,
)
from store.keyring import KeyRing

_CASE_OF = text(
    "SELECT no FROM after_sales_case WHERE channel = :channel AND shop = :shop AND channel_case_no = :case_no"
)
_ORDER = text("SELECT 1 FROM orders WHERE key = :key")
_ORDER_LINES = text("SELECT line_no, sku, quantity FROM order_line WHERE order_key = :key ORDER BY line_no")
_SAID = text(
    """
    UPDATE after_sales_case SET channel_state = :state, channel_raw = :raw, channel_time = :time, inbox_id = :inbox_id,
        wanted_minor = CASE WHEN review = '' THEN CAST(:amount AS bigint) ELSE wanted_minor END,
        review = CASE WHEN CAST(:agreed AS boolean) AND review = '' AND state = 'review' THEN 'approved'
            ELSE review END,
        reviewed_by = CASE WHEN CAST(:agreed AS boolean) AND review = '' AND state = 'review' THEN 'channel'
            ELSE reviewed_by END
    WHERE no = :no
    """
)
_ENDED = {ChannelCaseState.REFUSED, ChannelCaseState.CLOSED}
_AGREED = {ChannelCaseState.AWAITS_GOODS, ChannelCaseState.SENT}


async def apply_case(tx: AsyncConnection, ring: KeyRing, seen: CaseObserved, inbox_id: int, now: datetime) -> str:
    """Book what a channel says of a case; NotYet while its order is unknown. Returns applied or stale."""
    names = {"channel": seen.channel, "shop": seen.shop, "case_no": seen.case_no}
    no = (await tx.execute(_CASE_OF, names)).scalar_one_or_none()
    if no is None:
        no = await _open(tx, ring, seen, inbox_id, now)
    locked = await cases.lock(tx, no)
    row = locked[1]
    if row.channel_time is not None and row.channel_time >= seen.vendor_time and row.channel_raw == seen.raw_status:
        return "stale"
    if row.channel_time is not None and row.channel_time > seen.vendor_time:
        return "stale"
    await _book(tx, locked, seen, inbox_id, now)
    return "applied"


async def _open(tx: AsyncConnection, ring: KeyRing, seen: CaseObserved, inbox_id: int, now: datetime) -> str:
    key = order_key(seen.channel, seen.shop, seen.no)
    if (await tx.execute(_ORDER, {"key": key})).one_or_none() is None:  # not locked: a number is drawn first
        raise NotYet(f"no order {seen.no}")
    new = NewCase(
        order_key=key,
        kind=seen.case_kind,
        origin=Origin.CHANNEL,
        request_key=f"{seen.channel}:{seen.shop}:{seen.case_no}",
        lines=await _lines(tx, key, seen),
        reason=seen.reason or "other",
        asked_by="channel",
        words=seen.words,
        wanted_minor=seen.amount_minor,
        channel_case_no=seen.case_no,
    )
    return await cases.open_case(tx, ring, new, now, inbox_id)


async def _lines(tx: AsyncConnection, key: str, seen: CaseObserved) -> tuple[CaseLine, ...]:
    """Take the lines that the channel names and we know; of none of them, the whole order."""
    known = {row.line_no: row for row in await tx.execute(_ORDER_LINES, {"key": key})}
    named = [one for one in seen.lines if one.line_no in known]
    if named:
        return tuple(
            CaseLine(one.line_no, known[one.line_no].sku, min(one.quantity or 10**9, known[one.line_no].quantity))
            for one in named
        )
    return tuple(CaseLine(row.line_no, row.sku, row.quantity) for row in known.values())


async def _book(
    tx: AsyncConnection, locked: tuple[Row[Any], Row[Any]], seen: CaseObserved, inbox_id: int, now: datetime
) -> None:
    order, row = locked
    values = {
        "no": row.no,
        "state": seen.state.value,
        "raw": seen.raw_status,
        "time": seen.vendor_time,
        "inbox_id": inbox_id,
        "amount": seen.amount_minor,
        "agreed": seen.state in _AGREED,
    }
    await tx.execute(_SAID, values)
    told = {"state": seen.state.value, "raw": seen.raw_status}
    await audit.write(tx, "case.observed", row.no, now, actor=seen.channel, inbox_id=inbox_id, **told)
    if case_reopen.is_due(row, seen.state):
        await case_reopen.reopen(tx, row, now)
        row = await cases.again(tx, row.no)
    if seen.waybill_no and seen.waybill_no != row.waybill_no:
        await case_returns.set_waybill(tx, row, (seen.carrier, seen.waybill_no), "channel", now)
    if seen.state in case_channel.OVER:
        await alerts.clear(tx, row.no, now, case_channel.UNANSWERED)
    if seen.state is ChannelCaseState.PAID:
        await case_money.paid_by_channel(tx, order, await cases.again(tx, row.no), seen.amount_minor, now)
        await case_payouts.paid(tx, row.no, seen.case_no, now, by=seen.channel)
    elif seen.state in _ENDED:
        words = f"{seen.channel} has ended the case as {seen.state.value} ({seen.raw_status})"
        if await case_payouts.dropped(tx, row.no, words, now):
            await outgoing.close(tx, case_channel.call_key(row.no, case_channel.AGREE_REFUND), "refused", words, now)
    await cases.wake(tx, row.no, row.order_key, CaseEvent.CHANNEL, now)
