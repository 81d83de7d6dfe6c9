"""What every shop sells under which numbers, and how many of it buyers see.

The order system tells the number; the shop's own sales lower it until it is told the next one, as in a real shop.
Owns the state and the trouble of the stock interfaces; how a vendor speaks of stock is in *_stock.py.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.catalogue import is_lone, stem_of
from simulator.clock import iso, now
from simulator.orders import PlannedOrder

Trouble = Literal["error", "limit"]
DIGITS = 10**12
# Platforms that name what is sold by one number alone.
BY_SKU = frozenset({"xhs"})


class StockOutage(BaseModel):
    """A shop whose stock interface alone is out of order for a while: 503 to everything, or one call too many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str
    shop: str
    mode: Trouble = "error"
    after_seconds: float = Field(default=0.0, ge=0)
    seconds: float = Field(gt=0)


class StockTrouble(BaseModel):
    """`outages` count from /sim/start; SKUs in `unlisted` are sold by the shop under other numbers than it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outages: list[StockOutage] = Field(default_factory=list)
    unlisted: list[str] = Field(default_factory=list)


DEAF = frozenset({"kuaishou"})
"""Platforms that are not told of stock: sellers set it on their pages."""


class Unlisted(Exception):
    """The shop has no such listing."""


def item_id(sku: str) -> str:
    """Give the number of the item that a SKU is a variant of."""
    return _number("item", stem_of(sku))


def variant_id(sku: str) -> str:
    """Give the number of the variant; a marketplace has none where there is only one."""
    return _number("variant", sku)


def _number(kind: str, name: str) -> str:
    return str(DIGITS + int(hashlib.sha256(f"{kind}|{name}".encode()).hexdigest(), 16) % DIGITS)


@dataclass
class Listing:
    """One SKU in one shop: `shown` is what buyers see, `told` every number with its moment, `sequence` of the last."""

    sku: str
    item: str
    variant: str
    shown: int = 0
    sequence: int = 0
    told: list[tuple[str, int]] = field(default_factory=list)


class Shelf:
    """The listings of one shop."""

    def __init__(self, listings: Iterable[Listing], outages: list[tuple[StockOutage, float]]) -> None:
        self.listings = {one.sku: one for one in listings}
        self.taken: set[str] = set()  # idempotency ids, where the vendor has them
        self._by_number = {(one.item, one.variant): one for one in self.listings.values()}
        self._outages = outages

    def trouble(self) -> Trouble | None:
        """Tell what is wrong with the stock interface now."""
        at = monotonic()
        found = (one.mode for one, begins in self._outages if begins <= at < begins + one.seconds)
        return next(found, None)

    def outages_over(self) -> int:
        """Count the outages of the stock interface that have ended."""
        return sum(begins + one.seconds <= monotonic() for one, begins in self._outages)

    def find(self, item: str, variant: str) -> Listing:
        """Find a listing by its numbers; raises Unlisted."""
        try:
            return self._by_number[item, variant]
        except KeyError:
            raise Unlisted from None

    def variant(self, variant: str) -> Listing:
        """Find a listing by its variant alone; raises Unlisted."""
        found = next((one for one in self.listings.values() if variant and one.variant == variant), None)
        if found is None:
            raise Unlisted
        return found

    def tell(self, listing: Listing, quantity: int) -> None:
        """Show this number from now on."""
        listing.shown = quantity
        listing.told.append((iso(now()), quantity))

    def sold(self, plan: PlannedOrder, sign: int = -1) -> None:
        """Show less by what was bought, or more by what was given back."""
        for line in plan.basket.lines:
            if line.sku in self.listings:
                one = self.listings[line.sku]
                one.shown = max(0, one.shown + sign * line.quantity)

    def written(self) -> dict[str, Any]:
        """Write it all down for the books."""
        return {
            one.sku: {"item_id": one.item, "variant_id": one.variant, "shown": one.shown, "told": one.told}
            for one in self.listings.values()
        }


class Listings:
    """The shelves of all shops. Goods that are sold before they are there are on the own shop's alone."""

    def __init__(self, everywhere: Iterable[str], presale: Iterable[str], trouble: StockTrouble) -> None:
        self._everywhere = list(everywhere)
        self._presale = list(presale)
        self._trouble = trouble
        self._outages: dict[tuple[str, str], list[tuple[StockOutage, float]]] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def shelf(self, name: tuple[str, str]) -> Shelf:
        """Give the shelf of a shop (channel, shop)."""
        if name not in self._shelves:
            listed = [sku for sku in self._sold(name[0]) if sku not in self._trouble.unlisted]
            outages = self._outages.setdefault(name, [])
            self._shelves[name] = Shelf([_listing(name[0], sku) for sku in listed], outages)
        return self._shelves[name]

    def schedule(self) -> None:
        """Count the planned outages from now."""
        for outage in self._trouble.outages:
            self.begin(outage)

    def begin(self, outage: StockOutage) -> None:
        """Let one outage begin, `after_seconds` from now."""
        begins = monotonic() + outage.after_seconds
        self._outages.setdefault((outage.channel, outage.shop), []).append((outage, begins))

    def ongoing(self) -> list[str]:
        """List the shops whose stock interface is out of order now."""
        return [f"{channel}/{shop} stock" for (channel, shop), one in self._shelves.items() if one.trouble()]

    def over(self) -> dict[str, int]:
        """Count for each shop the outages of its stock interface that have ended; shops that had none are left out."""
        ended = {f"{channel}/{shop}": one.outages_over() for (channel, shop), one in self._shelves.items()}
        return {shop: count for shop, count in ended.items() if count}

    def written(self) -> list[Mapping[str, str]]:
        """List what each shop says that it sells, whether it does or not."""
        return [
            {"channel": channel, "shop": shop, "sku": one.sku, "item_id": one.item, "variant_id": one.variant}
            for channel, shop in self._shelves
            for one in (_listing(channel, sku) for sku in self._sold(channel))
        ]

    def _sold(self, channel: str) -> list[str]:
        return self._everywhere + (self._presale if channel == "own" else [])


def asin(sku: str) -> str:
    """Give the number of an item at Amazon, where the seller's SKU names the listing."""
    return f"B{item_id(sku)[-9:]}"


def _listing(channel: str, sku: str) -> Listing:
    if channel == "own":
        return Listing(sku, sku, "")
    if channel in BY_SKU:
        return Listing(sku, variant_id(sku), "")
    if channel == "amazon":
        return Listing(sku, asin(sku), sku)
    lone = channel == "taobao" and is_lone(sku)
    return Listing(sku, item_id(sku), "" if lone else variant_id(sku))
