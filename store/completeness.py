"""The completeness ledger in SQL: which windows are due, what a comparison found, what is asked for (INT-9, INT-10).

Implements activities/ports_completeness.py: Ledger. What a comparison comes to is decided in domain/completeness.py.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.completeness import (
    DAY,
    HOUR,
    MONTH,
    Compared,
    Difference,
    Fault,
    Mark,
    Ours,
    RollSource,
    Span,
    closed,
    compare,
    mark,
    next_look,
)
from domain.observations import ChannelStatus
from domain.orders import order_key
from domain.pulling import Rolled
from store import alerts, audit, gap_alerts, reread, settings_docs
from store.database import Database
from store.inbox import Arrival, Identity, insert
from store.keyring import KeyRing

MOST_AT_ONCE = 100
"""So many windows are compared in one go; the next go takes the next ones."""
FAILURES_TO_TELL = 3
CHUNK = 5_000
LONGEST_UNPAID = timedelta(days=2)
"""A list by payment: orders of ours that were placed longer before are not looked for among what it does not name."""

_NEWEST = text(
    """
    SELECT kind, max(starts_at) AS newest FROM roll_check WHERE vendor = :vendor AND shop = :shop GROUP BY kind
    """
)
_SINCE = text("SELECT created_at FROM shop WHERE vendor = :vendor AND code = :shop AND active")
_AGAIN = text(
    """
    SELECT kind, starts_at, ends_at FROM roll_check
    WHERE vendor = :vendor AND shop = :shop AND next_at <= :now ORDER BY next_at LIMIT :most
    """
)
_OURS = text(
    """
    SELECT n.no, o.key IS NOT NULL AS booked, o.channel_status, o.placed_at, o.paid_at,
        coalesce(w.pushed, false) AS pushed, coalesce(w.pulled, false) AS pulled, w.came IS NOT NULL AS came
    FROM unnest(CAST(:nos AS text[]), CAST(:keys AS text[])) AS n (no, key)
    LEFT JOIN orders o ON o.key = n.key
    LEFT JOIN LATERAL (
        SELECT bool_or(i.way = 'push') AS pushed, bool_or(i.key LIKE 'pull:%') AS pulled, min(i.id) AS came
        FROM observation s JOIN inbox i ON i.id = s.inbox_id WHERE s.subject = n.key) w ON true
    """
)
_PLACED = text(
    """
    SELECT no, placed_at, paid_at FROM orders WHERE channel = :channel AND shop = :shop AND case_no = ''
        AND placed_at >= :since AND placed_at < :until
    """
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('roll:' || :vendor || '/' || :shop, 0))")
_BEFORE = text(
    """
    SELECT state, checks, failures, gap_at, healed_at FROM roll_check
    WHERE vendor = :vendor AND shop = :shop AND kind = :kind AND starts_at = :starts_at
    """
)
_KEEP = text(
    """
    INSERT INTO roll_check (vendor, shop, kind, starts_at, ends_at, state, named, total, pushed, pulled, booked,
        missing, checks, failures, reason, checked_at, next_at, gap_at, healed_at)
    VALUES (:vendor, :shop, :kind, :starts_at, :ends_at, :state, :named, :total, :pushed, :pulled, :booked, :missing,
        :checks, 0, :reason, :now, :next_at, :gap_at, :healed_at)
    ON CONFLICT (vendor, shop, kind, starts_at) DO UPDATE SET ends_at = excluded.ends_at, state = excluded.state,
        named = excluded.named, total = excluded.total, pushed = excluded.pushed, pulled = excluded.pulled,
        booked = excluded.booked, missing = excluded.missing, checks = excluded.checks, failures = 0,
        reason = excluded.reason, checked_at = excluded.checked_at, next_at = excluded.next_at,
        gap_at = excluded.gap_at, healed_at = excluded.healed_at
    """
)
_UNASKED = text(
    """
    INSERT INTO roll_check AS r (vendor, shop, kind, starts_at, ends_at, state, failures, reason, checked_at, next_at)
    VALUES (:vendor, :shop, :kind, :starts_at, :ends_at, '3-unasked', 1, :reason, :now, :next_at)
    ON CONFLICT (vendor, shop, kind, starts_at) DO UPDATE SET failures = r.failures + 1, reason = excluded.reason,
        checked_at = excluded.checked_at, next_at = excluded.next_at,
        state = CASE WHEN r.state IN ('1-red', '2-healing') THEN r.state ELSE excluded.state END
    RETURNING failures
    """
)
_NUMBER = text(
    """
    INSERT INTO roll_number AS n (vendor, shop, kind, starts_at, no, fault, theirs, ours, found_at, asks)
    VALUES (:vendor, :shop, :kind, :starts_at, :no, :fault, :theirs, :ours, :now, :asked)
    ON CONFLICT (vendor, shop, kind, starts_at, no, fault) DO UPDATE SET theirs = excluded.theirs,
        ours = excluded.ours, asks = n.asks + excluded.asks, settled_at = NULL
    """
)
_SETTLE = text(
    """
    UPDATE roll_number SET settled_at = :now
    WHERE vendor = :vendor AND shop = :shop AND kind = :kind AND starts_at = :starts_at AND settled_at IS NULL
        AND NOT (fault || ':' || no) = ANY(:still)
    RETURNING no, fault, theirs, ours
    """
)


class SqlLedger:
    """The ledger of all shops."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def due(self, source: RollSource, now: datetime) -> list[Span]:
        """Give the windows that have to be compared now: those looked at before first, then closed ones."""
        where = {"vendor": source.vendor, "shop": source.shop}
        async with self._database.transaction() as tx:
            since = (await tx.execute(_SINCE, where)).scalar_one_or_none()
            again = (await tx.execute(_AGAIN, where | {"now": now, "most": MOST_AT_ONCE})).all()
            newest = {row.kind: row.newest for row in await tx.execute(_NEWEST, where)}
        if since is None:
            return []
        spans = [Span(row.kind, row.starts_at, row.ends_at) for row in again]
        for kind in (HOUR, DAY, MONTH):
            found = closed(source, kind, newest.get(kind, since), now)
            spans += [span for span in found if kind not in newest or span.start > newest[kind]]
        return spans[:MOST_AT_ONCE]

    async def settle(
        self, source: RollSource, span: Span, rolled: Sequence[Rolled], total: int | None, now: datetime
    ) -> Mark:
        """Compare what a platform names with what is here, ask for what is not, and keep what was found."""
        async with self._database.transaction() as tx:
            ours = await _ours(tx, source, span, [one.no for one in rolled])
            meanings = await _meanings(tx, source.vendor, {one.raw_status for one in rolled})
            compared = compare(span, rolled, ours, meanings, total)
            return await _book(tx, source, span, compared, now)

    async def unasked(self, source: RollSource, span: Span, reason: str, now: datetime) -> None:
        """Note that a platform could not be asked; the third time in a row somebody is told."""
        where = _where(source, span)
        values = {"ends_at": span.end, "reason": reason[:500], "now": now}
        values["next_at"] = next_look(span, Mark.UNASKED, 0, source.timing, now)
        async with self._database.transaction() as tx:
            failures = (await tx.execute(_UNASKED, where | values)).scalar_one()
            if failures >= FAILURES_TO_TELL:
                await gap_alerts.unasked(tx, source, reason, now)

    async def keep(self, source: RollSource, raw: bytes, now: datetime) -> None:
        """Keep an answer as received, once (INT-11): it names something that is not here."""
        async with self._database.transaction() as tx:
            headers = {"content-type": "application/json"}
            arrival = Arrival(source.vendor, source.shop, "pull", headers, raw, now)
            await insert(tx, self._ring, arrival, Identity(f"roll:{hashlib.sha256(raw).hexdigest()}"))


async def _ours(tx: AsyncConnection, source: RollSource, span: Span, nos: Sequence[str]) -> dict[str, Ours]:
    """Look up every number they name, and the orders of ours that lie in the window."""
    found: dict[str, Ours] = {}
    for n in range(0, len(nos), CHUNK):
        part = nos[n : n + CHUNK]
        keys = [order_key(source.vendor, source.shop, no) for no in part]
        for row in await tx.execute(_OURS, {"nos": part, "keys": keys}):
            at = row.paid_at if source.rules.by_payment else row.placed_at
            status = ChannelStatus(row.channel_status) if row.booked else None
            if row.booked or row.came:
                found[row.no] = Ours(row.no, row.booked, row.pushed, row.pulled, status, at)
    since = span.start - (LONGEST_UNPAID if source.rules.by_payment else timedelta(0))
    where = {"channel": source.vendor, "shop": source.shop, "since": since, "until": span.end}
    for row in await tx.execute(_PLACED, where):
        if row.no not in found:
            found[row.no] = Ours(row.no, True, at=row.paid_at if source.rules.by_payment else row.placed_at)
    return found


async def _meanings(tx: AsyncConnection, channel: str, codes: Iterable[str]) -> dict[str, ChannelStatus]:
    """Say what raw codes mean; one that nobody knows is compared with nothing."""
    known, found = await settings_docs.status_map(tx), {}
    for code in codes:
        meaning = known.meaning(channel, code)
        if meaning is not None:
            found[code] = meaning.status
        elif channel not in known.channels and code in set(ChannelStatus):
            found[code] = ChannelStatus(code)
    return found


async def _book(tx: AsyncConnection, source: RollSource, span: Span, compared: Compared, now: datetime) -> Mark:
    where = _where(source, span)
    await tx.execute(_LOCK, {"vendor": source.vendor, "shop": source.shop})
    before = (await tx.execute(_BEFORE, where)).one_or_none()
    gap_at: datetime | None = before.gap_at if before else None
    state = mark(compared, source, healed=gap_at is not None)
    can_be_asked = True
    if state is Mark.HEALING:
        gap_at = now if before is None or gap_at is None or before.healed_at is not None else gap_at
        can_be_asked = await _heal(tx, source, compared.missing, now)
        late = now - gap_at >= timedelta(seconds=source.timing.heal_seconds)
        state = Mark.RED if late or not can_be_asked else state
    await _heal(tx, source, compared.doubtful, now)
    is_open = state in {Mark.HEALING, Mark.RED}
    healed_at = None if gap_at is None or is_open or before is None else before.healed_at or now
    checks = (before.checks if before else 0) + 1
    values = {
        **{name: getattr(compared, name) for name in ("named", "total", "pushed", "pulled", "booked")},
        "ends_at": span.end,
        "state": state.value,
        "missing": len(compared.missing) + compared.unnamed,
        "checks": checks,
        "reason": _reason(compared, can_be_asked),
        "now": now,
        "next_at": next_look(span, state, checks, source.timing, now),
        "gap_at": gap_at,
        "healed_at": healed_at,
    }
    await tx.execute(_KEEP, where | values)
    await _keep_numbers(tx, where, compared.differences, can_be_asked, now)
    await alerts.clear(tx, _shop(source), now, gap_alerts.UNASKED)
    await gap_alerts.settle(tx, source, now)
    about = {"kind": span.kind, "start": span.start.isoformat()}
    if gap_at == now:
        about["missing"] = ", ".join(compared.missing[:20])
        await audit.write(tx, "gap.opened", _shop(source), now, actor="ledger", **about)
    if healed_at == now:
        await audit.write(tx, "gap.healed", _shop(source), now, actor="ledger", **about)
    return state


def _reason(compared: Compared, can_be_asked: bool) -> str:
    if compared.unnamed:
        return f"the platform counts {compared.total} orders and names {compared.named}"
    if not can_be_asked:
        return "the shop cannot be asked for one order: import its export (oms import)"
    return ""


async def _heal(tx: AsyncConnection, source: RollSource, nos: Iterable[str], now: datetime) -> bool:
    """Ask for each of these orders by its number; False when the shop cannot be asked."""
    asked = [await reread.ask_by_number(tx, source.vendor, source.shop, no, now) for no in sorted(nos)]
    return all(asked)


async def _keep_numbers(
    tx: AsyncConnection, where: Mapping[str, Any], found: Sequence[Difference], asked: bool, now: datetime
) -> None:
    rows = [
        {**where, "no": one.no, "fault": one.fault.value, "theirs": one.theirs, "ours": one.ours, "now": now}
        | {"asked": int(asked and one.fault in {Fault.MISSING, Fault.STATUS})}
        for one in found
    ]
    if rows:
        await tx.execute(_NUMBER, rows)
    still = [f"{one.fault.value}:{one.no}" for one in found]
    for row in (await tx.execute(_SETTLE, {**where, "still": still, "now": now})).all():
        if row.fault == Fault.STATUS.value:
            key = order_key(where["vendor"], where["shop"], row.no)
            await audit.write(tx, "ledger.status", key, now, actor="ledger", theirs=row.theirs, was=row.ours)


def _shop(source: RollSource) -> str:
    return f"{source.vendor}/{source.shop}"


def _where(source: RollSource, span: Span) -> dict[str, Any]:
    return {"vendor": source.vendor, "shop": source.shop, "kind": span.kind, "starts_at": span.start}
