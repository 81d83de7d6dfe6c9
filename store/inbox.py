"""The inbox: where messages from outside become durable, before anything else happens (INT-4, INT-11).

Verified messages are unique by (source, shop, key), for ever. What cannot be verified goes to a table of its own,
without a unique key, so that a forged body never shadows a genuine one; it is capped per source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain.lanes import lane, subject
from domain.observations import Observation
from store.database import Database
from store.keyring import KeyRing
from store.serial import seal_observation

UNVERIFIED_BYTES_PER_SOURCE = 32 * 1024 * 1024
UNVERIFIED_ROW_BYTES = 512
"""What a kept message costs beside its body and query, so that empty ones fill the share too."""
KEPT_HEADERS = frozenset({"content-type", "user-agent", "content-length", "date"})

_ACCEPT = text(
    """
    INSERT INTO inbox (source, shop, key, way, headers, raw_sealed, received_at, sent_at, drift_seconds, state, reason)
    VALUES (:source, :shop, :key, :way, :headers, :raw, :received_at, :sent_at, :drift, :state, :reason)
    ON CONFLICT (source, shop, key) DO NOTHING RETURNING id
    """
).bindparams(bindparam("headers", type_=JSONB))
_OBSERVE = text(
    """
    INSERT INTO observation (inbox_id, part, kind, subject, lane, body_sealed, state, next_at)
    VALUES (:inbox_id, :part, :kind, :subject, :lane, :body, 'new', :next_at)
    """
)
_UNVERIFIED_SIZE = text("SELECT coalesce(sum(size_bytes), 0) FROM unverified WHERE source = :source AND shop = :shop")
_KEEP_UNVERIFIED = text(
    """
    INSERT INTO unverified (source, shop, headers, query_sealed, raw_sealed, size_bytes, received_at, reason)
    VALUES (:source, :shop, :headers, :query, :raw, :size, :received_at, :reason)
    """
).bindparams(bindparam("headers", type_=JSONB))
_WHERE_FROM = text("SELECT id, source, shop, key, raw_sealed FROM inbox WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A raw message with where it came from; `way` is push, pull or file."""

    source: str
    shop: str
    way: str
    headers: Mapping[str, str]
    raw: bytes
    received_at: datetime


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
            inbox_id = await self._insert(tx, arrival, key, sent_at=sent_at)
            if inbox_id is None:
                return False
            for part, seen in enumerate(observations):
                about = subject(seen)
                await tx.execute(
                    _OBSERVE,
                    {
                        "inbox_id": inbox_id,
                        "part": part,
                        "kind": seen.kind,
                        "subject": about,
                        "lane": lane(seen),
                        "body": seal_observation(self._ring, seen, about),
                        "next_at": arrival.received_at,
                    },
                )
        return True

    async def keep_unparsable(self, arrival: Arrival, key: str, reason: str) -> bool:
        """Store a genuine message that nobody can read, with the reason; False when it was stored before."""
        async with self._database.transaction() as tx:
            return await self._insert(tx, arrival, f"unparsable:{key}", reason=reason) is not None

    async def keep_unverified(self, arrival: Arrival, query: str, reason: str) -> bool:
        """Store a message whose sender is not proven; False when the source's share is full."""
        where = {"source": arrival.source, "shop": arrival.shop}
        size = len(arrival.raw) + len(query.encode()) + UNVERIFIED_ROW_BYTES
        async with self._database.transaction() as tx:
            held = (await tx.execute(_UNVERIFIED_SIZE, where)).scalar_one()
            if held + size > UNVERIFIED_BYTES_PER_SOURCE:
                return False
            context = f"unverified|{arrival.source}|{arrival.shop}"
            await tx.execute(
                _KEEP_UNVERIFIED,
                where
                | {
                    "headers": _kept(arrival.headers),
                    "query": self._ring.seal_raw(query.encode(), context),
                    "raw": self._ring.seal_raw(arrival.raw, context),
                    "size": size,
                    "received_at": arrival.received_at,
                    "reason": reason[:500],
                },
            )
        return True

    async def raw(self, inbox_id: int) -> bytes:
        """Open one raw message byte for byte as received."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_WHERE_FROM, {"id": inbox_id})).one()
        return self._ring.open_raw(row.raw_sealed, f"inbox|{row.source}|{row.shop}|{row.key}")

    async def _insert(
        self, tx: AsyncConnection, arrival: Arrival, key: str, *, sent_at: datetime | None = None, reason: str = ""
    ) -> int | None:
        values: dict[str, Any] = {
            "source": arrival.source,
            "shop": arrival.shop,
            "key": key,
            "way": arrival.way,
            "headers": _kept(arrival.headers),
            "raw": self._ring.seal_raw(arrival.raw, f"inbox|{arrival.source}|{arrival.shop}|{key}"),
            "received_at": arrival.received_at,
            "sent_at": sent_at,
            "drift": (arrival.received_at - sent_at).total_seconds() if sent_at else None,
            "state": "unparsable" if reason else "accepted",
            "reason": reason[:1000],
        }
        return (await tx.execute(_ACCEPT, values)).scalar_one_or_none()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep the headers that help later; never a credential or a cookie."""
    return {
        name: value[:200] for name, value in headers.items() if name in KEPT_HEADERS or name.startswith("x-steadfast")
    }
