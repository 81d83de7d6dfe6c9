"""Alerts in SQL: raised once per key, cleared when their cause is gone. Who is told, and how, is not decided here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_RAISE = text(
    """
    INSERT INTO alert (key, kind, level, subject, words, raised_at)
    VALUES (:key, :kind, :level, :subject, :words, :now)
    ON CONFLICT (key) DO UPDATE SET raised_at = :now, cleared_at = NULL, words = :words, level = :level
    WHERE alert.cleared_at IS NOT NULL
    """
)
_REWORD = text("UPDATE alert SET words = :words WHERE key = :key AND cleared_at IS NULL")
_CLEAR = text(
    """
    UPDATE alert SET cleared_at = :now
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


class Level(StrEnum):
    """How bad it is; sorts worst first."""

    CRITICAL = "1-critical"
    WARNING = "2-warning"
    NOTE = "3-note"


@dataclass(frozen=True, slots=True)
class NewAlert:
    """What is wrong with what, in words without personal data."""

    kind: str
    level: Level
    subject: str
    words: str

    @property
    def key(self) -> str:
        """One open alert per kind and subject."""
        return f"{self.kind}:{self.subject}"


async def raise_alert(tx: AsyncConnection, alert: NewAlert, now: datetime) -> None:
    """Raise an alert unless the same one is open."""
    values = {"kind": alert.kind, "level": alert.level.value, "subject": alert.subject, "words": alert.words[:500]}
    await tx.execute(_RAISE, values | {"key": alert.key, "now": now})


async def reword(tx: AsyncConnection, alert: NewAlert, words: str) -> None:
    """Say anew what an open alert is about: how many wait by now."""
    await tx.execute(_REWORD, {"key": alert.key, "words": words[:500]})


async def settle(tx: AsyncConnection, found: Iterable[NewAlert], judged: Iterable[str], now: datetime) -> None:
    """Bring the open alerts of these kinds in line with one look: raised, reworded while they last, cleared after."""
    due = sorted(found, key=lambda alert: alert.key)  # always in the same order of rows
    for alert in due:
        await raise_alert(tx, alert, now)
        await reword(tx, alert, alert.words)
    await tx.execute(_OVER, {"kinds": sorted(judged), "keys": [alert.key for alert in due], "now": now})


async def clear(tx: AsyncConnection, subject: str, now: datetime, kind: str | None = None) -> list[str]:
    """Clear the open alerts of a subject, all or those of one kind; return the kinds that were open."""
    cleared = await tx.execute(_CLEAR, {"subject": subject, "now": now, "kind": kind})
    return sorted(row.kind for row in cleared)
