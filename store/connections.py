"""How each shop that sells is connected, in SQL, and its alerts. What is a lack is decided in domain/connections.py."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.watch import Finding
from store import alerts, audit
from store.alerts import Level, NewAlert

_ALL = text(
    """
    SELECT s.vendor, s.code AS shop, s.created_at AS since, s.backup, s.pull_scheduled AS scheduled,
        s.silence_seconds, push.received_at AS pushed_at, p.pulled_at, newest.created_at AS order_at,
        coalesce(p.failures, 0) AS pull_failures, coalesce(p.reason, '') AS pull_reason,
        t.vendor IS NOT NULL AS has_token, t.expires_at AS token_expires_at,
        ARRAY(SELECT key FROM jsonb_each_text(s.params) WHERE value <> '') AS params
    FROM shop s
    LEFT JOIN pull p ON p.vendor = s.vendor AND p.shop = s.code AND p.kind = 'order'
    LEFT JOIN shop_token t ON t.vendor = s.vendor AND t.code = s.code
    LEFT JOIN LATERAL (
        SELECT received_at FROM inbox
        WHERE source = s.vendor AND shop = s.code AND way = 'push' AND received_at > :since
        ORDER BY received_at DESC LIMIT 1) push ON true
    LEFT JOIN LATERAL (
        SELECT created_at FROM orders WHERE channel = s.vendor AND shop = s.code AND case_no = ''
        ORDER BY created_at DESC LIMIT 1) newest ON true
    WHERE s.active AND s.role = 'sales' ORDER BY s.vendor, s.code
    """
)
_LOOKED = text(
    """
    UPDATE shop SET pull_scheduled = :scheduled, looked_at = :now
    WHERE vendor = :vendor AND code = :shop AND active
    """
)
_SILENCE = text(
    "UPDATE shop SET silence_seconds = :seconds WHERE vendor = :vendor AND code = :code AND active AND role = 'sales'"
)


@dataclass(frozen=True, slots=True)
class Connected:
    """What the store knows of a shop's connection; names as in domain/connections.py. `params`: the filled ones."""

    vendor: str
    shop: str
    since: datetime
    backup: bool
    scheduled: bool | None
    silence_seconds: float | None
    pushed_at: datetime | None
    pulled_at: datetime | None
    order_at: datetime | None
    pull_failures: int
    pull_reason: str
    has_token: bool
    token_expires_at: datetime | None
    params: list[str]


async def all_shops(tx: AsyncConnection, pushed_since: datetime) -> list[Connected]:
    """Give every active shop that sells; of pushes only those that came since then are looked for."""
    return [Connected(**row._mapping) for row in await tx.execute(_ALL, {"since": pushed_since})]


async def looked(tx: AsyncConnection, scheduled: Mapping[tuple[str, str], bool | None], now: datetime) -> None:
    """Keep what the engine said of each shop's pull, for the connection board."""
    for (vendor, shop), on in sorted(scheduled.items()):
        await tx.execute(_LOOKED, {"vendor": vendor, "shop": shop, "scheduled": on, "now": now})


async def settle(tx: AsyncConnection, kind: str, found: Iterable[Finding], now: datetime) -> None:
    """Bring the open alerts of a kind in line with one look."""
    due = [
        NewAlert(one.kind, Level.CRITICAL if one.critical else Level.WARNING, one.subject, one.words) for one in found
    ]
    await alerts.settle(tx, due, [kind], now)


async def set_silence(
    tx: AsyncConnection, account: tuple[str, str], seconds: float | None, actor: str, now: datetime
) -> None:
    """Set after how long without a new order a shop is told of (INT-8): 0 never, None as the settings say."""
    vendor, code = account
    if not (await tx.execute(_SILENCE, {"vendor": vendor, "code": code, "seconds": seconds})).rowcount:
        raise BadInput(f"no shop {vendor}/{code} that sells is connected; see oms shop list")
    await audit.write(tx, "shop.silence", f"{vendor}/{code}", now, actor=actor, seconds=seconds)
