"""Marks on an order: stuck, held, late, too late to cancel. Implements the rest of activities/ports.py: OrderFacts."""

from datetime import datetime, timedelta

from sqlalchemy import text

from domain.orders import OrderEvent
from domain.waits import Wait, WaitFor
from store import alerts, audit, case_stop, orders
from store.alerts import Level, NewAlert
from store.database import Database

_HOLD = text("UPDATE orders SET hold_reason = :reason WHERE key = :key AND hold_reason = ''")
_RELEASE = text("UPDATE orders SET hold_reason = '', hold_cleared_by = :actor WHERE key = :key")
_TAKE_AGAIN = text("UPDATE orders SET unstocked = '' WHERE key = :key AND unstocked <> ''")
_LATE = text("UPDATE orders SET late_stage = :stage WHERE key = :key AND late_stage < :stage")

LATE = {
    1: (Level.WARNING, "the ship-by time is near and it has not shipped"),
    2: (Level.CRITICAL, "the ship-by time has passed and it has not shipped: tell the warehouse and the buyer"),
}


_WAITING = text(
    """
    SELECT key, stage FROM (
        SELECT key, late_stage, wait_until, CASE WHEN wait_until <= :now THEN 2 ELSE 1 END AS stage FROM orders
        WHERE closed_at IS NULL AND wait_for = 'warehouse' AND shipped_at IS NULL AND wait_until <= :soon) one
    WHERE late_stage < stage ORDER BY wait_until LIMIT :most
    """
)
MOST_WARNED = 200


class SqlOrderMarks:
    """What people and deadlines write on an order; each method is one transaction, harmless when repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def park(self, key: str, reason: str, now: datetime) -> None:
        """Mark an order as stuck: it waits for an operator."""
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            if row.stuck_reason == reason[:500] and row.wait_for == WaitFor.OPERATOR:
                return
            await orders.set_stuck(tx, key, reason)
            await orders.set_wait(tx, key, Wait(WaitFor.OPERATOR, now))
            await alerts.raise_alert(tx, NewAlert("stuck", Level.WARNING, key, reason), now)
            await audit.write(tx, "order.stuck", key, now, reason=reason)

    async def resume(self, key: str, actor: str, choice: str, now: datetime) -> None:
        """Clear the mark after an operator decided; a release lets the review pass, and stock is taken again."""
        async with self._database.transaction() as tx:
            if not (await orders.must_lock(tx, key)).stuck:
                return
            if choice == "release":
                await tx.execute(_RELEASE, {"key": key, "actor": actor})
            await tx.execute(_TAKE_AGAIN, {"key": key})
            await orders.set_stuck(tx, key, "")
            await alerts.clear(tx, key, now)
            await audit.write(tx, f"order.{choice}", key, now, actor=actor)

    async def hold(self, key: str, reason: str, actor: str, now: datetime) -> None:
        """Hold an order because an operator said so."""
        async with self._database.transaction() as tx:
            await orders.must_lock(tx, key)
            if (await tx.execute(_HOLD, {"key": key, "reason": reason[:500]})).rowcount:
                await orders.set_stuck(tx, key, f"held: {reason}")
                await audit.write(tx, "order.held", key, now, actor=actor, reason=reason)

    async def release(self, key: str, actor: str, now: datetime) -> None:
        """End an operator's hold."""
        async with self._database.transaction() as tx:
            if not (await orders.must_lock(tx, key)).hold_reason:
                return
            await tx.execute(_RELEASE, {"key": key, "actor": actor})
            await orders.set_stuck(tx, key, "")
            await audit.write(tx, "order.released", key, now, actor=actor)

    async def warn_late(self, key: str, stage: int, now: datetime) -> None:
        """Warn before the ship-by time (1), escalate after it (2); each once (FUL-11)."""
        level, words = LATE[stage]
        async with self._database.transaction() as tx:
            await orders.must_lock(tx, key)
            if (await tx.execute(_LATE, {"key": key, "stage": stage})).rowcount:
                await alerts.raise_alert(tx, NewAlert(f"ship_by_{stage}", level, key, words), now)
                await audit.write(tx, "order.late", key, now, stage=stage)

    async def warn_waiting(self, warning_seconds: float, now: datetime) -> int:
        """Warn of orders that no warehouse has taken yet as of those that wait there; give how many (FUL-11, I-8).

        Their workflows are busy with the push, however long it takes, and warn only afterwards.
        """
        soon = now + timedelta(seconds=warning_seconds)
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_WAITING, {"now": now, "soon": soon, "most": MOST_WARNED})).all()
        for row in rows:
            await self.warn_late(row.key, row.stage, now)
        return len(rows)

    async def too_late(self, key: str, reason: str, now: datetime) -> None:
        """Note that a cancellation came after the goods had left: it ships on, a person opens a case or has one."""
        words = f"{reason}, but the warehouse had shipped it: intercept the parcel or open a case"
        async with self._database.transaction() as tx:
            row = await orders.must_lock(tx, key)
            waiting = await case_stop.is_asked(tx, key)
            if not await case_stop.too_late(tx, key, now) and (waiting or reason != OrderEvent.REDUCED):
                await alerts.raise_alert(tx, NewAlert("too_late", Level.CRITICAL, key, words), now)
            if row.shipped_at is None:
                await orders.set_wait(tx, key, Wait(WaitFor.SHIPMENT, now, row.ship_by))
            await audit.write(tx, "order.too_late", key, now, reason=reason)
