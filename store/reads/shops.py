"""The connection board: is each shop heard, pulled and answered (INT-18, first part)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.database import Database

_BOARD = text(
    """
    SELECT s.vendor, s.code, s.role, s.active, s.backup, s.created_at, s.pull_scheduled, s.looked_at, s.silence_seconds,
        newest.created_at AS order_at, t.vendor IS NOT NULL AS has_token, push.received_at AS pushed_at,
        coalesce(p.pulled_at, m.read_at) AS pulled_at, p.watermark,
        coalesce(p.failures, m.failures, 0) AS pull_failures, coalesce(p.reason, m.reason, '') AS pull_reason,
        t.expires_at AS token_expires_at,
        ARRAY(SELECT key FROM jsonb_each_text(s.params) WHERE value <> '') AS params, d.told_at AS stock_told_at,
        (SELECT count(*) FROM stock_push k WHERE k.channel = s.vendor AND k.shop = s.code AND k.state = 'refused')
            AS stock_refused,
        (SELECT min(wanted_at) FROM stock_push k WHERE k.channel = s.vendor AND k.shop = s.code
            AND k.state = 'waiting') AS stock_waits_since,
        (SELECT count(*) FROM outgoing o WHERE o.vendor = s.vendor AND o.shop = s.code AND o.state = 'refused')
            AS refused_calls
    FROM shop s
    LEFT JOIN pull p ON p.vendor = s.vendor AND p.shop = s.code AND p.kind = 'order'
    LEFT JOIN mailbox m ON m.vendor = s.vendor AND m.shop = s.code
    LEFT JOIN stock_drain d ON d.channel = s.vendor AND d.shop = s.code
    LEFT JOIN shop_token t ON t.vendor = s.vendor AND t.code = s.code
    LEFT JOIN LATERAL (
        SELECT received_at FROM inbox WHERE source = s.vendor AND shop = s.code AND way = 'push'
        ORDER BY received_at DESC LIMIT 1) push ON true
    LEFT JOIN LATERAL (
        SELECT created_at FROM orders WHERE channel = s.vendor AND shop = s.code
        ORDER BY created_at DESC LIMIT 1) newest ON true
    ORDER BY NOT s.active, s.role, s.vendor, s.code
    """
)
_WAITING = text(
    """
    SELECT vendor, shop, sum(n) AS n, min(oldest) AS oldest FROM (
        SELECT vendor, shop, count(*) AS n, min(created_at) AS oldest FROM outgoing WHERE state = 'new' GROUP BY 1, 2
        UNION ALL
        SELECT channel, shop, count(*), min(asked_at) FROM reread WHERE state = 'new' GROUP BY 1, 2) one
    GROUP BY vendor, shop
    """
)
_UNVERIFIED = text("SELECT source, shop, count(*) AS n FROM unverified WHERE replayed_at IS NULL GROUP BY source, shop")


@dataclass(frozen=True, slots=True)
class ShopRow:
    """One shop. `waiting` calls and re-reads are not done yet, the oldest since `waiting_since`; `unverified`
    messages came in its name and could not be proven; the watermark says up to when its pull is whole. `params` are
    the names of those that are filled. A worker `looked_at` its connection; its newest
    order came at `order_at`. The stock of some listings is not told since `stock_waits_since`."""

    vendor: str
    code: str
    role: str
    active: bool
    backup: bool
    created_at: datetime
    pull_scheduled: bool | None
    looked_at: datetime | None
    silence_seconds: float | None
    order_at: datetime | None
    has_token: bool
    pushed_at: datetime | None
    pulled_at: datetime | None
    watermark: datetime | None
    pull_failures: int
    pull_reason: str
    token_expires_at: datetime | None
    params: list[str]
    stock_told_at: datetime | None
    stock_refused: int
    stock_waits_since: datetime | None
    refused_calls: int
    waiting: int
    waiting_since: datetime | None
    unverified: int


class ShopReads:
    """Reads the connection board."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def board(self) -> list[ShopRow]:
        """Give every shop, active ones first."""
        async with self._database.transaction() as tx:
            waiting = {(row.vendor, row.shop): (int(row.n), row.oldest) for row in await tx.execute(_WAITING)}
            unverified = {(row.source, row.shop): row.n for row in await tx.execute(_UNVERIFIED)}
            found = []
            for row in await tx.execute(_BOARD):
                shop = (row.vendor, row.code)
                n, since = waiting.get(shop, (0, None))
                more = {"waiting": n, "waiting_since": since, "unverified": unverified.get(shop, 0)}
                found.append(ShopRow(**row._mapping, **more))
        return found
