"""Alerts of the watch in SQL: raised, reworded while they last, cleared when a look no longer finds them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.watch import OVERSIZE, AlertLimits, Finding
from store import alerts
from store.alerts import Level, NewAlert

_PAST = text("UPDATE alert SET cleared_at = :now WHERE kind = :kind AND cleared_at IS NULL AND raised_at < :before")


async def settle(
    tx: AsyncConnection, found: list[Finding], judged: Iterable[str], limits: AlertLimits, now: datetime
) -> None:
    """Bring the open alerts in line with one look; every worker may.

    What one process alone has seen (a payload near the limit) is over after a while, whoever looks.
    """
    await alerts.settle(tx, map(_alert, found), judged, now)
    before = now - timedelta(seconds=limits.oversize_window_seconds)
    await tx.execute(_PAST, {"kind": OVERSIZE, "before": before, "now": now})


def _alert(finding: Finding) -> NewAlert:
    level = Level.CRITICAL if finding.critical else Level.WARNING
    return NewAlert(finding.kind, level, finding.subject, finding.words)
