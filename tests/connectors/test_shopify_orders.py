"""Shopify's orders to the cent, their codes, and what cannot be read (INT-1, INT-12, INT-13)."""

import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import overseas
from connectors.platforms.shopify_orders import read_order
from domain.contacts import ContactForm
from domain.errors import Unparsable
from domain.observations import ChannelStatus
from tests.connectors.shopify_answers import NO, PERSONAL, SHOPIFY, bag, line, order

MONEY = ["PENDING", "AUTHORIZED", "PARTIALLY_PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED", "EXPIRED"]
GOODS = [
    *("UNFULFILLED", "PARTIALLY_FULFILLED", "FULFILLED", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "PENDING_FULFILLMENT"),
    *("REQUEST_DECLINED", "OPEN", "RESTOCKED", "FULFILLMENT_NOT_REQUIRED"),
]


def test_an_order_is_read_with_every_field() -> None:
    seen = read_order(order(), SHOPIFY)
    assert (seen.channel, seen.shop, seen.no, seen.status) == ("shopify", "sf1", NO, ChannelStatus.UNMAPPED)
    assert (seen.raw_status, seen.currency) == ("PAID/UNFULFILLED", "USD")
    assert seen.vendor_time == datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
    assert seen.placed_at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert seen.paid_at == datetime(2026, 11, 22, 13, 1, 2, tzinfo=UTC)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert money == (29_800, 0, 0, 1_994)
    assert (seen.total_minor, seen.paid_minor, seen.refunded_minor) == (31_794, 31_794, 0)
    (one,) = seen.lines
    assert (one.line_no, one.sku, one.title, one.quantity) == ("71", "TEE-WHITE-M", "Tee white / M", 2)
    assert (one.unit_minor, one.discount_minor, one.amount_minor) == (15_900, 2_000, 29_800)
    assert (one.item_id, one.variant_id) == ("632910392", "39072856")
    told = seen.contact
    assert (told.form, told.province, told.city) == (ContactForm.PLAIN, "Kentucky", "Louisville")
    assert (told.name, told.phone) == PERSONAL[:2]
    assert told.address == "123 Shipping Street, 40202, US"
    assert seen.remark == PERSONAL[3]


def test_every_documented_code_has_a_meaning_in_the_map() -> None:
    """INT-13."""
    known = json.loads((resources.files("store") / "defaults" / "status_map.json").read_text())["channels"]["shopify"]
    codes = set()
    for money in MONEY:
        for goods in GOODS:
            for ends in ({}, {"cancelledAt": "2026-11-22T13:30:00Z"}, {"closedAt": "2026-11-22T13:30:00Z"}):
                for shown in ("IN_TRANSIT", "DELIVERED"):
                    parcels = [{"status": "SUCCESS", "displayStatus": shown}, {"status": "CANCELLED"}]
                    told = order(
                        displayFinancialStatus=money, displayFulfillmentStatus=goods, fulfillments=parcels, **ends
                    )
                    codes.add(read_order(told, SHOPIFY).raw_status)
    assert codes == set(known)
    assert known["PAID/DELIVERED"] == {"status": "signed"}
    assert known["PAID/PARTIALLY_FULFILLED"] == {"status": "paid", "partial": True}
    assert known["PAID/ON_HOLD"] == {"status": "paid", "may_ship": False}


def test_a_parcel_that_did_not_arrive_keeps_an_order_from_being_delivered() -> None:
    parcels = [{"status": "SUCCESS", "displayStatus": shown} for shown in ("DELIVERED", "IN_TRANSIT")]
    seen = read_order(order(displayFulfillmentStatus="FULFILLED", fulfillments=parcels), SHOPIFY)
    assert seen.raw_status == "PAID/FULFILLED"


def test_a_code_that_nobody_knows_is_kept_as_it_is() -> None:
    assert read_order(order(displayFulfillmentStatus="BY_DRONE"), SHOPIFY).raw_status == "PAID/BY_DRONE"
    assert read_order(order(displayFinancialStatus="IOU"), SHOPIFY).raw_status == "IOU"
    assert read_order(order(displayFinancialStatus=None), SHOPIFY).raw_status == "NONE"


@pytest.mark.parametrize("money", ["PENDING", "AUTHORIZED", "PARTIALLY_PAID", "VOIDED"])
def test_what_is_not_wholly_paid_has_no_time_of_payment(money: str) -> None:
    seen = read_order(order(displayFinancialStatus=money, totalReceivedSet=bag("10.00")), SHOPIFY)
    assert (seen.paid_at, seen.paid_minor) == (None, 0)


def test_an_order_for_which_nothing_had_to_be_paid_is_paid_when_it_was_processed() -> None:
    free = line(discountAllocations=[{"allocatedAmountSet": bag("318.00")}])
    sums = {name: bag("0.00") for name in ("totalPriceSet", "subtotalPriceSet", "totalReceivedSet")}
    seen = read_order(order(transactions=[], lineItems={"nodes": [free]}, **sums), SHOPIFY)
    assert (seen.paid_at, seen.total_minor) == (datetime(2026, 11, 22, 13, 0, tzinfo=UTC), 0)


def test_refunds_count_and_never_more_than_was_paid() -> None:
    assert read_order(order(totalRefundedSet=bag("17.94")), SHOPIFY).refunded_minor == 1_794
    assert read_order(order(totalRefundedSet=bag("999.00")), SHOPIFY).refunded_minor == 31_794


def test_a_line_without_sku_goes_by_its_variant_and_without_one_by_itself() -> None:
    custom = line(72, sku="", variant=None, product=None, discountAllocations=[], originalUnitPriceSet=bag("0"))
    nodes = {"nodes": [line(sku=None), custom]}
    seen = read_order(order(lineItems=nodes), SHOPIFY)
    assert [(one.sku, one.item_id, one.variant_id) for one in seen.lines] == [
        ("39072856", "632910392", "39072856"),
        ("72", "", ""),
    ]


def test_a_digital_order_has_an_empty_address() -> None:
    assert read_order(order(shippingAddress=None), SHOPIFY).contact.address == ""


def test_amounts_follow_the_decimals_of_their_currency() -> None:
    assert [overseas.minor(*one) for one in (("10.0", "JPY"), ("1.234", "KWD"), ("9.5", "EUR"), ("-3", "USD"))] == [
        10, 1_234, 950, -300,
    ]  # fmt: skip
    assert [overseas.major(1_234, name) for name in ("JPY", "KWD", "USD")] == ["1234", "1.234", "12.34"]
    for text, currency in (
        ("1.005", "USD"),
        ("0.5", "JPY"),
        ("1e3", "USD"),
        ("", "USD"),
        ("1", "usd"),
        ("9" * 12, "USD"),
    ):
        with pytest.raises(ValueError, match=r"amount|parts|letters|more"):
            overseas.minor(text, currency)


def lines(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(nodes)}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"legacyResourceId": "gid://x"}, "legacyResourceId has characters"),
    ({"legacyResourceId": ...}, "legacyResourceId is missing"),
    ({"updatedAt": "2026-11-22 13:30:00"}, "updatedAt is not ISO 8601 with an offset"),
    ({"updatedAt": "0001-01-01T00:00:00Z"}, "updatedAt is not between the years"),
    ({"updatedAt": ...}, "updatedAt is not ISO 8601"),
    ({"createdAt": "yesterday"}, "createdAt is not ISO 8601"),
    ({"displayFinancialStatus": "paid in full"}, "displayFinancialStatus has characters"),
    ({"totalPriceSet": bag("12.345")}, "totalPriceSet is has parts"),
    ({"totalPriceSet": bag("1e5")}, "totalPriceSet is not an amount"),
    ({"totalPriceSet": bag("999999999999")}, "totalPriceSet is more than"),
    ({"totalPriceSet": {}}, "totalPriceSet.shopMoney is missing"),
    (
        {"totalPriceSet": bag("100.00")},
        "subtotalPriceSet is 29800, but the lines come to 29800 and totalPriceSet is 10000",
    ),
    ({"subtotalPriceSet": bag("299.00")}, "subtotalPriceSet is 29900, but the lines come to 29800"),
    ({"subtotalPriceSet": bag("-1.00")}, "subtotalPriceSet is -100"),
    ({"lineItems": lines()}, "lineItems is empty"),
    ({"lineItems": lines(line(), line())}, "names a line more than once"),
    ({"lineItems": lines(line(quantity=0))}, "quantity is below 1"),
    ({"lineItems": lines(line(quantity=1_000_000))}, "quantity is above"),
    ({"lineItems": lines(line(id="71"))}, "lineItems.nodes[0].id has characters"),
    (
        {"lineItems": lines(line(discountAllocations=[{"allocatedAmountSet": bag("400")}]))},
        "discounts come to 40000 of 31800",
    ),
    ({"lineItems": lines(line(originalUnitPriceSet=bag("-1")))}, "line 71: discounts come to 2000 of -200"),
    ({"shippingAddress": "Steve Shipper"}, "shippingAddress is not"),
]


@pytest.mark.parametrize(("changes", "words"), BAD, ids=[words for _, words in BAD])
def test_what_cannot_be_read_names_the_field_and_no_person(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparsable) as caught:
        read_order(order(**changes), SHOPIFY)
    assert words in caught.value.reason
    assert not [value for value in PERSONAL if value in caught.value.reason]


MONEY_WORDS = st.sampled_from(["12.30", "0", "-1", "1e9", "PAID", "2026-11-22T10:00:00Z"])
NONSENSE = st.none() | st.integers() | st.floats() | st.text(max_size=10) | MONEY_WORDS
BAGS = st.builds(bag, NONSENSE, NONSENSE | st.just("USD")) | NONSENSE | st.lists(NONSENSE, max_size=2)


@given(
    st.dictionaries(st.sampled_from(sorted(order())), BAGS, max_size=4),
    st.dictionaries(st.sampled_from(sorted(line())), BAGS, max_size=4),
)
def test_any_order_adds_up_or_is_unparsable(changed: dict[str, Any], in_line: dict[str, Any]) -> None:
    told = {**order(lineItems=lines(line(**in_line))), **changed}
    try:
        seen = read_order(json.loads(json.dumps(told)), SHOPIFY)
    except Unparsable:
        return
    assert seen.total_minor == seen.goods_minor - seen.shop_discount_minor + seen.freight_minor
    assert seen.goods_minor == sum(one.amount_minor for one in seen.lines)
    assert 0 <= seen.refunded_minor <= seen.paid_minor
