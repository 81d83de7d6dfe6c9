"""The steps of an order as facts: each method is one transaction that may run twice without harm.

Implements activities/ports.py: OrderFacts. Every step locks the order's row first, reads what is true now, changes
what its step changes, and stores what the order waits for next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import (
    ELSEWHERE,
    ENDED,
    EVENT_OF,
    LogisticsStatus,
    OrderEvent,
    OrderStatus,
    PaymentStatus,
    fulfillment_no,
)
from domain.progress import Balance, LockEnd, Plan
from domain.stock import WarehouseOffer, choose_warehouse, per_sku
from domain.timing import OrderTiming
from domain.waits import Wait, WaitFor
from store import (
    alerts,
    audit,
    bundles,
    case_replace,
    case_stop,
    elsewhere,
    late,
    order_stock,
    orders,
    paying_back,
    presale,
    presale_orders,
    reducing,
    reread,
    stock,
    unstocking,
    waiting,
)
from store.alerts import Level, NewAlert
from store.carts import Buyer
from store.database import Database
from store.keyring import KeyRing
from store.order_stock import Asking, Held
from store.refunds import DUE_ALERT
from store.review import Review
from store.settings_docs import Profile

_STATUS = text("UPDATE orders SET status = :status, logistics_status = :logistics WHERE key = :key")
_ALLOCATED = audit.noting(
    """
    changed AS (
        UPDATE orders SET status = 'paid', logistics_status = 'allocated', ship_by = :ship_by, stuck = :held <> '',
            stuck_reason = :held, wait_for = 'warehouse', wait_since = :at, wait_until = :ship_by
        WHERE key = :subject RETURNING key
    )
    """
)
_COMPLETED = audit.noting(
    """
    changed AS (
        UPDATE orders SET status = 'completed', completed_at = :at, closed_at = :at, stuck = false, stuck_reason = '',
            wait_for = 'nothing', wait_since = :at, wait_until = NULL
        WHERE key = :subject RETURNING key
    ), cleared AS (
        UPDATE alert SET cleared_at = :at WHERE subject = :subject AND cleared_at IS NULL
    )
    """
)
_CLOSED = text(
    """
    UPDATE orders SET status = 'closed', closed_at = :now, close_reason = :reason,
        logistics_status = CASE WHEN logistics_status = 'none' THEN 'none' ELSE 'cancelled' END
    WHERE key = :key
    """
)
_FULFILLMENTS = text("SELECT no FROM fulfillment WHERE order_key = :key AND state <> 'cancelled' ORDER BY no")
_BEFORE = text(
    """
    SELECT ARRAY(SELECT no FROM fulfillment WHERE order_key = :key AND state <> 'cancelled' ORDER BY no) AS planned,
        (SELECT count(*) FROM fulfillment WHERE order_key = :key) AS parts,
        EXISTS (SELECT 1 FROM stock_wait WHERE order_key = :key) AS in_line,
        EXISTS (SELECT 1 FROM after_sales_case WHERE order_key = :key AND stop = 'asked') AS reduced,
        EXISTS (SELECT 1 FROM alert WHERE subject = :key AND kind = :short AND cleared_at IS NULL) AS told_short,
        (SELECT province FROM contact WHERE order_key = :key) AS province
    """
)
_HOLD = text("UPDATE orders SET status = 'paid', hold_reason = :reason WHERE key = :key")
# Numbered after its order, by its full name where another shop's order has that number already; one that was recalled
# keeps its number. Two that look at once: the second runs into the primary key, and its step runs again.
_PLAN = text(
    """
    INSERT INTO fulfillment (no, order_key, warehouse, carrier, state, created_at)
    SELECT CASE WHEN EXISTS (SELECT 1 FROM fulfillment WHERE no = :no) THEN :full ELSE :no END, :key, :warehouse,
        :carrier, 'planned', :now
    RETURNING no
    """
)

SHORT_ALERT = "out_of_stock"
UNPAID = "unpaid"
"""The reason of an order that was never paid; a payment that turns up is domain/late.py's."""


@dataclass(frozen=True, slots=True)
class _Ship:
    """What is to be sent: from where, as which part (from 1), by when; `told_short`: an alert says it cannot be."""

    offer: WarehouseOffer
    part: int
    by: datetime
    told_short: bool


class SqlOrderFacts:
    """The facts of an order, from the end of its stock lock to its close."""

    def __init__(self, database: Database, ring: KeyRing, profile: Profile = Profile.LIVE) -> None:
        self._database = database
        self._review = Review(ring)
        self._profile = profile

    async def await_payment(self, key: str, until: datetime, now: datetime) -> None:
        """Say that an order waits for its buyer."""
        async with self._database.transaction() as tx:
            await orders.must_lock(tx, key)
            await orders.set_wait(tx, key, Wait(WaitFor.PAYMENT, now, until))

    async def end_lock(self, key: str, late_seconds: float, now: datetime) -> LockEnd:
        """Free the stock of an unpaid order, unless a payment is on file (INV-2)."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if _is_paid(row) or row.channel_status == ChannelStatus.DEPOSIT:
                return LockEnd(paid=_is_paid(row), deposit=not _is_paid(row))
            late_until = now + timedelta(seconds=late_seconds)
            await stock.lock_skus(tx, key)
            if await stock.release_reservations(tx, key, now, "expired"):
                await audit.write(tx, "stock.released", key, now, reason="unpaid")
            if late_seconds:
                await reread.ask_again(tx, row, now)  # the money may be there though its message is not (INT-17)
            await orders.set_wait(tx, key, Wait(WaitFor.LATE_PAYMENT, now, late_until))
        return LockEnd(paid=False, late_until=late_until)

    async def await_balance(self, key: str, timing: OrderTiming, now: datetime) -> Balance:
        """Hold the goods of an order with a deposit until its balance may be paid no longer (FUL-6)."""
        async with self._database.transaction() as tx:
            return await presale_orders.await_balance(tx, await orders.must_lock(tx, key), timing, now)

    async def end_balance(self, key: str, now: datetime) -> LockEnd:
        """Free the goods of an order whose balance was not paid, unless a payment is on file."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if row.channel_status != ChannelStatus.DEPOSIT:
                return LockEnd(paid=True)
            await stock.lock_skus(tx, key)
            if await stock.release_reservations(tx, key, now, "expired"):
                await audit.write(tx, "stock.released", key, now, reason="balance unpaid")
        return LockEnd(paid=False)

    async def plan(self, key: str, timing: OrderTiming, now: datetime) -> Plan:
        """Book the payment, choose a warehouse, turn reservations into allocations; a second run returns the first."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if row.closed_at is not None:
                return await self._closed_before(tx, row, now)
            before, ended = await self._before(tx, row, now)
            if ended:
                return Plan(ended=ended)
            if before.planned:
                return Plan(before.planned, ship_by=row.ship_by)
            await waiting.leave(tx, key, there=before.in_line)
            if ChannelStatus(row.channel_status) in ENDED:
                return Plan(ended=row.channel_status)
            if row.unstocked:
                return Plan(held=await unstocking.wait(tx, row, now))
            if left := await elsewhere.look(tx, row, now):
                return left
            if row.channel_hold:
                return await self._wait_for_channel(tx, row, timing, now)
            # Goods that are sent again were ordered, and looked at, before (store/case_replace.py).
            reasons = [] if row.case_no else await self._review.reasons(tx, row, now)
            if reasons:
                return await _held(tx, row, reasons, now)
            return await self._plan_anew(tx, row, before, timing, now)

    async def _before(self, tx: AsyncConnection, row: Row[Any], now: datetime) -> tuple[Row[Any], str]:
        """Read what was planned, after what somebody took away from the order; with why nothing of it is left."""
        if row.unstocked:
            await unstocking.take_back(tx, row, now)
        look = {"key": row.key, "short": SHORT_ALERT}
        before = (await tx.execute(_BEFORE, look)).one()
        if not before.reduced:
            return before, ""
        ended = await reducing.apply(tx, row, now)
        return (await tx.execute(_BEFORE, look)).one(), ended

    async def _plan_anew(
        self, tx: AsyncConnection, row: Row[Any], before: Row[Any], timing: OrderTiming, now: datetime
    ) -> Plan:
        await stock.lock_skus(tx, row.key)
        held = await self._hold(tx, row, timing, now)
        if row.presale and not held.short and (waits := await presale_orders.wait_for_goods(tx, row, now)):
            return waits
        offer = None if held.short else await self._choose(tx, row.key, held, before.province)
        if offer is None:
            return await self._short(tx, row, held, now)
        ship_by = (row.paid_at or now) + timedelta(seconds=timing.ship_by_seconds)
        ship = _Ship(offer, before.parts + 1, ship_by, before.told_short)
        return await self._allocate(tx, row, ship, now)

    async def complete(self, key: str, now: datetime) -> None:
        """Close an order that was delivered and settled."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if row.closed_at is not None:
                return
            await tx.execute(_COMPLETED, audit.entry("order.completed", key, now))

    async def close(self, key: str, reason: str, now: datetime) -> None:
        """Close an order that will not ship; whatever is held for it is free again."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if row.closed_at is not None:
                return
            await stock.lock_skus(tx, key)
            await stock.release_reservations(tx, key, now)
            for found in (await tx.execute(_FULFILLMENTS, {"key": key})).all():
                await stock.release_allocations(tx, found.no, now)
            await waiting.leave(tx, key)
            if reason == ELSEWHERE:
                await case_stop.too_late(tx, key, now)
                await tx.execute(_COMPLETED, audit.entry("order.completed", key, now, reason=reason))
                return
            await tx.execute(_CLOSED, {"key": key, "now": now, "reason": reason})
            await self._settle_money(tx, row, reason, now)
            await orders.set_stuck(tx, key, "")
            await orders.set_wait(tx, key, Wait(WaitFor.NOTHING, now))
            await audit.write(tx, "order.closed", key, now, reason=reason)

    async def _closed_before(self, tx: AsyncConnection, row: Row[Any], now: datetime) -> Plan:
        """Keep an order closed whose close was lost to its workflow, which has heard of a payment since."""
        if _is_paid(row):
            await late.tell(tx, row, OrderEvent.PAID, now)
        return Plan(ended=row.close_reason or row.status)

    async def _settle_money(self, tx: AsyncConnection, row: Row[Any], reason: str, now: datetime) -> None:
        """Pay back what we can, tell a person of the rest; an order that nobody paid leaves no alert.

        The money of an order that was stopped for a case is that case's to pay back.
        """
        if row.case_no:
            await case_replace.lost(tx, row, reason, now)
        if await case_stop.stopped(tx, row.key, now) or await paying_back.begin(tx, row.key, now):
            return
        has_money = (
            _is_paid(row) or row.payment_status == PaymentStatus.DEPOSIT
        ) and row.refunded_minor < row.paid_minor
        if has_money and reason != UNPAID:
            words = f"closed ({reason}) though the buyer has paid: pay the money back"
            await alerts.raise_alert(tx, NewAlert(DUE_ALERT, Level.CRITICAL, row.key, words), now)
        else:
            await alerts.clear(tx, row.key, now)

    async def _wait_for_channel(self, tx: AsyncConnection, row: Row[Any], timing: OrderTiming, now: datetime) -> Plan:
        """Keep the stock of a paid order whose channel forbids to ship it; without stock a person must know now."""
        await stock.lock_skus(tx, row.key)
        held = await self._hold(tx, row, timing, now)
        if held.short:
            return await self._short(tx, row, held, now)
        if row.wait_for != WaitFor.CHANNEL:
            values = {"key": row.key, "status": OrderStatus.PAID.value, "logistics": LogisticsStatus.NONE.value}
            await tx.execute(_STATUS, values)
            await orders.set_wait(tx, row.key, Wait(WaitFor.CHANNEL, now))
            await audit.write(tx, "order.channel_hold", row.key, now, inbox_id=row.channel_inbox_id)
        return Plan(waits_for_channel=True)

    async def _hold(self, tx: AsyncConnection, row: Row[Any], timing: OrderTiming, now: datetime) -> Held:
        """Make sure that stock is held; an order whose lock ended tries again (late payment: honoured if left)."""
        if row.presale:
            claim = presale.Claim(row.key, timing.lock_until(now), timing)
            return Held(tuple(await presale_orders.ensure(tx, claim, now)))
        if before := await stock.open_reservations(tx, row.key):
            return Held(before=tuple(before))
        buyer = Buyer(row.key, row.buyer_index, row.ip_index)
        asking = Asking(buyer, paid=True, until=timing.lock_until(now), profile=self._profile)
        wanted = await stock.ever_held(tx, row.key) or await orders.demands(tx, row.key)
        return await order_stock.hold(tx, asking, wanted, now)

    async def _choose(self, tx: AsyncConnection, key: str, held: Held, province: str) -> WarehouseOffer | None:
        wanted = held.before or await stock.open_reservations(tx, key)
        return choose_warehouse(await stock.offers(tx, list(per_sku(wanted))), wanted, province)

    async def _short(self, tx: AsyncConnection, row: Row[Any], held: Held, now: datetime) -> Plan:
        """Let an order wait for stock: it stands in line, and is woken when it can be served (store/waiting.py)."""
        key, names = row.key, [*held.short] or ["no warehouse holds all lines"]
        wanted = await bundles.expanded(tx, await orders.demands(tx, key))
        await waiting.join(tx, row, wanted, holds=not held.short)
        plan = Plan(short=names, stopped=held.stopped)
        reason = await waiting.reason(tx, names, stopped=held.stopped)
        if row.stuck_reason == reason[:500]:
            return plan
        await tx.execute(
            _STATUS, {"key": key, "status": OrderStatus.PAID.value, "logistics": LogisticsStatus.NONE.value}
        )
        await orders.set_wait(tx, key, Wait(WaitFor.BREAKER if held.stopped else WaitFor.STOCK, now))
        await orders.set_stuck(tx, key, reason)
        if not held.stopped:  # of a sale that is stopped one alert tells, for all its orders
            await alerts.raise_alert(tx, NewAlert(SHORT_ALERT, Level.WARNING, key, f"paid, but {reason}"), now)
        await audit.write(tx, "stock.parked" if held.stopped else "stock.short", key, now, skus=names)
        return plan

    async def _allocate(self, tx: AsyncConnection, row: Row[Any], ship: _Ship, now: datetime) -> Plan:
        key, offer, ship_by = row.key, ship.offer, ship.by
        if row.presale:  # it was promised for later, or for earlier than it was paid
            ship_by = max(ship_by, (await presale.promised(tx, key))[0] or ship_by)
        full = fulfillment_no(f"{row.channel}-{row.shop}-{row.no}", ship.part)
        names = {"no": fulfillment_no(row.no, ship.part), "full": full}
        place = {"key": key, "warehouse": offer.code, "carrier": offer.carrier, "now": now}
        no = (await tx.execute(_PLAN, names | place)).scalar_one()
        await stock.allocate(tx, key, no, offer.code, now)
        held = f"held: {row.hold_reason}"[:500] if row.hold_reason else ""
        if ship.told_short:
            await alerts.clear(tx, key, now, SHORT_ALERT)
        where = {"inbox_id": row.channel_inbox_id, "warehouse": offer.code, "fulfillments": [no]}
        noted = audit.entry("order.planned", key, now, **where)
        await tx.execute(_ALLOCATED, noted | {"ship_by": ship_by, "held": held})
        return Plan([no], ship_by=ship_by)


def _is_paid(row: Row[Any]) -> bool:
    return EVENT_OF[ChannelStatus(row.channel_status)] is OrderEvent.PAID


async def _held(tx: AsyncConnection, row: Row[Any], reasons: list[str], now: datetime) -> Plan:
    """Hold an order for review (FUL-9): its stock stays reserved, a person releases or cancels it."""
    words = f"to be reviewed: {', '.join(reasons)}"
    if row.stuck_reason != words:
        await tx.execute(_HOLD, {"key": row.key, "reason": words})
        await orders.set_stuck(tx, row.key, words)
        await orders.set_wait(tx, row.key, Wait(WaitFor.OPERATOR, now))
        await alerts.raise_alert(tx, NewAlert("review", Level.WARNING, row.key, words), now)
        await audit.write(tx, "order.held", row.key, now, reasons=reasons)
    return Plan(held=words)
