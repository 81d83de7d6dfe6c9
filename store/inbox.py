"""The inbox: where messages from outside become durable, before anything else happens (INT-4, INT-11).

Verified messages are unique by (source, shop, key), for ever. What cannot be verified goes to a table of its own,
without a unique key, so that a forged body never shadows a genuine one; it is capped per source.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import bindparam

from domain import drift
from domain.lanes import lane, subject
from domain.observations import Observation, OrderObserved
from store import clocks, settings_docs, signatures
from store.database import Database
from store.group_commit import GroupCommit
from store.keyring import KeyRing
from store.serial import seal_observation
from store.shedding import LANE, booked_state
from store.tracing import trace_now

MOST_AT_ONCE = 64
"""How many messages share one commit at most."""
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
# Several at once, in the order of their keys, so that two groups with the same messages never wait in a circle.
_ACCEPT_ALL = text(
    f"""
    WITH came AS (
        SELECT * FROM unnest(CAST(:source AS text[]), CAST(:shop AS text[]), CAST(:key AS text[]),
            CAST(:way AS text[]), CAST(:headers AS text[]), CAST(:raw AS bytea[]), CAST(:received_at AS timestamptz[]),
            CAST(:sent_at AS timestamptz[]), CAST(:drift AS double precision[])) WITH ORDINALITY
            AS m (source, shop, key, way, headers, raw, received_at, sent_at, drift, n)
    ), stored AS (
        INSERT INTO inbox (source, shop, key, way, headers, raw_sealed, received_at, sent_at, drift_seconds, state,
            reason)
        SELECT source, shop, key, way, CAST(headers AS jsonb), raw, received_at, sent_at, drift, 'accepted', ''
        FROM came ORDER BY n
        ON CONFLICT (source, shop, key) DO NOTHING RETURNING id, source, shop, key
    ), said AS (
        INSERT INTO observation (inbox_id, part, kind, subject, lane, body_sealed, state, next_at, trace)
        SELECT stored.id, o.part, o.kind, o.subject, {LANE}, o.body, 'new', o.next_at, o.trace
        FROM unnest(CAST(:of AS bigint[]), CAST(:part AS int[]), CAST(:kind AS text[]), CAST(:subject AS text[]),
            CAST(:lane AS int[]), CAST(:booked AS text[]), CAST(:body AS bytea[]), CAST(:next_at AS timestamptz[]),
            CAST(:trace AS text[])) AS o (n, part, kind, subject, lane, booked, body, next_at, trace)
            JOIN came USING (n) JOIN stored USING (source, shop, key)
        ORDER BY stored.id, o.part
    )
    SELECT came.n FROM came JOIN stored USING (source, shop, key)
    """  # noqa: S608  (our own words)
)
_OBSERVE = text(
    f"""
    INSERT INTO observation (inbox_id, part, kind, subject, lane, body_sealed, state, next_at, trace)
    SELECT :inbox_id, o.part - 1, o.kind, o.subject, {LANE}, o.body, 'new', :next_at, :trace
    FROM unnest(CAST(:kind AS text[]), CAST(:subject AS text[]), CAST(:lane AS int[]), CAST(:booked AS text[]),
        CAST(:body AS bytea[])) WITH ORDINALITY AS o (kind, subject, lane, booked, body, part)
    ORDER BY o.part
    """  # noqa: S608  (our own words)
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


@dataclass(frozen=True, slots=True)
class _Part:
    """One observation of a message, sealed."""

    seen: Observation
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Message:
    """A verified message as it goes into the inbox."""

    arrival: Arrival
    key: str
    sent_at: datetime | None
    raw: bytes
    parts: tuple[_Part, ...]
    trace: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it one of its kind."""
        return self.arrival.source, self.arrival.shop, self.key

    @property
    def drift(self) -> float | None:
        """How far its sender's clock is off."""
        return drift_seconds(self.arrival.received_at, self.sent_at)


class Inbox:
    """Accepts messages. Those that come while one is being stored share the next commit; none waits for another."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring
        self._group = GroupCommit(self._accept_all, MOST_AT_ONCE)

    async def accept(
        self, arrival: Arrival, key: str, sent_at: datetime | None, observations: tuple[Observation, ...]
    ) -> bool:
        """Store a verified message and its observations; False when it was stored before. Answers after the commit."""
        parts = []
        for seen in observations:
            about = subject(seen)
            parts.append(_Part(seen, about, seal_observation(self._ring, seen, about)))
        raw = self._ring.seal_raw(arrival.raw, inbox_context(arrival.source, arrival.shop, key))
        return await self._group.add(_Message(arrival, key, sent_at, raw, tuple(parts), trace_now()))

    async def _accept_all(self, group: Sequence[_Message]) -> list[bool]:
        """Store what is new of a group with one statement; say of each whether it is."""
        first: dict[tuple[str, str, str], int] = {}
        for n, message in enumerate(group):
            first.setdefault(message.identity, n)
        messages = [group[n] for _, n in sorted(first.items())]
        strange = any(_is_off(message) for message in messages)
        async with self._database.transaction() if strange else self._database.statement() as tx:
            said = [part.seen for message in messages for part in message.parts]
            ranked = _ranks(await settings_docs.resolved_all(tx, said))
            rows = await tx.execute(_ACCEPT_ALL, _columns(messages) | _part_columns(messages) | ranked)
            stored = [messages[row.n - 1] for row in rows]
            if strange:
                await _tell_of_clocks(tx, stored)
        new = {first[message.identity] for message in stored}
        return [n in new for n in range(len(group))]

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
    """Queue what a stored message says, with one statement for all of it.

    Its lane is that of the status as the map in force reads it, or the last one for an edit (INT-5); what is sealed
    stays as the channel said it, so that apply, now or after a mend, reads it with the map of that moment (INT-13).
    """
    about = [subject(seen) for seen in observations]
    meant = await settings_docs.resolved_all(tx, observations)
    values = {
        "inbox_id": inbox_id,
        "kind": [seen.kind for seen in observations],
        "subject": about,
        "lane": [lane(seen) for seen in meant],
        "booked": [booked_state(seen) for seen in meant],
        "body": [seal_observation(ring, seen, whose) for seen, whose in zip(observations, about, strict=True)],
        "next_at": now,
        "trace": trace_now(),
    }
    await tx.execute(_OBSERVE, values)
    for seen in observations:
        if isinstance(seen, OrderObserved):
            await clocks.watch_order(tx, seen, now)


def _columns(messages: Sequence[_Message]) -> dict[str, list[Any]]:
    arrivals = [message.arrival for message in messages]
    return {
        "source": [arrival.source for arrival in arrivals],
        "shop": [arrival.shop for arrival in arrivals],
        "key": [message.key for message in messages],
        "way": [arrival.way for arrival in arrivals],
        "headers": [json.dumps(_kept(arrival.headers)) for arrival in arrivals],
        "raw": [message.raw for message in messages],
        "received_at": [arrival.received_at for arrival in arrivals],
        "sent_at": [message.sent_at for message in messages],
        "drift": [message.drift for message in messages],
    }


def _part_columns(messages: Sequence[_Message]) -> dict[str, list[Any]]:
    """Give the columns of observations; `of` is the place of their message, from 1."""
    parts = [
        (place, n, message, part) for place, message in enumerate(messages, 1) for n, part in enumerate(message.parts)
    ]
    return {
        "of": [place for place, _, _, _ in parts],
        "part": [n for _, n, _, _ in parts],
        "kind": [part.seen.kind for _, _, _, part in parts],
        "subject": [part.subject for _, _, _, part in parts],
        "body": [part.body for _, _, _, part in parts],
        "next_at": [message.arrival.received_at for _, _, message, _ in parts],
        "trace": [message.trace for _, _, message, _ in parts],
    }


def _ranks(said: Sequence[Observation]) -> dict[str, list[Any]]:
    """Give the columns that decide on the lane; of two orders' messages that come at once neither is an edit."""
    times = Counter(subject(seen) for seen in said)
    booked = [booked_state(seen) if times[subject(seen)] == 1 else "" for seen in said]
    return {"lane": [lane(seen) for seen in said], "booked": booked}


def _is_off(message: _Message) -> bool:
    """Say whether a message deserves a word about a clock."""
    now = message.arrival.received_at
    orders = [part.seen for part in message.parts if isinstance(part.seen, OrderObserved)]
    return drift.off(message.drift) or any(clocks.is_ahead(seen, now) for seen in orders)


async def _tell_of_clocks(tx: AsyncConnection, stored: Sequence[_Message]) -> None:
    for message in stored:
        arrival = message.arrival
        if arrival.way == "push":
            await clocks.watch_sender(tx, arrival.source, arrival.shop, message.drift, arrival.received_at)
        for part in message.parts:
            if isinstance(part.seen, OrderObserved):
                await clocks.watch_order(tx, part.seen, arrival.received_at)


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
