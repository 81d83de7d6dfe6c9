"""Parcels that nobody has heard of for a while. Implements activities/ports.py: Tracking (LOG-1, INT-17).

The answer to a query goes the same way as a push: into the inbox, then through apply.
"""

from datetime import datetime, timedelta

from sqlalchemy import text

from domain.observations import ParcelTracked
from domain.outgoing import Call
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing

_DUE = text(
    """
    UPDATE parcel SET next_query_at = :next_at
    WHERE (carrier, waybill_no) IN (
        SELECT carrier, waybill_no FROM parcel
        WHERE signed_at IS NULL AND next_query_at <= :now AND coalesce(heard_at, shipped_at) <= :quiet
        ORDER BY next_query_at FOR UPDATE SKIP LOCKED LIMIT :most)
    RETURNING carrier, waybill_no, order_key, shipped_at
    """
)
_AGAIN = text(
    """
    UPDATE parcel SET next_query_at = least(next_query_at, :next_at)
    WHERE carrier = :carrier AND waybill_no = :waybill_no
    """
)


class SqlTracking:
    """Which parcels to ask about, every `period_seconds`."""

    def __init__(self, database: Database, ring: KeyRing, period_seconds: float) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._period = timedelta(seconds=period_seconds)

    async def due(self, vendor: str, shop: str, now: datetime, most: int) -> list[Call]:
        """Take the unsigned parcels of which nothing was heard for a period; ask again after another one."""
        values = {"now": now, "next_at": now + self._period, "quiet": now - self._period, "most": most}
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_DUE, values)).all()
        return [
            Call(0, f"track:{row.carrier}:{row.waybill_no}", row.order_key, dict(row._mapping), 0, row.shipped_at)
            for row in rows
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
