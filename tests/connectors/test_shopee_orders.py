"""Orders and pushes of Shopee: every field that is read, in its unit, and every status (INT-1, INT-11, INT-13)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.inbound import Outcome
from connectors.platforms.shopee_orders import Escrow, read_order
from connectors.platforms.shopee_push import ShopeeInbound
from domain.contacts import ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus, LineObserved, OrderHinted
from tests.connectors.shopee_answers import NO, PERSONAL, SHOPEE, escrow, item, message, order, pushed
from tests.connectors.worlds import NOW

MAP = json.loads((Path(__file__).parents[2] / "store" / "defaults" / "status_map.json").read_text())["channels"]
STATUSES = (
    *("UNPAID", "READY_TO_SHIP", "PROCESSED", "SHIPPED", "COMPLETED", "IN_CANCEL", "CANCELLED"),
    *("INVOICE_PENDING", "PENDING", "RETRY_SHIP", "TO_CONFIRM_RECEIVE", "TO_RETURN"),
)
SETTLED = Escrow.model_validate(json.loads(escrow().content, parse_float=str)["response"])


def as_sent(told: dict[str, Any]) -> dict[str, Any]:
    """With its amounts as they are written."""
    found: dict[str, Any] = json.loads(json.dumps(told), parse_float=str)
    return found


def test_an_order_is_read_in_its_currency_to_the_cent() -> None:
    seen = read_order(as_sent(order()), SETTLED, SHOPEE)
    assert (seen.channel, seen.shop, seen.no, seen.currency) == ("shopee", "sg1", NO, "SGD")
    assert (seen.status, seen.raw_status, seen.may_ship) == (ChannelStatus.UNMAPPED, "READY_TO_SHIP", True)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert money == (3_180, 300, 150, 249)
    assert (seen.total_minor, seen.paid_minor, seen.refunded_minor) == (2_979, 2_979, 0)
    assert (seen.placed_at, seen.paid_at) == (NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))
    assert seen.vendor_time == NOW - timedelta(seconds=20)
    line = ("23620853561-221404189791", "TEE-WHITE-M", "T-Shirt White,M", 2, 1_590, 0, 3_180)
    assert seen.lines == (LineObserved(*line, "23620853561", "221404189791"),)
    assert (seen.buyer_id, seen.remark) == ("1170319091", "please call")


def test_the_receiver_is_kept_as_given() -> None:
    contact = read_order(as_sent(order()), None, SHOPEE).contact
    assert (contact.form, contact.name, contact.phone) == (ContactForm.MASKED, "T******w", "******67")
    assert (contact.province, contact.city, contact.district) == ("Singapore", "Singapore", "Orchard")
    plain = {"name": PERSONAL[0], "phone": PERSONAL[1], "full_address": PERSONAL[2], "city": "Singapore"}
    assert read_order(as_sent(order(recipient_address=plain)), None, SHOPEE).contact.form is ContactForm.PLAIN


@pytest.mark.parametrize(
    ("changes", "settled", "money"),
    [
        ({"total_amount": 31.8}, None, (3_180, 0, 0, 0)),
        ({"total_amount": 33}, None, (3_180, 0, 0, 120)),
        ({"total_amount": 30}, None, (3_180, 180, 0, 0)),
        ({"total_amount": "27.30"}, SETTLED, (3_180, 300, 150, 0)),
        ({"total_amount": "20.00"}, SETTLED, (3_180, 1_030, 150, 0)),
        ({"total_amount": 39.8, "item_list": [item(model_discounted_price=0)]}, None, (3_980, 0, 0, 0)),
    ],
)
def test_the_sums_always_add_up(changes: dict[str, Any], settled: Escrow | None, money: tuple[int, ...]) -> None:
    seen = read_order(as_sent(order(**changes)), settled, SHOPEE)
    shares = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert shares == money
    assert seen.total_minor == shares[0] - shares[1] - shares[2] + shares[3]


def test_a_currency_without_a_minor_part_is_taken_as_it_is() -> None:
    told = order(currency="VND", total_amount=32_119, item_list=[item(model_discounted_price=48_000)])
    seen = read_order(as_sent(told), None, SHOPEE)
    assert (seen.currency, seen.total_minor, seen.goods_minor) == ("VND", 32_119, 96_000)
    with pytest.raises(Unparsable, match="parts of the smallest unit of VND"):
        read_order(as_sent(order(currency="VND", total_amount=32_119.5)), None, SHOPEE)


@pytest.mark.parametrize("status", STATUSES)
def test_every_documented_status_has_a_meaning(status: str) -> None:
    seen = read_order(as_sent(order(order_status=status)), None, SHOPEE)
    assert seen.raw_status == status
    assert status in MAP["shopee"]


def test_packages_that_were_handed_over_are_signed_for() -> None:
    done, going = {"logistics_status": "LOGISTICS_DELIVERY_DONE"}, {"logistics_status": "LOGISTICS_PICKUP_DONE"}
    for status in ("SHIPPED", "TO_RETURN"):
        told = order(order_status=status, package_list=[done, done])
        raw = read_order(as_sent(told), None, SHOPEE).raw_status
        assert MAP["shopee"][raw]["status"] == "signed"
        assert read_order(as_sent({**told, "package_list": [done, going]}), None, SHOPEE).raw_status == status
        assert read_order(as_sent({**told, "package_list": []}), None, SHOPEE).raw_status == status


def test_a_cancelled_order_that_was_paid_is_paid_back() -> None:
    seen = read_order(as_sent(order(order_status="CANCELLED")), SETTLED, SHOPEE)
    assert seen.refunded_minor == seen.paid_minor == 2_979
    assert read_order(as_sent(order(order_status="CANCELLED", pay_time=None)), None, SHOPEE).refunded_minor == 0


def test_lines_of_one_model_are_told_apart_and_a_model_without_a_code_is_marked() -> None:
    told = order(item_list=[item(), item(), item(model_id=0, model_sku="", item_sku="")], total_amount=95.4)
    lines = read_order(as_sent(told), None, SHOPEE).lines
    assert [one.line_no for one in lines[:2]] == ["23620853561-221404189791", "23620853561-221404189791-2"]
    assert (lines[2].sku, lines[2].variant_id) == ("shopee:23620853561-0", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"order_sn": "no such"}, "order_sn has characters"),
        ({"currency": "sgd"}, "currency has characters"),
        ({"total_amount": ...}, "total_amount is missing"),
        ({"total_amount": -1}, "total_amount is below 0"),
        ({"total_amount": "Tan Ah Kow"}, "total_amount is not accepted"),
        ({"total_amount": 1.001}, "total_amount has parts"),
        ({"total_amount": 10**30}, "total_amount is above"),
        ({"create_time": 0}, "create_time is below"),
        ({"update_time": 10**12}, "update_time is above"),
        ({"pay_time": -1}, "pay_time is below 0"),
        ({"item_list": []}, "item_list has fewer than 1"),
        ({"item_list": [item(model_quantity_purchased=0)]}, "model_quantity_purchased is below 1"),
        ({"item_list": [item(item_id="x")]}, "item_id has characters"),
        ({"item_list": [item(model_sku="x" * 300)]}, "is longer than 200"),
        ({"recipient_address": {"phone": ["6591234567"]}}, "recipient_address.phone is not a text"),
    ],
)
def test_a_bad_order_names_its_field_and_nothing_personal(changes: dict[str, Any], words: str) -> None:
    """Issue 9, bad input."""
    with pytest.raises(Unparsable) as caught:
        read_order(as_sent(order(**changes)), None, SHOPEE)
    assert words in caught.value.reason
    assert not [value for value in PERSONAL if value in caught.value.reason]


def test_the_platforms_own_sample_is_read(shared: Path) -> None:
    """INT-1: a payload of the vendor goes through as it is."""
    sample = shared / "data" / "payloads" / "shopee" / "v2.order.get_order_detail.0.json"
    if not sample.exists():
        pytest.skip("the vendor's samples are not here")
    told = json.loads(sample.read_text(), parse_float=str)["response"]["order_list"]
    assert told
    for one in told:
        seen = read_order(one, None, SHOPEE)
        assert seen.total_minor == seen.goods_minor - seen.shop_discount_minor + seen.freight_minor
        assert seen.raw_status == one["order_status"]


def test_a_push_about_an_order_is_a_hint_with_its_own_time() -> None:
    inbound, arrived = ShopeeInbound(SHOPEE), pushed(message())
    seen = inbound.parse(arrived)
    assert seen.sent_at == datetime.fromtimestamp(1_795_354_196, UTC)
    hint = OrderHinted("shopee", "sg1", NO, ChannelStatus.UNMAPPED, NOW - timedelta(seconds=5), "PROCESSED")
    assert seen.observations == (hint,)
    assert inbound.parse(pushed(message(timestamp=1))).key != seen.key == inbound.parse(arrived).key
    tracking = {"ordersn": NO, "package_number": "-", "tracking_no": "T1"}
    (told,) = inbound.parse(pushed(message(code=4, data=tracking, timestamp=0))).observations
    assert isinstance(told, OrderHinted)
    assert (told.raw_status, told.vendor_time) == ("", NOW)


@pytest.mark.parametrize("code", [1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 99])
def test_other_pushes_are_kept_and_say_nothing_of_orders(code: int) -> None:
    assert ShopeeInbound(SHOPEE).parse(pushed(message(code=code, data="anything"))).observations == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"{", "not JSON"), (b"[]", "is not an object"), (b"\xff", "not JSON"), (message(code="x"), "code"),
        (message(data=None), "data: is not an object"), (message(data={}), "data: ordersn is missing"),
        (message(data={"ordersn": "Tan Ah Kow"}), "data: ordersn has characters"),
        (message(shop_id=1), "shop_id is not that of this shop"),
        (message(data={"ordersn": NO, "update_time": 10**15}), "data: update_time is above"),
    ],
)  # fmt: skip
def test_a_bad_push_names_its_fault(told: object, words: str) -> None:
    with pytest.raises(Unparsable) as caught:
        ShopeeInbound(SHOPEE).parse(pushed(told))
    assert words in caught.value.reason
    assert "Tan Ah Kow" not in caught.value.reason


def test_the_answer_is_empty_and_a_forged_push_is_told() -> None:
    inbound = ShopeeInbound(replace(SHOPEE))
    for outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.UNPARSABLE):
        answer = inbound.answer(outcome, "why", NOW)
        assert (answer.status, answer.body) == (200, b"")
    assert inbound.answer(Outcome.FORGED, "why", NOW).status == 401
