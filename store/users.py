"""Console users and sessions in SQL (SEC-2). Owns the rule that an administrator is left; each change is audited.

Passwords come hashed and tokens come digested: neither is ever seen here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.permissions import UserRole
from store import audit
from store.database import Database
from store.replay import By

_ALL = text("SELECT login, role, active, must_change, created_at, seen_at FROM console_user ORDER BY login")
_ONE = text("SELECT * FROM console_user WHERE login = :login")
_ADD = text(
    """
    INSERT INTO console_user (login, role, password_hash, must_change, created_at, changed_at)
    VALUES (:login, :role, :hash, true, :now, :now) ON CONFLICT DO NOTHING
    """
)
_LOCK = text("LOCK TABLE console_user IN SHARE ROW EXCLUSIVE MODE")
_ANY = text("SELECT EXISTS (SELECT 1 FROM console_user)")
_ROLE = text("UPDATE console_user SET role = :role WHERE login = :login")
_ACTIVE = text("UPDATE console_user SET active = :active WHERE login = :login")
_PASSWORD = text(
    """
    UPDATE console_user SET password_hash = :hash, must_change = :must_change, changed_at = :now WHERE login = :login
    """
)
_ADMINS = text("SELECT count(*) FROM console_user WHERE role = 'admin' AND active AND login <> :login")
_OPEN = text(
    "INSERT INTO console_session (digest, login, created_at, expires_at) VALUES (:digest, :login, :now, :until)"
)
_SEEN = text("UPDATE console_user SET seen_at = :now WHERE login = :login")
_SWEEP = text("DELETE FROM console_session WHERE expires_at < :now")
_SESSION = text(
    """
    SELECT u.login, u.role, u.must_change, s.expires_at FROM console_session s JOIN console_user u USING (login)
    WHERE s.digest = :digest AND s.ended_at IS NULL AND s.expires_at > :now AND u.active
    """
)
_END = text("UPDATE console_session SET ended_at = :now WHERE digest = :digest AND ended_at IS NULL")
_END_ALL = text(
    "UPDATE console_session SET ended_at = :now WHERE login = :login AND ended_at IS NULL AND digest <> :but"
)


@dataclass(frozen=True, slots=True)
class User:
    """One login as others see it."""

    login: str
    role: UserRole
    active: bool
    must_change: bool
    created_at: datetime
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """What a login is checked against."""

    login: str
    password_hash: str
    active: bool


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Whose session it is, what they may do now, and when it ends."""

    login: str
    role: UserRole
    must_change: bool
    expires_at: datetime


class ConsoleUsers:
    """Reads and changes users and their sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[User]:
        """List every user."""
        async with self._database.transaction() as tx:
            return [_user(row) for row in await tx.execute(_ALL)]

    async def account(self, login: str) -> Account | None:
        """Give what a password is checked against, or None when there is no such login."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"login": login})).one_or_none()
        return Account(row.login, row.password_hash, row.active) if row else None

    async def add(self, login: str, role: UserRole, password_hash: str, by: By) -> None:
        """Add a user with a one-time password; raise BadInput when the login is taken."""
        async with self._database.transaction() as tx:
            await _add(tx, login, role, password_hash, by)

    async def add_first(self, login: str, password_hash: str, by: By) -> bool:
        """Add the first administrator unless there is any user already; say whether it was added."""
        async with self._database.transaction() as tx:
            await tx.execute(_LOCK)
            if (await tx.execute(_ANY)).scalar_one():
                return False
            await _add(tx, login, UserRole.ADMIN, password_hash, by)
            return True

    async def set_role(self, login: str, role: UserRole, by: By) -> None:
        """Give a user another role, in force at the next click."""
        async with self._database.transaction() as tx:
            row = await _locked(tx, login)
            if row.role == UserRole.ADMIN and role is not UserRole.ADMIN:
                await _keep_an_admin(tx, row)
            await tx.execute(_ROLE, {"login": login, "role": role.value})
            await audit.write(tx, "user.role", login, by.now, actor=by.actor, role=role.value, was=row.role)

    async def set_active(self, login: str, active: bool, by: By) -> None:
        """Let a user in or keep the user out; keeping out ends every session."""
        async with self._database.transaction() as tx:
            row = await _locked(tx, login)
            if not active:
                await _keep_an_admin(tx, row)
                await tx.execute(_END_ALL, {"login": login, "now": by.now, "but": ""})
            await tx.execute(_ACTIVE, {"login": login, "active": active})
            word = "user.activated" if active else "user.deactivated"
            await audit.write(tx, word, login, by.now, actor=by.actor)

    async def set_password(
        self, login: str, password_hash: str, by: By, *, must_change: bool, but_session: str = ""
    ) -> None:
        """Store a new password; every session of the user but one ends."""
        async with self._database.transaction() as tx:
            await _locked(tx, login)
            values = {"login": login, "hash": password_hash, "must_change": must_change, "now": by.now}
            await tx.execute(_PASSWORD, values)
            await tx.execute(_END_ALL, {"login": login, "now": by.now, "but": but_session})
            await audit.write(tx, "user.password", login, by.now, actor=by.actor, one_time=must_change)

    async def open_session(self, digest: str, login: str, now: datetime, until: datetime) -> None:
        """Start a session; sessions that are over are dropped."""
        async with self._database.transaction() as tx:
            await tx.execute(_SWEEP, {"now": now})
            await tx.execute(_OPEN, {"digest": digest, "login": login, "now": now, "until": until})
            await tx.execute(_SEEN, {"login": login, "now": now})
            await audit.write(tx, "login.done", login, now, actor=login)

    async def session(self, digest: str, now: datetime) -> SessionFacts | None:
        """Say whose session it is; None when it has ended or its user is kept out."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_SESSION, {"digest": digest, "now": now})).one_or_none()
        return SessionFacts(row.login, UserRole(row.role), row.must_change, row.expires_at) if row else None

    async def end_session(self, digest: str, by: By) -> None:
        """End one session."""
        async with self._database.transaction() as tx:
            if (await tx.execute(_END, {"digest": digest, "now": by.now})).rowcount:
                await audit.write(tx, "login.ended", by.actor, by.now, actor=by.actor)

    async def note_failure(self, login: str, address: str, now: datetime) -> None:
        """Put a failed login on record; `login` is one that exists, never what somebody typed."""
        async with self._database.transaction() as tx:
            await audit.write(tx, "login.failed", login, now, actor="console", address=address)


async def _add(tx: AsyncConnection, login: str, role: UserRole, password_hash: str, by: By) -> None:
    values = {"login": login, "role": role.value, "hash": password_hash, "now": by.now}
    if not (await tx.execute(_ADD, values)).rowcount:
        raise BadInput(f"a user {login!r} exists already; choose another login")
    await audit.write(tx, "user.added", login, by.now, actor=by.actor, role=role.value)


async def _locked(tx: AsyncConnection, login: str) -> Row[Any]:
    await tx.execute(_LOCK)
    row = (await tx.execute(_ONE, {"login": login})).one_or_none()
    if row is None:
        raise BadInput(f"there is no user {login!r}; see oms user list")
    return row


async def _keep_an_admin(tx: AsyncConnection, row: Row[Any]) -> None:
    if row.role == UserRole.ADMIN and not (await tx.execute(_ADMINS, {"login": row.login})).scalar_one():
        raise BadInput(f"{row.login} is the last administrator; name another one first")


def _user(row: Row[Any]) -> User:
    return User(row.login, UserRole(row.role), row.active, row.must_change, row.created_at, row.seen_at)
