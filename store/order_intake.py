"""Applying what a channel says of an order: facts, the first reservation, and the event, in one transaction.

Never waits for Temporal. Stock is reserved only on the first insert; afterwards the order's workflow is the only
writer of status, holds, reservations and allocations (design: the way of an order).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.orders import (
    DELIVERED,
    ENDED,
    EVENT_OF,
    LEFT,
    STAGE,
    LogisticsStatus,
    OrderEvent,
    OrderStatus,
    PaymentStatus,
    decide,
    held,
    order_key,
    payment_status,
)
from domain.stock import Demand
from domain.timing import OrderTiming
from store import alerts, audit, contacts, deliveries, late, listings, order_stock, orders, presale_orders, refunds
from store.alerts import Level, NewAlert
from store.carts import Buyer
from store.keyring import KeyRing
from store.order_stock import Asking
from store.presale import Claim
from store.settings_docs import Profile

INSERT_ORDER = text(
    """
    INSERT INTO orders (key, channel, shop, no, status, payment_status, logistics_status, channel_status, raw_status,
        channel_hold, channel_time, channel_inbox_id, currency, goods_minor, shop_discount_minor,
        platform_discount_minor, freight_minor, total_minor, paid_minor, refunded_minor, placed_at, paid_at,
        presale, deposit_at, balance_until, buyer_index, ip_index, remark_sealed, wait_for, wait_since, created_at)
    VALUES (:key, :channel, :shop, :no, :status, :payment_status, 'none', :channel_status, :raw_status,
        :channel_hold, :channel_time, :inbox_id, :currency, :goods_minor, :shop_discount_minor,
        :platform_discount_minor, :freight_minor, :total_minor, :paid_minor, :refunded_minor, :placed_at, :paid_at,
        :presale, :deposit_at, :balance_until, :buyer_index, :ip_index, :remark, 'start', :now, :now)
    ON CONFLICT DO NOTHING
    """
)
_UPDATE = text(
    """
    UPDATE orders SET channel_status = :channel_status, raw_status = :raw_status, channel_hold = :channel_hold,
        channel_time = :channel_time, channel_inbox_id = :inbox_id, payment_status = :payment_status,
        paid_minor = :paid_minor, refunded_minor = :refunded_minor, paid_at = coalesce(:paid_at, paid_at),
        deposit_at = coalesce(:deposit_at, deposit_at), balance_until = coalesce(:balance_until, balance_until),
        remark_sealed = coalesce(:remark, remark_sealed)
    WHERE key = :key
    """
)
INSERT_LINE = text(
    """
    INSERT INTO order_line (order_key, line_no, sku, title, quantity, unit_minor, discount_minor, amount_minor,
        presale)
    VALUES (:key, :line_no, :sku, :title, :quantity, :unit_minor, :discount_minor, :amount_minor, :presale)
    """
)

HOLD_ALERT = "channel_hold"
HOLD_MEND = "before it leaves, oms order hold NO --reason WORDS; if it has left, ask the channel"


@dataclass(frozen=True, slots=True)
class Booking:
    """What every booking needs beside the observation."""

    ring: KeyRing
    timing: OrderTiming
    now: datetime
    profile: Profile = Profile.LIVE


async def apply_order(tx: AsyncConnection, booking: Booking, seen: OrderObserved, inbox_id: int) -> str:
    """Book one observation of an order; return what became of it: applied, stale, late or contradiction."""
    entry = order_values(booking.ring, seen, inbox_id, booking.now)
    return await go_on(tx, booking, seen, entry, new=await enter(tx, entry))


async def enter(tx: AsyncConnection, entry: dict[str, Any]) -> bool:
    """Insert an order's row; False when it is there. Several are entered in key order, before any is gone on with."""
    return bool((await tx.execute(INSERT_ORDER, entry)).rowcount)


async def go_on(tx: AsyncConnection, booking: Booking, seen: OrderObserved, entry: dict[str, Any], *, new: bool) -> str:
    """Book the rest of what an observation says, once its order's row is there; `new` when it made that row."""
    if not new:
        return await _again(tx, booking.ring, seen, entry)
    await _first(tx, booking, seen, entry)
    return "applied"


async def _first(tx: AsyncConnection, booking: Booking, seen: OrderObserved, values: dict[str, Any]) -> None:
    key, now = values["key"], values["now"]
    if seen.lines:
        await tx.execute(INSERT_LINE, [line_values(key, line) for line in seen.lines])
    await contacts.save(tx, booking.ring, key, seen.contact)
    short: list[str] = []
    if seen.status not in ENDED | LEFT:
        short = await _reserve(tx, booking, seen, values)
    await listings.seen(tx, seen, now)
    inbox_id = values["inbox_id"]
    noted = audit.entry("order.accepted", key, now, inbox_id=inbox_id, status=seen.status.value, short=short)
    first, *more = decide(None, seen, inbox_id).events
    await deliveries.add_noted(tx, first, noted)
    for event in more:
        await deliveries.add(tx, key, event, now)


async def _reserve(tx: AsyncConnection, booking: Booking, seen: OrderObserved, values: dict[str, Any]) -> list[str]:
    key, now, until = values["key"], booking.now, booking.timing.lock_until(booking.now)
    if has_presale(seen):
        if seen.status is ChannelStatus.DEPOSIT:
            until = presale_orders.balance_until(seen.balance_until, seen.deposit_at or now, booking.timing)
        return await presale_orders.ensure(tx, Claim(key, until, booking.timing), now)
    wanted = [Demand(line.line_no, line.sku, line.quantity) for line in seen.lines]
    buyer = Buyer(key, values["buyer_index"], values["ip_index"])
    asking = Asking(buyer, EVENT_OF[seen.status] is OrderEvent.PAID, until, booking.profile)
    return [*(await order_stock.hold(tx, asking, wanted, now)).short]


async def _again(tx: AsyncConnection, ring: KeyRing, seen: OrderObserved, values: dict[str, Any]) -> str:
    key, now = values["key"], values["now"]
    row = await orders.must_lock(tx, key)
    change = decide(orders.seen_of(row), seen, values["inbox_id"])
    if change.contradicts:
        await _note(tx, row, seen, values, "order.contradiction")
    if not change.book:
        return "contradiction" if change.contradicts else "stale"
    await tx.execute(_UPDATE, values | await _money(tx, row, seen))
    await _note_edit(tx, ring, row, seen, values)
    await _note(tx, row, seen, values, "order.observed" if row.closed_at is None else "order.late")
    if row.closed_at is not None:
        await late.tell(tx, row, EVENT_OF[seen.status], now)
        return "late"
    await _tell_of_hold(tx, row, seen, now)
    if row.channel_hold and not held(seen):
        # Some channels hide the receiver while they forbid to ship.
        await contacts.unveil(tx, ring, key, seen.contact)
    for event in change.events:
        await deliveries.add(tx, key, event, now)
    if row.channel_status == ChannelStatus.SHIPPED and seen.status in DELIVERED and not _planned(row):
        await deliveries.add(tx, key, OrderEvent.CLEARED, now)  # it was shipped elsewhere, and has arrived
    return "applied"


def _planned(row: Row[Any]) -> bool:
    """Say whether any of an order was given to a warehouse."""
    return bool(row.logistics_status != LogisticsStatus.NONE)


async def _tell_of_hold(tx: AsyncConnection, row: Row[Any], seen: OrderObserved, now: datetime) -> None:
    """Tell a person of a hold that comes when a warehouse may have the goods already; its end clears that."""
    if not held(seen):
        if row.channel_hold:
            await alerts.clear(tx, row.key, now, HOLD_ALERT)
    elif not row.channel_hold and row.logistics_status != LogisticsStatus.NONE:
        words = f"the channel forbids to ship it now ({seen.raw_status}), but it is {row.logistics_status}: {HOLD_MEND}"
        await alerts.raise_alert(tx, NewAlert(HOLD_ALERT, Level.CRITICAL, row.key, words), now)


async def _money(tx: AsyncConnection, row: Row[Any], seen: OrderObserved) -> dict[str, Any]:
    """Keep what was paid when the channel no longer mentions it: a payment is undone only by a refund.

    And keep what we paid back ourselves when the channel does not know of it (refunds.py).
    """
    before = PaymentStatus(row.payment_status)
    if seen.uncharged and row.paid_minor:
        return {"payment_status": PaymentStatus.REFUNDED.value} | dict.fromkeys(
            ("paid_minor", "refunded_minor"), row.paid_minor
        )
    after = payment_status(seen.status, before)
    ours = row.refunded_minor > seen.refunded_minor and await refunds.any_back(tx, row.key)
    if payment_status(seen.status) is after and not ours:
        return {"payment_status": after.value}
    names = ("paid_minor", "refunded_minor")
    kept = before if ours else after
    return {"payment_status": kept.value} | {name: max(getattr(row, name), getattr(seen, name)) for name in names}


async def _note(tx: AsyncConnection, row: Row[Any], seen: OrderObserved, values: dict[str, Any], action: str) -> None:
    detail = {"was": row.channel_status, "status": seen.status.value} | ({"may_ship": "no"} if held(seen) else {})
    await audit.write(tx, action, values["key"], values["now"], inbox_id=values["inbox_id"], **detail)


async def _note_edit(
    tx: AsyncConnection, ring: KeyRing, row: Row[Any], seen: OrderObserved, values: dict[str, Any]
) -> None:
    """Write down that the buyer's remark is another one, and what already went out with the old one; never the words.

    An empty remark takes none away: many channels leave it out of what they say later.
    """
    key = values["key"]
    if seen.remark and seen.remark != ring.open_text(row.remark_sealed, f"orders.remark|{key}"):
        detail = {"logistics": row.logistics_status}
        await audit.write(tx, "order.remark_changed", key, values["now"], inbox_id=values["inbox_id"], **detail)


def order_values(ring: KeyRing, seen: OrderObserved, inbox_id: int, now: datetime) -> dict[str, Any]:
    """Give the columns of a new order."""
    key = order_key(seen.channel, seen.shop, seen.no)
    plain = (
        "channel shop no raw_status currency goods_minor shop_discount_minor platform_discount_minor freight_minor "
        "total_minor paid_minor refunded_minor placed_at paid_at deposit_at balance_until"
    )
    return {name: getattr(seen, name) for name in plain.split()} | {
        "key": key,
        "status": _first_status(seen.status).value,
        "payment_status": payment_status(seen.status).value,
        "channel_status": seen.status.value,
        "channel_hold": held(seen),
        "presale": has_presale(seen),
        "channel_time": seen.vendor_time,
        "inbox_id": inbox_id,
        "buyer_index": ring.blind(seen.buyer_id, "buyer") if seen.buyer_id else "",
        "ip_index": ring.blind(seen.buyer_ip, "ip") if seen.buyer_ip else "",
        "remark": ring.seal_text(seen.remark, f"orders.remark|{key}"),
        "now": now,
    }


def has_presale(seen: OrderObserved) -> bool:
    """Say whether any line of an order is sold before it is there."""
    return any(line.presale for line in seen.lines)


def line_values(key: str, line: LineObserved) -> dict[str, Any]:
    """Give the columns of an order's line."""
    return {name: getattr(line, name) for name in line.__slots__} | {"key": key}


def _first_status(seen: ChannelStatus) -> OrderStatus:
    return OrderStatus.UNPAID if seen in ENDED | STAGE.keys() else OrderStatus.PAID
