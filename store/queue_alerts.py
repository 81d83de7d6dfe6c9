"""The alert of a vendor's queue that cannot be reached: what waits there stays there, and comes when it is back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from store import alerts
from store.alerts import Level, NewAlert

QUEUE = "queue"


async def away(tx: AsyncConnection, account: tuple[str, str], since: datetime, reason: str, now: datetime) -> None:
    """Tell that a queue is out of reach."""
    words = (
        f"its message queue is out of reach since {since:%Y-%m-%d %H:%M} UTC: {reason}. What waits there stays there"
    )
    await alerts.raise_alert(tx, NewAlert(QUEUE, Level.CRITICAL, "/".join(account), words), now)


async def back(tx: AsyncConnection, account: tuple[str, str], now: datetime) -> None:
    """Clear it."""
    await alerts.clear(tx, "/".join(account), now, QUEUE)
