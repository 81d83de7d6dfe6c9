"""Which receiver stands behind a webhook path. Caches shop rows for seconds, so that accepting costs one insert."""

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors import registry
from connectors.inbound import Inbound
from domain.errors import BadInput
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops

FRESH = timedelta(seconds=5)
UNKNOWN_FRESH = timedelta(seconds=1)
"""An unknown path asks the database again at most once in this time, whoever knocks."""


class ShopDirectory:
    """Finds receivers; a new shop or a rotated key is in force within seconds, without a restart."""

    def __init__(self, database: Database, ring: KeyRing, clock: Callable[[], datetime]) -> None:
        self._shops = Shops(database, ring)
        self._clock = clock
        self._known: dict[tuple[str, str], Inbound] = {}
        self._read_at: datetime | None = None

    async def inbound(self, vendor: str, shop: str) -> Inbound | None:
        """Give the receiver of a shop, or None when no such shop is connected."""
        fresh = FRESH if (vendor, shop) in self._known else UNKNOWN_FRESH
        if self._read_at is None or self._clock() - self._read_at > fresh:
            await self.refresh()
        return self._known.get((vendor, shop))

    async def refresh(self) -> None:
        """Read every shop again."""
        known: dict[tuple[str, str], Inbound] = {}
        for shop in await self._shops.all():
            try:
                known[shop.vendor, shop.code] = registry.inbound(shop)
            except BadInput:
                continue
        self._known, self._read_at = known, self._clock()
