"""What is wrong now, and what will be late today: one call, cheap at any size, for the first screen of the day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Database
from store.reads.order_list import BESIDE, COLUMNS, OrderCounts, OrderRow, due_turn, order_counts, order_row
from store.reads.pages import CAP, Count, capped

SOONEST = 5
LANES = ("urgent", "normal", "later", "edits")

_STUCK = text(
    """
    SELECT split_part(stuck_reason, ':', 1) AS reason, count(*) AS n, min(wait_since) AS since, min(key) AS example
    FROM orders WHERE stuck GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
    """
)
_SOONEST = text(
    f"""
    SELECT {COLUMNS} FROM (
        SELECT * FROM orders WHERE turn > :now_turn AND turn <= :until_turn ORDER BY turn LIMIT :most
    ) o {BESIDE} ORDER BY o.turn
    """  # noqa: S608  (our own words)
)
_ALERTS = text("SELECT level, count(*) AS n FROM alert WHERE cleared_at IS NULL GROUP BY level ORDER BY level")
_OBSERVATIONS = text(
    """
    SELECT 'observation' AS queue, l.name AS about, n.n, old.received_at AS oldest
    FROM unnest(CAST(:lanes AS text[])) WITH ORDINALITY l (name, place),
        LATERAL (SELECT count(*) AS n FROM (
            SELECT 1 FROM observation WHERE state = 'new' AND lane = l.place - 1 LIMIT :cap) one) n,
        LATERAL (
            SELECT i.received_at FROM observation o JOIN inbox i ON i.id = o.inbox_id
            WHERE o.state = 'new' AND o.lane = l.place - 1 ORDER BY o.id LIMIT 1) old
    ORDER BY l.place
    """
)
_DELIVERIES = text(
    """
    SELECT 'delivery' AS queue, l.name AS about, n.n, old.created_at AS oldest
    FROM unnest(CAST(:lanes AS text[])) WITH ORDINALITY l (name, place),
        LATERAL (SELECT count(*) AS n FROM (
            SELECT 1 FROM delivery WHERE delivered_at IS NULL AND lane = l.place - 1 LIMIT :cap) one) n,
        LATERAL (
            SELECT created_at FROM delivery WHERE delivered_at IS NULL AND lane = l.place - 1 ORDER BY id LIMIT 1) old
    ORDER BY l.place
    """
)
_OUTGOING = text(
    """
    SELECT kind AS queue, vendor || '/' || shop AS about, count(*) AS n, min(created_at) AS oldest
    FROM outgoing WHERE state = 'new' GROUP BY kind, vendor, shop ORDER BY 4 LIMIT 100
    """
)
_REREADS = text(
    """
    SELECT 'reread' AS queue, channel || '/' || shop AS about, count(*) AS n, min(asked_at) AS oldest
    FROM reread WHERE state = 'new' GROUP BY channel, shop ORDER BY 4 LIMIT 100
    """
)
_PULLS = text(
    """
    SELECT vendor, shop, max(failures) AS failures, max(failed_at) AS failed_at, min(pulled_at) AS pulled_at,
        min(watermark) AS watermark, array_agg(kind ORDER BY kind DESC) AS kinds,
        array_agg(reason ORDER BY kind DESC) AS reasons
    FROM pull WHERE failures > 0 GROUP BY vendor, shop ORDER BY 3 DESC, vendor, shop LIMIT 100
    """
)
_MESSAGES = text(
    """
    SELECT (SELECT count(*) FROM (SELECT 1 FROM unverified WHERE replayed_at IS NULL LIMIT :cap) one) AS unverified,
        (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE state = 'unparsable' LIMIT :cap) one) AS unparsable,
        (SELECT count(*) FROM (SELECT 1 FROM observation WHERE state = 'failed' LIMIT :cap) one) AS failed,
        (SELECT count(*) FROM (SELECT 1 FROM outgoing WHERE state = 'refused' LIMIT :cap) one) AS refused_calls
    """
)


@dataclass(frozen=True, slots=True)
class StuckReason:
    """Why orders are stuck, the part before the first colon; since when the oldest waits, and one of them."""

    reason: str
    n: int
    since: datetime | None
    example: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one queue: `queue` is observation or delivery, then `about` is the lane, else a kind of call, then
    it is vendor/shop."""

    queue: str
    about: str
    n: Count
    oldest: datetime


@dataclass(frozen=True, slots=True)
class FailingPull:
    """A shop whose pulls fail, `failures` in a row; everything up to `watermark` is stored.

    `kinds` are the lists that fail (order, case), `reasons` why each does.
    """

    vendor: str
    shop: str
    failures: int
    failed_at: datetime | None
    pulled_at: datetime | None
    watermark: datetime | None
    kinds: Sequence[str]
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True)
class TroubledMessages:
    """Messages and calls that wait for a person."""

    unverified: Count
    unparsable: Count
    failed: Count
    refused_calls: Count


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of the house. `counts` has the overdue and what is due today, `soonest` is due next and not stuck."""

    counts: OrderCounts
    stuck: list[StuckReason]
    soonest: list[OrderRow]
    alerts: dict[str, int]
    backlogs: list[Backlog]
    failing_pulls: list[FailingPull]
    messages: TroubledMessages


One = TypeVar("One")


class OverviewReads:
    """Answers what is wrong."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self, now: datetime, until: datetime) -> Overview:
        """Say what is wrong now and what comes due by `until`, the end of the viewer's day."""
        due = {"now_turn": due_turn(now), "until_turn": due_turn(until), "most": SOONEST}
        async with self._database.transaction() as tx:
            messages = (await tx.execute(_MESSAGES, {"cap": CAP + 1})).one()
            return Overview(
                counts=await order_counts(tx, now, until),
                stuck=await _read(tx, StuckReason, _STUCK),
                soonest=[order_row(row) for row in await tx.execute(_SOONEST, due)],
                alerts={row.level: row.n for row in await tx.execute(_ALERTS)},
                backlogs=await _backlogs(tx),
                failing_pulls=await _read(tx, FailingPull, _PULLS),
                messages=TroubledMessages(*(capped(n) for n in messages)),
            )


async def _backlogs(tx: AsyncConnection) -> list[Backlog]:
    lanes = {"lanes": list(LANES), "cap": CAP + 1}
    rows = [row for statement in (_OBSERVATIONS, _DELIVERIES) for row in await tx.execute(statement, lanes)]
    found = [Backlog(row.queue, row.about, capped(row.n), row.oldest) for row in rows]
    calls = [row for statement in (_OUTGOING, _REREADS) for row in await tx.execute(statement)]
    return found + [Backlog(row.queue, row.about, Count(row.n), row.oldest) for row in calls]


async def _read(tx: AsyncConnection, kind: type[One], statement: TextClause, **values: Any) -> list[One]:
    return [kind(**row._mapping) for row in await tx.execute(statement, values)]
