"""The schema of the settings document `stock` (domain/stock_rules.py)."""

from pydantic import BaseModel, ConfigDict, Field

from domain.stock_rules import StockRules
from store.durations import Duration


class StockDocument(BaseModel):
    """Thresholds of stock; durations for real and sped up."""

    model_config = ConfigDict(extra="forbid")

    core_channels: tuple[str, ...]
    live_channels: tuple[str, ...]
    backlog_percent: int = Field(ge=1, le=1000)
    live_weight_percent: int = Field(ge=0, le=100)
    breaker_failures: int = Field(ge=1, le=1000)
    breaker_window_seconds: Duration
    unpaid_share_percent: int = Field(ge=1, le=100)
    unpaid_units_free: int = Field(ge=0)
    count_approval_units: int = Field(ge=1)
    count_target_percent: float = Field(ge=0, le=100)
    transfer_approval_units: int = Field(ge=1)
    low_stock_days: int = Field(ge=0, le=365)
    limit_per_buyer: int = Field(ge=1)
    limit_at_once: bool
    price_rise_percent: int = Field(ge=0, le=100)
    slow_units_per_month: int = Field(ge=0)
    fast_days: int = Field(ge=0)
    inbound_late_seconds: Duration
    refund_poll_seconds: Duration

    def rules(self, version: int, profile: str) -> StockRules:
        """Take one profile's values out."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        values = {name: getattr(one, profile) if isinstance(one, Duration) else one for name, one in found.items()}
        return StockRules(**values, version=version)
