"""Orders of Pinduoduo: every field that is read, in its unit and zone, and every status (INT-1, INT-13)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.platforms.pdd_orders import read_order
from domain.contacts import ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved
from domain.shops import Shop
from tests.connectors.pdd_answers import CIPHERS, NO, PDD, PERSONAL, item, order

MAP = json.loads((Path(__file__).parents[2] / "store" / "defaults" / "status_map.json").read_text())["channels"]["pdd"]


BY_CASE: Shop = replace(PDD, params={**PDD.params, "refunds": "by_case"})


def test_an_order_is_read_to_the_fen_in_beijing_time() -> None:
    seen = read_order(order(), PDD)
    assert (seen.channel, seen.shop, seen.no) == ("pdd", "pdd1", NO)
    assert (seen.status, seen.raw_status) == (ChannelStatus.UNMAPPED, "1")
    assert seen.placed_at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert seen.paid_at == datetime(2026, 11, 22, 13, 2, 3, tzinfo=UTC), "when it came about, as it is listed"
    assert seen.vendor_time == datetime(2026, 11, 22, 13, 2, 4, tzinfo=UTC)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert money == (31_800, 2_000, 500, 800)
    assert (seen.total_minor, seen.paid_minor, seen.refunded_minor) == (30_100, 30_100, 0)
    assert seen.lines == (
        LineObserved("10200030", "TEE-WHITE-M", "纯棉圆领短袖 白,M", 2, 15_900, 0, 31_800, "36543", "10200030"),
    )
    assert seen.remark == "请放前台"


def test_the_receiver_is_kept_as_ciphertext_with_its_merge_key_and_later_as_masks() -> None:
    contact = read_order(order(), PDD).contact
    assert (contact.form, contact.name, contact.phone, contact.address) == (ContactForm.CIPHERTEXT, *CIPHERS)
    assert (contact.province, contact.city, contact.district) == ("广东省", "深圳市", "南山区")
    assert (contact.merge_key, contact.handle) == ("address-1", "")
    hidden = {"receiver_name": "", "receiver_phone": "", "receiver_address": None}
    later = read_order(order(order_status=2, **hidden), PDD).contact
    assert (later.form, later.name, later.phone) == (ContactForm.MASKED, "李*", "138****5678")


@pytest.mark.parametrize(
    ("changes", "raw", "refunded"),
    [
        ({}, "1", 0), ({"order_status": 2}, "2", 0), ({"order_status": 3}, "3", 0),
        ({"risk_control_status": 1}, "1/risk", 0), ({"risk_control_status": 1, "order_status": 2}, "2", 0),
        ({"refund_status": 2}, "1/r2", 0), ({"refund_status": 3}, "1/r3", 0),
        ({"refund_status": 2, "order_status": 2}, "2", 0), ({"refund_status": 4}, "1/r4", 30_100),
        ({"refund_status": 4, "order_status": 2}, "2/r4", 30_100),
        ({"refund_status": 4, "order_status": 3}, "3/r4", 30_100),
        ({"confirm_status": 2}, "c2", 30_100), ({"confirm_status": 0}, "c0", 0),
    ],
)  # fmt: skip
def test_every_status_has_a_code_that_the_map_knows(changes: dict[str, Any], raw: str, refunded: int) -> None:
    seen = read_order(order(**changes), PDD)
    assert (seen.raw_status, seen.refunded_minor) == (raw, refunded)
    assert raw in MAP


def test_a_paid_order_that_must_not_be_sent_is_held_by_the_map() -> None:
    held = {raw for raw, meaning in MAP.items() if meaning.get("may_ship") is False}
    assert held == {"1/risk", "1/r2", "1/r3"}
    assert {MAP[raw]["status"] for raw in ("1/r4", "2/r4", "3/r4")} == {"refunded"}


def test_a_shop_may_leave_refunds_to_its_cases() -> None:
    seen = read_order(order(refund_status=4, order_status=2), BY_CASE)
    assert (seen.raw_status, seen.refunded_minor) == ("2", 0)


def test_an_order_that_did_not_come_about_is_not_paid() -> None:
    seen = read_order(order(confirm_status=0, confirm_time=None, pay_time=None), PDD)
    assert (seen.paid_at, seen.paid_minor) == (None, 0)


@pytest.mark.parametrize(
    ("changes", "shop", "platform"),
    [
        ({"pay_amount": 300, "duo_duo_pay_reduction": 1}, 2_000, 600),
        ({"pay_amount": 298.5, "order_change_amount": -2.5}, 2_250, 500),
        ({"pay_amount": "297.50", "order_change_amount": "2.50", "duo_duo_pay_reduction": "1"}, 2_250, 600),
        ({"duo_duo_pay_reduction": 1}, 2_000, 500),
        ({"pay_amount": 291, "capital_free_discount": 10}, 2_000, 1_500),
    ],
)
def test_whatever_makes_the_sums_add_up_is_taken(changes: dict[str, Any], shop: int, platform: int) -> None:
    told = json.loads(json.dumps(order(**changes)), parse_float=str)
    seen = read_order(told, PDD)
    assert (seen.shop_discount_minor, seen.platform_discount_minor) == (shop, platform)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order_sn": ...}, "order_sn is missing"),
        ({"order_sn": "李小明"}, "order_sn has characters"),
        ({"order_status": "李小明"}, "order_status is not accepted"),
        ({"pay_amount": 1}, "pay_amount is 100 fen, but goods 31800 - seller 2000 - platform and free 500"),
        ({"pay_amount": -1}, "pay_amount is below 0"),
        ({"pay_amount": "1e9"}, "pay_amount is not an amount in yuan"),
        ({"pay_amount": "0.001"}, "pay_amount is not an amount in yuan"),
        ({"pay_amount": 10**12}, "pay_amount is"),
        ({"pay_amount": 2**60}, "pay_amount is"),
        ({"pay_amount": True}, "pay_amount"),
        ({"updated_at": "0000-00-00 00:00:00"}, "updated_at: "),
        ({"updated_at": "1970-01-01 08:00:00"}, "updated_at: not between the years"),
        ({"updated_at": 1795354200}, "updated_at: not yyyy-MM-dd"),
        ({"created_time": "2026-11-22T21:00:00+08:00"}, "created_time: not yyyy-MM-dd"),
        ({"item_list": []}, "item_list has fewer than 1"),
        ({"item_list": [item(), item()]}, "sku_id 10200030 is there more than once"),
        ({"item_list": [item(goods_count=0)]}, "goods_count is below 1"),
        ({"item_list": [item(goods_count=10**6)]}, "goods_count is above 9999"),
        ({"item_list": [item(outer_id="x" * 300)]}, "no usable outer_id"),
        ({"item_list": item()}, "item_list is not a list"),
        ({"receiver_phone": ["13812345678"]}, "receiver_phone is not a text"),
        ({"receiver_name": "x" * 9_999}, "receiver_name is longer than"),
    ],
)
def test_a_bad_order_names_its_field_and_nothing_personal(changes: dict[str, Any], words: str) -> None:
    """Issue 9, bad input: missing fields, mixed units, absurd amounts, zero dates, numbers beyond 2^53."""
    with pytest.raises(Unparsable) as caught:
        read_order(order(**changes), PDD)
    assert words in caught.value.reason
    assert not [value for value in PERSONAL if value in caught.value.reason]


def test_a_sku_without_a_code_of_the_shop_has_the_platforms_number() -> None:
    (line,) = read_order(order(item_list=[item(outer_id="", outer_goods_id="0")]), PDD).lines
    assert (line.sku, line.item_id, line.variant_id) == ("10200030", "36543", "10200030")
