"""Limits of one buyer: hostile carts (unpaid units kept from others) and limited purchase (限购, INV-11).

Owns the arithmetic, in units. Only unpaid orders are refused units; a paid one is looked at by a person, never dropped.
"""

from dataclasses import dataclass

from domain.stock_rules import StockRules


@dataclass(frozen=True, slots=True)
class Cart:
    """What one order wants of one SKU, and what is held unpaid already by its buyer and by its IP address."""

    wanted: int
    on_hand: int
    by_buyer: int
    by_ip: int


def unpaid_limit(on_hand: int, rules: StockRules) -> int:
    """Give how many units of a SKU one buyer or one IP address may hold unpaid."""
    return max(rules.unpaid_units_free, on_hand * rules.unpaid_share_percent // 100)


def too_much_unpaid(cart: Cart, rules: StockRules) -> bool:
    """Say whether an unpaid order would keep too much of a SKU from others."""
    return max(cart.by_buyer, cart.by_ip) + cart.wanted > unpaid_limit(cart.on_hand, rules)


def beyond_purchase(wanted: int, bought: int, per_buyer: int | None) -> bool:
    """Say whether an order goes beyond what one buyer may have; None is no limit."""
    return per_buyer is not None and bought + wanted > per_buyer
