"""Kept messages on their second way in (INT-14): what could not be verified, what could not be read, what could not
be booked. Each change is one transaction that locks its row first; doing it again changes nothing.

Whether a message is genuine and what it says is the connector's answer, asked by clients/replay.py.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.observations import Observation
from store import alerts, audit, unmapped
from store.database import Database
from store.inbox import (
    Arrival,
    Identity,
    drift_seconds,
    inbox_context,
    insert,
    insert_unparsable,
    observe,
    unverified_context,
)
from store.keyring import KeyRing
from store.observations import FAILED_ALERT

MOST = 10_000
SET_ASIDE = frozenset({"failed", unmapped.STATE})
"""States of observations that can be tried again."""
_UNVERIFIED = text("SELECT * FROM unverified WHERE id = :id")
_INBOX = text("SELECT * FROM inbox WHERE id = :id")
_LOCK_UNVERIFIED = text("SELECT replayed_at FROM unverified WHERE id = :id FOR UPDATE")
_LOCK_INBOX = text("SELECT state FROM inbox WHERE id = :id FOR UPDATE")
_SAME = text("SELECT id FROM inbox WHERE source = :source AND shop = :shop AND key = :key")
_REPLAYED = text("UPDATE unverified SET replayed_at = :now WHERE id = :id")
_READ = text(
    """
    UPDATE inbox SET key = :key, raw_sealed = :raw, request_sealed = NULL, sent_at = :sent_at, drift_seconds = :drift,
        state = 'accepted', reason = ''
    WHERE id = :id
    """
)
_SUPERSEDED = text("UPDATE inbox SET state = 'superseded' WHERE id = :id")
_FAILED = text("SELECT inbox_id, subject, state FROM observation WHERE id = :id FOR UPDATE")
_REQUEUE = text(
    """
    UPDATE observation SET state = 'new', attempts = 0, faults = 0, reason = '', next_at = :now, applied_at = NULL
    WHERE id = :id
    """
)
_UNVERIFIED_IDS = text(
    """
    SELECT id FROM unverified WHERE source = :source AND shop = :shop AND replayed_at IS NULL ORDER BY id LIMIT :most
    """
)
_FAILED_IDS = text("SELECT id FROM observation WHERE state = 'failed' ORDER BY id LIMIT :most")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept message, opened. `waits`: it has not been replayed, accepted or superseded yet."""

    id: int
    arrival: Arrival
    waits: bool
    state: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a connector made of a message: its key, the sender's clock, what it says."""

    key: str
    sent_at: datetime | None
    observations: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class By:
    """Who asks, and when."""

    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Entered:
    """The inbox row that a message has now; not `new` when it was accepted before under the same key."""

    inbox_id: int
    new: bool


class Replays:
    """Reads kept messages and lets them in."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def unverified(self, message_id: int) -> Kept | None:
        """Open a message that could not be verified; None when there is none of this number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_UNVERIFIED, {"id": message_id})).one_or_none()
        if row is None:
            return None
        state = f"replayed at {row.replayed_at:%Y-%m-%d %H:%M:%S} UTC" if row.replayed_at else "unverified"
        arrival = self._arrival(row, unverified_context(row.source, row.shop), "replay")
        return Kept(row.id, arrival, row.replayed_at is None, state)

    async def inbox(self, inbox_id: int) -> Kept | None:
        """Open a message of the inbox; None when there is none of this number."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_INBOX, {"id": inbox_id})).one_or_none()
        if row is None:
            return None
        arrival = self._arrival(row, inbox_context(row.source, row.shop, row.key), row.way)
        return Kept(row.id, arrival, row.state == "unparsable", row.state)

    async def unverified_ids(self, source: str, shop: str) -> list[int]:
        """List what a shop's sender could not prove, oldest first."""
        async with self._database.transaction() as tx:
            values = {"source": source, "shop": shop, "most": MOST}
            return [row.id for row in await tx.execute(_UNVERIFIED_IDS, values)]

    async def failed_ids(self) -> list[int]:
        """List the observations that were set aside, oldest first."""
        async with self._database.transaction() as tx:
            return [row.id for row in await tx.execute(_FAILED_IDS, {"most": MOST})]

    async def accept_unverified(self, kept: Kept, reading: Reading, by: By) -> Entered | None:
        """Let a message in that proved genuine after all; None when somebody did so in the meantime."""
        async with self._database.transaction() as tx:
            if not await _take_unverified(tx, kept.id, by.now):
                return None
            arrival = kept.arrival
            inbox_id = await insert(tx, self._ring, arrival, Identity(reading.key, reading.sent_at))
            entered = Entered(inbox_id or await _same(tx, arrival, reading.key), inbox_id is not None)
            if entered.new:
                await observe(tx, self._ring, entered.inbox_id, reading.observations, by.now)
            await _note(tx, f"u{kept.id}", arrival, entered, by)
            return entered

    async def keep_unreadable(self, kept: Kept, digest: str, reason: str, by: By) -> Entered | None:
        """Move a message that proved genuine, but cannot be read, to the inbox; None when somebody did so."""
        async with self._database.transaction() as tx:
            if not await _take_unverified(tx, kept.id, by.now):
                return None
            inbox_id = await insert_unparsable(tx, self._ring, kept.arrival, digest, reason)
            entered = Entered(inbox_id or await _same(tx, kept.arrival, f"unparsable:{digest}"), inbox_id is not None)
            await _note(tx, f"u{kept.id}", kept.arrival, entered, by)
            return entered

    async def accept_unparsable(self, kept: Kept, reading: Reading, by: By) -> Entered | None:
        """Accept a message that can be read now, under its own key; None when somebody did so in the meantime."""
        async with self._database.transaction() as tx:
            if (await tx.execute(_LOCK_INBOX, {"id": kept.id})).one().state != "unparsable":
                return None
            arrival = kept.arrival
            values = {"source": arrival.source, "shop": arrival.shop, "key": reading.key}
            known = (await tx.execute(_SAME, values)).scalar_one_or_none()
            entered = Entered(known or kept.id, known is None)
            if known is None:
                await tx.execute(_READ, self._read_values(kept, reading))
                await observe(tx, self._ring, kept.id, reading.observations, by.now)
            else:
                await tx.execute(_SUPERSEDED, {"id": kept.id})
            await _note(tx, str(kept.id), arrival, entered, by)
            return entered

    async def requeue(self, observation_id: int, by: By) -> str | None:
        """Put one that was set aside back in the queue; return the state it was in, None when there is none."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_FAILED, {"id": observation_id})).one_or_none()
            if row is None or row.state not in SET_ASIDE:
                return row.state if row else None
            await tx.execute(_REQUEUE, {"id": observation_id, "now": by.now})
            await alerts.clear(tx, row.subject, by.now, FAILED_ALERT)
            values = {"actor": by.actor, "inbox_id": row.inbox_id, "observation": observation_id}
            await audit.write(tx, "observation.replayed", row.subject, by.now, **values)
            return str(row.state)

    def _read_values(self, kept: Kept, reading: Reading) -> dict[str, Any]:
        arrival = kept.arrival
        context = inbox_context(arrival.source, arrival.shop, reading.key)
        return {
            "id": kept.id,
            "key": reading.key,
            "raw": self._ring.seal_raw(arrival.raw, context),
            "sent_at": reading.sent_at,
            "drift": drift_seconds(arrival.received_at, reading.sent_at),
        }

    def _arrival(self, row: Row[Any], context: str, way: str) -> Arrival:
        raw = self._ring.open_raw(row.raw_sealed, context)
        arrival = Arrival(row.source, row.shop, way, row.headers, raw, row.received_at)
        if row.request_sealed is None:
            return arrival
        request = json.loads(self._ring.open_raw(row.request_sealed, f"{context}|request"))
        return replace(arrival, query=request["query"], headers=request["headers"])


async def _take_unverified(tx: AsyncConnection, message_id: int, now: datetime) -> bool:
    row = (await tx.execute(_LOCK_UNVERIFIED, {"id": message_id})).one_or_none()
    if row is None or row.replayed_at is not None:
        return False
    await tx.execute(_REPLAYED, {"id": message_id, "now": now})
    return True


async def _same(tx: AsyncConnection, arrival: Arrival, key: str) -> int:
    values = {"source": arrival.source, "shop": arrival.shop, "key": key}
    return int((await tx.execute(_SAME, values)).scalar_one())


async def _note(tx: AsyncConnection, name: str, arrival: Arrival, entered: Entered, by: By) -> None:
    where = f"{arrival.source}/{arrival.shop}"
    detail = {"message": name, "new": entered.new}
    await audit.write(tx, "inbox.replayed", where, by.now, actor=by.actor, inbox_id=entered.inbox_id, **detail)
