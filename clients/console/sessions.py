"""Who is asking: signed session cookies, their check on every request, and the proof that a form is our own (CSRF)."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.clock import Clock
from domain.errors import Unavailable
from domain.permissions import Action, UserRole, may
from store.keyring import KeyRing
from store.replay import By
from store.users import ConsoleUsers, SessionFacts

FRESH = timedelta(seconds=3)
"""A page trusts what it knew of a session for so long; an action asks the store every time."""
MOST_KNOWN = 5_000
_COOKIE = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is logged in, with what its user may do now."""

    digest: str
    login: str
    role: UserRole
    must_change: bool
    expires_at: datetime

    def may(self, action: Action) -> bool:
        """Say whether the user may do something."""
        return may(self.role, action)


class Sessions:
    """Opens, checks and ends sessions. With the database away, one that was good stays good until it expires."""

    def __init__(self, users: ConsoleUsers, ring: KeyRing, clock: Clock, lasts: timedelta) -> None:
        self._users = users
        self._ring = ring
        self._clock = clock
        self._lasts = lasts
        self._known: dict[str, tuple[datetime, Session]] = {}

    async def open(self, login: str) -> str:
        """Start a session and give its cookie."""
        token = secrets.token_hex(32)
        now = self._clock()
        await self._users.open_session(_digest(token), login, now, now + self._lasts)
        return f"{token}.{self._sign(token)}"

    async def of(self, cookie: str | None) -> Session | None:
        """Say whose cookie it is; None when it is not ours, has expired or was ended. Raises Unavailable."""
        token = self._token(cookie)
        if token is None:
            return None
        digest, now = _digest(token), self._clock()
        known = self._known.get(digest)
        if known and now - known[0] < FRESH and now < known[1].expires_at:
            return known[1]
        try:
            return await self.again(digest)
        except Unavailable:
            if known and now < known[1].expires_at:
                return known[1]
            raise

    async def again(self, digest: str) -> Session | None:
        """Ask the store once more; before every action."""
        now = self._clock()
        facts = await self._users.session(digest, now)
        if facts is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        session = _session(digest, facts)
        self._known[digest] = now, session
        return session

    async def end(self, session: Session) -> None:
        """End a session at the user's wish."""
        self._known.pop(session.digest, None)
        await self._users.end_session(session.digest, By(session.login, self._clock()))

    def forget(self, session: Session) -> None:
        """Forget what was known of a session, so that it is asked anew."""
        self._known.pop(session.digest, None)

    def form_word(self, about: str) -> str:
        """Give the word that proves that a form came from us; `about` is a session's digest or a login form's nonce."""
        return self._ring.blind(about, "console.form")

    def is_ours(self, about: str, word: str) -> bool:
        """Say whether a form's word is the right one."""
        return hmac.compare_digest(self.form_word(about).encode(), word.encode())

    def _token(self, cookie: str | None) -> str | None:
        found = _COOKIE.fullmatch(cookie or "")
        return found[1] if found and hmac.compare_digest(found[2], self._sign(found[1])) else None

    def _sign(self, token: str) -> str:
        return self._ring.blind(token, "console.session")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _session(digest: str, facts: SessionFacts) -> Session:
    return Session(digest, facts.login, facts.role, facts.must_change, facts.expires_at)
