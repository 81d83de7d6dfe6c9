"""Replay: lets kept messages in again after what was wrong is mended (INT-14). Owns the words for what became of each.

A message is verified with the shop's keys of today, against the moment at which it was received, then takes the
ordinary way. A message has a name: `12` is of the inbox, `u12` unverified, `o12` an observation that was set aside.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors import registry
from connectors.inbound import Inbound, Push
from domain.errors import BadInput, Broken, Forged, Unparsable
from domain.shops import Shop
from store.database import Database
from store.inbox import Arrival
from store.keyring import KeyRing
from store.replay import SET_ASIDE, By, Entered, Kept, Reading, Replays
from store.shops import Shops

NAME = re.compile(r"([uo]?)([1-9][0-9]{0,17})", re.ASCII)
MEANWHILE = "somebody else replayed it just now"


@dataclass(frozen=True, slots=True)
class MessageName:
    """Which kept message is meant: `kind` is empty for the inbox, u for unverified, o for an observation."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind}{self.id}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message; not `done` when it is still where it was for a reason that can be mended."""

    name: MessageName
    done: bool
    words: str


def message_name(words: str) -> MessageName:
    """Read a message's name; BadInput says what one looks like."""
    found = NAME.fullmatch(words)
    if found is None:
        raise BadInput(
            f"{words!r} names no message: 12 is of the inbox, u12 unverified, o12 failed; see oms inbox list"
        )
    return MessageName(found[1], int(found[2]))


class Replayer:
    """Replays messages one by one; each result stands for itself."""

    def __init__(self, database: Database, ring: KeyRing, actor: str, clock: Callable[[], datetime]) -> None:
        self._replays = Replays(database, ring)
        self._shops = Shops(database, ring)
        self._actor = actor
        self._clock = clock

    async def all_unverified(self, source: str, shop: str) -> list[MessageName]:
        """Name what waits for its proof; BadInput when no such shop is connected."""
        if await self._shops.find(source, shop) is None:
            raise BadInput(f"no shop {source}/{shop} is connected; see oms shop list")
        return [MessageName("u", one) for one in await self._replays.unverified_ids(source, shop)]

    async def all_failed(self) -> list[MessageName]:
        """Name what was set aside."""
        return [MessageName("o", one) for one in await self._replays.failed_ids()]

    async def replay(self, name: MessageName) -> Result:
        """Replay one message; a second time changes nothing. One that cannot be opened stops no other."""
        ways = {"u": self._unverified, "o": self._failed, "": self._unparsable}
        try:
            done, words = await ways[name.kind](name.id)
        except (Broken, BadInput) as error:
            return Result(name, False, str(error))
        return Result(name, done, words)

    async def _unverified(self, message_id: int) -> tuple[bool, str]:
        kept = await self._replays.unverified(message_id)
        if kept is None:
            return False, "there is no such unverified message (they are kept for 30 days)"
        if not kept.waits:
            return True, f"nothing to do: {kept.state}"
        inbound, push = await self._inbound(kept.arrival), _push(kept.arrival)
        if inbound is None:
            return False, _not_connected(kept.arrival)
        try:
            inbound.verify(push)
        except Forged as error:
            return False, f"still not verified: {error.reason}"
        try:
            reading = _read(inbound, push)
        except Unparsable as error:
            return await self._unreadable(kept, error.reason)
        return True, _accepted(await self._replays.accept_unverified(kept, reading, self._by()))

    async def _unreadable(self, kept: Kept, reason: str) -> tuple[bool, str]:
        digest = hashlib.sha256(kept.arrival.raw).hexdigest()
        entered = await self._replays.keep_unreadable(kept, digest, reason, self._by())
        if entered is None:
            return True, MEANWHILE
        return False, f"genuine, but cannot be read: {reason}; it is message {entered.inbox_id} now"

    async def _unparsable(self, inbox_id: int) -> tuple[bool, str]:
        kept = await self._replays.inbox(inbox_id)
        if kept is None:
            return False, "there is no such message in the inbox"
        if not kept.waits:
            return True, f"nothing to do: {kept.state}"
        shop = await self._shops.find(kept.arrival.source, kept.arrival.shop)
        if shop is None:
            return False, _not_connected(kept.arrival)
        try:
            reading = _read_again(shop, kept.arrival)
        except Unparsable as error:
            return False, f"still cannot be read: {error.reason}"
        return True, _accepted(await self._replays.accept_unparsable(kept, reading, self._by()))

    async def _failed(self, observation_id: int) -> tuple[bool, str]:
        was = await self._replays.requeue(observation_id, self._by())
        if was is None:
            return False, "there is no such observation"
        return True, "back in the queue" if was in SET_ASIDE else f"nothing to do: {was}"

    async def _inbound(self, arrival: Arrival) -> Inbound | None:
        shop = await self._shops.find(arrival.source, arrival.shop)
        return registry.inbound(shop) if shop else None

    def _by(self) -> By:
        return By(self._actor, self._clock())


def _push(arrival: Arrival) -> Push:
    return Push(arrival.query, arrival.headers, arrival.raw, arrival.received_at)


def _read(inbound: Inbound, push: Push) -> Reading:
    genuine = inbound.parse(push)
    return Reading(genuine.key, genuine.sent_at, genuine.observations)


def _read_again(shop: Shop, arrival: Arrival) -> Reading:
    """Read a kept message as it came: by webhook, or out of a queue."""
    if registry.vendor(shop.vendor).inbound is not None:
        return _read(registry.inbound(shop), _push(arrival))
    taken = registry.read_kept(shop, arrival.raw, arrival.received_at)
    return Reading(taken.key, taken.sent_at, taken.observations)


def _accepted(entered: Entered | None) -> str:
    if entered is None:
        return MEANWHILE
    return f"accepted as message {entered.inbox_id}" if entered.new else f"known already: message {entered.inbox_id}"


def _not_connected(arrival: Arrival) -> str:
    return f"no shop {arrival.source}/{arrival.shop} is connected any more: oms shop add"
