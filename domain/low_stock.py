"""Low stock with strong demand (INV-11): what is proposed for a SKU that will not last. Units, days and percent."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.stock_rules import StockRules

SALES_DAYS = 7
"""Sales are counted over so many days."""


class Kind(StrEnum):
    """What can be done about it: let one buyer have fewer (限购), or raise the price a little."""

    LIMIT = "limit"
    PRICE = "price"


class State(StrEnum):
    """The life of a proposal. A withdrawn one was never in force, a reverted one was."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class Demanded:
    """What is free of a SKU, and how much of it was sold in the last SALES_DAYS days."""

    sku: str
    atp: int
    sold: int

    @property
    def days_left(self) -> float | None:
        """Say how long it lasts at that pace; None when nothing was sold."""
        return self.atp * SALES_DAYS / self.sold if self.sold > 0 else None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One measure; `size` is units per buyer or percent. `at_once`: a person has allowed it beforehand."""

    kind: Kind
    size: int
    at_once: bool


def is_low(one: Demanded, rules: StockRules) -> bool:
    """Say whether a SKU that sells is gone too soon, or gone."""
    return one.days_left is not None and one.days_left < rules.low_stock_days


def proposals(one: Demanded, rules: StockRules) -> Iterator[Proposal]:
    """Give what is proposed for a SKU, within the limits that a person set; one that is gone needs stock, no limit."""
    if not is_low(one, rules) or one.atp <= 0:
        return
    yield Proposal(Kind.LIMIT, rules.limit_per_buyer, rules.limit_at_once)
    if rules.price_rise_percent:
        yield Proposal(Kind.PRICE, rules.price_rise_percent, at_once=False)
