"""Alerts in SQL: raised once per key, cleared when their cause is gone. Who else hears of one, `messages` says."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.messages import CRITICAL, NOTE, WARNING, Saying
from store import alert_rows, messaging
from store.alert_rows import Level as Level
from store.alert_rows import NewAlert as NewAlert

_REWORD = text("UPDATE alert SET words = :words, level = :level WHERE key = :key AND cleared_at IS NULL")
_LOCK = text("SELECT FROM alert WHERE key = :key AND cleared_at IS NULL FOR UPDATE")
_CLEAR = text(
    """
    UPDATE alert SET cleared_at = :now, cleared_by = :by
    WHERE subject = :subject AND cleared_at IS NULL AND (CAST(:kind AS text) IS NULL OR kind = :kind)
    RETURNING kind
    """
)
_OVER = text(
    """
    UPDATE alert SET cleared_at = :now
    WHERE kind = ANY(:kinds) AND cleared_at IS NULL AND NOT key = ANY(:keys)
    """
)

LOUDNESS = {Level.CRITICAL: CRITICAL, Level.WARNING: WARNING, Level.NOTE: NOTE}


async def raise_alert(tx: AsyncConnection, alert: NewAlert, now: datetime) -> None:
    """Raise an alert unless the same one is open; a new one is told to whom the settings name for it (OPS-3)."""
    if await alert_rows.put(tx, alert, now):
        facts = {"words": alert.words[:500], "alert": alert.kind}
        key = said_of(alert.key, now)
        saying = Saying(f"alert.{alert.kind}", key, alert.subject, LOUDNESS[alert.level], facts=facts)
        await messaging.say_if_ruled(tx, saying, now)


def said_of(key: str, raised_at: datetime) -> str:
    """Name what is said of one opening of an alert, so that who was told of it can be found."""
    return f"alert:{key}:{raised_at.astimezone(UTC).isoformat()}"


async def lock(tx: AsyncConnection, key: str) -> None:
    """Let nobody else reword an open alert until this transaction ends."""
    await tx.execute(_LOCK, {"key": key})


async def reword(tx: AsyncConnection, alert: NewAlert, words: str) -> None:
    """Say anew what an open alert is about, and how bad it is: how many wait by now, for how long."""
    await tx.execute(_REWORD, {"key": alert.key, "words": words[:500], "level": alert.level.value})


async def settle(tx: AsyncConnection, found: Iterable[NewAlert], judged: Iterable[str], now: datetime) -> None:
    """Bring the open alerts of these kinds in line with one look: raised, reworded while they last, cleared after."""
    due = sorted(found, key=lambda alert: alert.key)  # always in the same order of rows
    for alert in due:
        await raise_alert(tx, alert, now)
        await reword(tx, alert, alert.words)
    await tx.execute(_OVER, {"kinds": sorted(judged), "keys": [alert.key for alert in due], "now": now})


async def clear(tx: AsyncConnection, subject: str, now: datetime, kind: str | None = None, by: str = "") -> list[str]:
    """Clear the open alerts of a subject, all or those of one kind; return the kinds that were open.

    `by`: who said that the cause is gone; empty when it was seen to be.
    """
    cleared = await tx.execute(_CLEAR, {"subject": subject, "now": now, "kind": kind, "by": by})
    return sorted(row.kind for row in cleared)
