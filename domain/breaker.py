"""The oversell breaker of one SKU (超卖熔断, INV-7): when its sale stops everywhere, and what lets it go on.

    closed (trial_left None) --failures--> open (0) --restock, by hand--> closed
    open --by hand with a trial quantity--> half open (n) --all sold--> closed, --a failure--> open

A failure is a reservation that was short because units were missing: the channel was shown more than there was. One
that was short only because the breaker lets nothing through is none. Owns the states; the rows are store/breakers.py's.
"""

from enum import StrEnum

from domain.stock_rules import StockRules


class Breaker(StrEnum):
    """Whether a SKU may be sold."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Cause(StrEnum):
    """Why its sale was stopped. What a person stopped (停售) no restock lets go on."""

    FAILURES = "failures"
    HAND = "hand"


class End(StrEnum):
    """What let it go on."""

    RESTOCK = "restock"
    TRIAL = "trial"
    HAND = "hand"


STOPPED_BY: dict[Cause, str] = {
    Cause.FAILURES: "sale stopped by the oversell breaker",
    Cause.HAND: "sale stopped by hand",
}
"""What an order says that waits although units are there."""
TOLD = "supply chain head (供应链总监)"
"""Whose alert it is."""


def state(trial_left: int | None) -> Breaker:
    """Say what a SKU's counter means."""
    if trial_left is None:
        return Breaker.CLOSED
    return Breaker.HALF_OPEN if trial_left else Breaker.OPEN


def opens(before: Breaker, orders: int, rules: StockRules) -> bool:
    """Say whether a failure stops the sale: `orders` failed within the window, this one among them.

    During a trial one failure is enough; when it is open already, nothing more happens.
    """
    if before is Breaker.CLOSED:
        return orders >= rules.breaker_failures
    return before is Breaker.HALF_OPEN


def after_sale(trial_left: int | None, units: int) -> int | None:
    """Give what a trial lets through after a sale; a trial that is sold out without a failure has passed: None."""
    return None if trial_left is None else trial_left - units or None


def reopened_by_restock(cause: Cause) -> bool:
    """Say whether new units on the shelf let the sale go on."""
    return cause is Cause.FAILURES
