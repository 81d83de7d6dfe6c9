"""Parcels and fulfilment orders that nobody has heard of for a while (activities/ports.py: Tracking; LOG-1, INT-17).

The answer to a query goes the same way as a push: into the inbox, then through apply.
"""

from datetime import datetime, timedelta

from sqlalchemy import text

from domain.observations import ParcelTracked, ShipmentConfirmed
from domain.outgoing import Call
from store import return_parcels
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing

_DUE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT carrier, waybill_no FROM parcel
        WHERE signed_at IS NULL AND next_query_at <= :now AND coalesce(heard_at, shipped_at) <= :quiet
        ORDER BY next_query_at FOR UPDATE SKIP LOCKED LIMIT :most)
    UPDATE parcel SET next_query_at = :next_at
    WHERE (carrier, waybill_no) IN (SELECT carrier, waybill_no FROM due)
    RETURNING carrier, waybill_no, order_key, shipped_at
    """
)
_AGAIN = text(
    """
    UPDATE parcel SET next_query_at = least(next_query_at, :next_at)
    WHERE carrier = :carrier AND waybill_no = :waybill_no
    """
)
_UNSHIPPED = text(
    """
    WITH due AS MATERIALIZED (
        SELECT f.no FROM fulfillment f JOIN warehouse w ON w.code = f.warehouse
        WHERE f.state = 'pushed' AND f.pushed_at <= :quiet AND (f.asked_at IS NULL OR f.asked_at <= :quiet)
            AND w.vendor = :vendor AND w.shop = :shop
        ORDER BY f.pushed_at FOR UPDATE OF f SKIP LOCKED LIMIT :most)
    UPDATE fulfillment SET asked_at = :now
    WHERE no IN (SELECT no FROM due)
    RETURNING no, order_key, warehouse, pushed_at
    """
)
_ANSWERED = text("UPDATE fulfillment SET asked_at = :now WHERE no = :no AND state = 'pushed'")
PERIODS_AFTER_ANSWER = 10
"""An answer that is kept needs no second question soon: it is booked when its turn comes."""


class SqlTracking:
    """Which parcels to ask about, every `period_seconds`, and which fulfilment orders, every `warehouse_seconds`."""

    def __init__(
        self, database: Database, ring: KeyRing, period_seconds: float, warehouse_seconds: float = 7200.0
    ) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._period = timedelta(seconds=period_seconds)
        self._warehouse_period = timedelta(seconds=warehouse_seconds)

    async def due(self, vendor: str, shop: str, now: datetime, most: int) -> list[Call]:
        """Take the unsigned parcels of which nothing was heard for a period; ask again after another one."""
        values = {"now": now, "next_at": now + self._period, "quiet": now - self._period, "most": most}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_DUE, values)).all()
            back = await return_parcels.due(tx, now, self._period, max(0, most - len(rows)))
        return [
            Call(0, f"track:{row.carrier}:{row.waybill_no}", row.order_key, dict(row._mapping), 0, row.shipped_at)
            for row in (*rows, *back)
        ]

    async def again(self, call: Call, next_at: datetime) -> None:
        """Ask about a parcel once more before its next turn: this time nobody answered."""
        place = {name: call.payload[name] for name in ("carrier", "waybill_no")}
        async with self._database.transaction() as tx:
            await tx.execute(_AGAIN, place | {"next_at": next_at})

    async def heard(self, vendor: str, shop: str, seen: ParcelTracked, raw: bytes, now: datetime) -> None:
        """Store an answer as received (INT-11) unless it says what was stored before."""
        last = max((trace.at for trace in seen.traces), default=None)
        key = f"query:{seen.carrier}:{seen.waybill_no}:{seen.raw_state}.{seen.raw_substate}:{last}"
        arrival = Arrival(vendor, shop, "pull", {"content-type": "application/json"}, raw, now)
        await self._inbox.accept(arrival, key, None, (seen,))

    async def unshipped(self, vendor: str, shop: str, now: datetime, most: int) -> list[Call]:
        """Take the fulfilment orders that a warehouse account has had for a period and not wholly shipped.

        Its confirm may have got lost on the way: ask, and ask again after another period.
        """
        values = {"vendor": vendor, "shop": shop, "now": now, "quiet": now - self._warehouse_period, "most": most}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_UNSHIPPED, values)).all()
        return [Call(0, f"inquire:{row.no}", row.order_key, dict(row._mapping), 0, row.pushed_at) for row in rows]

    async def confirmed(self, vendor: str, shop: str, seen: ShipmentConfirmed, raw: bytes, now: datetime) -> None:
        """Store a warehouse's answer as received (INT-11), the same one once; apply books what left the house."""
        arrival = Arrival(vendor, shop, "pull", {"content-type": "text/xml"}, raw, now)
        await self._inbox.accept(arrival, f"query:{seen.fulfillment_no}:{seen.confirm_id}", None, (seen,))
        if seen.final:
            later = now + PERIODS_AFTER_ANSWER * self._warehouse_period
            async with self._database.transaction() as tx:
                await tx.execute(_ANSWERED, {"no": seen.fulfillment_no, "now": later})
