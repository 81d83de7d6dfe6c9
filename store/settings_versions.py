"""Versions of settings documents: listed, put in force, rolled back (CFG-1). Owns the rule that nobody wins silently.

A version never changes once it is stored; a rollback is a new version with an old body. Changes of one document happen
in turn, and each names the version that it was made from.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.errors import BadInput
from store import audit, settings_docs, stock_ledger, unmapped
from store.database import Database

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('setting:' || :kind, 0))")
_ACTIVE = text("SELECT * FROM setting WHERE active ORDER BY kind")
_ALL = text("SELECT * FROM setting WHERE kind = :kind ORDER BY version DESC")
_ONE = text(
    """
    SELECT * FROM setting
    WHERE kind = :kind AND (CASE WHEN CAST(:version AS integer) IS NULL THEN active ELSE version = :version END)
    """
)
_NEWEST = text("SELECT max(version) FROM setting WHERE kind = :kind")
_RETIRE = text("UPDATE setting SET active = false WHERE kind = :kind AND active")
_STORE = text(
    """
    INSERT INTO setting (kind, version, body, author, reason, active, created_at)
    VALUES (:kind, :version, :body, :author, :reason, true, :now)
    """
).bindparams(bindparam("body", type_=JSONB))


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes a document, why and when; `base` is the version that was in force when the change was made."""

    author: str
    reason: str
    now: datetime
    base: int


@dataclass(frozen=True, slots=True)
class Activated:
    """What came in force, and how many messages that waited for it are queued again."""

    version: int
    was: int
    queued: int = 0


class SettingVersions:
    """Reads and changes settings documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, kind: str | None = None) -> list[Row[Any]]:
        """List the versions in force, or all versions of one kind, newest first."""
        async with self._database.transaction() as tx:
            return list(await (tx.execute(_ALL, {"kind": settings_docs.known(kind)}) if kind else tx.execute(_ACTIVE)))

    async def one(self, kind: str, version: int | None = None) -> Row[Any]:
        """Read one version, the one in force unless another is named; BadInput when there is none."""
        async with self._database.transaction() as tx:
            return await _one(tx, kind, version)

    async def activate(self, kind: str, body: dict[str, Any], change: Change) -> Activated:
        """Put a new document in force; BadInput when it is senseless, the same, or somebody was faster."""
        settings_docs.validated(kind, body)
        async with self._database.transaction() as tx:
            active = await _base(tx, kind, change)
            activated = await _store(tx, active, body, change)
            detail = {"version": activated.version, "was": activated.was, "reason": change.reason}
            await audit.write(tx, "setting.activated", kind, change.now, actor=change.author, **detail)
            return activated

    async def roll_back(self, kind: str, to: int, change: Change) -> Activated:
        """Put an old body in force again, as a new version."""
        async with self._database.transaction() as tx:
            active, old = await _base(tx, kind, change), await _one(tx, kind, to)
            if old.active:
                raise BadInput(f"{kind} version {to} is in force already")
            settings_docs.validated(kind, settings_docs.filled(kind, old.body))
            activated = await _store(tx, active, old.body, change)
            detail = {"version": activated.version, "was": activated.was, "to": to, "reason": change.reason}
            await audit.write(tx, "setting.rolled_back", kind, change.now, actor=change.author, **detail)
            return activated


async def _one(tx: AsyncConnection, kind: str, version: int | None) -> Row[Any]:
    found = (await tx.execute(_ONE, {"kind": settings_docs.known(kind), "version": version})).one_or_none()
    if found is None:
        words = (
            f"no version {version}" if version is not None else "no version yet: start a worker, it brings the shipped"
        )
        raise BadInput(f"{kind} has {words}; see oms settings list {kind}")
    return found


async def _base(tx: AsyncConnection, kind: str, change: Change) -> Row[Any]:
    """Wait for this document's turn and give the version in force, which must be the one the change was made from."""
    await tx.execute(_TURN, {"kind": settings_docs.known(kind)})
    active = await _one(tx, kind, None)
    if active.version != change.base:
        raise BadInput(
            f"{kind} version {active.version} by {active.author} is in force, and this change was made from version "
            f"{change.base}: look at it (oms settings show {kind}), then change that one"
        )
    return active


async def _store(tx: AsyncConnection, active: Row[Any], body: dict[str, Any], change: Change) -> Activated:
    kind = active.kind
    if _plain(kind, body) == _plain(kind, active.body):
        raise BadInput(f"{kind} version {active.version}, which is in force, says the same: nothing is changed")
    version = (await tx.execute(_NEWEST, {"kind": kind})).scalar_one() + 1
    await tx.execute(_RETIRE, {"kind": kind})
    values = {"kind": kind, "version": version, "body": body, "author": change.author, "reason": change.reason}
    await tx.execute(_STORE, values | {"now": change.now})
    queued = 0
    if kind == "status_map":
        queued = await unmapped.queue_known(tx, settings_docs.status_map_of(version, body), change.now)
    elif kind == "stock" and _shows(body) != _shows(active.body):
        await stock_ledger.touch(tx, None, change.now)
    return Activated(version, active.version, queued)


def _shows(body: dict[str, Any]) -> dict[str, Any]:
    """Give what of the stock rules decides what shops are shown (domain/stock_state.py)."""
    plain = _plain("stock", body)
    return {name: plain[name] for name in ("core_channels", "live_channels", "backlog_percent", "live_weight_percent")}


def _plain(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Write a document out with its defaults, so that two ways of saying the same are the same."""
    return settings_docs.validated(kind, settings_docs.filled(kind, body)).model_dump(mode="json")
