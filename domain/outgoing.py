"""Calls to strangers that are not steps of an order. Owns their queues' and their own shape."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue of calls to an account.

    Kinds: subscribe, writeback, track, inquire, reread, refund, payment, stock, entry, return,
    return_query, message, letters.
    """

    kind: str
    vendor: str
    shop: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is due; `key` says what it is and is its idempotency key at the stranger.

    `trace` is the W3C context of what made it due, empty without tracing.
    """

    id: int
    key: str
    order_key: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime
    trace: str = ""
