"""The order of observations (INT-6), the words for states, and the ids of an order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import Contact, ContactForm
from domain.observations import ChannelStatus, OrderObserved
from domain.orders import (
    EVENT_OF,
    OrderEvent,
    PaymentStatus,
    Seen,
    decide,
    fulfillment_no,
    order_key,
    payment_status,
    place,
    workflow_id,
)

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
S = ChannelStatus


def observed(status: ChannelStatus, minute: int = 0) -> OrderObserved:
    at = NOON + timedelta(minutes=minute)
    return OrderObserved(
        channel="own",
        shop="demo",
        no="T1",
        status=status,
        raw_status=status.value,
        vendor_time=at,
        placed_at=NOON,
        paid_at=None if status is S.UNPAID else at,
        currency="CNY",
        goods_minor=100,
        shop_discount_minor=0,
        platform_discount_minor=0,
        freight_minor=0,
        total_minor=100,
        paid_minor=0,
        refunded_minor=0,
        lines=(),
        contact=Contact(ContactForm.PLAIN, "广东省", "广州市"),
    )


FIRST = [
    (S.UNPAID, OrderEvent.PLACED),
    (S.PAID, OrderEvent.PAID),
    (S.SHIPPED, OrderEvent.PAID),
    (S.SIGNED, OrderEvent.PAID),
    (S.COMPLETED, OrderEvent.PAID),
    (S.CANCELLED, OrderEvent.CANCELLED),
    (S.REFUNDED, OrderEvent.REFUNDED),
]


@pytest.mark.parametrize(("status", "event"), FIRST)
def test_the_first_observation_is_always_booked_and_wakes_the_order(status: ChannelStatus, event: OrderEvent) -> None:
    assert EVENT_OF[status] is event
    change = decide(None, observed(status), 1)
    assert change.book
    assert change.events == (event,)


# before (status, minute, inbox id), then (status, minute, inbox id), booked?, what wakes the order
ORDERING = [
    ((S.UNPAID, 0, 1), (S.PAID, 1, 2), True, (OrderEvent.PAID,)),
    ((S.UNPAID, 0, 1), (S.UNPAID, 1, 2), True, ()),  # the same word, later: a fact, no event
    ((S.PAID, 1, 2), (S.UNPAID, 0, 3), False, ()),  # older by the vendor's clock, though it came later
    ((S.PAID, 0, 1), (S.UNPAID, 0, 2), False, ()),  # an equal time never moves back
    ((S.UNPAID, 0, 1), (S.PAID, 0, 2), True, (OrderEvent.PAID,)),  # an equal time may move forward
    ((S.UNPAID, 0, 2), (S.PAID, 0, 1), True, (OrderEvent.PAID,)),  # the rank decides before the order of arrival
    ((S.PAID, 0, 1), (S.PAID, 0, 1), False, ()),  # the same message again
    ((S.PAID, 0, 1), (S.PAID, 0, 2), True, ()),  # the same words in another message
    ((S.PAID, 0, 2), (S.PAID, 0, 1), False, ()),
    ((S.PAID, 0, 1), (S.SHIPPED, 1, 2), True, ()),  # our own write-back comes home: nobody is woken
    ((S.PAID, 0, 1), (S.REFUNDED, 1, 2), True, (OrderEvent.REFUNDED,)),
    ((S.UNPAID, 0, 1), (S.CANCELLED, 1, 2), True, (OrderEvent.CANCELLED,)),
    ((S.CANCELLED, 0, 1), (S.REFUNDED, 0, 2), True, (OrderEvent.REFUNDED,)),
    ((S.REFUNDED, 0, 1), (S.CANCELLED, 0, 2), False, ()),
    ((S.CANCELLED, 0, 1), (S.PAID, 1, 2), True, (OrderEvent.PAID,)),  # the channel took its cancel back
    ((S.REFUNDED, 1, 2), (S.PAID, 0, 3), False, ()),
    ((S.PAID, 0, 1), (S.UNPAID, 1, 2), False, ()),  # a payment is undone only by a refund
    ((S.REFUNDED, 0, 1), (S.UNPAID, 1, 2), False, ()),
    ((S.UNPAID, 1, 1), (S.PAID, 0, 2), True, (OrderEvent.PAID,)),  # the same two, the other way round
]


@pytest.mark.parametrize(("before", "then", "booked", "events"), ORDERING)
def test_a_further_observation_is_ordered_by_vendor_time_then_rank_then_arrival(
    before: tuple[ChannelStatus, int, int],
    then: tuple[ChannelStatus, int, int],
    booked: bool,
    events: tuple[OrderEvent, ...],
) -> None:
    stored = Seen(before[0], NOON + timedelta(minutes=before[1]), before[2])
    change = decide(stored, observed(then[0], then[1]), then[2])
    assert (change.book, change.events) == (booked, events)


@pytest.mark.parametrize(
    ("before", "then", "contradicts"),
    [
        ((S.PAID, 0), (S.UNPAID, 1), True),
        ((S.UNPAID, 1), (S.PAID, 0), True),
        ((S.CANCELLED, 0), (S.UNPAID, 1), True),
        ((S.PAID, 0), (S.UNPAID, 0), False),
        ((S.PAID, 1), (S.UNPAID, 0), False),
        ((S.UNPAID, 0), (S.UNPAID, 1), False),
        ((S.PAID, 0), (S.CANCELLED, 1), False),
    ],
)
def test_unpaid_after_anything_more_is_a_contradiction(
    before: tuple[ChannelStatus, int], then: tuple[ChannelStatus, int], contradicts: bool
) -> None:
    stored = Seen(before[0], NOON + timedelta(minutes=before[1]), 1)
    assert decide(stored, observed(*then), 2).contradicts is contradicts


def book(stored: Seen | None, seen: OrderObserved, inbox_id: int) -> Seen | None:
    if decide(stored, seen, inbox_id).book:
        return Seen(seen.status, seen.vendor_time, inbox_id)
    return stored


messages = st.lists(
    st.tuples(st.sampled_from([one for one in S if one is not S.UNMAPPED]), st.integers(0, 3)), min_size=1, max_size=8
)


@given(st.data(), messages)
def test_any_arrival_order_with_duplicates_ends_in_the_same_stored_observation(
    data: st.DataObject, heard: list[tuple[ChannelStatus, int]]
) -> None:
    numbered = [(observed(status, minute), n) for n, (status, minute) in enumerate(heard, 1)]
    duplicates = data.draw(st.lists(st.sampled_from(numbered), max_size=6))
    stored: Seen | None = None
    for seen, inbox_id in data.draw(st.permutations(numbered + duplicates)):
        stored = book(stored, seen, inbox_id)
    assert stored == max((Seen(seen.status, seen.vendor_time, n) for seen, n in numbered), key=place)


@given(st.data(), messages)
def test_status_and_time_do_not_depend_on_the_numbers_that_arrival_gave(
    data: st.DataObject, heard: list[tuple[ChannelStatus, int]]
) -> None:
    ends = set()
    for _ in range(2):
        stored: Seen | None = None
        for inbox_id, (status, minute) in enumerate(data.draw(st.permutations(heard)), 1):
            stored = book(stored, observed(status, minute), inbox_id)
        assert stored is not None
        ends.add((stored.status, stored.vendor_time))
    assert len(ends) == 1


@given(messages)
def test_an_equal_time_never_moves_a_state_back(heard: list[tuple[ChannelStatus, int]]) -> None:
    stored: Seen | None = None
    for inbox_id, (status, minute) in enumerate(heard, 1):
        before, stored = stored, book(stored, observed(status, minute), inbox_id)
        assert stored is not None
        if before is not None:
            assert place(stored)[:3] >= place(before)[:3]
            assert stored.status is not S.UNPAID or before.status is S.UNPAID


@given(messages)
def test_an_observation_that_is_not_booked_wakes_nobody(heard: list[tuple[ChannelStatus, int]]) -> None:
    stored: Seen | None = None
    for inbox_id, (status, minute) in enumerate(heard, 1):
        seen = observed(status, minute)
        change = decide(stored, seen, inbox_id)
        assert change.book or not change.events
        stored = book(stored, seen, inbox_id)
        again = decide(stored, seen, inbox_id)
        assert (again.book, again.events) == (False, ())


def test_the_order_has_one_key_one_workflow_and_counted_parts() -> None:
    key = order_key("own", "demo", "T1")
    assert key == "own:demo:T1"
    assert workflow_id(key) == "order:own:demo:T1"
    assert [fulfillment_no("T1", part) for part in (1, 2)] == ["T1-1", "T1-2"]


@pytest.mark.parametrize(
    ("status", "money"),
    [
        (S.UNPAID, PaymentStatus.UNPAID),
        (S.CANCELLED, PaymentStatus.UNPAID),
        (S.REFUNDED, PaymentStatus.REFUNDED),
        (S.PAID, PaymentStatus.PAID),
        (S.SHIPPED, PaymentStatus.PAID),
        (S.SIGNED, PaymentStatus.PAID),
        (S.COMPLETED, PaymentStatus.PAID),
    ],
)
def test_a_channel_status_says_what_became_of_the_money(status: ChannelStatus, money: PaymentStatus) -> None:
    assert payment_status(status) is money


@pytest.mark.parametrize("status", [S.UNPAID, S.CANCELLED])
@pytest.mark.parametrize("before", list(PaymentStatus))
def test_only_a_refund_undoes_a_payment(status: ChannelStatus, before: PaymentStatus) -> None:
    assert payment_status(status, before) is before
    assert payment_status(S.REFUNDED, before) is PaymentStatus.REFUNDED
