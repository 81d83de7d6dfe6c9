"""Stock rules for domain tests: the values that ship, without reading the document."""

from domain.stock_rules import StockRules

RULES = StockRules(
    core_channels=("own",),
    live_channels=("douyin",),
    backlog_percent=30,
    live_weight_percent=50,
    breaker_failures=3,
    breaker_window_seconds=300,
    unpaid_share_percent=20,
    unpaid_units_free=10,
    count_approval_units=20,
    transfer_approval_units=100,
    count_target_percent=99.2,
    low_stock_days=3,
    limit_per_buyer=2,
    limit_at_once=False,
    price_rise_percent=5,
    slow_units_per_month=5,
    fast_days=7,
    inbound_late_seconds=86400,
    refund_poll_seconds=7200,
)
