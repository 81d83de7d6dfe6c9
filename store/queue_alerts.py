"""The alerts of a vendor's queue: it cannot be reached, and what waits there stays there; or a message says something
that people should hear of."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from store import alerts
from store.alerts import Level, NewAlert

QUEUE, MESSAGE = "queue", "queue_message"


async def away(tx: AsyncConnection, account: tuple[str, str], since: datetime, reason: str, now: datetime) -> None:
    """Tell that a queue is out of reach."""
    words = (
        f"its message queue is out of reach since {since:%Y-%m-%d %H:%M} UTC: {reason}. What waits there stays there"
    )
    await alerts.raise_alert(tx, NewAlert(QUEUE, Level.CRITICAL, "/".join(account), words), now)


async def back(tx: AsyncConnection, account: tuple[str, str], now: datetime) -> None:
    """Clear it."""
    await alerts.clear(tx, "/".join(account), now, QUEUE)


async def heard(tx: AsyncConnection, account: tuple[str, str], tell: tuple[str, str], now: datetime) -> None:
    """Tell of what a message says, once until somebody clears it."""
    about, words = tell
    await alerts.raise_alert(
        tx, NewAlert(MESSAGE, Level.WARNING, "/".join((*account, about)), f"{about}: {words}"), now
    )
