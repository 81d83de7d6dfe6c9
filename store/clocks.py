"""Times that are off (INT-12): tells, once per account until it is cleared, whose clock or zone somebody should check.

An old time is normal when a message is late, so of orders only a time in the future is told; how old a push is when it
is sent, its sender knows, and a list was asked for a window.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import drift
from domain.observations import OrderHinted, OrderObserved
from domain.pulling import Page, PullSource, Window
from store import alerts
from store.alerts import Level, NewAlert

ALERT = "drift"


async def watch_sender(tx: AsyncConnection, source: str, shop: str, drift_seconds: float | None, now: datetime) -> None:
    """Tell of a push whose own time of sending is far from ours, before or behind."""
    if drift_seconds is not None and drift.off(drift_seconds):
        await _tell(tx, source, shop, f"a push says it was sent {drift.words(drift_seconds)}", now)


async def watch_order(tx: AsyncConnection, seen: OrderObserved, now: datetime) -> None:
    """Tell of an order that was changed in the future; one from the past is only late."""
    if is_ahead(seen, now):
        ahead = (now - seen.vendor_time).total_seconds()
        await _tell(tx, seen.channel, seen.shop, f"order {seen.no} was changed {drift.words(ahead)}", now)


def is_ahead(seen: OrderObserved, now: datetime) -> bool:
    """Say whether an order was changed in a future that deserves a word."""
    ahead = (now - seen.vendor_time).total_seconds()
    return ahead < 0 and drift.off(ahead)


async def watch_page(tx: AsyncConnection, source: PullSource, window: Window, page: Page, now: datetime) -> None:
    """Tell of a list that gives orders whose times lie outside of what was asked for: somebody reads another zone."""
    for seen in page.observations:
        if isinstance(seen, OrderObserved | OrderHinted):
            behind = (window.start - seen.vendor_time).total_seconds()
            ahead = (window.end - seen.vendor_time).total_seconds()
            seconds = behind if behind > 0 else min(ahead, 0.0)
            if drift.off(seconds):
                what = f"a list gave order {seen.no} as changed {drift.words(seconds)}"
                await _tell(tx, source.vendor, source.shop, what, now)
                return


async def _tell(tx: AsyncConnection, source: str, shop: str, what: str, now: datetime) -> None:
    subject = f"clock:{source}/{shop}"
    words = f"{what}. Check the clocks, and the zone of the shop; then: oms alert clear {subject}"
    await alerts.raise_alert(tx, NewAlert(ALERT, Level.WARNING, subject, words), now)
