"""What a process remembers of its shops: a row read a moment ago is not read again. Owns for how long.

An order makes fifteen calls to strangers, each of which needs the row of an account. A key that was replaced, or a shop
that was closed, is so used a second longer, which whoever replaces keys has to allow for anyway: calls under way do so.
"""

import asyncio
import time
from collections import defaultdict
from typing import Protocol

from domain.shops import Shop

SECONDS = 1.0


class ShopRows(Protocol):
    """Where the rows are. Implemented by store/shops.py."""

    async def find(self, vendor: str, code: str) -> Shop | None: ...


class ShopBook:
    """Shops as they were at most `seconds` ago."""

    def __init__(self, rows: ShopRows, seconds: float) -> None:
        self._rows = rows
        self._seconds = seconds
        self._known: dict[tuple[str, str], tuple[float, Shop]] = {}
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, vendor: str, code: str) -> Shop | None:
        """Give an active shop, or None. Those who ask at the same time read once. Raises Unavailable."""
        async with self._turns[vendor, code]:
            read_at, shop = self._known.get((vendor, code), (0.0, None))
            if shop is None or time.monotonic() - read_at >= self._seconds:
                read_at, shop = time.monotonic(), await self._rows.find(vendor, code)
                self._note(vendor, code, read_at, shop)
            return shop

    def renewed(self, shop: Shop) -> None:
        """Take note of a new token: the old one may be dead."""
        self._note(shop.vendor, shop.code, time.monotonic(), shop)

    def _note(self, vendor: str, code: str, read_at: float, shop: Shop | None) -> None:
        if shop is None:
            self._known.pop((vendor, code), None)
        else:
            self._known[vendor, code] = read_at, shop
