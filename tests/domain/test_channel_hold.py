"""A paid order that its channel forbids to ship: what wakes it, and which of two words counts (INT-6, INT-13)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.observations import ChannelStatus, OrderObserved
from domain.orders import OrderEvent, Seen, decide, held, place
from tests.domain.test_orders import NOON, observed

S = ChannelStatus


def told(status: ChannelStatus, may_ship: bool, minute: int = 0) -> OrderObserved:
    return replace(observed(status, minute), may_ship=may_ship)


def stored(status: ChannelStatus, may_ship: bool, minute: int = 0) -> Seen:
    return Seen(status, NOON + timedelta(minutes=minute), 1, may_ship)


@pytest.mark.parametrize(
    ("before", "then", "events"),
    [
        (stored(S.PAID, False), told(S.PAID, True, 1), (OrderEvent.CLEARED,)),
        (stored(S.PAID, False), told(S.SHIPPED, True, 1), (OrderEvent.CLEARED,)),
        (stored(S.PAID, False), told(S.PAID, True, 0), (OrderEvent.CLEARED,)),
        (stored(S.PAID, False), told(S.PAID, False, 1), ()),
        (stored(S.PAID, True), told(S.PAID, False, 1), ()),
        (stored(S.PAID, False), told(S.REFUNDED, True, 1), (OrderEvent.REFUNDED,)),
        (stored(S.PAID, False), told(S.CANCELLED, True, 1), (OrderEvent.CANCELLED,)),
        (stored(S.UNPAID, True), told(S.PAID, False, 1), (OrderEvent.PAID,)),
        (stored(S.UNPAID, False), told(S.PAID, True, 1), (OrderEvent.PAID,)),
    ],
)
def test_an_order_is_cleared_when_one_that_may_ship_follows_one_that_may_not(
    before: Seen, then: OrderObserved, events: tuple[OrderEvent, ...]
) -> None:
    assert (decide(before, then, 2).book, decide(before, then, 2).events) == (True, events)


def test_a_hold_that_is_not_newer_never_follows_its_end() -> None:
    assert not decide(stored(S.PAID, True), told(S.PAID, False), 2).book
    assert place(stored(S.PAID, False)) < place(stored(S.PAID, True))


@pytest.mark.parametrize("status", [one for one in S if one is not S.PAID])
def test_only_a_paid_order_can_be_held(status: ChannelStatus) -> None:
    assert not held(told(status, False))
    assert held(told(S.PAID, False))
