"""What is still to come, what of it may still be sold, and how often presale orders left as promised (INV-4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from domain.presale import on_time_percent, sellable
from store import presale
from store.database import Database

_SUPPLIES = text(
    """
    SELECT s.code, s.sku, s.supplier, s.state, s.quantity, s.arrived, s.due_on, s.first_due_on, s.reason,
        coalesce((SELECT sum(quantity - converted) FROM presale_hold h
            WHERE h.supply = s.code AND h.state = 'open'), 0)::int AS held,
        (SELECT count(DISTINCT order_key) FROM presale_hold h WHERE h.supply = s.code AND h.state = 'open') AS orders
    FROM presale_supply s ORDER BY s.state IN ('arrived', 'closed'), s.due_on, s.code LIMIT :most
    """
)
# By the promise that was made first: a later one mends nothing. What has not left yet counts once that has passed.
_ON_TIME = text(
    """
    SELECT count(*) FILTER (WHERE shipped_at <= promised) AS on_time,
        count(*) FILTER (WHERE coalesce(shipped_at, :now) > promised) AS late
    FROM (
        SELECT o.shipped_at, max(h.first_promised_at) AS promised
        FROM presale_hold h JOIN orders o ON o.key = h.order_key
        WHERE h.state <> 'released' AND o.payment_status = 'paid' AND o.status <> 'closed'
            AND o.placed_at >= :since
        GROUP BY o.key, o.shipped_at) one
    """
)


@dataclass(frozen=True, slots=True)
class SupplyRow:
    """One supply: its units, those that orders wait for, and how many orders do."""

    code: str
    sku: str
    supplier: str
    state: str
    quantity: int
    arrived: int
    due_on: datetime
    first_due_on: datetime
    reason: str
    held: int
    orders: int


@dataclass(frozen=True, slots=True)
class OnTime:
    """How many presale orders left by their first promise, and how many did not; the target is 98.5 %."""

    on_time: int
    late: int

    @property
    def percent(self) -> float | None:
        """Give the share in percent; None before there is any order to judge."""
        return on_time_percent(self.on_time, self.late)


class PresaleReads:
    """Answers questions about presale."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def supplies(self, most: int = 200) -> list[SupplyRow]:
        """List supplies, those still to come first."""
        async with self._database.transaction() as tx:
            return [SupplyRow(**row._mapping) for row in await tx.execute(_SUPPLIES, {"most": most})]

    async def sellable(self, skus: Sequence[str]) -> dict[str, int]:
        """Give what a channel may still sell as presale of each SKU = supply - holds."""
        async with self._database.transaction() as tx:
            coming = await presale.coming(tx, skus)
            return {
                sku: sellable([one for one in coming if one.sku == sku], await presale.queue(tx, sku)) for sku in skus
            }

    async def on_time(self, since: datetime, now: datetime) -> OnTime:
        """Count the presale orders placed since then by whether they left as first promised."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ON_TIME, {"since": since, "now": now})).one()
            return OnTime(row.on_time, row.late)
