"""Alerts of the completeness ledger: gaps that do not heal, and platforms that cannot be asked."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.completeness import RollSource
from store import alerts
from store.alerts import Level, NewAlert

GAP, UNASKED = "gap", "roll"

_RED = text(
    """
    SELECT count(*) AS windows, coalesce(sum(missing), 0) AS missing, min(starts_at) AS oldest, max(reason) AS reason,
        (SELECT string_agg(no, ', ') FROM (
            SELECT DISTINCT n.no FROM roll_number n JOIN roll_check c USING (vendor, shop, kind, starts_at)
            WHERE c.vendor = :vendor AND c.shop = :shop AND c.state = '1-red' AND n.fault = 'missing'
                AND n.settled_at IS NULL ORDER BY n.no LIMIT 5) first) AS nos
    FROM roll_check WHERE vendor = :vendor AND shop = :shop AND state = '1-red'
    """
)


async def settle(tx: AsyncConnection, source: RollSource, now: datetime) -> None:
    """Tell of a shop's gaps that did not heal in time, once, with words that stay true; clear when there are none."""
    where = f"{source.vendor}/{source.shop}"
    row = (await tx.execute(_RED, {"vendor": source.vendor, "shop": source.shop})).one()
    if not row.windows:
        await alerts.clear(tx, where, now, GAP)
        return
    what = f"{row.missing} orders are missing since {row.oldest:%Y-%m-%d %H:%M} UTC"
    words = f"{what}: {row.nos}" if row.nos else what
    words += f" ({row.reason})" if row.reason else ""
    alert = NewAlert(GAP, Level.CRITICAL, where, f"{words}. They are asked for again and again; see oms completeness")
    await alerts.raise_alert(tx, alert, now)
    await alerts.reword(tx, alert, alert.words)


async def unasked(tx: AsyncConnection, source: RollSource, reason: str, now: datetime) -> None:
    """Tell that a platform does not say which orders it has: nothing is proven until it does."""
    words = f"it does not say which orders it has, so nothing is proven: {reason}"
    await alerts.raise_alert(tx, NewAlert(UNASKED, Level.WARNING, f"{source.vendor}/{source.shop}", words), now)
