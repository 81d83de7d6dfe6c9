"""Which message goes first (INT-5), what it speaks of, and the sentence that says what an order waits for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.lanes import EDITS, LATER, NORMAL, URGENT, lane, subject
from domain.observations import (
    ChannelStatus,
    Observation,
    OrderHinted,
    ParcelState,
    ParcelTracked,
    ProcessReported,
    ShipmentConfirmed,
)
from domain.timing import OrderTiming
from domain.waits import WORDS, Wait, WaitFor
from tests.domain.test_orders import NOON, observed

TRACKED = ParcelTracked("SF", "SF1", ParcelState.IN_TRANSIT, "2", "201", None, ())
PICKED = ProcessReported("T1-1", "PICK", NOON)
HINTED = OrderHinted("own", "demo", "T1", ChannelStatus.PAID, NOON)
TOLD_AT_ONCE = {ChannelStatus.DEPOSIT, ChannelStatus.PAID, ChannelStatus.CANCELLED, ChannelStatus.REFUNDED}
CONFIRMED = ShipmentConfirmed("T1-1", "c1", "GZ", True, NOON, ())

LANES = [
    (observed(ChannelStatus.UNPAID), NORMAL),
    *[(observed(status), URGENT) for status in ChannelStatus if status is not ChannelStatus.UNPAID],
    *[(replace(HINTED, status=one), URGENT if one in TOLD_AT_ONCE else NORMAL) for one in ChannelStatus],
    (replace(HINTED, status=ChannelStatus.UNMAPPED, raw_status="777"), URGENT),
    *[(replace(HINTED, status=one, edit=True), EDITS) for one in ChannelStatus],
    (CONFIRMED, URGENT),
    (PICKED, LATER),
    *[(replace(TRACKED, state=state), LATER) for state in ParcelState if state is not ParcelState.SIGNED],
    (replace(TRACKED, state=ParcelState.SIGNED, signed_at=NOON), NORMAL),
]


@pytest.mark.parametrize(("seen", "expected"), LANES)
def test_paid_and_shipped_go_before_placed_and_signed_and_those_before_reports(
    seen: Observation, expected: int
) -> None:
    assert lane(seen) == expected


def test_urgent_is_served_before_normal_before_later_before_edits() -> None:
    """INT-5."""
    assert URGENT < NORMAL < LATER < EDITS


@pytest.mark.parametrize(
    ("seen", "about"),
    [
        (observed(ChannelStatus.PAID), "own:demo:T1"),
        (HINTED, "own:demo:T1"),
        (TRACKED, "SF:SF1"),
        (PICKED, "T1-1"),
        (CONFIRMED, "T1-1"),
    ],
)
def test_a_message_is_found_again_by_what_it_speaks_of(seen: Observation, about: str) -> None:
    assert subject(seen) == about


def test_a_wait_with_a_deadline_says_since_when_until_when_and_what_comes_next() -> None:
    wait = Wait(WaitFor.PAYMENT, NOON, NOON + timedelta(minutes=30))
    assert wait.sentence() == (
        "Waits for the buyer to pay since 2026-11-22 04:00:00 UTC, until 2026-11-22 04:30:00 UTC: "
        "the stock lock ends. Next: stock is allocated to a warehouse."
    )


def test_a_wait_without_a_deadline_names_none() -> None:
    assert Wait(WaitFor.STOCK, NOON).sentence() == (
        "Waits for stock of an item that is sold out since 2026-11-22 04:00:00 UTC. "
        "Next: planned by itself when there is stock, oldest first."
    )


def test_a_finished_order_waits_for_nothing() -> None:
    assert Wait(WaitFor.NOTHING, NOON).sentence() == "Waits for nothing."


@pytest.mark.parametrize("what", list(WaitFor))
def test_every_wait_has_words(what: WaitFor) -> None:
    assert WORDS[what].what
    assert Wait(what, NOON, NOON).sentence().startswith("Waits for ")


def test_an_unpaid_order_holds_its_stock_as_long_as_the_setting_says() -> None:
    assert OrderTiming(1800, 1, 1, 1, 1, 1, 1, 1).lock_until(NOON) == NOON + timedelta(minutes=30)
