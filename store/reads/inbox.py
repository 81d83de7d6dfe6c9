"""Messages as people look at them: accepted, unreadable, unverified, or set aside by apply. Bodies stay sealed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from store.database import Database
from store.reads.pages import FIRST, PAGE_ROWS, Page, Place, cut, make_mark, read_mark

STATES = ("accepted", "unparsable", "unverified", "failed", "unmapped")

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
_NAMES = "kind, id, source, shop, way, received_at, state, about, reason, drift_seconds"


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the tables that the list is made of: its select, where a filter finds what it asks for, its states."""

    kind: str
    select: str
    source: str
    shop: str
    received_at: str
    id: str
    states: dict[str, str]


SET_ASIDE = "o.state IN ('failed', 'unmapped')"
_PARTS = [
    _Part(
        "",
        "SELECT '' AS kind, id, source, shop, way, received_at, state, key AS about, reason, drift_seconds FROM inbox",
        "source",
        "shop",
        "received_at",
        "id",
        {"accepted": "state = 'accepted'", "unparsable": "state = 'unparsable'", "superseded": "state = 'superseded'"},
    ),
    _Part(
        "o",
        "SELECT 'o', o.id, i.source, i.shop, i.way, i.received_at, o.state, o.subject,"
        " CASE WHEN o.state = 'unmapped' THEN 'unknown status code ' || o.raw_status ELSE o.reason END, NULL"
        " FROM observation o JOIN inbox i ON i.id = o.inbox_id",
        "i.source",
        "i.shop",
        "i.received_at",
        "o.id",
        {"failed": "o.state = 'failed'", "unmapped": "o.state = 'unmapped'"},
    ),
    _Part(
        "u",
        "SELECT 'u', id, source, shop, 'push', received_at,"
        " CASE WHEN replayed_at IS NULL THEN 'unverified' ELSE 'replayed' END, '', reason, NULL"
        " FROM unverified",
        "source",
        "shop",
        "received_at",
        "id",
        {"unverified": "replayed_at IS NULL", "replayed": "replayed_at IS NOT NULL"},
    ),
]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message in a list. Its name is kind + id: 12 is of the inbox, u12 unverified, o12 could not be booked."""

    kind: str
    id: int
    source: str
    shop: str
    way: str
    received_at: datetime
    state: str
    about: str
    reason: str
    drift_seconds: float | None

    @property
    def name(self) -> str:
        """The name by which people speak of it."""
        return f"{self.kind}{self.id}"


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages to show; what is not given does not matter. `state`: one of STATES, superseded or replayed."""

    state: str | None = None
    source: str | None = None
    shop: str | None = None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message with what apply made of its parts."""

    message: Row[Any]
    observations: list[Row[Any]]


class InboxReads:
    """Answers questions about messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, wanted: MessageFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[MessageRow]:
        """List messages, newest first; one that failed to be booked is listed once more as its observation."""
        values: dict[str, Any] = {"most": rows + 1, "source": wanted.source, "shop": wanted.shop}
        if place.mark:
            values["at"], values["kind"], values["id"] = read_mark(place.mark, datetime, str, int)
        parts = [_part(part, wanted, place) for part in _PARTS if wanted.state is None or wanted.state in part.states]
        if not parts:
            return Page([])
        way = "ASC" if place.back else "DESC"
        order = f"ORDER BY received_at {way}, kind {way}, id {way} LIMIT :most"
        statement = text(f"SELECT * FROM ({' UNION ALL '.join(parts)}) one ({_NAMES}) {order}")  # noqa: S608  (our own words)
        used = {name: value for name, value in values.items() if f":{name}" in statement.text}
        async with self._database.transaction() as tx:
            found = [MessageRow(*row) for row in await tx.execute(statement, used)]
        return cut(found, place, lambda row: make_mark(row.received_at, row.kind, row.id), rows)

    async def page(self, inbox_id: int) -> MessagePage | None:
        """Read one message of the inbox."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_INBOX, {"id": inbox_id})).one_or_none()
            return MessagePage(row, [*await tx.execute(_OBSERVATIONS, {"id": inbox_id})]) if row else None

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


def _part(part: _Part, wanted: MessageFilter, place: Place) -> str:
    """Write one table's share: its own newest rows of the page, found by index."""
    conditions = [part.states[wanted.state]] if wanted.state else [SET_ASIDE] if part.kind == "o" else []
    conditions += [f"{part.source} = :source"] if wanted.source else []
    conditions += [f"{part.shop} = :shop"] if wanted.shop else []
    beyond, way = (">", "ASC") if place.back else ("<", "DESC")
    if place.mark:
        # The first condition bounds the index; the second tells apart what came at the same time.
        conditions.append(f"{part.received_at} {beyond}= :at")
        conditions.append(f"({part.received_at}, '{part.kind}', {part.id}) {beyond} (:at, :kind, :id)")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"({part.select} {where} ORDER BY {part.received_at} {way}, {part.id} {way} LIMIT :most)"
