"""Access tokens of shops in SQL, sealed. Owns who may renew one: a refresh token may work only once, so one at a time.

Implements activities/ports.py: Tokens.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.shops import Shop, Token
from store import alerts, audit
from store.alerts import Level, NewAlert
from store.database import Database
from store.keyring import KeyRing

CLAIM_SECONDS = 15.0
"""A renewal is one call, and a call ends within 14 s (connectors/http.py)."""
RENEW_AFTER = 0.8
"""A token is renewed when this share of its life is over."""

_SAVE = text(
    """
    INSERT INTO shop_token (vendor, code, token_sealed, version, expires_at, renew_at, saved_at)
    VALUES (:vendor, :code, :sealed, :version, :expires_at, :renew_at, :now)
    ON CONFLICT (vendor, code) DO UPDATE SET token_sealed = excluded.token_sealed, version = excluded.version,
        expires_at = excluded.expires_at, renew_at = excluded.renew_at, claimed_until = NULL,
        saved_at = excluded.saved_at
    """
)
_CLAIM = text(
    """
    UPDATE shop_token SET claimed_until = :until
    WHERE vendor = :vendor AND code = :code AND version = :version
        AND (claimed_until IS NULL OR claimed_until < :now)
    RETURNING version
    """
)
_UNCLAIM = text("UPDATE shop_token SET claimed_until = NULL WHERE vendor = :vendor AND code = :code")
_SPOIL = text(
    """
    UPDATE shop_token SET renew_at = :now, expires_at = least(expires_at, :now)
    WHERE vendor = :vendor AND code = :code AND version = :version
    """
)
_VERSION = text("SELECT version FROM shop_token WHERE vendor = :vendor AND code = :code")


class SqlTokens:
    """Saves and renews tokens; reading them is store/shops.py's."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def put(self, vendor: str, code: str, token: Token, now: datetime, actor: str) -> None:
        """Store a token that a person brought, as the next version."""
        async with self._database.transaction() as tx:
            known = (await tx.execute(_VERSION, {"vendor": vendor, "code": code})).scalar_one_or_none() or 0
            await self._save(tx, (vendor, code), replace(token, version=known + 1), now)
            await _told(tx, (vendor, code), now, actor, known + 1)

    async def claim(self, shop: Shop, version: int, now: datetime) -> bool:
        """Take the right to renew this version; False while somebody else has it, or has renewed it."""
        values = {"vendor": shop.vendor, "code": shop.code, "version": version, "now": now}
        async with self._database.transaction() as tx:
            until = now + timedelta(seconds=CLAIM_SECONDS)
            return (await tx.execute(_CLAIM, values | {"until": until})).one_or_none() is not None

    async def unclaim(self, shop: Shop) -> None:
        """Give the right back after a renewal that the vendor did not answer."""
        async with self._database.transaction() as tx:
            await tx.execute(_UNCLAIM, {"vendor": shop.vendor, "code": shop.code})

    async def save(self, shop: Shop, token: Token, now: datetime) -> None:
        """Store a renewed token; its claim ends with it."""
        async with self._database.transaction() as tx:
            await self._save(tx, (shop.vendor, shop.code), token, now)
            await _told(tx, (shop.vendor, shop.code), now, "system", token.version)

    async def spoil(self, shop: Shop, version: int, now: datetime) -> None:
        """Note that the vendor does not take this version any more: it is due for renewal at once."""
        async with self._database.transaction() as tx:
            await tx.execute(_SPOIL, {"vendor": shop.vendor, "code": shop.code, "version": version, "now": now})

    async def lost(self, shop: Shop, reason: str, now: datetime) -> None:
        """Tell somebody that the shop has to be authorised anew."""
        where = f"{shop.vendor}/{shop.code}"
        words = f"its access token cannot be renewed ({reason}): authorise it anew, then oms shop token {where}"
        async with self._database.transaction() as tx:
            await alerts.raise_alert(tx, NewAlert("token", Level.CRITICAL, where, words), now)

    async def _save(self, tx: AsyncConnection, place: tuple[str, str], token: Token, now: datetime) -> None:
        sealed = self._ring.seal(json.dumps([token.access, token.refresh]).encode(), _context(*place))
        life = (token.expires_at - now) * RENEW_AFTER if token.expires_at else None
        values = {
            "vendor": place[0],
            "code": place[1],
            "sealed": sealed,
            "version": token.version,
            "expires_at": token.expires_at,
            "renew_at": now + life if life is not None else None,
            "now": now,
        }
        await tx.execute(_SAVE, values)


def opened(ring: KeyRing, row: Row[Any]) -> Token | None:
    """Open the token of a shop row that was joined with it; None where there is none."""
    if row.token_sealed is None:
        return None
    access, refresh = json.loads(ring.open(row.token_sealed, _context(row.vendor, row.code)))
    return Token(access, refresh, row.expires_at, row.version, row.renew_at)


async def _told(tx: AsyncConnection, place: tuple[str, str], now: datetime, actor: str, version: int) -> None:
    where = "/".join(place)
    await alerts.clear(tx, where, now, "token")
    await audit.write(tx, "shop.token", where, now, actor=actor, version=version)


def _context(vendor: str, code: str) -> str:
    return f"shop.token|{vendor}|{code}"
