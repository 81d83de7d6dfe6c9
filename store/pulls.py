"""How far orders and cases are pulled, and where the pages go. Implements activities/ports.py: Pulls.

A page is stored when it says anything that no pull has said before: then its body is kept as received, once, and each
order that it has news of becomes an observation (INT-2, INT-11). The watermark moves when a window is stored whole.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import CaseHinted, CaseObserved, Observation, OrderHinted, OrderObserved
from domain.pulling import ORDERS, Page, PullSource, Window, next_window
from store import alerts, audit, clocks
from store.alerts import Level, NewAlert
from store.database import Database
from store.inbox import Arrival, Identity, insert, observe
from store.keyring import KeyRing
from store.serial import as_json

FAILURES_TO_TELL = 3
"""So many failed pulls in a row, and somebody is told (INT-3)."""

_WATERMARK = text("SELECT watermark FROM pull WHERE vendor = :vendor AND shop = :shop AND kind = :kind")
_FINISH = text(
    """
    INSERT INTO pull AS p (vendor, shop, kind, watermark, pulled_at) VALUES (:vendor, :shop, :kind, :watermark, :now)
    ON CONFLICT (vendor, shop, kind) DO UPDATE SET watermark = greatest(p.watermark, excluded.watermark),
        pulled_at = excluded.pulled_at, failures = 0, reason = ''
    """
)
_FAILED = text(
    """
    INSERT INTO pull AS p (vendor, shop, kind, failures, failed_at, reason)
    VALUES (:vendor, :shop, :kind, 1, :now, :reason)
    ON CONFLICT (vendor, shop, kind) DO UPDATE SET failures = p.failures + 1, failed_at = excluded.failed_at,
        reason = excluded.reason
    RETURNING failures
    """
)
# In the order of the rows, so that two pulls with the same orders never wait for each other in a circle.
_NEWS = text(
    """
    INSERT INTO heard AS h (channel, shop, no, digest)
    SELECT said.channel, said.shop, said.no, said.digest
    FROM unnest(CAST(:channels AS text[]), CAST(:shops AS text[]), CAST(:nos AS text[]), CAST(:digests AS bytea[]))
        WITH ORDINALITY AS said (channel, shop, no, digest, n)
    ORDER BY said.n
    ON CONFLICT (channel, shop, no) DO UPDATE SET digest = excluded.digest WHERE h.digest <> excluded.digest
    RETURNING channel, no, shop
    """
)

Name = tuple[str, str, str]
"""Channel, number and shop of what a list names."""


class SqlPulls:
    """The pulls of all shops."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def window(self, source: PullSource, now: datetime) -> Window | None:
        """Give the window that comes next; None when everything is pulled."""
        async with self._database.transaction() as tx:
            where = {"vendor": source.vendor, "shop": source.shop, "kind": source.kind}
            watermark = (await tx.execute(_WATERMARK, where)).scalar_one_or_none()
        return next_window(watermark, now, source.rules, source.timing)

    async def keep(self, source: PullSource, window: Window, page: Page, now: datetime) -> int:
        """Store what is new in a page and the page with it; return how many orders had news. Twice is harmless."""
        async with self._database.transaction() as tx:
            await clocks.watch_page(tx, source, window, page, now)
            news = await _news(tx, _in_order(page))
            if news:
                key = f"pull:{hashlib.sha256(page.raw).hexdigest()}"
                headers = {"content-type": "application/json"}
                arrival = Arrival(source.vendor, source.shop, "pull", headers, page.raw, now)
                inbox_id = await insert(tx, self._ring, arrival, Identity(key))
                if inbox_id is not None:
                    await observe(tx, self._ring, inbox_id, news, now)
        return len(news)

    async def finish(self, source: PullSource, window: Window, now: datetime) -> None:
        """Move the watermark to the end of a window that is stored whole."""
        about = {"vendor": source.vendor, "shop": source.shop, "kind": source.kind}
        values = about | {"watermark": window.end, "now": now}
        async with self._database.transaction() as tx:
            await tx.execute(_FINISH, values)
            await alerts.clear(tx, _where(source), now, "pull")

    async def failed(self, source: PullSource, reason: str, now: datetime) -> None:
        """Count a pull that failed after all its tries; the third in a row is told to somebody (INT-3)."""
        where = _where(source)
        about = {"vendor": source.vendor, "shop": source.shop, "kind": source.kind}
        values = about | {"now": now, "reason": reason[:500]}
        async with self._database.transaction() as tx:
            failures = (await tx.execute(_FAILED, values)).scalar_one()
            await audit.write(tx, "pull.failed", where, now, failures=failures, reason=reason[:500])
            if failures >= FAILURES_TO_TELL:
                words = f"{failures} pulls in a row failed: {reason}"
                await alerts.raise_alert(tx, NewAlert("pull", Level.CRITICAL, where, words), now)


def _where(source: PullSource) -> str:
    """Name a pull to people: the shop, and what of it unless it is its orders."""
    return f"{source.vendor}/{source.shop}" + ("" if source.kind == ORDERS else f" {source.kind}s")


def _in_order(page: Page) -> list[Observation]:
    """Sort by order number: two pulls at once lock in one order."""
    return sorted(page.observations, key=lambda seen: (_named(seen) or ("", "", ""))[1])


async def _news(tx: AsyncConnection, seen: Sequence[Observation]) -> tuple[Observation, ...]:
    """Give what no pull has said before, with one statement for a page that names nothing twice."""
    rounds: list[dict[Name, int]] = []
    news = [_named(one) is None for one in seen]
    times: Counter[Name] = Counter()
    for n, one in enumerate(seen):
        if (name := _named(one)) is not None:
            rounds += [{}] if times[name] == len(rounds) else []
            rounds[times[name]][name] = n
            times[name] += 1
    for places in rounds:
        names = list(places)
        values = {
            "channels": [channel for channel, _, _ in names],
            "shops": [shop for _, _, shop in names],
            "nos": [no for _, no, _ in names],
            "digests": [hashlib.sha256(as_json(seen[n])).digest() for n in places.values()],
        }
        for row in await tx.execute(_NEWS, values):
            news[places[row.channel, row.no, row.shop]] = True
    return tuple(one for one, new in zip(seen, news, strict=True) if new)


def _named(seen: Observation) -> Name | None:
    """Give channel, number and shop of what a list names; a case's number is marked, it may be an order's as well."""
    if isinstance(seen, OrderObserved | OrderHinted):
        return seen.channel, seen.no, seen.shop
    if isinstance(seen, CaseObserved | CaseHinted):
        return seen.channel, f"case:{seen.case_no}", seen.shop
    return None
