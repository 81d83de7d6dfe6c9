"""Who gets which units: the rule of reservations (INV-2). Owns the choice; the rows it is made from are the store's.

One rule for one order and for a batch: orders are served in the order in which they come, each wholly or not at all.
Units locked for an order's own pool go first, then those that are common to all channels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from domain.stock import Counters, Demand, per_sku


@dataclass(frozen=True, slots=True)
class Wish:
    """What one order wants, bundles expanded; `pool` is the channel pool that its shop sells from, if any."""

    key: str
    demands: tuple[Demand, ...]
    pool: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Units of one SKU held for one line of an order; `from_pool` of them came out of the pool's lock."""

    key: str
    line_no: str
    sku: str
    quantity: int
    pool: str = ""
    from_pool: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """What a batch of wishes comes to: the holds, and per order that got nothing the SKUs that were short.

    `missing` are those of them whose units are not there; of the others a breaker lets too few through (INV-7).
    """

    holds: tuple[Hold, ...]
    short: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Shelf:
    """What is left while wishes are served one after the other."""

    def __init__(self, counters: Mapping[str, Counters], locked: Mapping[tuple[str, str], int]) -> None:
        """Take the counters by SKU, and what pools have locked by (pool, SKU)."""
        self._counters = dict(counters)
        self._locked = dict(locked)

    def short(self, wish: Wish) -> tuple[str, ...]:
        """Name the SKUs of which there is not enough for this wish."""
        return tuple(sku for sku, n in per_sku(wish.demands).items() if n > self._left(sku, wish.pool))

    def missing(self, wish: Wish) -> tuple[str, ...]:
        """Name the SKUs of which there are not enough units, whatever a breaker lets through."""
        return tuple(sku for sku, n in per_sku(wish.demands).items() if n > self._free(sku, wish.pool))

    def take(self, wish: Wish) -> Iterable[Hold]:
        """Hold every line of a wish that is not short."""
        for demand in wish.demands:
            counters, n = self._counters[demand.sku], demand.quantity
            own = min(n, self._locked.get((wish.pool, demand.sku), 0)) if wish.pool else 0
            trial = None if counters.trial_left is None else counters.trial_left - n
            self._counters[demand.sku] = replace(
                counters, reserved=counters.reserved + n, pooled=counters.pooled - own, trial_left=trial
            )
            if own:
                self._locked[wish.pool, demand.sku] -= own
            yield Hold(wish.key, demand.line_no, demand.sku, n, wish.pool if own else "", own)

    def _left(self, sku: str, pool: str) -> int:
        counters, free = self._counters.get(sku), self._free(sku, pool)
        return free if counters is None or counters.trial_left is None else min(free, counters.trial_left)

    def _free(self, sku: str, pool: str) -> int:
        counters = self._counters.get(sku)
        if counters is None:
            return 0
        return counters.common + (self._locked.get((pool, sku), 0) if pool else 0)


def serve(wishes: Iterable[Wish], counters: Mapping[str, Counters], locked: Mapping[tuple[str, str], int]) -> Holding:
    """Serve wishes in their order; one that cannot have everything takes nothing and stops nobody behind it."""
    shelf = Shelf(counters, locked)
    holds: list[Hold] = []
    short: dict[str, tuple[str, ...]] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for wish in wishes:
        refused = shelf.short(wish)
        if refused:
            short[wish.key], missing[wish.key] = refused, shelf.missing(wish)
        else:
            holds += shelf.take(wish)
    return Holding(tuple(holds), short, missing)
