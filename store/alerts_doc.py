"""The schema of the settings document `alerts`: from where on the watch tells somebody (domain/watch.py)."""

from pydantic import BaseModel, ConfigDict, Field

from domain.watch import AlertLimits
from store.durations import Duration


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
    call_attempts: int = Field(ge=2, le=1000)

    def limits(self, profile: str) -> AlertLimits:
        """Take one profile's values out."""
        found = {name: value for name in type(self).model_fields if isinstance(value := getattr(self, name), Duration)}
        seconds = {name: float(getattr(value, profile)) for name, value in found.items()}
        return AlertLimits(**seconds, call_attempts=self.call_attempts)
