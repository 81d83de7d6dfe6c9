"""The SDK's runtime of a worker: its metrics for Prometheus, its log lines as ours, payloads that grow too large."""

import logging
from typing import Any

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

CORE = "temporal"
OVERSIZE_CODE = "TMPRL1103"
"""The SDK's own warning, from 512 KiB on; the server refuses at 2 MB."""


class Oversize(logging.Filter):
    """Remembers the largest payload that the SDK has warned of since somebody last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of the warning and let every line pass."""
        if OVERSIZE_CODE in record.msg:
            fields: dict[str, Any] = getattr(getattr(record, "temporal_log", None), "fields", {})
            self._bytes = max(self._bytes, int(fields.get("size", 1)))
        return True

    def taken(self) -> int:
        """Give its size in bytes, 0 for none, and forget it."""
        found, self._bytes = self._bytes, 0
        return found


def runtime(metrics_address: str, oversize: Oversize) -> Runtime:
    """Build the runtime; metrics only where an address is given."""
    logger = logging.getLogger(CORE)
    logger.addFilter(oversize)
    forwarding = LogForwardingConfig(logger=logger, append_target_to_name=False)
    telemetry = TelemetryConfig(
        logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding),
        metrics=PrometheusConfig(bind_address=metrics_address) if metrics_address else None,
    )
    return Runtime(telemetry=telemetry)
