"""What a presale order holds, line by line: units that are to come, or units that are there (INV-4, FUL-6).

A presale line locks presale stock and never tries what is on hand first; that is left to it only where nothing is to
come any more. A mixed order holds its other lines meanwhile and leaves as a whole (docs/decisions/0018-presale.md).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import ChannelStatus
from domain.orders import OrderStatus
from domain.progress import Balance, Plan
from domain.stock import Demand
from domain.timing import OrderTiming
from domain.waits import Wait, WaitFor
from store import audit, bundles, orders, presale, stock, stock_ledger
from store.presale import Claim

_LINES = text(
    """
    SELECT line_no, sku, quantity - dropped AS quantity, presale FROM order_line
    WHERE order_key = :key AND dropped < quantity ORDER BY sku, line_no
    """
)
_HAS = text(
    """
    SELECT line_no FROM reservation WHERE order_key = :key AND state = 'open'
    UNION SELECT line_no FROM presale_hold WHERE order_key = :key AND state = 'open'
    """
)
_EXTEND = (
    text("UPDATE reservation SET expires_at = :until WHERE order_key = :key AND state IN ('open', 'presale')"),
    text("UPDATE presale_hold SET expires_at = :until WHERE order_key = :key AND state = 'open'"),
)
_WAITS = text("UPDATE orders SET status = :status, logistics_status = 'none', ship_by = :promise WHERE key = :key")


async def ensure(tx: AsyncConnection, wanted: Claim, now: datetime) -> list[str]:
    """Hold whatever lines of an order hold nothing yet; return the SKUs that are short. A repeat changes nothing."""
    rows = (await tx.execute(_LINES, {"key": wanted.key})).all()
    has = {row.line_no for row in await tx.execute(_HAS, {"key": wanted.key})}
    presold = {row.line_no for row in rows if row.presale}
    missing = [Demand(row.line_no, row.sku, row.quantity) for row in rows if row.line_no not in has]
    parts = await _parts(tx, wanted.key, missing)
    await stock_ledger.lock(tx, (part.sku for part in parts))
    to_come: list[Demand] = []
    there: list[Demand] = []
    coming = {one.sku for one in await presale.coming(tx, sorted({part.sku for part in parts})) if one.rest}
    for part in parts:
        (to_come if part.line_no in presold and part.sku in coming else there).append(part)
    short = await presale.hold(tx, wanted, to_come, now) if to_come else []
    return short + (await stock.reserve(tx, wanted.key, there, now, wanted.until) if there else [])


async def _parts(tx: AsyncConnection, key: str, missing: list[Demand]) -> list[Demand]:
    """Expand what is missing; what an order held before says what its bundles were when it came."""
    numbers = {demand.line_no for demand in missing}
    before = [part for part in await stock.ever_held(tx, key) if part.line_no in numbers]
    known = {part.line_no for part in before}
    return before + await bundles.expanded(tx, [demand for demand in missing if demand.line_no not in known])


async def wait_for_goods(tx: AsyncConnection, row: Row[Any], now: datetime) -> Plan | None:
    """Let a paid order wait for its presale goods; None when all of them are there."""
    promise, waits = await presale.promised(tx, row.key)
    if not waits or promise is None:
        return None
    if row.wait_for != WaitFor.PRESALE:
        await tx.execute(_WAITS, {"key": row.key, "status": OrderStatus.PAID.value, "promise": promise})
        await orders.set_stuck(tx, row.key, "")
        await orders.set_wait(tx, row.key, Wait(WaitFor.PRESALE, now, promise))
        await audit.write(tx, "order.presale", row.key, now, promised_at=promise.isoformat())
    return Plan(waits_for_goods=promise)


async def await_balance(tx: AsyncConnection, row: Row[Any], timing: OrderTiming, now: datetime) -> Balance:
    """Hold the goods of an order with a deposit until its balance may be paid no longer."""
    soonest = now + timedelta(seconds=timing.retry_longest_seconds)
    # A deposit of which we hear late must not end at once: the balance may be on its way to us too.
    until = max(balance_until(row.balance_until, row.deposit_at or now, timing), soonest)
    if row.closed_at is not None or row.channel_status != ChannelStatus.DEPOSIT:
        return Balance(paid=True, until=until)  # paid or ended: what comes next reads which
    await stock.lock_skus(tx, row.key)
    short = await ensure(tx, Claim(row.key, until, timing), now)
    for statement in _EXTEND:
        await tx.execute(statement, {"key": row.key, "until": until})
    if row.wait_for != WaitFor.BALANCE:
        await orders.set_wait(tx, row.key, Wait(WaitFor.BALANCE, now, until))
        await audit.write(tx, "order.deposit", row.key, now, until=until.isoformat(), short=short)
    return Balance(paid=False, until=until)


def balance_until(said: datetime | None, deposit_at: datetime, timing: OrderTiming) -> datetime:
    """Say until when a balance may be paid: as the channel says, else so long after the deposit."""
    return said or deposit_at + timedelta(seconds=timing.balance_seconds)
