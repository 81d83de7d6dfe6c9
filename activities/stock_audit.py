"""One look of the running audit of stock: what differs twice is set right, what nobody waits for is freed (INV-2)."""

from datetime import datetime, timedelta

from temporalio import activity

from activities.failures import fact_failures
from activities.ports import Engine, StockAudit
from domain.stock_audit import Audited


class AuditActivities:
    """Looks at the books of stock and at the orders that hold it."""

    def __init__(self, books: StockAudit, engine: Engine) -> None:
        self._books = books
        self._engine = engine

    @activity.defn
    async def audit_stock(self, grace_seconds: float, now: datetime) -> Audited:
        """Make one look; holds that ended less than `grace_seconds` ago are their workflows' own business.

        What was wrong in one look only may be work under way, so it is watched; the next look believes it. Has no undo:
        a repair is what the books should have said.
        """
        with fact_failures():
            checked, drifted, believed = await self._books.look(now)
            repaired = await self._books.repair(believed, now)
            lost = await self._lost(now - timedelta(seconds=grace_seconds), now)
            orders = [*await self._books.closed_holders(now), *lost]
            for key in orders:
                await self._books.free(key, now)
            audited = Audited(checked, drifted, repaired, len(orders))
            await self._books.keep(audited, now)
            return audited

    async def _lost(self, before: datetime, now: datetime) -> list[str]:
        """Ask the engine for each order whose hold is long over; give those that no workflow ran for, twice."""
        suspects = await self._books.expired(before)
        return await self._books.lost([key for key in suspects if not await self._engine.runs(key)], now)
