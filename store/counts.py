"""Counts in SQL: what is to be counted, what was found, what is believed. Implements activities/ports.py: Counts.

Our number is read before the warehouse is asked and after, and a difference is counted a second time: a parcel that
left a moment ago must not look like a loss. Reports of the warehouse say where to look, never how much to book.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import counting
from domain.counting import Answer, Counted, CountOutcome, Grade, Look, OpenCount, Ours
from domain.stock_rules import StockRules
from store import adjustments, alerts, audit, numbers, settings_docs
from store.adjustments import Finding
from store.alerts import Level, NewAlert
from store.database import Database
from store.settings_docs import Profile

SKUS_AT_ONCE = 100
ALL, REPORTED = "all", "reported"
INACCURATE, FAILED = "count_inaccurate", "count_failed"

_WHOM = text(
    "SELECT code AS warehouse, vendor, shop AS account FROM warehouse WHERE code = :warehouse AND vendor <> ''"
)
_RUNNING = text("SELECT no FROM stock_count WHERE warehouse = :warehouse AND scope = :scope AND ended_at IS NULL")
_BEGIN = text(
    """
    INSERT INTO stock_count (no, warehouse, scope, asked_by, begun_at)
    VALUES (:no, :warehouse, :scope, :asked_by, :now)
    """
)
_CLAIM_REPORTS = text("UPDATE stock_report SET count_no = :no WHERE warehouse = :warehouse AND count_no = ''")
_FREE_REPORTS = text("UPDATE stock_report SET count_no = '' WHERE count_no = :no")
_OPEN = text("SELECT no, warehouse, scope, asked_by, begun_at FROM stock_count WHERE no = :no AND ended_at IS NULL")
_NEXT = text(
    """
    SELECT sku FROM warehouse_stock w
    WHERE warehouse = :warehouse AND sku > (SELECT coalesce(max(sku), '') FROM count_line WHERE count_no = :no)
    ORDER BY sku LIMIT :most
    """
)
_NEXT_REPORTED = text(
    """
    SELECT DISTINCT r.sku FROM stock_report r JOIN sku_stock s ON s.sku = r.sku
    WHERE r.count_no = :no AND r.sku > (SELECT coalesce(max(sku), '') FROM count_line WHERE count_no = :no)
    ORDER BY r.sku LIMIT :most
    """
)
_AGAIN = text(
    """
    SELECT DISTINCT sku FROM count_line WHERE count_no = :no AND verdict <> 'agrees' AND settled_at IS NULL
    ORDER BY sku LIMIT :most
    """
)
_OURS = text(
    """
    SELECT k.sku, coalesce(w.on_hand, 0) AS on_hand, coalesce(w.defective, 0) AS defective,
        (SELECT coalesce(sum(a.quantity - a.shipped), 0)::int FROM allocation a
            LEFT JOIN fulfillment f ON f.no = a.fulfillment_no
            WHERE a.warehouse = :warehouse AND a.sku = k.sku AND a.state = 'open'
                AND (f.no IS NULL OR f.sent_at IS NOT NULL)) AS allocated,
        (SELECT coalesce(sum(greatest(l.quantity - l.received, 0)), 0)::int
            FROM inbound_line l JOIN inbound i ON i.no = l.inbound_no
            WHERE l.sku = k.sku AND i.warehouse = :warehouse AND i.received_at IS NULL)
        + (SELECT coalesce(sum(greatest(l.shipped - l.received, 0)), 0)::int
            FROM transfer_line l JOIN transfer t ON t.no = l.transfer_no
            WHERE l.sku = k.sku AND t.target = :warehouse AND t.state = 'shipped') AS expected
    FROM unnest(CAST(:skus AS text[])) k (sku)
        LEFT JOIN warehouse_stock w ON w.warehouse = :warehouse AND w.sku = k.sku
    """
)
_FIRST = text(
    """
    INSERT INTO count_line (count_no, sku, grade, ours, theirs, first_difference, verdict, reason, looked_at)
    VALUES (:no, :sku, :grade, :ours, :theirs, :difference, :verdict, :reason, :now)
    ON CONFLICT (count_no, sku, grade) DO NOTHING
    """
)
_UNSETTLED = text(
    """
    SELECT sku, grade, ours, theirs FROM count_line
    WHERE count_no = :no AND sku = ANY(CAST(:skus AS text[])) AND verdict <> 'agrees' AND settled_at IS NULL
    """
)
_SECOND = text(
    """
    UPDATE count_line SET ours = :ours, theirs = :theirs, verdict = :verdict, reason = :reason, settled_at = :now
    WHERE count_no = :no AND sku = :sku AND grade = :grade AND settled_at IS NULL
    """
)
_DIFFERING = text(
    """
    SELECT sku, grade, theirs - ours AS units FROM count_line
    WHERE count_no = :no AND verdict = 'differs' ORDER BY sku, grade
    """
)
_GONE = text(
    """
    SELECT a.sku, a.grade FROM adjustment a JOIN count_line l ON l.sku = a.sku AND l.grade = a.grade
    WHERE l.count_no = :no AND l.verdict = 'agrees' AND a.warehouse = :warehouse AND a.state IN ('waiting', 'blocked')
    """
)
_TALLY = text(
    """
    SELECT count(*) FILTER (WHERE NOT differs AND NOT unsettled) AS agreed,
        count(*) FILTER (WHERE differs) AS differing,
        count(*) FILTER (WHERE unsettled AND NOT differs) AS unsettled
    FROM (
        SELECT sku, bool_or(verdict = 'differs') AS differs, bool_or(verdict = 'unsettled') AS unsettled
        FROM count_line WHERE count_no = :no GROUP BY sku) one
    """
)
_END = text(
    """
    UPDATE stock_count SET ended_at = :now, agreed = :agreed, differing = :differing, unsettled = :unsettled,
        failed = :failed
    WHERE no = :no AND ended_at IS NULL
    """
)


class SqlCounts:
    """The facts of counts; each step is harmless when repeated."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self._database = database
        self._profile = profile

    async def begin(self, warehouse: str, asked_by: str, reported: bool, now: datetime) -> OpenCount | None:
        """Begin a count, or give the one that runs; None when nobody can be asked."""
        values: dict[str, Any] = {"warehouse": warehouse, "scope": REPORTED if reported else ALL}
        async with self._database.transaction() as tx:
            whom = (await tx.execute(_WHOM, values)).one_or_none()
            if whom is None:
                return None
            no = await numbers.draw(tx, numbers.COUNT, now)  # also makes two who begin at once take turns
            known = (await tx.execute(_RUNNING, values)).scalar_one_or_none()
            if known is not None:
                return OpenCount(known, **whom._mapping)
            await tx.execute(_BEGIN, values | {"no": no, "asked_by": asked_by, "now": now})
            await tx.execute(_CLAIM_REPORTS, values | {"no": no})
            await audit.write(tx, "count.begun", warehouse, now, actor=asked_by, no=no, scope=values["scope"])
            return OpenCount(no, **whom._mapping)

    async def todo(self, no: str, again: bool) -> list[str]:
        """Name the next SKUs to be counted, or to be counted again; empty when none is left."""
        values = {"no": no, "most": SKUS_AT_ONCE}
        async with self._database.transaction() as tx:
            count = (await tx.execute(_OPEN, values)).one_or_none()
            if count is None:
                return []
            statement = _AGAIN if again else _NEXT if count.scope == ALL else _NEXT_REPORTED
            more = {"warehouse": count.warehouse} if statement is _NEXT else {}
            return list((await tx.execute(statement, values | more)).scalars())

    async def ours(self, warehouse: str, skus: Sequence[str]) -> dict[str, Ours]:
        """Read what our books say."""
        async with self._database.transaction() as tx:
            return await _ours(tx, warehouse, skus)

    async def keep(self, count: OpenCount, before: Mapping[str, Ours], answer: Answer, now: datetime) -> None:
        """Keep what was found of these SKUs: a first look at new ones, a second at those that differed."""
        async with self._database.transaction() as tx:
            after = await _ours(tx, count.warehouse, sorted(before))
            first = {
                (row.sku, Grade(row.grade)): Look(row.ours, row.theirs)
                for row in await tx.execute(_UNSETTLED, {"no": count.no, "skus": sorted(before)})
            }
            fresh, again = [], []
            for sku, grade in product(sorted(before), Grade):
                look = counting.look_at(grade, before[sku], after[sku], answer.get((sku, grade), Counted(0)))
                line: dict[str, Any] = {"no": count.no, "sku": sku, "grade": grade.value, "now": now}
                known = first.get((sku, grade))
                verdict, reason = counting.judge(known or look, look if known else None)
                line |= {"ours": look.ours, "theirs": look.theirs, "verdict": verdict.value, "reason": reason}
                if known:
                    again.append(line)
                elif look.ours or look.theirs or grade is Grade.GOOD:  # what is nowhere of a grade is no line
                    fresh.append(line | {"difference": look.difference})
            for statement, lines in ((_FIRST, fresh), (_SECOND, again)):
                if lines:
                    await tx.execute(statement, lines)

    async def settle(self, no: str, now: datetime) -> CountOutcome:
        """Open an adjustment for each believed difference, book what may be booked by itself, and end the count."""
        async with self._database.transaction() as tx:
            count = (await tx.execute(_OPEN, {"no": no})).one_or_none()
            tally = (await tx.execute(_TALLY, {"no": no})).one()
            outcome = CountOutcome(no, **tally._mapping)
            if count is None:
                return outcome
            rules = await settings_docs.stock_rules(tx, self._profile)
            found = [
                Finding(count.warehouse, row.sku, Grade(row.grade), row.units, no)
                for row in await tx.execute(_DIFFERING, {"no": no})
            ]
            gone = [dict(row._mapping) for row in await tx.execute(_GONE, {"no": no, "warehouse": count.warehouse})]
        believed = counting.believable(outcome.agreed, outcome.differing)
        for one in found:
            async with self._database.transaction() as tx:
                small = believed and abs(one.units) < rules.count_approval_units
                await adjustments.open_for(tx, one, count.asked_by, small, now)
        for place in gone:
            async with self._database.transaction() as tx:
                await adjustments.close_gone(tx, place | {"warehouse": count.warehouse}, no, now)
        async with self._database.transaction() as tx:
            await _end(tx, count, outcome, rules, now)
        return outcome

    async def fail(self, no: str, reason: str, now: datetime) -> None:
        """End a count that could not be made; what the warehouse reported is counted next time."""
        async with self._database.transaction() as tx:
            count = (await tx.execute(_OPEN, {"no": no})).one_or_none()
            nothing = {"agreed": 0, "differing": 0, "unsettled": 0}
            if count is not None:
                await tx.execute(_END, {"no": no, "now": now, "failed": reason[:500], **nothing})
                await tx.execute(_FREE_REPORTS, {"no": no})
                words = f"count {no} could not be made: {reason}"
                await alerts.raise_alert(tx, NewAlert(FAILED, Level.WARNING, count.warehouse, words), now)


async def _ours(tx: AsyncConnection, warehouse: str, skus: Sequence[str]) -> dict[str, Ours]:
    rows = await tx.execute(_OURS, {"warehouse": warehouse, "skus": list(skus)})
    return {row.sku: Ours(row.on_hand, row.defective, row.allocated, row.expected) for row in rows}


async def _end(tx: AsyncConnection, count: Row[Any], outcome: CountOutcome, rules: StockRules, now: datetime) -> None:
    figures = {"agreed": outcome.agreed, "differing": outcome.differing, "unsettled": outcome.unsettled}
    await tx.execute(_END, {"no": count.no, "now": now, "failed": "", **figures})
    await alerts.clear(tx, count.warehouse, now, FAILED)
    percent = f"{outcome.accuracy:.2f}"
    await audit.write(tx, "count.ended", count.warehouse, now, actor=count.asked_by, no=count.no, **figures)
    if count.scope != ALL:
        return
    if outcome.accuracy < rules.count_target_percent:
        words = f"count {count.no}: {percent} % of the SKUs agree, wanted are {rules.count_target_percent} %"
        alert = NewAlert(INACCURATE, Level.WARNING, count.warehouse, words)
        await alerts.raise_alert(tx, alert, now)
        await alerts.reword(tx, alert, words)
    else:
        await alerts.clear(tx, count.warehouse, now, INACCURATE)
