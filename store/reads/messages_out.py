"""Messages to people as people look at them: what was said to whom, newest first, and the accounts that carry them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from domain.errors import BadInput
from store.database import Database
from store.reads.pages import FIRST, PAGE_ROWS, Page, Place, cut, make_mark, read_mark

_COLUMNS = """
    SELECT id, kind, subject, level, order_key, vendor, account, roles, title, text, state, reason, receipt, merged,
        tries, created_at, tried_at, ended_at
    FROM message
    """
_ONE = text(f"{_COLUMNS} WHERE id = :id")
_COUNTS = text(
    "SELECT state, count(*) AS n FROM (SELECT state FROM message ORDER BY created_at DESC, id DESC LIMIT :most) m"
    " GROUP BY state"
)
_ACCOUNTS = text(
    """
    SELECT s.vendor, s.code, s.key_id AS name, w.waiting, l.sent_at, w.refused
    FROM shop s
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE o.state = 'new') AS waiting,
            count(*) FILTER (WHERE o.state = 'refused') AS refused
        FROM outgoing o WHERE o.kind = 'message' AND o.vendor = s.vendor AND o.shop = s.code AND o.state <> 'done'
    ) w ON true
    LEFT JOIN LATERAL (
        SELECT max(tried_at) AS sent_at FROM message m WHERE m.vendor = s.vendor AND m.account = s.code
    ) l ON true
    WHERE s.active AND s.role = 'messages' ORDER BY s.vendor, s.code
    """
)
COUNTED = 1000
"""States are counted among so many of the newest."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message; states as in store/tables/sayings.py."""

    id: int
    kind: str
    subject: str
    level: str
    order_key: str
    vendor: str
    account: str
    roles: str
    title: str
    text: str
    state: str
    reason: str
    receipt: str
    merged: int
    tries: int
    created_at: datetime
    tried_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account that carries messages: how many calls wait, when it was last used, how many it refused."""

    vendor: str
    code: str
    name: str
    waiting: int
    sent_at: datetime | None
    refused: int


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages to show; what is not given does not matter."""

    state: str | None = None
    vendor: str | None = None
    account: str | None = None
    kind: str | None = None


class MessagesOut:
    """Lists messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: MessageFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[MessageRow]:
        """Give one page, the newest first."""
        given = {name: found for name in ("state", "vendor", "account", "kind") if (found := getattr(wanted, name))}
        conditions, values = [f"{name} = :{name}" for name in given], dict[str, Any](given)
        way, beyond = ("ASC", ">") if place.back else ("DESC", "<")
        if place.mark:
            values["at"], values["id"] = read_mark(place.mark, datetime, int)
            conditions.append(f"(created_at, id) {beyond} (:at, :id)")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"{_COLUMNS} {where} ORDER BY created_at {way}, id {way} LIMIT :most"
        async with self._database.transaction() as tx:
            found = [
                MessageRow(**row._mapping) for row in await tx.execute(text(statement), values | {"most": rows + 1})
            ]
        return cut(found, place, lambda row: make_mark(row.created_at, row.id), rows)

    async def one(self, number: int) -> MessageRow:
        """Give one message; BadInput when there is none."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"id": number})).one_or_none()
        if row is None:
            raise BadInput(f"no message {number}; see oms message list")
        return MessageRow(**row._mapping)

    async def counts(self) -> dict[str, int]:
        """Count the newest messages by state."""
        async with self._database.transaction() as tx:
            return {row.state: row.n for row in await tx.execute(_COUNTS, {"most": COUNTED})}

    async def accounts(self) -> list[AccountRow]:
        """Give every account that carries messages."""
        async with self._database.transaction() as tx:
            return [AccountRow(**row._mapping) for row in await tx.execute(_ACCOUNTS)]
