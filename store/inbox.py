"""The inbox: where messages from outside become durable, before anything else happens (INT-4, INT-11).

Verified messages are unique by (source, shop, key), for ever. What cannot be verified goes to a table of its own,
without a unique key, so that a forged body never shadows a genuine one; it is capped per source.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.lanes import lane, subject
from domain.observations import Observation, OrderObserved
from store import clocks, settings_docs, signatures
from store.database import Database
from store.keyring import KeyRing
from store.serial import seal_observation
from store.tracing import trace_now

UNVERIFIED_BYTES_PER_SOURCE = 32 * 1024 * 1024
UNVERIFIED_ROW_BYTES = 512
"""What a kept message costs beside its body, query and headers, so that empty ones fill the share too."""
KEPT_HEADERS = frozenset({"content-type", "user-agent", "content-length", "date"})

_ACCEPT = text(
    """
    INSERT INTO inbox (source, shop, key, way, headers, raw_sealed, request_sealed, received_at, sent_at, drift_seconds,
        state, reason)
    VALUES (:source, :shop, :key, :way, :headers, :raw, :request, :received_at, :sent_at, :drift, :state, :reason)
    ON CONFLICT (source, shop, key) DO NOTHING RETURNING id
    """
).bindparams(bindparam("headers", type_=JSONB))
_OBSERVE = text(
    """
    INSERT INTO observation (inbox_id, part, kind, subject, lane, body_sealed, state, next_at, trace)
    VALUES (:inbox_id, :part, :kind, :subject, :lane, :body, 'new', :next_at, :trace)
    """
)
_UNVERIFIED_SIZE = text("SELECT coalesce(sum(size_bytes), 0) FROM unverified WHERE source = :source AND shop = :shop")
_KEEP_UNVERIFIED = text(
    """
    INSERT INTO unverified (source, shop, headers, request_sealed, raw_sealed, size_bytes, received_at, reason)
    VALUES (:source, :shop, :headers, :request, :raw, :size, :received_at, :reason)
    """
).bindparams(bindparam("headers", type_=JSONB))
_WHERE_FROM = text("SELECT id, source, shop, key, raw_sealed FROM inbox WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A raw message with where it came from; `way` is push, pull, file or replay."""

    source: str
    shop: str
    way: str
    headers: Mapping[str, str]
    raw: bytes
    received_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)


class Inbox:
    """Accepts messages, each in one short transaction."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def accept(
        self, arrival: Arrival, key: str, sent_at: datetime | None, observations: tuple[Observation, ...]
    ) -> bool:
        """Store a verified message and its observations; False when it was stored before."""
        async with self._database.transaction() as tx:
            inbox_id = await insert(tx, self._ring, arrival, Identity(key, sent_at))
            if inbox_id is None:
                return False
            await observe(tx, self._ring, inbox_id, observations, arrival.received_at)
        return True

    async def keep_unparsable(self, arrival: Arrival, key: str, reason: str) -> bool:
        """Store a genuine message that nobody can read, with the reason; False when it was stored before."""
        async with self._database.transaction() as tx:
            return await insert_unparsable(tx, self._ring, arrival, key, reason) is not None

    async def keep_unverified(self, arrival: Arrival, reason: str) -> bool:
        """Store a message whose sender is not proven; False when the source's share is full."""
        where = {"source": arrival.source, "shop": arrival.shop}
        request = request_of(arrival)
        size = len(arrival.raw) + len(request) + UNVERIFIED_ROW_BYTES
        async with self._database.transaction() as tx:
            await signatures.watch(tx, arrival.source, arrival.shop, arrival.received_at)
            held = (await tx.execute(_UNVERIFIED_SIZE, where)).scalar_one()
            if held + size > UNVERIFIED_BYTES_PER_SOURCE:
                return False
            context = unverified_context(arrival.source, arrival.shop)
            values = {
                "headers": _kept(arrival.headers),
                "request": self._ring.seal_raw(request, f"{context}|request"),
                "raw": self._ring.seal_raw(arrival.raw, context),
                "size": size,
                "received_at": arrival.received_at,
                "reason": reason[:500],
            }
            await tx.execute(_KEEP_UNVERIFIED, where | values)
        return True

    async def raw(self, inbox_id: int) -> bytes:
        """Open one raw message byte for byte as received."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_WHERE_FROM, {"id": inbox_id})).one()
        return self._ring.open_raw(row.raw_sealed, inbox_context(row.source, row.shop, row.key))


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a message one of its kind, and when its sender says that it left."""

    key: str
    sent_at: datetime | None = None


async def insert(
    tx: AsyncConnection, ring: KeyRing, arrival: Arrival, identity: Identity, reason: str = ""
) -> int | None:
    """Store a message once and give its id; None when it is there. A `reason` says why it cannot be read."""
    key, sent_at = identity.key, identity.sent_at
    context = inbox_context(arrival.source, arrival.shop, key)
    values: dict[str, Any] = {
        "source": arrival.source,
        "shop": arrival.shop,
        "key": key,
        "way": arrival.way,
        "headers": _kept(arrival.headers),
        "raw": ring.seal_raw(arrival.raw, context),
        "request": ring.seal_raw(request_of(arrival), f"{context}|request") if reason else None,
        "received_at": arrival.received_at,
        "sent_at": sent_at,
        "drift": drift_seconds(arrival.received_at, sent_at),
        "state": "unparsable" if reason else "accepted",
        "reason": reason[:1000],
    }
    inbox_id: int | None = (await tx.execute(_ACCEPT, values)).scalar_one_or_none()
    if inbox_id is not None and arrival.way == "push":
        await clocks.watch_sender(tx, arrival.source, arrival.shop, values["drift"], arrival.received_at)
    return inbox_id


async def insert_unparsable(tx: AsyncConnection, ring: KeyRing, arrival: Arrival, key: str, reason: str) -> int | None:
    """Store a message that nobody can read under a key of its own, so that it shadows no readable one."""
    return await insert(tx, ring, arrival, Identity(f"unparsable:{key}"), reason)


async def observe(
    tx: AsyncConnection, ring: KeyRing, inbox_id: int, observations: tuple[Observation, ...], now: datetime
) -> None:
    """Queue what a stored message says.

    Its lane is that of the status as the map in force reads it; what is sealed stays as the channel said it, so that
    apply, now or after a mend, reads it with the map of that moment (INT-13).
    """
    for part, seen in enumerate(observations):
        about = subject(seen)
        values = {
            "inbox_id": inbox_id,
            "part": part,
            "kind": seen.kind,
            "subject": about,
            "lane": lane(await settings_docs.resolved(tx, seen)),
            "body": seal_observation(ring, seen, about),
            "next_at": now,
            "trace": trace_now(),
        }
        await tx.execute(_OBSERVE, values)
        if isinstance(seen, OrderObserved):
            await clocks.watch_order(tx, seen, now)


def inbox_context(source: str, shop: str, key: str) -> str:
    """Name what a sealed inbox body belongs to."""
    return f"inbox|{source}|{shop}|{key}"


def unverified_context(source: str, shop: str) -> str:
    """Name what a sealed unverified body belongs to."""
    return f"unverified|{source}|{shop}"


def drift_seconds(received_at: datetime, sent_at: datetime | None) -> float | None:
    """Say how far the sender's clock is off (INT-12)."""
    return (received_at - sent_at).total_seconds() if sent_at else None


def request_of(arrival: Arrival) -> bytes:
    """Write query and headers for sealing: verifying and reading a message again needs them. No cookies."""
    headers = {name: value for name, value in arrival.headers.items() if name != "cookie"}
    return json.dumps({"query": dict(arrival.query), "headers": headers}).encode()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep the headers that help later; never a credential or a cookie."""
    return {
        name: value[:200] for name, value in headers.items() if name in KEPT_HEADERS or name.startswith("x-steadfast")
    }
