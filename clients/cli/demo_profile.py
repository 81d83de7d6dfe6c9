"""The bad day of the demo: what the outside world does to us. Owns the mischief and its doses, as simulator knobs.

The knobs are those of docs/simulator.md; time runs as in the demo's column of the timing document, so that an hour
lasts six seconds.
"""

from typing import Any

from clients.cli.demo_facts import DemoPlan

FATES_FROM = 20
"""From so many orders on, each fate is sure to happen: every 20 buyers in a row draw from one shuffled hand."""
HOUR_SECONDS = 6.0
OUTAGE_AT, CALLS_EACH = 0.2, 0.7
"""The warehouse system breaks down at so many of its calls for each order of the day; an order brings more than 0.7."""
SCARCE_PRODUCT = 0
PATIENCE_SECONDS = 600.0
"""A buyer who calls off at a stage of the picking waits for it, on a slow machine too: all but scarce goods ship."""

_MESSAGES: dict[str, Any] = {
    "duplicate_share": 0.15,
    "reorder_share": 0.15,
    "confirm_lost_share": 0.05,
    "signature_lost_share": 0.05,
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
_PARCELS = {
    "split_package_share": 0.2,
    "partial_confirm_share": 0.2,
    "stage_patience": PATIENCE_SECONDS,
    "ship_patience": PATIENCE_SECONDS,
}
_HANGS: tuple[tuple[str, str, float, float, bool], ...] = (
    ("wms", "deliveryorder.create", 0.1, 0.7, True),
    ("wms", "deliveryorder.create", 0.3, 0.7, False),
    ("courier", "/api/dist", 0.15, 0.8, False),
    ("shop", "/shipments", 0.05, 0.25, True),
    ("taobao", "/router/rest", 0.1, 0.3, False),
    ("douyin", "/order/orderDetail", 0.05, 0.3, False),
)
"""Who leaves which call without an answer, and whether it is carried out all the same.

The number of the call is given by its share of the day's orders; the figure after it is how many such calls one order
brings at least, so that the next day's turn comes with the next day's calls.
"""
_PAY_BACK_HANG = {"target": "payment", "call": 1, "about": "POST /v3/refund", "done": True}
"""The hardest one: the money is on its way to the buyer, and we have not heard so."""


def service_day(plan: DemoPlan) -> dict[str, Any]:
    """Let buyers apply for after-sales at their shops, on a calm day too; of a replayed file's refunds, half.

    A rehearsal of a promotion has none: it measures how orders are accepted.
    """
    if not plan.cases:
        return {}
    if plan.file:
        return {"refunds_by_case": 0.5}
    return {"case_share": 0.1, "case_return_share": 0.4, "case_exchange_share": 0.2, "case_shipped_share": 0.6}


def bad_day(plan: DemoPlan) -> dict[str, Any]:
    """Give the profile of a run.

    Orders replayed from a file keep their fate, only the messages about them and the vendors misbehave.
    """
    vendors = {"outages": _outages(plan), "hangs": _hangs(plan), "stock": {"outages": [_deaf(plan)]}}
    profile = _MESSAGES | _PAYMENTS | _PARCELS | vendors
    return profile if plan.file else profile | _fates(plan.count) | _scarcity(plan) | _products(plan)


def _outages(plan: DemoPlan) -> list[dict[str, Any]]:
    """Let the warehouse system be down for an hour each day: from a call on, so that somebody notices."""
    begin = [round((day * CALLS_EACH + OUTAGE_AT) * plan.count) + 1 for day in range(plan.days)]
    return [{"target": "wms", "mode": "error", "seconds": HOUR_SECONDS, "call": call} for call in begin]


def _deaf(plan: DemoPlan) -> dict[str, Any]:
    """Let one shop hear nothing of its stock for an hour; it catches up by itself (INV-6)."""
    begin = plan.count / plan.per_second * 0.4
    return {"channel": "douyin", "shop": "dy", "after_seconds": begin, "seconds": HOUR_SECONDS}


def _hangs(plan: DemoPlan) -> list[dict[str, Any]]:
    """Let each vendor leave a call or two unanswered each day."""
    if plan.count < FATES_FROM:
        return []
    shops = {"shop", "douyin"} if plan.file else set()
    hangs = [
        {"target": target, "call": round((day * each + at) * plan.count) + 1, "about": about, "done": done}
        for day in range(plan.days)
        for target, about, at, each, done in _HANGS
        if target not in shops
    ]
    return hangs if plan.file else [*hangs, _PAY_BACK_HANG]


def _fates(count: int) -> dict[str, Any]:
    """Share out the buyers' fates; multiples of 0.05, because every 20 buyers in a row draw from one shuffled hand."""
    return {
        "never_pay_share": 0.05,
        "late_pay_share": 0.1,
        "late_pay_delay": 5.0,
        "cancel_unpaid_share": 0.05,
        "cancel_paid_share": 0.35 if count < 2 * FATES_FROM else 0.15,
        "cancel_within": 1.5,
    }


def _products(plan: DemoPlan) -> dict[str, Any]:
    """Sell bundles, and in the own shop presale; goods come when most orders are in, one supplier an hour late."""
    due = plan.orders / plan.per_second + HOUR_SECONDS
    return {"bundle_share": 0.15, "presale_share": 0.3, "presale_due": due, "presale_late_by": HOUR_SECONDS}


def _scarcity(plan: DemoPlan) -> dict[str, Any]:
    """Let one product have a fifth of the stock that its buyers want."""
    if plan.count < FATES_FROM:
        return {}
    wanted = max(8, plan.orders // 10)
    return {"scarce": {str(SCARCE_PRODUCT): max(1, wanted // 5)}, "scarce_demand": wanted}
