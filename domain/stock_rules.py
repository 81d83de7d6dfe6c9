"""The stock rules that people set (settings document `stock`). Owns their names; each is used where it says."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StockRules:
    """Thresholds of stock, in units, percent and seconds.

    * Exposure (INV-5, INV-8): `core_channels` see below safety stock; on `live_channels` a SKU whose reserved and
      unshipped units exceed `backlog_percent` of what is available is shown at `live_weight_percent`.
    * Breaker (INV-7): `breaker_failures` lock failures within `breaker_window_seconds` stop a SKU everywhere.
    * Carts: one buyer or address may hold at most `unpaid_share_percent` of a SKU unpaid, but always
      `unpaid_units_free` units.
    * Approval (INV-10, INV-12): a count difference or transfer line of at least so many units needs a second person.
    * Count (INV-10): fewer than `count_target_percent` of the SKUs agree, and somebody is told.
    * Low stock (INV-11): under `low_stock_days` of sales a limit of `limit_per_buyer` units is proposed, and a price
      rise of at most `price_rise_percent`; what has a `limit_at_once` true goes into force by itself.
    * Turnover (INV-9): a SKU is slow under `slow_units_per_month`, fast when its stock lasts under `fast_days`.
    * Inbound (INV-13): an inbound shipment without news `inbound_late_seconds` after its ETA is told.
    """

    core_channels: tuple[str, ...]
    live_channels: tuple[str, ...]
    backlog_percent: int
    live_weight_percent: int
    breaker_failures: int
    breaker_window_seconds: float
    unpaid_share_percent: int
    unpaid_units_free: int
    count_approval_units: int
    count_target_percent: float
    transfer_approval_units: int
    low_stock_days: int
    limit_per_buyer: int
    limit_at_once: bool
    price_rise_percent: int
    slow_units_per_month: int
    fast_days: int
    inbound_late_seconds: float
    refund_poll_seconds: float
    version: int = 0


Safety = Mapping[tuple[str, str], int]
"""Safety stock by (SKU, channel); the channel is empty where it counts for all that are not core."""
