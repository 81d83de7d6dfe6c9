"""Alerts as people look at them: what is open, worst first, and what there was, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from store.database import Database
from store.reads.pages import FIRST, PAGE_ROWS, Page, Place, cut, make_mark, read_mark

_COLUMNS = "SELECT id, key, kind, level, subject, words, raised_at, cleared_at FROM alert"
_COUNTS = text("SELECT level, count(*) AS n FROM alert WHERE cleared_at IS NULL GROUP BY level ORDER BY level")


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert; open while `cleared_at` is None. `subject` is an order key, vendor/shop, SKU or message."""

    id: int
    key: str
    kind: str
    level: str
    subject: str
    words: str
    raised_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to show; what is not given does not matter."""

    level: str | None = None
    kind: str | None = None


class AlertReads:
    """Lists alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, wanted: AlertFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[AlertRow]:
        """Give one page of the open alerts, worst first, then oldest first."""
        conditions, values = _conditions(wanted)
        way, beyond = ("DESC", "<") if place.back else ("ASC", ">")
        if place.mark:
            values["at_level"], values["at"], values["id"] = read_mark(place.mark, str, datetime, int)
            conditions.append(f"(level, raised_at, id) {beyond} (:at_level, :at, :id)")
        where = " AND ".join(["cleared_at IS NULL", *conditions])
        statement = f"{_COLUMNS} WHERE {where} ORDER BY level {way}, raised_at {way}, id {way} LIMIT :most"
        found = await self._read(statement, values | {"most": rows + 1})
        return cut(found, place, lambda row: make_mark(row.level, row.raised_at, row.id), rows)

    async def recent(self, wanted: AlertFilter, place: Place = FIRST, rows: int = PAGE_ROWS) -> Page[AlertRow]:
        """Give one page of all alerts, open or cleared, the newest first."""
        conditions, values = _conditions(wanted)
        way, beyond = ("ASC", ">") if place.back else ("DESC", "<")
        if place.mark:
            values["at"], values["id"] = read_mark(place.mark, datetime, int)
            conditions.append(f"(raised_at, id) {beyond} (:at, :id)")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        statement = f"{_COLUMNS} {where} ORDER BY raised_at {way}, id {way} LIMIT :most"
        found = await self._read(statement, values | {"most": rows + 1})
        return cut(found, place, lambda row: make_mark(row.raised_at, row.id), rows)

    async def counts(self) -> dict[str, int]:
        """Count the open alerts per level, worst first."""
        async with self._database.transaction() as tx:
            return {row.level: row.n for row in await tx.execute(_COUNTS)}

    async def _read(self, statement: str, values: dict[str, Any]) -> list[AlertRow]:
        async with self._database.transaction() as tx:
            rows: list[Row[Any]] = list(await tx.execute(text(statement), values))
        return [AlertRow(**row._mapping) for row in rows]


def _conditions(wanted: AlertFilter) -> tuple[list[str], dict[str, Any]]:
    given = {name: value for name in ("level", "kind") if (value := getattr(wanted, name))}
    return [f"{name} = :{name}" for name in given], given
