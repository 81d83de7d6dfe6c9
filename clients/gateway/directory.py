"""Which receiver stands behind a webhook path. Caches shop rows for seconds, so that accepting costs one insert."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors import registry
from connectors.inbound import Inbound
from domain.errors import BadInput
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops

FRESH = timedelta(seconds=5)
UNKNOWN_WAIT_SECONDS = 0.5
"""Unknown paths ask the database again at most once in this time, whoever knocks; each waits for the next asking."""


class ShopDirectory:
    """Finds receivers; a new shop is known at once, a rotated key within seconds, without a restart.

    Nobody is told "no such shop" from memory: a shop that was connected before its first message came is always found.
    """

    def __init__(self, database: Database, ring: KeyRing, clock: Callable[[], datetime]) -> None:
        self._shops = Shops(database, ring)
        self._clock = clock
        self._known: dict[tuple[str, str], Inbound] = {}
        self._read_at: datetime | None = None
        self._begun = self._done = 0
        self._reading = asyncio.Lock()

    async def inbound(self, vendor: str, shop: str) -> Inbound | None:
        """Give the receiver of a shop, or None when no such shop is connected."""
        if (vendor, shop) in self._known:
            if self._read_at is None or self._clock() - self._read_at > FRESH:
                await self._read_after(self._begun)
        else:
            await self._look_again()
        return self._known.get((vendor, shop))

    async def refresh(self) -> None:
        """Read every shop again."""
        async with self._reading:
            await self._read()

    async def _read(self) -> None:
        self._begun += 1
        known: dict[tuple[str, str], Inbound] = {}
        for shop in await self._shops.all():
            try:
                known[shop.vendor, shop.code] = registry.inbound(shop)
            except BadInput:
                continue
        self._known, self._read_at = known, self._clock()
        self._done = self._begun

    async def _look_again(self) -> None:
        """Read once more for all who ask for a path that nobody knows."""
        begun = self._begun
        if self._read_at is not None:
            await asyncio.sleep(UNKNOWN_WAIT_SECONDS)
        await self._read_after(begun)

    async def _read_after(self, begun: int) -> None:
        """Read, unless a reading that began after the first `begun` ones has ended meanwhile."""
        async with self._reading:
            if self._done <= begun:
                await self._read()
