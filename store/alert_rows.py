"""The row of an alert: its shape and its insertion. Who else hears of it is not decided here (store/alerts.py)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_RAISE = text(
    """
    INSERT INTO alert (key, kind, level, subject, words, raised_at)
    VALUES (:key, :kind, :level, :subject, :words, :now)
    ON CONFLICT (key) WHERE cleared_at IS NULL DO NOTHING
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


async def put(tx: AsyncConnection, alert: NewAlert, now: datetime) -> bool:
    """Write an alert unless the same one is open; say whether it is news."""
    values = {"kind": alert.kind, "level": alert.level.value, "subject": alert.subject, "words": alert.words[:500]}
    return bool((await tx.execute(_RAISE, values | {"key": alert.key, "now": now})).rowcount)
