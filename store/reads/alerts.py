"""Alerts as people look at them: what is open, worst first, what there was, newest first, and who was told of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from store.alerts import said_of
from store.database import Database
from store.reads.pages import FIRST, PAGE_ROWS, Page, Place, cut, make_mark, read_mark

_COLUMNS = "SELECT id, key, kind, level, subject, words, raised_at, cleared_at, cleared_by FROM alert"
_COUNTS = text("SELECT level, count(*) AS n FROM alert WHERE cleared_at IS NULL GROUP BY level ORDER BY level")
_OPEN_OF = text("SELECT kind, count(*) AS n FROM alert WHERE cleared_at IS NULL GROUP BY kind")
_LATELY_OF = text(
    "SELECT kind, count(*) AS n, max(raised_at) AS last FROM alert WHERE raised_at > :since GROUP BY kind"
)
_TOLD = text(
    "SELECT said, vendor, account, roles, state FROM message WHERE said = ANY(:said) ORDER BY vendor, account, id"
)
_SHOPS = text("SELECT vendor || '/' || code AS named FROM shop ORDER BY 1")


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert; open while `cleared_at` is None. `subject` is an order key, vendor/shop, SKU or message.

    `cleared_by` is who cleared it, empty when it did so by itself.
    """

    id: int
    key: str
    kind: str
    level: str
    subject: str
    words: str
    raised_at: datetime
    cleared_at: datetime | None
    cleared_by: str = ""


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts to show; what is not given does not matter. `subjects`: about one of these."""

    level: str | None = None
    kind: str | None = None
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One message about an alert: through which account whom, and what came of it."""

    vendor: str
    account: str
    roles: str
    state: str


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many alerts of a kind are open, how many were raised lately, and when the last one was."""

    open: int = 0
    lately: int = 0
    last: datetime | None = None


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

    async def kinds(self, since: datetime) -> dict[str, KindCount]:
        """Count the alerts of every kind: those that are open, and those that were raised since then."""
        async with self._database.transaction() as tx:
            still = {row.kind: row.n for row in await tx.execute(_OPEN_OF)}
            lately = {row.kind: row for row in await tx.execute(_LATELY_OF, {"since": since})}
        return {
            kind: KindCount(still.get(kind, 0), row.n if (row := lately.get(kind)) else 0, row.last if row else None)
            for kind in still.keys() | lately.keys()
        }

    async def told(self, rows: Sequence[AlertRow]) -> dict[int, list[Told]]:
        """Say of each of these alerts who was told, by its id; nobody where no rule speaks of its kind."""
        of = {said_of(row.key, row.raised_at): row.id for row in rows}
        found: dict[int, list[Told]] = {}
        async with self._database.transaction() as tx:
            for row in await tx.execute(_TOLD, {"said": list(of)}):
                found.setdefault(of[row.said], []).append(Told(row.vendor, row.account, row.roles, row.state))
        return found

    async def shops(self) -> list[str]:
        """Name every account, connected or not any more, as alerts do."""
        async with self._database.transaction() as tx:
            return [row.named for row in await tx.execute(_SHOPS)]

    async def _read(self, statement: str, values: dict[str, Any]) -> list[AlertRow]:
        async with self._database.transaction() as tx:
            rows: list[Row[Any]] = list(await tx.execute(text(statement), values))
        return [AlertRow(**row._mapping) for row in rows]


def _conditions(wanted: AlertFilter) -> tuple[list[str], dict[str, Any]]:
    given: dict[str, Any] = {name: value for name in ("level", "kind") if (value := getattr(wanted, name))}
    conditions = [f"{name} = :{name}" for name in given]
    if wanted.subjects:
        conditions, given = [*conditions, "subject = ANY(:subjects)"], given | {"subjects": list(wanted.subjects)}
    return conditions, given


def subjects_of(about: str, kinds: Iterable[str]) -> tuple[str, ...]:
    """Give everything that alerts about one account call it: its calls (`refund:wechatpay/pay`) and its cases too."""
    if "/" not in about or ":" in about:
        return (about,) if about else ()
    return (about, f"{about} cases", f"clock:{about}", *(f"{kind}:{about}" for kind in kinds))
