"""Says that what shops see of a SKU may have changed although no counter did; a line in the ledger says it by itself.

Pools, bundles, breakers, listings and the stock rules signal through triggers. This is for facts that are yet to come.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

KEPT = timedelta(days=1)
"""Whoever has not looked for longer looks at everything anew."""

_TOUCH = text("INSERT INTO stock_signal (sku) SELECT unnest(CAST(:skus AS text[]))")
_PURGE = text("DELETE FROM stock_signal WHERE at < :before")


async def touch(tx: AsyncConnection, skus: Iterable[str]) -> None:
    """Let every shop that sells one of these SKUs, or a bundle with one in it, be looked at anew."""
    await tx.execute(_TOUCH, {"skus": sorted(set(skus))})


async def touch_all(tx: AsyncConnection) -> None:
    """Let every listing of every shop be looked at anew."""
    await tx.execute(_TOUCH, {"skus": [""]})


async def purge(tx: AsyncConnection, now: datetime) -> None:
    """Forget signals that everybody has seen."""
    await tx.execute(_PURGE, {"before": now - KEPT})
