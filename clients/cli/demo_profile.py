"""The bad day of the demo: what the outside world does to us. Owns the mischief and its doses, as simulator knobs.

The knobs are those of docs/simulator.md; time runs as in the demo's column of the timing document, so that an hour
lasts six seconds.
"""

from typing import Any

FATES_FROM = 20
"""From so many orders on, each kind of mischief is sure to happen."""
HOUR_SECONDS = 6.0
SCARCE_PRODUCT = 0
CANCEL_STAGES = 6
"""A buyer who has paid may cancel at so many moments: at once, and at five stages of the picking."""

_MESSAGES: dict[str, Any] = {
    "duplicate_share": 0.15,
    "reorder_share": 0.25,
    "error_share": 0.03,
    "lost_answer_share": 0.05,
    "retry_longest": 1.0,
    "limit_share": 0.05,
    "forbid_consign_share": 0.1,
}
_PAYMENTS: dict[str, Any] = {
    "notify_lost_share": 0.1,
    "refund_processing_share": 0.5,
    "refund_processing_seconds": 1.5,
}
_PARCELS = {"split_package_share": 0.2, "partial_confirm_share": 0.2}


def bad_day(count: int, per_second: float, *, replayed: bool) -> dict[str, Any]:
    """Give the profile of a run of `count` orders.

    Orders replayed from a file keep their fate: all of them were paid and all shall complete, only the messages about
    them and the vendors misbehave.
    """
    outage = {"target": "wms", "mode": "error", "after_seconds": count / per_second * 0.25, "seconds": HOUR_SECONDS}
    deaf = {"channel": "douyin", "shop": "dy", "after_seconds": count / per_second * 0.4, "seconds": HOUR_SECONDS}
    profile = _MESSAGES | _PAYMENTS | _PARCELS | {"outages": [outage], "stock": {"outages": [deaf]}}
    return profile if replayed else profile | _fates(count) | _scarcity(count)


def _fates(count: int) -> dict[str, Any]:
    """Share out the buyers' fates; multiples of 0.05, because every 20 buyers in a row draw from one shuffled hand."""
    refunds = 0.3 if count < 2 * FATES_FROM else 0.15
    return {
        "never_pay_share": 0.05,
        "late_pay_share": 0.1,
        "late_pay_delay": 5.0,
        "cancel_unpaid_share": 0.05,
        "cancel_paid_share": refunds,
        "cancel_within": 1.5,
    }


def _scarcity(count: int) -> dict[str, Any]:
    if count < FATES_FROM:
        return {}
    wanted = max(8, count // 10)
    return {"scarce": {str(SCARCE_PRODUCT): max(1, wanted // 5)}, "scarce_demand": wanted}
