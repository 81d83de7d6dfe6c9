"""Taobao's trades: every field, the money to the fen, and what cannot be read."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.contacts import Contact, ContactForm
from domain.errors import Broken
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from domain.orders import with_deposit
from tests.connectors.taobao_answers import OID, PERSONAL, TID, asked, child, detail, read, refund, says, taobao
from tests.connectors.worlds import Stranger

LISTED = ("739001644954", "5275960415307")
"""Item and variant of the line."""


def adds_up(seen: OrderObserved) -> bool:
    goods = sum(line.amount_minor for line in seen.lines)
    lines = all(line.amount_minor == line.quantity * line.unit_minor - line.discount_minor for line in seen.lines)
    shares = (seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor, seen.refunded_minor)
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    total = goods - discounts + seen.freight_minor
    within = seen.refunded_minor <= seen.paid_minor <= seen.total_minor
    return lines and goods == seen.goods_minor and total == seen.total_minor and min(shares) >= 0 and within


async def broken(*answers: httpx.Response) -> str:
    with pytest.raises(Broken) as caught:
        await read(*answers)
    return str(caught.value)


async def test_every_field_comes_through_and_the_body_as_received() -> None:
    answer = detail(post_fee="8.00", payment="97.80", platform_subsidy_fee="3.00")
    stranger = Stranger(answer)
    seen, raw = await taobao(stranger).read_order(TID)
    assert raw == answer.content
    assert seen == OrderObserved(
        channel="taobao",
        shop="flagship",
        no=TID,
        status=ChannelStatus.UNMAPPED,
        raw_status="WAIT_SELLER_SEND_GOODS",
        vendor_time=datetime(2026, 11, 22, 13, 1, 3, tzinfo=UTC),
        placed_at=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
        paid_at=datetime(2026, 11, 22, 13, 1, 2, tzinfo=UTC),
        currency="CNY",
        goods_minor=9980,
        shop_discount_minor=700,
        platform_discount_minor=300,
        freight_minor=800,
        total_minor=9780,
        paid_minor=9780,
        refunded_minor=0,
        lines=(LineObserved(OID, "TEE-WHITE-M", "纯棉圆领短袖 白 M", 2, 4990, 0, 9980, *LISTED),),
        contact=Contact(
            ContactForm.MASKED, "重庆", "重庆市", "渝北区", PERSONAL[0], PERSONAL[1], PERSONAL[2],
            handle="1p4nZ8Ap4ZNn", merge_key="1p4nZ8Ap4ZNn",
        ),
        buyer_id=PERSONAL[4],
        remark=PERSONAL[3],
    )  # fmt: skip


async def test_the_fields_without_which_there_is_no_handle_are_asked_for() -> None:
    stranger = Stranger(detail())
    await taobao(stranger).read_order(TID)
    form = asked(stranger)
    assert (form["method"], form["tid"], form["include_oaid"]) == ("taobao.trade.fullinfo.get", TID, "true")
    needed = {"receiver_name", "receiver_address", "receiver_mobile", "receiver_phone", "created", "oaid"}
    assert needed | {"orders", "buyer_message", "payment"} <= set(form["fields"].split(","))


async def test_numbers_beyond_the_floats_stay_exact() -> None:
    seen = await read(detail(child(oid=9007199254740993), tid=int(TID), tid_str=...))
    assert (seen.no, seen.lines[0].line_no) == (TID, "9007199254740993")
    seen = await read(detail(child(oid=1, oid_str="9007199254740995")))
    assert seen.lines[0].line_no == "9007199254740995"


@pytest.mark.parametrize(
    ("lines", "changes", "money"),
    [
        # One line, its own discount and the trade's promotion; a real trade's sums.
        ([{"num": 1, "price": "4999.00", "discount_fee": "500.00"}], {"payment": "2499.00"},
         (449_900, 200_000, 0, 0, 249_900)),
        # A price changed by hand, down and up.
        ([{"adjust_fee": "-5.01"}], {"payment": "94.79"}, (9479, 0, 0, 0, 9479)),
        ([{"num": 3, "price": "10.00", "adjust_fee": "0.01"}], {"payment": "30.01"}, (3001, 0, 0, 0, 3001)),
        # Several discounts, the platform's part of them, postage.
        ([{}, {"oid": 2, "num": 1, "price": "9.90", "discount_fee": "0.90", "adjust_fee": "-1.00"}],
         {"payment": "90.00", "post_fee": "6.00", "platform_subsidy_fee": "10.00"}, (10_780, 1380, 1000, 600, 9000)),
        # A subsidy that is larger than what the buyer saved is no negative discount of the shop.
        ([{}], {"payment": "98.80", "platform_subsidy_fee": "9.99"}, (9980, 0, 100, 0, 9880)),
        # Two lines of one SKU.
        ([{}, {"oid": 2, "num": 1, "discount_fee": "10.00"}], {"payment": "139.70"}, (13_970, 0, 0, 0, 13_970)),
        # A promotion that also takes the postage; a free order.
        ([{}], {"payment": "0.00", "post_fee": "8.00"}, (9980, 10_780, 0, 800, 0)),
        # Cash on delivery has a fee of its own.
        ([{}], {"type": "cod", "payment": "112.80", "post_fee": "8.00", "buyer_cod_fee": "5.00"},
         (9980, 0, 0, 1300, 11_280)),
        # Numbers where texts are documented, nulls and absences where nothing is known.
        ([{"price": 49.9, "discount_fee": None, "adjust_fee": ...}],
         {"payment": 99.8, "post_fee": None, "platform_subsidy_fee": ..., "buyer_cod_fee": ""},
         (9980, 0, 0, 0, 9980)),
    ],
)  # fmt: skip
async def test_the_money_adds_up_to_the_fen(
    lines: list[dict[str, Any]], changes: dict[str, Any], money: tuple[int, ...]
) -> None:
    seen = await read(detail(*(child(**line) for line in lines), **changes))
    shares = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert (*shares, seen.total_minor) == money
    assert seen.paid_minor == seen.total_minor
    assert adds_up(seen)


async def test_a_price_raised_by_hand_raises_the_unit_and_leaves_no_negative_discount() -> None:
    seen = await read(detail(child(num=3, price="10.00", adjust_fee="0.01"), payment="30.01"))
    assert (seen.lines[0].unit_minor, seen.lines[0].discount_minor, seen.lines[0].amount_minor) == (1001, 2, 3001)


@pytest.mark.parametrize("pay_time", [..., None, "", "1970-01-01 00:00:00", "0000-00-00 00:00:00"])
async def test_an_unpaid_trade_has_a_total_and_no_payment(pay_time: Any) -> None:
    seen = await read(detail(status="WAIT_BUYER_PAY", pay_time=pay_time))
    assert (seen.paid_at, seen.paid_minor, seen.total_minor, seen.refunded_minor) == (None, 0, 9980, 0)
    assert adds_up(seen)


@pytest.mark.parametrize(
    ("step", "paid", "deposit"),
    [
        ("FRONT_NOPAID_FINAL_NOPAID", 0, False),
        ("FRONT_PAID_FINAL_NOPAID", 1000, True),
        ("FRONT_PAID_FRONT_FORFEITED", 0, False),
        ("FRONT_PAID_FINAL_PAID", 9980, False),
    ],
)
async def test_a_presale_is_paid_when_its_last_part_is(step: str, paid: int, deposit: bool) -> None:
    seen = await read(detail(step_trade_status=step, step_paid_fee="10.00"))
    assert (seen.paid_minor, seen.paid_at is not None) == (paid, paid == 9980)
    assert seen.deposit_at == (seen.vendor_time if deposit else None)
    status = with_deposit(replace(seen, status=ChannelStatus.UNPAID)).status
    assert status is (ChannelStatus.DEPOSIT if deposit else ChannelStatus.UNPAID)
    assert all(line.presale for line in seen.lines)
    assert not any(line.presale for line in (await read(detail())).lines)


REFUNDED = {"refund_status": "SUCCESS", "refund_id": 150231974221958632, "payment": "0.00"}


async def test_the_refunds_of_the_lines_add_up_and_only_successful_ones_are_asked_for() -> None:
    open_refund = {"refund_status": "WAIT_SELLER_AGREE", "refund_id": 7}
    lines = [child(**REFUNDED), child(oid=2, num=1, **{**REFUNDED, "refund_id": 8}), child(oid=3, **open_refund)]
    stranger = Stranger(detail(*lines, payment="249.50"), refund("150231974221958632", "20.05"), refund("8", "49.90"))
    seen, _ = await taobao(stranger).read_order(TID)
    assert (seen.refunded_minor, seen.paid_minor) == (6995, 24_950)
    assert [asked(stranger, index)["refund_id"] for index in (1, 2)] == ["150231974221958632", "8"]
    assert asked(stranger, 1)["method"] == "taobao.refund.get"
    assert len(stranger.asked) == 3


async def test_a_trade_closed_child_by_child_is_refunded_in_full() -> None:
    lines = [child(**REFUNDED), child(oid=2, **{**REFUNDED, "refund_id": 8})]
    seen = await read(detail(*lines, payment="190.00"), refund("150231974221958632", "95.00"), refund("8", "95.00"))
    assert (seen.refunded_minor, seen.shop_discount_minor) == (19_000, 960)


@pytest.mark.parametrize(("fee", "status", "refunded"), [("500.00", "SUCCESS", 9980), ("50.00", "CLOSED", 0)])
async def test_never_more_than_was_paid_is_refunded_and_a_closed_refund_is_none(
    fee: str, status: str, refunded: int
) -> None:
    seen = await read(detail(child(**REFUNDED)), refund("150231974221958632", fee, status))
    assert seen.refunded_minor == refunded


async def test_a_trade_that_a_refund_closed_is_refunded_without_asking() -> None:
    stranger = Stranger(detail(child(**REFUNDED), status="TRADE_CLOSED"))
    seen, _ = await taobao(stranger).read_order(TID)
    assert (seen.refunded_minor, seen.paid_minor, len(stranger.asked)) == (9980, 9980, 1)


async def test_a_trade_closed_before_payment_keeps_its_lines_and_has_no_money() -> None:
    closed = "TRADE_CLOSED_BY_TAOBAO"
    seen = await read(detail(child(status=closed), status=closed, pay_time=...))
    assert (len(seen.lines), seen.paid_minor, seen.refunded_minor, seen.raw_status) == (1, 0, 0, closed)


async def test_a_line_closed_before_payment_is_not_shipped_with_the_others() -> None:
    seen = await read(detail(child(), child(oid=2, status="TRADE_CLOSED_BY_TAOBAO")))
    assert [line.line_no for line in seen.lines] == [OID]
    assert adds_up(seen)


@pytest.mark.parametrize(
    ("changes", "sku"),
    [
        ({}, "TEE-WHITE-M"),
        ({"outer_sku_id": ""}, "TEE"),
        ({"outer_sku_id": ..., "outer_iid": None}, "taobao-sku:5275960415307"),
        ({"outer_sku_id": ..., "outer_iid": ..., "sku_id": ...}, "taobao-item:739001644954"),
    ],
)
async def test_a_line_without_a_code_of_ours_goes_by_a_marked_number_of_theirs(
    changes: dict[str, Any], sku: str
) -> None:
    assert (await read(detail(child(**changes)))).lines[0].sku == sku


@pytest.mark.parametrize("status", ["PAID_FORBID_CONSIGN", "SELLER_CONSIGNED_PART", "A_STATUS_OF_NEXT_YEAR"])
async def test_any_status_is_left_to_the_status_map(status: str) -> None:
    seen = await read(detail(status=status))
    assert (seen.status, seen.raw_status) == (ChannelStatus.UNMAPPED, status)


async def test_a_landline_stands_in_for_a_missing_mobile_and_control_characters_are_dropped() -> None:
    seen = await read(detail(receiver_mobile="", receiver_phone="010-****1", buyer_message="a\x00b"))
    assert (seen.contact.phone, seen.remark) == ("010-****1", "ab")


WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"status": ...}, "trade.status is missing"),
    ({}, {"status": None}, "trade.status is empty"),
    ({}, {"created": ...}, "trade.created is missing"),
    ({}, {"created": "0001-01-01 00:00:00"}, f"created of {TID}: not between the years 2000"),
    ({}, {"modified": "yesterday"}, f"modified of {TID}: not yyyy-MM-dd HH:mm:ss"),
    ({}, {"pay_time": "2026-11-31 00:00:00"}, f"pay_time of {TID}: "),
    ({}, {"payment": ...}, "trade.payment is missing"),
    ({}, {"payment": ""}, "trade.payment is empty: an amount in yuan is needed"),
    ({}, {"payment": "-1.00"}, "trade.payment is negative"),
    ({}, {"payment": "1.001"}, "trade.payment is not an amount in yuan"),
    ({}, {"payment": [1]}, "trade.payment is not an amount in yuan"),
    ({}, {"payment": True}, "trade.payment is not an amount in yuan"),
    ({}, {"payment": 1e300}, "trade.payment is not an amount in yuan"),
    ({}, {"post_fee": "-0.01"}, "trade.post_fee is negative"),
    ({}, {"payment": "99.81"}, "payment is 9981 fen, but goods + freight are 9980 + 0"),
    ({}, {"tid_str": "1"}, f"answered about another trade than {TID}"),
    ({}, {"orders": ...}, "trade.orders is missing"),
    ({}, {"orders": {"order": []}}, "trade.orders.order has fewer than 1"),
    ({}, {"orders": {"order": [child()] * 201}}, "trade.orders.order has more than 200"),
    ({}, {"orders": {"order": [child()] * 2}}, "two lines have the same oid"),
    ({}, {"receiver_name": "张三" * 1001}, "trade.receiver_name is longer than 2000"),
    ({}, {"receiver_name": {"张**": 1}}, "trade.receiver_name is not a text"),
    ({"num": 0}, {}, "trade.orders.order[0].num is below 1"),
    ({"num": 10_000}, {}, "trade.orders.order[0].num is above 9999"),
    ({"num": ...}, {}, "trade.orders.order[0].num is missing"),
    ({"price": ...}, {}, "trade.orders.order[0].price is missing"),
    ({"price": "-1"}, {}, "trade.orders.order[0].price is negative"),
    ({"discount_fee": "200.00"}, {}, f"line {OID} is negative, 2 x 4990 + 0 - 20000 fen"),
    ({"oid": ...}, {}, f"taobao about {TID}: a line has no oid"),
    ({"outer_sku_id": "", "outer_iid": "", "sku_id": "", "num_iid": ""}, {}, "names no SKU and no item"),
    ({"refund_status": "SUCCESS"}, {}, "a refunded line has no refund_id"),
]


@pytest.mark.parametrize(("line", "changes", "words"), WRONG)
async def test_a_trade_that_cannot_be_read_is_broken_and_tells_nothing_personal(
    line: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    reason = await broken(detail(child(**line), **changes))
    assert words in reason
    assert not [value for value in [*PERSONAL, "张", "1p4nZ8Ap4ZNn"] if value in reason]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refund("9", "1.00"), "answered about another refund than 150231974221958632"),
        (refund("150231974221958632", "-1.00"), "refund.refund_fee is negative"),
        (says("refund_get_response", {}), "refund is missing"),
    ],
)
async def test_a_refund_that_cannot_be_read_parks_its_trade(answer: httpx.Response, words: str) -> None:
    assert words in await broken(detail(child(**REFUNDED)), answer)


async def test_a_truncated_answer_is_broken() -> None:
    assert "not its format" in await broken(httpx.Response(200, content=detail().content[:-30]))
