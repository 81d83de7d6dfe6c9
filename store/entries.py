"""Telling warehouse systems what will arrive: one outgoing call per inbound shipment or transfer."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.inbound import Entry
from domain.outgoing import Queue
from store import outgoing
from store.places import Place

KIND = "entry"


async def announce(tx: AsyncConnection, place: Place, entry: Entry, now: datetime) -> None:
    """Ask for the call once; a place without a warehouse system is not told."""
    if not place.has_wms:
        return
    payload: dict[str, Any] = {
        "at": now.isoformat(),
        "no": entry.no,
        "warehouse": entry.warehouse,
        "transfer": entry.transfer,
        "supplier": entry.supplier,
        "created_at": entry.created_at.isoformat(),
        "eta": entry.eta.isoformat() if entry.eta else "",
        "lines": [[line.sku, line.quantity] for line in entry.lines],
    }
    about = f"{'transfer' if entry.transfer else 'inbound'}:{entry.no}"
    await outgoing.add(tx, Queue(KIND, place.vendor, place.shop), f"entry:{entry.no}", about, payload)
