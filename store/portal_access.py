"""How buyers get in (AFT-1, SEC-4): one-time links, codes by SMS, sessions. Every answer is bound to one order.

A token is random and signed by the key ring; the store keeps its digest. Phones are found by their blind index alone,
so a code can only be asked for where the channel shows the whole number.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.messages import Saying
from store import audit, contacts, messaging
from store.database import Database
from store.keyring import KeyRing
from store.replay import By

LINK_LASTS = timedelta(days=3)
SESSION_LASTS = timedelta(hours=12)
CODE_LASTS = timedelta(minutes=5)
CODE_TRIES = 5
CODE_DIGITS = 6
MOST_CODES, CODES_WITHIN = 5, timedelta(hours=1)
"""More codes for one order are not sent, whoever asks: an SMS costs money, and each one is a few guesses more."""
CODE_SAID = "portal.code"

_ORDER = text("SELECT 1 FROM orders WHERE key = :key")
_ADD_LINK = text(
    """
    INSERT INTO portal_link (digest, order_key, made_by, made_at, expires_at)
    VALUES (:digest, :key, :actor, :now, :until)
    """
)
_LINK = text("SELECT order_key, expires_at, used_at FROM portal_link WHERE digest = :digest")
_USE_LINK = text(
    """
    UPDATE portal_link SET used_at = :now WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    RETURNING order_key
    """
)
_OPEN = text(
    """
    INSERT INTO portal_session (digest, order_key, way, opened_at, expires_at)
    VALUES (:digest, :key, :way, :now, :until)
    """
)
_FORGET = text("DELETE FROM portal_session WHERE expires_at <= :now")
_FORGET_CODES = text("DELETE FROM portal_code WHERE order_key = :key AND asked_at <= :since")
_SESSION = text("SELECT order_key FROM portal_session WHERE digest = :digest AND expires_at > :now")
_END = text("DELETE FROM portal_session WHERE digest = :digest")
_FIND = text(
    """
    SELECT o.key FROM orders o JOIN contact c ON c.order_key = o.key
    WHERE o.no = :no AND c.phone_index = :phone AND c.phone_index <> '' ORDER BY o.created_at DESC LIMIT 1
    """
)
_LOCK = text("SELECT key FROM orders WHERE key = :key FOR UPDATE")
_ASKED = text("SELECT count(*) FROM portal_code WHERE order_key = :key AND asked_at > :since")
_ADD_CODE = text(
    """
    INSERT INTO portal_code (digest, order_key, code_digest, asked_at, expires_at)
    VALUES (:digest, :key, :code, :now, :until) ON CONFLICT (digest) DO NOTHING
    """
)
_TRY = text(
    """
    UPDATE portal_code SET tries = tries + 1
    WHERE digest = :digest AND used_at IS NULL AND expires_at > :now AND tries < :most RETURNING order_key, code_digest
    """
)
_USED = text("UPDATE portal_code SET used_at = :now WHERE digest = :digest")
_TOKEN = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{32})", re.ASCII)


class LinkState(StrEnum):
    """What a link is worth."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entered:
    """A browser that got in: its cookie, and the order that it may see."""

    cookie: str
    order_key: str


class PortalAccess:
    """Lets buyers in."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def make_link(self, key: str, by: By) -> str:
        """Give a token that opens an order once within LINK_LASTS; BadInput when there is no such order."""
        token = self._draw("portal.link")
        values = {"digest": _digest(token), "key": key, "actor": by.actor, "now": by.now, "until": by.now + LINK_LASTS}
        async with self._database.transaction() as tx:
            if (await tx.execute(_ORDER, {"key": key})).one_or_none() is None:
                raise BadInput(f"no order {key}: an order's key is CHANNEL:SHOP:NUMBER, see oms order find")
            await tx.execute(_ADD_LINK, values)
            await audit.write(tx, "portal.link_made", key, by.now, actor=by.actor)
        return token

    async def link(self, token: str, now: datetime) -> LinkState:
        """Say what a link is worth, without using it up."""
        if not self._ours(token, "portal.link"):
            return LinkState.UNKNOWN
        async with self._database.transaction() as tx:
            row = (await tx.execute(_LINK, {"digest": _digest(token)})).one_or_none()
        if row is None:
            return LinkState.UNKNOWN
        if row.used_at is not None:
            return LinkState.USED
        return LinkState.GOOD if row.expires_at > now else LinkState.EXPIRED

    async def use_link(self, token: str, now: datetime) -> Entered | None:
        """Open a session by a link, once; None when it is used, expired or none of ours."""
        if not self._ours(token, "portal.link"):
            return None
        async with self._database.transaction() as tx:
            values = {"digest": _digest(token), "now": now}
            key = (await tx.execute(_USE_LINK, values)).scalar_one_or_none()
            return None if key is None else await self._open(tx, key, "link", now)

    async def ask_code(self, no: str, phone: str, challenge: str, now: datetime) -> bool:
        """Send a code to the phone of an order, if number and phone belong together; whether, nobody outside is told.

        The same challenge asks once. It is one message under the limits of its account, and never waits for day.
        """
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        async with self._database.transaction() as tx:
            found = {"no": no.strip(), "phone": contacts.phone_index(self._ring, phone)}
            key = (await tx.execute(_FIND, found)).scalar_one_or_none()
            if key is None:
                return False
            await tx.execute(_LOCK, {"key": key})
            await tx.execute(_FORGET_CODES, {"key": key, "since": now - CODES_WITHIN})
            asked = (await tx.execute(_ASKED, {"key": key, "since": now - CODES_WITHIN})).scalar_one()
            if asked >= MOST_CODES:
                return False
            values = {"digest": _digest(challenge), "key": key, "code": self._code(challenge, code)}
            if not (await tx.execute(_ADD_CODE, values | {"now": now, "until": now + CODE_LASTS})).rowcount:
                return False
            subject = values["digest"][:12]  # each code is news: without its own subject the second one is a repetition
            saying = Saying(CODE_SAID, f"portal.code:{values['digest']}", subject, order_key=key, facts={"code": code})
            return bool(await messaging.say_to_buyer(tx, saying, now))

    async def try_code(self, challenge: str, code: str, now: datetime) -> Entered | None:
        """Open a session by a code; None when it is wrong, late, used, or was tried too often."""
        values = {"digest": _digest(challenge), "now": now}
        async with self._database.transaction() as tx:
            row = (await tx.execute(_TRY, values | {"most": CODE_TRIES})).one_or_none()
            if row is None or not hmac.compare_digest(row.code_digest, self._code(challenge, code.strip())):
                return None
            await tx.execute(_USED, values)
            return await self._open(tx, row.order_key, "code", now)

    async def session(self, cookie: str | None, now: datetime) -> str | None:
        """Say which order a cookie opens; None when it is not ours, or its time is over."""
        if cookie is None or not self._ours(cookie, "portal.session"):
            return None
        async with self._database.transaction() as tx:
            found = await tx.execute(_SESSION, {"digest": _digest(cookie), "now": now})
            return found.scalar_one_or_none()

    async def end(self, cookie: str) -> None:
        """End a session."""
        async with self._database.transaction() as tx:
            await tx.execute(_END, {"digest": _digest(cookie)})

    async def _open(self, tx: AsyncConnection, key: str, way: str, now: datetime) -> Entered:
        cookie = self._draw("portal.session")
        values = {"digest": _digest(cookie), "key": key, "way": way, "now": now, "until": now + SESSION_LASTS}
        await tx.execute(_FORGET, {"now": now})
        await tx.execute(_OPEN, values)
        await audit.write(tx, "portal.entered", key, now, actor="buyer", way=way)
        return Entered(cookie, key)

    def _draw(self, purpose: str) -> str:
        word = secrets.token_urlsafe(16)
        return f"{word}.{self._ring.blind(word, purpose)}"

    def _ours(self, token: str, purpose: str) -> bool:
        found = _TOKEN.fullmatch(token)
        return found is not None and hmac.compare_digest(found[2], self._ring.blind(found[1], purpose))

    def _code(self, challenge: str, code: str) -> str:
        return self._ring.blind(f"{challenge}|{code}", "portal.code")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
