"""The schema of the settings document `alerts`: from where on the watch tells somebody (domain/watch.py)."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.rehearsal import Promotion
from domain.watch import AlertLimits
from store.durations import Duration


class PromotionRow(BaseModel):
    """A day on which much will be sold; `begins` with its offset from UTC."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    begins: AwareDatetime


class AlertsDocument(BaseModel):
    """Limits of the watch, for real and sped up; names as in domain/watch.py."""

    model_config = ConfigDict(extra="forbid")

    watch_seconds: Duration
    apply_lag_seconds: Duration
    deliver_lag_seconds: Duration
    schedule_to_start_seconds: Duration
    call_waiting_seconds: Duration
    refused_window_seconds: Duration
    oversize_window_seconds: Duration
    stock_push_seconds: Duration
    silence_seconds: Duration
    connection_seconds: Duration
    push_quiet_seconds: Duration
    limit_window_seconds: Duration
    limit_percent: int = Field(ge=1, le=99)
    limit_calls: int = Field(ge=2, le=100_000)
    call_attempts: int = Field(ge=2, le=1000)
    shed_percent: int = Field(ge=10, le=100)
    calm_percent: int = Field(ge=1, le=99)
    promotions: tuple[PromotionRow, ...] = ()
    rehearse_ahead_days: int = Field(ge=1, le=90)

    @model_validator(mode="after")
    def _calm_is_lower(self) -> "AlertsDocument":
        if self.calm_percent >= self.shed_percent:
            raise ValueError("calm_percent has to be below shed_percent")
        return self

    def limits(self, profile: str) -> AlertLimits:
        """Take one profile's values out."""
        found = {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Duration)}
        seconds = {name: float(getattr(value, profile)) for name, value in found.items()}
        return AlertLimits(
            **seconds,
            call_attempts=self.call_attempts,
            shed_percent=self.shed_percent,
            calm_percent=self.calm_percent,
            promotions=tuple(Promotion(one.name, one.begins) for one in self.promotions),
            rehearse_ahead_days=self.rehearse_ahead_days,
            limit_percent=self.limit_percent,
            limit_calls=self.limit_calls,
        )
