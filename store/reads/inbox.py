"""Messages as people look at them: accepted, unreadable, unverified, or set aside by apply. Bodies stay sealed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from store.database import Database

_LIST = text(
    """
    SELECT * FROM (
        (SELECT '' AS kind, id, source, shop, way, received_at, state, key AS about, reason, drift_seconds FROM inbox
        WHERE (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:source AS text) IS NULL OR source = :source)
        ORDER BY received_at DESC LIMIT :most)
        UNION ALL
        (SELECT 'u', id, source, shop, 'push', received_at,
            CASE WHEN replayed_at IS NULL THEN 'unverified' ELSE 'replayed' END, '', reason, NULL FROM unverified
        WHERE (CAST(:state AS text) IS NULL OR :state = 'unverified' AND replayed_at IS NULL)
            AND (CAST(:source AS text) IS NULL OR source = :source)
        ORDER BY received_at DESC LIMIT :most)
        UNION ALL
        (SELECT 'o', o.id, i.source, i.shop, i.way, i.received_at, o.state, o.subject,
            CASE WHEN o.state = 'unmapped' THEN 'unknown status code ' || o.raw_status ELSE o.reason END, NULL
        FROM observation o JOIN inbox i ON i.id = o.inbox_id
        WHERE o.state IN ('failed', 'unmapped') AND (CAST(:state AS text) IS NULL OR :state = o.state)
            AND (CAST(:source AS text) IS NULL OR source = :source)
        ORDER BY i.received_at DESC LIMIT :most)
    ) one ORDER BY received_at DESC, kind, id DESC LIMIT :most
    """
)
_INBOX = text("SELECT *, octet_length(raw_sealed) AS size_bytes, NULL AS replayed_at FROM inbox WHERE id = :id")
_UNVERIFIED = text("SELECT *, 'unverified' AS state, '' AS key, 'push' AS way FROM unverified WHERE id = :id")
_OBSERVATIONS = text(
    """
    SELECT id, kind, subject, state, attempts, applied_at,
        CASE WHEN state = 'unmapped' THEN 'unknown status code ' || raw_status ELSE reason END AS reason
    FROM observation WHERE inbox_id = :id ORDER BY part
    """
)
_INBOX_OF = text("SELECT inbox_id FROM observation WHERE id = :id")


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message with what apply made of its parts."""

    message: Row[Any]
    observations: list[Row[Any]]


class InboxReads:
    """Answers questions about messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, state: str | None, source: str | None, most: int) -> list[Row[Any]]:
        """List messages, newest first; one that could not be booked is listed once more as its observation."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_LIST, {"state": state, "source": source, "most": most}))

    async def page(self, inbox_id: int) -> MessagePage | None:
        """Read one message of the inbox."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_INBOX, {"id": inbox_id})).one_or_none()
            return MessagePage(row, list(await tx.execute(_OBSERVATIONS, {"id": inbox_id}))) if row else None

    async def unverified_page(self, message_id: int) -> MessagePage | None:
        """Read one message that could not be verified."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_UNVERIFIED, {"id": message_id})).one_or_none()
            return MessagePage(row, []) if row else None

    async def inbox_of(self, observation_id: int) -> int | None:
        """Say which message an observation came with."""
        async with self._database.transaction() as tx:
            found: int | None = (await tx.execute(_INBOX_OF, {"id": observation_id})).scalar_one_or_none()
            return found
