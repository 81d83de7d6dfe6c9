"""Every wait, retry interval and poll period of the system, as values. Owns their names; the numbers are settings."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class OrderTiming:
    """How long an order waits for what; seconds. Copied into the order when it starts, then fixed for it."""

    unpaid_lock_seconds: float
    late_payment_seconds: float
    ship_by_seconds: float
    ship_warning_seconds: float
    sign_by_seconds: float
    settle_seconds: float
    retry_first_seconds: float
    retry_longest_seconds: float
    # Orders that were started before it existed carry their timing without it.
    balance_seconds: float = 259200.0

    def lock_until(self, now: datetime) -> datetime:
        """Say until when stock is held for an unpaid order (INV-2)."""
        return now + timedelta(seconds=self.unpaid_lock_seconds)


@dataclass(frozen=True, slots=True)
class LoopTiming:
    """How often the loops of a worker look for work, and how long they leave a stranger alone; seconds."""

    apply_poll_seconds: float
    deliver_poll_seconds: float
    drain_poll_seconds: float
    not_yet_retry_seconds: float
    courier_query_seconds: float
    sweep_poll_seconds: float
    breaker_retry_seconds: float
    # How long work that a process took stays its own when that process dies. Drains that were started before these
    # values existed carry their timing without them.
    drain_heartbeat_seconds: float = field(default=90.0, kw_only=True)
    call_lease_seconds: float = field(default=60.0, kw_only=True)
    delivery_lease_seconds: float = field(default=30.0, kw_only=True)
    drain_longest_seconds: float = field(default=300.0, kw_only=True)
    warehouse_query_seconds: float = field(default=7200.0, kw_only=True)
    low_stock_poll_seconds: float = field(default=600.0, kw_only=True)
    audit_period_seconds: float = field(default=3600.0, kw_only=True)
    mail_query_seconds: float = field(default=60.0, kw_only=True)
    stock_poll_seconds: float = field(default=1.0, kw_only=True)


@dataclass(frozen=True, slots=True)
class PullTiming:
    """How orders are pulled; seconds. `retries_seconds` are the waits after a failed pull, in their order (INT-3).

    A pull that gives no sign of life for `heartbeat_seconds` is taken for dead and goes on in another worker.
    """

    period_seconds: float
    overlap_seconds: float
    reach_seconds: float
    retries_seconds: tuple[float, ...]
    heartbeat_seconds: float = 90.0
    beside_push_seconds: float = 300.0
    limited_seconds: float = 900.0
    """The periods of a channel that pushes as well, and of one that allows few questions (INT-2)."""


@dataclass(frozen=True, slots=True)
class ApprovalTiming:
    """How long an approval waits before somebody is reminded, and before it is escalated; seconds from the asking."""

    remind_seconds: float = 14400.0
    escalate_seconds: float = 86400.0


@dataclass(frozen=True, slots=True)
class CountTiming:
    """How often a warehouse is counted, and how long a difference rests before it is counted again; seconds."""

    period_seconds: float = 86400.0
    recheck_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RollTiming:
    """How it is proven that every order is here (INT-9, INT-10); seconds.

    Every `period` it is looked what is due: each hour `delay` after its end, and once more `again` after its end; days
    and months as hours. A gap that is not healed within `heal` is told to somebody, and asked for again and again.
    Nothing older than `reach` is begun.
    """

    period_seconds: float = 300.0
    hour_seconds: float = 3600.0
    day_seconds: float = 86400.0
    delay_seconds: float = 600.0
    again_seconds: float = 86400.0
    heal_seconds: float = 900.0
    reach_seconds: float = 3_456_000.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The timing document in force and its version."""

    version: int
    order: OrderTiming
    loop: LoopTiming
    pull: PullTiming
    approval: ApprovalTiming = ApprovalTiming()
    count: CountTiming = CountTiming()
    roll: RollTiming = RollTiming()
