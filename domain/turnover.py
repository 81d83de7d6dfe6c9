"""How fast stock turns over (INV-9). Owns the words for slow and fast; the figures come from the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MONTH_DAYS = 30


class Pace(StrEnum):
    """How a SKU sells."""

    FAST = "fast"
    STEADY = "steady"
    SLOW = "slow"
    EMPTY = "empty"


WORST_FIRST = {Pace.FAST: 0, Pace.SLOW: 1, Pace.EMPTY: 2, Pace.STEADY: 3}
"""What runs out soon before what does not sell before what is well."""
BOUNDS = (7, 14, 30, 60, 90, 180)
"""Where one step of the distribution of stock days ends and the next begins, in days."""


@dataclass(frozen=True, slots=True)
class Turnover:
    """One SKU on one day: units on hand, sold in the last 7 and 30 days, age of its oldest unit in days."""

    sku: str
    title: str
    on_hand: int
    sold_7: int
    sold_30: int
    age_days: int | None = None

    @property
    def stock_days(self) -> int | None:
        """For how many whole days the stock lasts at the pace of the last 30; None when nothing was sold."""
        return self.on_hand * MONTH_DAYS // self.sold_30 if self.sold_30 else None

    def pace(self, slow_units_per_month: int, fast_days: int) -> Pace:
        """Name the pace: slow when hardly anything sells, fast when the stock is gone soon."""
        if self.sold_30 < slow_units_per_month:
            return Pace.SLOW if self.on_hand else Pace.EMPTY
        days = self.stock_days
        return Pace.FAST if days is not None and days < fast_days else Pace.STEADY


def distribution(found: Iterable[Turnover]) -> list[int]:
    """Count SKUs on hand by how long they last: below each of BOUNDS, from the last on, and without any sale."""
    counts = [0] * (len(BOUNDS) + 2)
    for one in found:
        days = one.stock_days
        if one.on_hand:
            counts[-1 if days is None else sum(days >= bound for bound in BOUNDS)] += 1
    return counts
