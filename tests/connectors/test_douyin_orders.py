"""Orders of the Douyin shop platform: money to the fen, codes, refunds, gifts and hidden receivers (SEC-1)."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.platforms.douyin_orders import read_order
from domain.contacts import Contact, ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from tests.connectors.douyin_answers import CIPHERS, DOUYIN, NO, PERSONAL, child, order
from tests.connectors.worlds import NOW


def read(**changes: Any) -> OrderObserved:
    seen = read_order(order(**changes), DOUYIN)
    assert_adds_up(seen)
    return seen


def assert_adds_up(seen: OrderObserved) -> None:
    for line in seen.lines:
        assert line.amount_minor == line.quantity * line.unit_minor - line.discount_minor
    assert seen.goods_minor == sum(line.amount_minor for line in seen.lines)
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    assert seen.total_minor == seen.goods_minor - discounts + seen.freight_minor
    assert seen.refunded_minor <= seen.paid_minor <= seen.total_minor


def told(**changes: Any) -> str:
    with pytest.raises(Unparsable) as caught:
        read_order(order(**changes), DOUYIN)
    assert not [value for value in PERSONAL if value in caught.value.reason]
    return caught.value.reason


def test_a_paid_order_is_read_whole() -> None:
    assert read() == OrderObserved(
        channel="douyin",
        shop="dy1",
        no=NO,
        status=ChannelStatus.UNMAPPED,
        raw_status="2",
        vendor_time=NOW - timedelta(seconds=20),
        placed_at=NOW - timedelta(seconds=60),
        paid_at=NOW - timedelta(seconds=30),
        currency="CNY",
        goods_minor=31800,
        shop_discount_minor=2000,
        platform_discount_minor=0,
        freight_minor=800,
        total_minor=30600,
        paid_minor=30600,
        refunded_minor=0,
        lines=(LineObserved(NO, "TEE-WHITE-M", "纯棉圆领短袖 白 M", 2, 15900, 0, 31800),),
        contact=Contact(
            ContactForm.CIPHERTEXT, "广东省", "深圳市", "南山区", *CIPHERS, handle="", merge_key="#address-1"
        ),
        buyer_id="1@#open",
        remark="请放前台",
    )


def test_an_unpaid_order_has_paid_nothing_and_never() -> None:
    for never in (0, None, ...):
        seen = read(order_status=1, main_status=1, pay_time=never)
        assert (seen.paid_at, seen.paid_minor, seen.refunded_minor, seen.total_minor) == (None, 0, 0, 30600)


@pytest.mark.parametrize("code", [1, 105, 2, 101, 3, 4, 5])
def test_the_order_status_is_the_raw_code(code: int) -> None:
    assert read(order_status=code, main_status=code).raw_status == str(code)
    assert read(order_status=code, main_status=0).raw_status == str(code)
    assert read(order_status=code, main_status=...).raw_status == str(code)


@pytest.mark.parametrize(
    ("order_status", "main_status", "raw"),
    [(4, 21, "21"), (5, 22, "22"), (5, 39, "39"), (1, 103, "103"), (2, 105, "2"), (105, 105, "105"), (777, 9, "777")],
)
def test_the_main_status_is_the_raw_code_where_only_it_tells(order_status: int, main_status: int, raw: str) -> None:
    seen = read(order_status=order_status, main_status=main_status)
    assert (seen.raw_status, seen.status) == (raw, ChannelStatus.UNMAPPED)


@pytest.mark.parametrize(
    ("changes", "shop", "platform"),
    [
        ({"promotion_shop_amount": 1500, "promotion_platform_amount": 500}, 1500, 500),
        ({"promotion_shop_amount": 0, "promotion_platform_amount": 2000}, 0, 2000),
        # The talent bears its own: no discount of the shop.
        ({"promotion_shop_amount": 700, "promotion_platform_amount": 300, "promotion_talent_amount": 1000}, 700, 1300),
        # The means of payment: within pay_amount ...
        ({"promotion_pay_amount": 300}, 2000, 0),
        # ... or taken off it.
        ({"promotion_pay_amount": 300, "pay_amount": 30300}, 2000, 300),
        # A changed price: in the price of the goods already, or only in what is paid.
        ({"modify_amount": -500}, 2000, 0),
        ({"modify_amount": -500, "pay_amount": 30100}, 2500, 0),
        ({"modify_amount": 500, "pay_amount": 31100}, 1500, 0),
        ({"modify_amount": -500, "promotion_pay_amount": 300, "pay_amount": 29800}, 2500, 300),
        ({"post_amount": 0, "pay_amount": 29800}, 2000, 0),
    ],
)
def test_discounts_go_to_whoever_bears_them(changes: dict[str, Any], shop: int, platform: int) -> None:
    seen = read(**changes)
    assert (seen.shop_discount_minor, seen.platform_discount_minor) == (shop, platform)


def test_sums_that_do_not_add_up_are_named() -> None:
    assert told(pay_amount=30599) == (
        "pay_amount is 30599, but goods 31800 - shop 2000 - platform and talent 0 + freight 800 is 30600 "
        "(modify_amount 0, promotion_pay_amount 0)"
    )
    assert told(pay_amount=30000, promotion_pay_amount=1, modify_amount=-2).endswith(
        "is 30600 (modify_amount -2, promotion_pay_amount 1)"
    )
    assert told(tax_amount=100, pay_amount=30700).startswith("pay_amount is 30700, but")


def test_several_lines_and_a_gift_add_up() -> None:
    seen = read(
        sku_order_list=[
            child(given_product_type="MASTER"),
            child("2", item_num=3, origin_amount=400, sum_amount=..., code="", out_sku_id="SOCK-3"),
            child("3", item_num=1, origin_amount=990, sum_amount=990, code="BAG", given_product_type="FREE"),
            child("4", item_num=1, origin_amount=100, sum_amount=90, code=None, out_sku_id=..., spec=None),
        ],
        pay_amount=31890,
    )
    assert [
        (line.line_no, line.sku, line.quantity, line.unit_minor, line.discount_minor, line.amount_minor)
        for line in seen.lines
    ] == [
        (NO, "TEE-WHITE-M", 2, 15900, 0, 31800),
        ("2", "SOCK-3", 3, 400, 0, 1200),
        ("3", "BAG", 1, 0, 0, 0),
        ("4", "1736502463777799", 1, 100, 10, 90),
    ]
    assert seen.lines[3].title == "纯棉圆领短袖"


def case(refund_status: int, after_sale_type: int = 1) -> dict[str, Any]:
    return {"after_sale_status": 12, "after_sale_type": after_sale_type, "refund_status": refund_status}


@pytest.mark.parametrize(
    ("changes", "refunded"),
    [
        ({"order_status": 4, "main_status": 4}, 30600),
        ({"order_status": 4, "main_status": 21}, 30600),
        ({"order_status": 5, "main_status": 22}, 30600),
        ({"order_status": 5, "main_status": 39}, 30600),
        ({"order_status": 3, "main_status": 4}, 30600),
        ({"order_status": 4, "main_status": 4, "pay_time": 0}, 0),
        ({"sku_order_list": [child(pay_amount=30000, after_sale_info=case(3))]}, 30000),
        ({"sku_order_list": [child(pay_amount=30600, after_sale_info=case(3, 0))]}, 30600),
        ({"sku_order_list": [child(pay_amount=99999, after_sale_info=case(3))]}, 30600),
        ({"sku_order_list": [child(after_sale_info=case(1))]}, 0),
        ({"sku_order_list": [child(after_sale_info=case(2))]}, 0),
        ({"sku_order_list": [child(after_sale_info=case(4))]}, 0),
        ({"sku_order_list": [child(after_sale_info=None)]}, 0),
        # A price guard pays a difference that the order does not tell.
        ({"sku_order_list": [child(after_sale_info=case(3, 6))]}, 0),
    ],
)
def test_what_was_paid_back(changes: dict[str, Any], refunded: int) -> None:
    assert read(**changes).refunded_minor == refunded


def test_of_two_child_orders_one_may_be_refunded() -> None:
    both = [child(pay_amount=30000), child("2", sum_amount=0, origin_amount=0, pay_amount=600)]
    both[1]["after_sale_info"] = case(3)
    assert read(sku_order_list=both).refunded_minor == 600


def test_a_hidden_receiver_stays_hidden_and_whole() -> None:
    contact = read().contact
    assert (contact.form, contact.handle) == (ContactForm.CIPHERTEXT, "")
    assert (contact.name, contact.phone, contact.address) == CIPHERS
    assert not [cipher for cipher in CIPHERS if cipher in repr(contact)]
    bare = read(post_addr=None, encrypt_post_receiver=None, encrypt_post_tel="", open_address_id=...).contact
    assert bare == Contact(ContactForm.CIPHERTEXT, "", "")


def test_numbers_for_texts_and_texts_for_numbers_are_taken() -> None:
    seen = read(order_id=int(NO), order_status="2", pay_amount="30600", buyer_words=None, update_time="1795354200")
    assert (seen.no, seen.raw_status, seen.total_minor, seen.remark, seen.vendor_time) == (NO, "2", 30600, "", NOW)


def test_what_a_database_cannot_hold_is_dropped_and_words_without_end_are_cut() -> None:
    seen = read(buyer_words="a\x00b" + "c" * 3000, sku_order_list=[child(product_name="x" * 900)])
    assert (seen.remark[:3], len(seen.remark), len(seen.lines[0].title)) == ("abc", 2000, 500)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order_id": ...}, "order_id is missing"),
        ({"order_id": "李小明 13812345678"}, "order_id has characters or a form"),
        ({"order_status": ...}, "order_status is missing"),
        ({"order_status": "请放前台"}, "order_status is not accepted"),
        ({"create_time": 0}, "create_time is below 946684800"),
        ({"update_time": ...}, "update_time is missing"),
        ({"update_time": 1_795_354_200_000}, "update_time is above 4102444800"),
        ({"pay_time": -1}, "pay_time is below 0"),
        ({"pay_amount": ...}, "pay_amount is missing"),
        ({"pay_amount": 306.5}, "pay_amount has decimals"),
        ({"pay_amount": -1}, "pay_amount is below 0"),
        ({"post_amount": 10**11}, "post_amount is above 10000000000"),
        ({"sku_order_list": []}, "sku_order_list has fewer than 1 entries"),
        ({"sku_order_list": ...}, "sku_order_list is missing"),
        ({"sku_order_list": [child()] * 201}, "sku_order_list has more than 200"),
        ({"sku_order_list": "科技园南路9号"}, "sku_order_list is not a list"),
        ({"sku_order_list": [child(item_num=0)]}, "sku_order_list[0].item_num is below 1"),
        ({"sku_order_list": [child(item_num=10_000)]}, "sku_order_list[0].item_num is above 9999"),
        ({"sku_order_list": [child(sum_amount=31801)]}, f"child order {NO}: sum_amount is 31801, more than"),
        ({"sku_order_list": [child(code="", out_sku_id="", sku_id=0)]}, f"child order {NO} has no usable code"),
        ({"sku_order_list": [child(code="x" * 201)]}, f"child order {NO} has no usable code"),
        ({"sku_order_list": [child(), child()]}, f"child order {NO} is there more than once"),
        ({"post_addr": "科技园南路9号"}, "post_addr is not an object"),
        ({"encrypt_post_tel": ["13812345678"]}, "encrypt_post_tel is not a text"),
    ],
)
def test_a_bad_order_is_told_with_its_field_and_no_personal_value(changes: dict[str, Any], words: str) -> None:
    assert words in told(**changes)
