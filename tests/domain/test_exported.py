"""What a row of an export may say, how its order ended, and what it becomes as history and live (INT-10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.contacts import Contact, ContactForm
from domain.exported import (
    CLOSE_REASON,
    ExportedOrder,
    Fault,
    as_history,
    as_live,
    fault_of,
    final_status,
    history_fault,
    live_fault,
    order_status,
)
from domain.observations import ChannelStatus
from domain.orders import OrderStatus

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PLACED = NOW - timedelta(days=9)
PAID = PLACED + timedelta(minutes=3)
ROW = ExportedOrder(
    2, "T1", 17880, 17880, 0, PLACED, PAID, "CNY", Contact(ContactForm.PLAIN, "广东省", "深圳市"), raw_status="ok"
)
UNPAID = replace(ROW, paid_at=None, paid_minor=0)

GOOD = [
    ROW,
    UNPAID,
    replace(ROW, refunded_minor=17880),
    replace(ROW, paid_minor=15000, refunded_minor=15000),
    replace(ROW, total_minor=0, paid_minor=0),
    replace(ROW, paid_at=PLACED),
    replace(ROW, placed_at=NOW + timedelta(minutes=10), paid_at=NOW + timedelta(minutes=10)),
    replace(UNPAID, status=ChannelStatus.CANCELLED),
]
BAD = [
    (replace(ROW, total_minor=-1), "total", "is negative"),
    (replace(ROW, paid_minor=-1), "paid", "is negative"),
    (replace(ROW, refunded_minor=-1, paid_minor=-1), "refunded", "is negative"),
    (replace(ROW, placed_at=NOW + timedelta(minutes=11), paid_at=None), "placed_at", "is in the future"),
    (replace(ROW, paid_at=NOW + timedelta(minutes=11)), "paid_at", "is in the future"),
    (replace(ROW, paid_at=PLACED - timedelta(seconds=1)), "paid_at", "is before the order was placed"),
    (replace(ROW, refunded_minor=17881, paid_minor=17881), "refunded", "is more than the total"),
    (replace(ROW, refunded_minor=16000, paid_minor=15000), "refunded", "is more than was paid"),
    (replace(ROW, paid_minor=17881), "paid", "is more than the total"),
    (replace(ROW, paid_minor=0), "paid", "is nothing though there is a payment time"),
    (replace(UNPAID, paid_minor=1), "paid_at", "is empty though something was paid or refunded"),
    (replace(UNPAID, refunded_minor=1), "paid_at", "is empty though something was paid or refunded"),
    (replace(UNPAID, status=ChannelStatus.COMPLETED), "status", "says paid, the payment time is empty"),
    (replace(ROW, status=ChannelStatus.UNPAID), "status", "says unpaid, there is a payment time"),
]


@pytest.mark.parametrize("row", GOOD)
def test_a_row_that_agrees_with_itself_is_believed(row: ExportedOrder) -> None:
    assert fault_of(row, NOW) is None


@pytest.mark.parametrize(("row", "column", "reason"), BAD)
def test_a_row_that_contradicts_itself_is_refused_by_its_column(row: ExportedOrder, column: str, reason: str) -> None:
    assert fault_of(row, NOW) == Fault(column, reason)


ENDS = [
    (ROW, ChannelStatus.COMPLETED, OrderStatus.COMPLETED, ""),
    (replace(ROW, refunded_minor=100), ChannelStatus.COMPLETED, OrderStatus.COMPLETED, ""),
    (replace(ROW, refunded_minor=17880), ChannelStatus.REFUNDED, OrderStatus.CLOSED, "refunded"),
    (replace(ROW, total_minor=0, paid_minor=0), ChannelStatus.COMPLETED, OrderStatus.COMPLETED, ""),
    (UNPAID, ChannelStatus.CANCELLED, OrderStatus.CLOSED, "unpaid"),
]


@pytest.mark.parametrize(("row", "final", "status", "reason"), ENDS)
def test_the_money_says_how_an_order_ended(
    row: ExportedOrder, final: ChannelStatus, status: OrderStatus, reason: str
) -> None:
    assert (final_status(row), order_status(final), CLOSE_REASON[final]) == (final, status, reason)


@pytest.mark.parametrize("status", ["unpaid", "paid", "shipped", "signed"])
def test_history_takes_no_order_that_still_goes_on(status: str) -> None:
    fault = history_fault(replace(ROW, status=ChannelStatus(status)))
    assert fault is not None
    assert fault.column == "status"


@pytest.mark.parametrize("status", [None, ChannelStatus.COMPLETED, ChannelStatus.REFUNDED, ChannelStatus.CANCELLED])
def test_history_takes_what_is_finished_or_says_nothing(status: ChannelStatus | None) -> None:
    assert history_fault(replace(ROW, status=status)) is None


def test_history_keeps_the_amounts_and_times_and_has_no_lines_without_a_sku() -> None:
    seen = as_history(replace(ROW, refunded_minor=100), "taobao", "tm")
    assert (seen.channel, seen.shop, seen.no, seen.raw_status) == ("taobao", "tm", "T1", "ok")
    assert (seen.goods_minor, seen.total_minor, seen.paid_minor, seen.refunded_minor) == (17880, 17880, 17880, 100)
    assert (seen.placed_at, seen.paid_at, seen.vendor_time) == (PLACED, PAID, PAID)
    assert seen.lines == ()


def test_the_lines_of_an_order_add_up_to_its_total() -> None:
    (line,) = as_history(replace(ROW, sku="TEE", title="短袖", quantity=7), "taobao", "tm").lines
    assert (line.sku, line.title, line.quantity) == ("TEE", "短袖", 7)
    assert line.quantity * line.unit_minor - line.discount_minor == line.amount_minor == 17880
    assert 0 <= line.discount_minor < 7


def test_live_moves_every_time_and_replays_no_refund() -> None:
    shift = timedelta(days=8)
    seen = as_live(replace(ROW, refunded_minor=17880), ("taobao", "tm"), "TEE", shift)
    assert (seen.status, seen.paid_minor, seen.refunded_minor) == (ChannelStatus.PAID, 17880, 0)
    assert (seen.placed_at, seen.paid_at, seen.vendor_time) == (PLACED + shift, PAID + shift, PAID + shift)
    assert [(line.sku, line.quantity, line.amount_minor) for line in seen.lines] == [("TEE", 1, 17880)]
    unpaid = as_live(UNPAID, ("taobao", "tm"), "TEE", shift)
    assert (unpaid.status, unpaid.paid_at, unpaid.paid_minor) == (ChannelStatus.UNPAID, None, 0)


def test_a_row_names_its_own_sku_before_the_general_one() -> None:
    assert as_live(replace(ROW, sku="CUP"), ("taobao", "tm"), "TEE", timedelta()).lines[0].sku == "CUP"


def test_a_live_order_needs_a_province_and_a_sku() -> None:
    nowhere = replace(ROW, contact=Contact(ContactForm.PLAIN, "", ""))
    assert live_fault(nowhere, "TEE") == Fault("address", "names no province: a live order is routed by it")
    assert live_fault(ROW, "") == Fault("sku", "is empty: fill it or give --sku")
    assert live_fault(ROW, "TEE") is None
    assert live_fault(replace(ROW, sku="CUP"), "") is None
