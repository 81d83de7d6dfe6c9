"""The wall clock. The one place that reads it; everything else takes `now` or this function as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Give the present moment, aware, UTC."""
    return datetime.now(UTC)
