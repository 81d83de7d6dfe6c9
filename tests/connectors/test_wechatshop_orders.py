"""Orders of a WeChat shop: every field that is read, in its unit, and every status (INT-1, INT-13)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.platforms.wechatshop_orders import read_order
from domain.contacts import ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved
from tests.connectors.wechatshop_answers import NO, PERSONAL, SECOND, WECHATSHOP, order, product
from tests.connectors.worlds import NOW

MAP = json.loads((Path(__file__).parents[2] / "store" / "defaults" / "status_map.json").read_text())["channels"]


def test_an_order_is_read_to_the_fen() -> None:
    seen = read_order(order(), WECHATSHOP)
    assert (seen.channel, seen.shop, seen.no) == ("wechatshop", "wx1", NO)
    assert (seen.status, seen.raw_status) == (ChannelStatus.UNMAPPED, "20")
    assert (seen.placed_at, seen.paid_at) == (NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))
    assert seen.vendor_time == NOW - timedelta(seconds=20)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert money == (31_800, 2_000, 500, 800)
    assert (seen.total_minor, seen.paid_minor, seen.refunded_minor) == (30_100, 30_100, 0)
    ids = ("10000000123456", "20000000123456")
    line = LineObserved("-".join(ids), "TEE-WHITE-M", "纯棉圆领短袖", 2, 15_900, 0, 31_800, *ids)
    assert seen.lines == (line,)
    assert (seen.buyer_id, seen.remark) == ("o-buyer", "请放前台")


def test_the_receiver_is_kept_masked_with_its_merge_key() -> None:
    contact = read_order(order(), WECHATSHOP).contact
    assert (contact.form, contact.name, contact.phone) == (ContactForm.MASKED, "李*", "138****5678")
    assert (contact.province, contact.city, contact.district) == ("广东省", "深圳市", "南山区")
    assert (contact.merge_key, contact.handle) == ("address-1", "")


@pytest.mark.parametrize(
    ("changes", "raw", "refunded"),
    [
        *(({"status": code}, str(code), 0) for code in (12, 13, 20, 21, 30, 100)),
        ({"status": 10, "detail": {"pay_info": ...}}, "10", 0),
        ({"status": 30, "detail": {"ext_info": {"confirm_receipt_time": SECOND}}}, "30/received", 0),
        *(({"status": code, "detail": {"pay_info": {"pay_time": 0}}}, str(code), 0) for code in (190, 200, 250)),
        *(({"status": code}, f"{code}/paid", 30_100) for code in (190, 200, 250)),
    ],
)
def test_every_status_has_a_code_that_the_map_knows(changes: dict[str, Any], raw: str, refunded: int) -> None:
    seen = read_order(order(**changes), WECHATSHOP)
    assert (seen.raw_status, seen.refunded_minor) == (raw, refunded)
    assert raw in MAP["wechatshop"]


@pytest.mark.parametrize(
    ("price", "shop", "platform"),
    [
        ({}, 2_000, 500),
        ({"order_price": 29_100, "deduction_price": 1_000}, 2_000, 1_500),
        ({"order_price": 28_000}, 4_100, 500),
        ({"order_price": 31_000}, 1_600, 0),
        ({"order_price": 32_600, "discounted_price": 0, "merchant_discounted_price": 0}, 0, 0),
        ({"discounted_price": ..., "merchant_discounted_price": ...}, 2_500, 0),
    ],
)
def test_the_sums_add_up(price: dict[str, Any], shop: int, platform: int) -> None:
    seen = read_order(order(price=price), WECHATSHOP)
    assert (seen.shop_discount_minor, seen.platform_discount_minor) == (shop, platform)
    assert seen.total_minor == seen.goods_minor - shop - platform + seen.freight_minor


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order_id": ...}, "order_id is missing"),
        ({"order_id": "李小明"}, "order_id has characters"),
        ({"status": "x"}, "status is not accepted"),
        ({"create_time": 0}, "create_time is below"),
        ({"update_time": 10**13}, "update_time is above"),
        ({"order_detail": None}, "order_detail is missing"),
        ({"price": {"order_price": 99_999}}, "order_price is 99999, more than goods 31800 + freight 800"),
        ({"price": {"order_price": -1}}, "order_price is below 0"),
        ({"price": {"order_price": 301.5}}, "order_price has decimals"),
        ({"price": {"order_price": 2**60}}, "order_price is above"),
        ({"detail": {"product_infos": []}}, "product_infos has fewer than 1"),
        ({"detail": {"product_infos": [product(sku_cnt=0)]}}, "sku_cnt is below 1"),
        ({"detail": {"product_infos": [product(sku_code="x" * 300)]}}, "no usable sku_code"),
        ({"detail": {"pay_info": {"pay_time": -5}}}, "pay_time is below 0"),
        ({"detail": {"delivery_info": {"address_info": {"tel_number": ["13812345678"]}}}}, "tel_number is not a text"),
    ],
)
def test_a_bad_order_names_its_field_and_nothing_personal(changes: dict[str, Any], words: str) -> None:
    """Issue 9, bad input."""
    with pytest.raises(Unparsable) as caught:
        read_order(order(**changes), WECHATSHOP)
    assert words in caught.value.reason
    assert not [value for value in PERSONAL if value in caught.value.reason]


def test_two_lines_of_one_sku_are_told_apart() -> None:
    lines = read_order(
        order(detail={"product_infos": [product(), product(sku_code="")]}, price={"order_price": 1}), WECHATSHOP
    ).lines
    assert [line.line_no.rpartition("-")[2] for line in lines] == ["20000000123456", "2"]
    assert lines[1].sku == "20000000123456"
