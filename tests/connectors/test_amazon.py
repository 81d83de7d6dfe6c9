"""What we ask and tell Amazon, what its answers mean, and its orders to the cent (INT-1, INT-2, INT-13, INV-6)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.platforms.amazon import PULL_RULES
from connectors.platforms.amazon_orders import read_order
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.contacts import ContactForm
from domain.errors import BadInput, Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.stock_push import Level
from tests.connectors.amazon_answers import (
    AMAZON,
    NO,
    PERSONAL,
    detail,
    item,
    listed,
    money,
    order,
    part,
    platform,
    says,
    wrong,
)
from tests.connectors.worlds import NOW, Stranger

WINDOW = Window(NOW - timedelta(hours=1), NOW)
ITEM = "68828574383266"
NOTICE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine(ITEM, "TEE-WHITE-M", 2),), True, "write_back:us1:1")
STATUSES = "PENDING_AVAILABILITY PENDING UNSHIPPED PARTIALLY_SHIPPED SHIPPED CANCELLED UNFULFILLABLE"


def state(status: str, by: str = "MERCHANT") -> dict[str, Any]:
    return {"fulfillmentStatus": status, "fulfilledBy": by}


def package(status: str = "IN_TRANSIT", tracking: str = "SF123") -> dict[str, Any]:
    return {"trackingNumber": tracking, "packageStatus": {"status": status}, "packageItems": []}


def test_an_order_is_read_with_every_field() -> None:
    seen = read_order(order(), AMAZON)
    assert (seen.channel, seen.shop, seen.no, seen.status) == ("amazon", "us1", NO, ChannelStatus.UNMAPPED)
    assert (seen.raw_status, seen.currency, seen.buyer_id) == ("UNSHIPPED", "USD", "abc@marketplace.example")
    assert seen.vendor_time == datetime(2026, 11, 22, 13, 20, 0, 123000, UTC)
    assert seen.placed_at == seen.paid_at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert (seen.goods_minor, seen.shop_discount_minor, seen.freight_minor) == (31_800, 2_000, 1_994)
    assert (seen.total_minor, seen.paid_minor, seen.refunded_minor) == (31_794, 31_794, 0)
    (one,) = seen.lines
    assert (one.line_no, one.sku, one.title, one.quantity, one.unit_minor) == (ITEM, "TEE-WHITE-M", "Tee", 2, 15_900)
    assert (one.amount_minor, one.item_id, one.variant_id) == (31_800, "BT0093TELA", "TEE-WHITE-M")
    told = seen.contact
    assert (told.form, told.province, told.city, told.name) == (ContactForm.PLAIN, "MI", "Canton", PERSONAL[0])
    assert told.address == "1 Cross St., 48817, US"


def test_every_documented_code_has_a_meaning_in_the_map() -> None:
    """INT-13."""
    known = json.loads((resources.files("store") / "defaults" / "status_map.json").read_text())["channels"]["amazon"]
    asked = item(cancellation={"cancellationRequest": {"requester": "BUYER", "cancelReason": "x"}})
    variants: list[dict[str, Any]] = [{}, {"packages": [package("DELIVERED")] * 2}, {"orderItems": [asked]}]
    codes = {
        read_order(order(fulfillment=state(status), **more), AMAZON).raw_status
        for status in STATUSES.split()
        for more in variants
    }
    assert codes == set(known)
    on_its_way = [package("DELIVERED"), package("IN_TRANSIT")]
    assert read_order(order(fulfillment=state("SHIPPED"), packages=on_its_way), AMAZON).raw_status == "SHIPPED"


@pytest.mark.parametrize("status", ["PENDING", "PENDING_AVAILABILITY", "CANCELLED", "UNFULFILLABLE"])
def test_what_is_not_paid_has_no_time_of_payment(status: str) -> None:
    seen = read_order(order(fulfillment=state(status)), AMAZON)
    assert (seen.paid_at, seen.paid_minor, seen.total_minor) == (None, 0, 31_794)


SUMS: list[tuple[str, list[dict[str, Any]], tuple[int, int]]] = [
    ("326.00", [part("ITEM", "318"), part("SHIPPING", "8"), part("TAX", "50.00")], (0, 800)),
    ("306.00", [part("SHIPPING", "8"), part("DISCOUNT", "20.00")], (2_000, 800)),
    ("330.00", [part("GIFT_WRAP", "3"), part("COD_FEE", "4"), part("DELIVERY_TIP", "5")], (0, 1_200)),
    ("300.00", [], (1_800, 0)),
    ("320.00", [], (0, 200)),
]


@pytest.mark.parametrize(("total", "parts", "wanted"), SUMS)
def test_whichever_way_the_sums_add_up_is_taken(
    total: str, parts: list[dict[str, Any]], wanted: tuple[int, int]
) -> None:
    seen = read_order(order(proceeds={"grandTotal": money(total), "breakdowns": parts}), AMAZON)
    assert (seen.shop_discount_minor, seen.freight_minor) == wanted


def test_a_price_that_is_rounded_or_not_told_is_made_up_from_the_amount() -> None:
    odd = item(quantityOrdered=3, proceeds={"breakdowns": [part("ITEM", "10.00")]}, product={"sellerSku": "X"})
    (one,) = read_order(order(orderItems=[odd], proceeds={"grandTotal": money("10.00")}), AMAZON).lines
    assert (one.unit_minor, one.discount_minor, one.amount_minor, one.item_id) == (334, 2, 1_000, "")


def test_a_receiver_that_may_not_be_seen_is_masked() -> None:
    assert read_order(order(recipient=...), AMAZON).contact.form is ContactForm.MASKED


BAD: list[tuple[dict[str, Any], type[OmsError], str]] = [
    ({"proceeds": ...}, Refused, "has no prices yet"),
    ({"fulfillment": state("UNSHIPPED", "AMAZON")}, Refused, "not ours to ship"),
    ({"orderId": "no spaces"}, Unparsable, "orderId has characters"),
    ({"orderId": ...}, Unparsable, "orderId is missing"),
    ({"fulfillment": {"fulfillmentStatus": "gone away"}}, Unparsable, "fulfillmentStatus has characters"),
    ({"createdTime": "2026-11-22 13:00:00"}, Unparsable, "createdTime is not ISO 8601"),
    ({"lastUpdatedTime": "0001-01-01T00:00:00Z"}, Unparsable, "lastUpdatedTime is not between"),
    ({"proceeds": {"grandTotal": money("1.005")}}, Unparsable, "grandTotal is has parts"),
    ({"proceeds": {"grandTotal": money("-5"), "breakdowns": []}}, Unparsable, "grandTotal is -500"),
    (
        {"proceeds": {"grandTotal": money("1"), "breakdowns": [part("ITEM", "1")]}},
        Unparsable,
        "goods 31800 - discount 0",
    ),
    ({"orderItems": []}, Unparsable, "orderItems is empty"),
    ({"orderItems": [item(quantityOrdered=0)]}, Unparsable, "has no units"),
    ({"orderItems": [item(quantityOrdered=-1)]}, Unparsable, "quantityOrdered is below 0"),
    ({"orderItems": [item(), item()]}, Unparsable, "more than once"),
    ({"orderItems": [item(product={"sellerSku": ""})]}, Unparsable, "no usable sellerSku"),
    ({"recipient": "Michigan Buyer"}, Unparsable, "recipient is not"),
]


@pytest.mark.parametrize(("changes", "error", "words"), BAD, ids=[words for _, _, words in BAD])
def test_what_cannot_be_read_names_the_field_and_no_person(
    changes: dict[str, Any], error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        read_order(order(**changes), AMAZON)
    assert words in str(caught.value)
    assert not [value for value in PERSONAL if value in str(caught.value)]


ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (wrong(400, "InvalidInput", "bad id"), Refused, "InvalidInput): bad id"),
    (wrong(404, "NotFound"), Refused, "NotFound"),
    (
        wrong(403, "Unauthorized", "Access is denied.", "The access token you provided has expired."),
        TokenRejected,
        "den",
    ),
    (wrong(403, "Unauthorized", "Access is denied."), Broken, "a role is missing"),
    (wrong(413, "TooLarge"), Broken, "TooLarge"),
    (wrong(415, "Unsupported"), Broken, "Unsupported"),
    (wrong(429, "QuotaExceeded"), RateLimited, "HTTP 429"),
    (wrong(500, "InternalFailure"), Unavailable, "HTTP 500"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.Response(400, text="Michigan Buyer"), Broken, "HTTP 400"),
    (httpx.Response(302), Broken, "HTTP 302"),
    (httpx.Response(200, text="<html>Michigan Buyer"), Broken, "not JSON"),
    (says({}), Broken, "order is missing"),
    (says([]), Broken, "is not an object"),
    (detail(orderId="1-2-3"), Broken, f"another order than {NO}"),
    (detail(orderItems=[]), Broken, "orderItems is empty"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).read_order(NO)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert not [value for value in (*PERSONAL, "Atza|1") if value in str(caught.value)]


def query(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}


async def test_a_window_is_asked_for_by_time_of_change_with_the_token_in_a_header() -> None:
    """INT-2: the window ends two minutes behind the clock, orders of others are not asked for."""
    bad = order(orderId="2", orderItems=[])
    stranger = Stranger(listed(order(), bad, order(orderId="3", proceeds=...), token="t2"), listed())
    page = await platform(stranger).pull(WINDOW, "")
    seen, hint = page.observations
    assert isinstance(seen, OrderObserved)
    assert isinstance(hint, OrderHinted)
    assert (seen.no, hint.no, page.next_cursor) == (NO, "2", "t2")
    assert (await platform(stranger).pull(WINDOW, "t2")).next_cursor == ""
    first, second = stranger.asked
    assert first.headers["x-amz-access-token"] == "Atza|1"
    assert first.headers["x-amz-date"] == "20261122T133000Z"
    assert first.url.path == "/orders/2026-01-01/orders"
    told = query(first)
    assert (told["lastUpdatedAfter"], told["lastUpdatedBefore"]) == ("2026-11-22T12:30:00Z", "2026-11-22T13:30:00Z")
    assert (told["marketplaceIds"], told["fulfilledBy"], told["maxResultsPerPage"]) == (
        "ATVPDKIKX0DER",
        "MERCHANT",
        "100",
    )
    assert "paginationToken" not in told
    assert query(second)["paginationToken"] == "t2"
    assert PULL_RULES.lag_seconds == 120


async def test_the_roll_names_what_was_placed_and_is_paid() -> None:
    """INT-9."""
    stranger = Stranger(
        listed(order(proceeds=...), order(orderId="9", fulfillment=state("SHIPPED", "AMAZON")), token="t")
    )
    roll = await platform(stranger).roll(WINDOW, "")
    assert [(one.no, one.raw_status) for one in roll.rolled] == [(NO, "UNSHIPPED")]
    assert (roll.total, roll.next_cursor) == (None, "t")
    assert query(stranger.asked[0])["fulfillmentStatuses"] == "UNSHIPPED,PARTIALLY_SHIPPED,SHIPPED"
    assert "createdAfter" in query(stranger.asked[0])


async def test_a_package_is_confirmed_under_a_reference_of_its_own() -> None:
    stranger = Stranger(httpx.Response(204))
    for notice in (NOTICE, replace(NOTICE, carrier="UPS"), replace(NOTICE, waybill_no="SF124")):
        await platform(stranger).write_back(notice)
    assert stranger.asked[0].url.path == f"/orders/v0/orders/{NO}/shipmentConfirmation"
    told = [json.loads(one.content) for one in stranger.asked]
    details = [one["packageDetail"] for one in told]
    assert {one["marketplaceId"] for one in told} == {"ATVPDKIKX0DER"}
    assert details[0]["orderItems"] == [{"orderItemId": ITEM, "quantity": 2}]
    assert (details[0]["trackingNumber"], details[0]["shipDate"]) == ("SF123", "2026-11-22T13:30:00Z")
    assert [(one["carrierCode"], one.get("carrierName")) for one in details[:2]] == [("Other", "SF"), ("UPS", None)]
    references = [one["packageReferenceId"] for one in details]
    assert references[0] == references[1] != references[2]
    assert all(one.isdigit() and int(one) > 0 for one in references)


async def test_a_refused_confirmation_is_a_success_when_the_order_has_the_package() -> None:
    await platform(Stranger(wrong(400), detail(packages=[package()]))).write_back(NOTICE)
    for other in (detail(packages=[package(tracking="X")]), wrong(404)):
        with pytest.raises(Refused, match="InvalidInput"):
            await platform(Stranger(wrong(400), other)).write_back(NOTICE)


LEVEL = Level("TEE-WHITE-M", "BT0093TELA", "TEE/WHITE M", 17, 3)


async def test_stock_replaces_the_quantity_of_one_listing() -> None:
    """INV-6."""
    stranger = Stranger(says({"sku": "x", "status": "ACCEPTED", "submissionId": "1", "issues": []}))
    assert await platform(stranger).push_stock((LEVEL,)) == {}
    (request,) = stranger.asked
    assert request.method == "PATCH"
    assert request.url.raw_path.startswith(b"/listings/2021-08-01/items/A3TH9S8BH6GOGM/TEE%2FWHITE%20M?")
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 17}]
    patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
    assert json.loads(request.content) == {"productType": "SHIRT", "patches": [patch]}
    invalid = says({"status": "INVALID", "issues": [{"code": "8541", "message": "no such SKU"}]})
    with pytest.raises(Refused, match=r"8541.*no such SKU"):
        await platform(Stranger(invalid)).push_stock((LEVEL,))
    with pytest.raises(Broken, match="has no seller_id"):
        await platform(stranger, replace(AMAZON, params={**AMAZON.params, "seller_id": ""})).push_stock((LEVEL,))


async def test_there_is_no_way_for_returns_promises_and_pushes() -> None:
    shop = platform(Stranger(says({})))
    answer = ChannelAnswer("1", NO, CaseKind.RETURN, CaseAction.REFUSE, "case:1", "USD")
    with pytest.raises(Refused, match="no-way"):
        await shop.pull_cases(WINDOW, "")
    with pytest.raises(Refused, match="no-way"):
        await shop.read_case("1")
    with pytest.raises(Refused, match="no-way"):
        await shop.answer_case(answer)
    with pytest.raises(Refused, match="no-way"):
        await shop.tell_promise(PromiseNotice(NO, NOW, "promise:1"))
    with pytest.raises(BadInput, match="sends no webhooks"):
        registry.inbound(AMAZON)


async def test_a_token_is_renewed_and_the_refresh_token_kept() -> None:
    stranger = Stranger(says({"access_token": "Atza|2", "expires_in": 3600, "token_type": "bearer"}))
    token = await platform(stranger).renew()
    (request,) = stranger.asked
    assert str(request.url) == "http://lwa.example/auth/o2/token"
    assert {name: values[0] for name, values in parse_qs(request.content.decode()).items()} == {
        "grant_type": "refresh_token",
        "refresh_token": "Atzr|1",
        "client_id": "amzn1.application-oa2-client.1",
        "client_secret": "lwa-secret",
    }
    assert (token.access, token.refresh, token.version) == ("Atza|2", "Atzr|1", 5)
    assert token.expires_at == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (says({"error": "invalid_grant", "error_description": "revoked"}, 400), Refused, "revoked: authorise"),
        (says({"error": "invalid_client"}, 401), Refused, "invalid_client"),
        (httpx.Response(400, text="<html>"), Broken, "HTTP 400"),
        (says({"access_token": ""}), Broken, "access_token is empty"),
    ],
)
async def test_a_token_that_is_not_given_says_why(reply: httpx.Response, error: type[OmsError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        await platform(Stranger(reply)).renew()
    assert "lwa-secret" not in str(caught.value)
    with pytest.raises(Refused, match="no-refresh-token"):
        await platform(Stranger(reply), replace(AMAZON, token=None)).renew()


NONSENSE = st.none() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(["12.30", "-1", "SHIPPED"])
BAGS = st.builds(money, st.sampled_from(["12.30", "318", "-1"]) | st.text(max_size=4)) | NONSENSE
PARTS = st.lists(st.builds(part, st.sampled_from(["ITEM", "TAX", "DISCOUNT"]), st.sampled_from(["1", "318", "x"])))
PROCEEDS = st.fixed_dictionaries({"grandTotal": BAGS, "breakdowns": PARTS | NONSENSE}) | NONSENSE


@given(
    st.dictionaries(st.sampled_from(sorted(order())), PROCEEDS | NONSENSE, max_size=3),
    st.dictionaries(st.sampled_from(sorted(item())), PROCEEDS | NONSENSE, max_size=3),
)
def test_any_order_adds_up_or_is_not_read(changed: dict[str, Any], in_item: dict[str, Any]) -> None:
    told = {**order(orderItems=[item(**in_item)]), **changed}
    try:
        seen = read_order(json.loads(json.dumps(told)), AMAZON)
    except (Unparsable, Refused):
        return
    assert seen.total_minor == seen.goods_minor - seen.shop_discount_minor + seen.freight_minor
    assert seen.goods_minor == sum(line.amount_minor for line in seen.lines)
