"""What a message means when its order is closed already: one row per way to end and event."""

import pytest

from domain.late import late
from domain.orders import OrderEvent, OrderStatus

E = OrderEvent
COMPLETED = (OrderStatus.COMPLETED, "")
UNPAID = (OrderStatus.CLOSED, "unpaid")
CANCELLED = (OrderStatus.CLOSED, "cancelled")
REFUNDED = (OrderStatus.CLOSED, "refunded")

TOLD = [
    (COMPLETED, E.REFUNDED, "late_refund", False),
    (UNPAID, E.PAID, "late_payment", True),
    (CANCELLED, E.PAID, "late_payment", True),
    (COMPLETED, E.CANCELLED, "late_cancel", False),
]


@pytest.mark.parametrize(("end", "event", "kind", "critical"), TOLD)
def test_who_has_to_be_told(end: tuple[OrderStatus, str], event: OrderEvent, kind: str, critical: bool) -> None:
    found = late(*end, event)
    assert found is not None
    assert (found.kind, found.critical) == (kind, critical)


def test_everything_else_is_history() -> None:
    told = {(end, event) for end, event, _, _ in TOLD}
    for end in (COMPLETED, UNPAID, CANCELLED, REFUNDED):
        for event in OrderEvent:
            assert (late(*end, event) is None) is ((end, event) not in told), (end, event)
