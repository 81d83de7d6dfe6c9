"""Applying one observation: the table from what was seen to the file that books it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import OrderHinted, OrderObserved, ParcelTracked, ProcessReported
from store.observations import Taken
from store.order_intake import Booking, apply_order
from store.reread import ask
from store.shipment_intake import apply_process, apply_shipment
from store.tracking_intake import apply_track


async def book(tx: AsyncConnection, taken: Taken, booking: Booking) -> str:
    """Book one observation; return what became of it. Raises NotYet when its facts are still to come."""
    seen = taken.seen
    if isinstance(seen, OrderObserved):
        return await apply_order(tx, booking, seen, taken.inbox_id)
    if isinstance(seen, OrderHinted):
        return await ask(tx, seen, booking.now)
    if isinstance(seen, ProcessReported):
        return await apply_process(tx, seen, taken.inbox_id)
    if isinstance(seen, ParcelTracked):
        return await apply_track(tx, booking.ring, seen, taken.inbox_id, booking.now)
    return await apply_shipment(tx, seen, taken.inbox_id, booking.now)
