"""What we ask and tell Shopify, and what its answers mean (INT-2, INT-11, INT-16, INV-6, AFT-3)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseObserved, ChannelCaseState, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.stock_push import Level
from tests.connectors.shopify_answers import (
    AT,
    NO,
    PERSONAL,
    SHOPIFY,
    asked,
    bag,
    detail,
    line,
    listed,
    order,
    platform,
    says,
    wrong,
)
from tests.connectors.worlds import NOW, Stranger

WINDOW = Window(NOW - timedelta(hours=1), NOW)
NOTICE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine("71", "TEE-WHITE-M", 2),), True, "write_back:sf1:1")
COST = {"cost": {"requestedQueryCost": 150, "throttleStatus": {"currentlyAvailable": 50, "restoreRate": 100}}}

ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (says(None, {"message": "Throttled"}, extensions=COST), RateLimited, "THROTTLED"),
    (wrong("THROTTLED"), RateLimited, "THROTTLED"),
    (wrong("INTERNAL_SERVER_ERROR"), Unavailable, "INTERNAL_SERVER_ERROR"),
    (wrong("ACCESS_DENIED", "read_orders is needed"), Broken, "ACCESS_DENIED: read_orders is needed"),
    (wrong("", "Field 'x' doesn't exist"), Broken, "Field 'x'"),
    (says({"order": order()}, {"message": "half of it"}), Broken, "half of it"),
    (httpx.Response(401, json={"errors": "[API] Invalid API key or access token"}), TokenRejected, "access token"),
    (httpx.Response(403, json={"errors": "no"}), Broken, "scopes"),
    (httpx.Response(429, headers={"retry-after": "2"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(404, text="Steve Shipper"), Broken, "HTTP 404"),
    (httpx.Response(302), Broken, "HTTP 302"),
    (httpx.Response(200, text="<html>Steve Shipper"), Broken, "HTTP 200"),
    (httpx.Response(200, json=[]), Broken, "not its format"),
    (httpx.Response(200, json={}), Broken, "not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "not its format"),
    (says({"order": None}), Refused, "has no order"),
    (says({}), Refused, "has no order"),
    (detail(legacyResourceId="1"), Broken, f"another order than {NO}"),
    (detail(totalPriceSet=bag("1.00")), Broken, "subtotalPriceSet is 29800"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).read_order(NO)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert not [value for value in (*PERSONAL, "access-1") if value in str(caught.value)]


async def test_a_full_bucket_names_the_seconds() -> None:
    with pytest.raises(RateLimited) as caught:
        await platform(Stranger(says(None, {"message": "Throttled"}, extensions=COST))).read_order(NO)
    assert caught.value.retry_after_seconds == 1.0


async def test_an_order_is_asked_for_by_its_global_id_and_its_body_kept() -> None:
    stranger = Stranger(detail())
    seen, raw = await platform(stranger).read_order(NO)
    (request,) = stranger.asked
    assert str(request.url) == "http://my-shop.example/admin/api/2026-10/graphql.json"
    assert request.headers["x-shopify-access-token"] == "access-1"
    assert asked(request)["id"] == f"gid://shopify/Order/{NO}"
    assert (seen.no, raw) == (NO, detail().content)
    with pytest.raises(Refused, match="no number"):
        await platform(stranger).read_order("x/../y")


async def test_an_order_of_many_lines_is_read_whole() -> None:
    first = {"nodes": [line(71)], "pageInfo": {"hasNextPage": True, "endCursor": "c1"}}
    rest = {"nodes": [line(72)], "pageInfo": {"hasNextPage": False, "endCursor": "c2"}}
    sums = {"totalPriceSet": bag("615.94"), "subtotalPriceSet": bag("596.00")}
    stranger = Stranger(detail(lineItems=first, **sums), says({"order": {"lineItems": rest}}))
    seen, raw = await platform(stranger).read_order(NO)
    assert [one.line_no for one in seen.lines] == ["71", "72"]
    assert raw == detail(lineItems=first, **sums).content
    assert asked(stranger.asked[1])["after"] == "c1"
    (hint,) = (await platform(Stranger(listed(order(lineItems=first)))).pull(WINDOW, "")).observations
    assert isinstance(hint, OrderHinted)


@pytest.mark.parametrize("first", [..., None, 5, "abc"])
async def test_lines_that_are_said_to_go_on_but_are_none_are_named_and_no_bug(first: Any) -> None:
    """INT-11: what cannot be read is kept for a person, whatever stands where the lines should be."""
    page = {"hasNextPage": True, "endCursor": "c1"}
    lines = {"pageInfo": page} | ({} if first is ... else {"nodes": first})
    last = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    stranger = Stranger(detail(lineItems=lines), says({"order": {"lineItems": last}}))
    with pytest.raises(Broken, match="lineItems"):
        await platform(stranger).read_order(NO)


async def test_a_window_is_asked_for_by_time_of_change_page_by_page() -> None:
    """INT-2."""
    bad = order(legacyResourceId="2", totalPriceSet=bag("x"))
    stranger = Stranger(listed(order(), bad, cursor="c9"), listed())
    page = await platform(stranger).pull(WINDOW, "")
    seen, hint = page.observations
    assert isinstance(seen, OrderObserved)
    assert isinstance(hint, OrderHinted)
    assert (seen.no, hint.no, hint.vendor_time, page.next_cursor) == (NO, "2", NOW, "c9")
    assert (await platform(stranger).pull(WINDOW, "c9")).next_cursor == ""
    first, second = (asked(one) for one in stranger.asked)
    assert first["query"] == "updated_at:>='2026-11-22T12:30:00Z' AND updated_at:<='2026-11-22T13:30:00Z'"
    assert (first["first"], first["after"], second["after"]) == (25, None, "c9")


async def test_a_row_without_a_number_breaks_the_page() -> None:
    with pytest.raises(Broken, match="legacyResourceId is missing"):
        await platform(Stranger(listed(order(legacyResourceId=...)))).pull(WINDOW, "")


async def test_a_page_size_that_is_none_is_named() -> None:
    shop = replace(SHOPIFY, params={"page_size": "1000"})
    with pytest.raises(Broken, match="page_size is not a number from 1 to 250"):
        await platform(Stranger(listed()), shop).pull(WINDOW, "")


async def test_the_roll_counts_what_was_placed() -> None:
    """INT-9."""
    page = {"nodes": [order()], "pageInfo": {"hasNextPage": True, "endCursor": "c1"}}
    stranger = Stranger(says({"orders": page, "ordersCount": {"count": 7, "precision": "EXACT"}}))
    roll = await platform(stranger).roll(WINDOW, "")
    (one,) = roll.rolled
    assert (one.no, one.raw_status, roll.total, roll.next_cursor) == (NO, "PAID/UNFULFILLED", 7, "c1")
    assert "created_at:>=" in asked(stranger.asked[0])["query"]
    least = Stranger(says({"orders": page, "ordersCount": {"count": 7, "precision": "AT_LEAST"}}))
    assert (await platform(least).roll(WINDOW, "")).total is None


def to_ship(*parcels: dict[str, Any], left: int = 2, status: str = "OPEN") -> httpx.Response:
    """Two fulfilment orders at two locations, one unit of line 71 in the first and the rest in the second."""
    orders = [
        {
            "id": f"gid://shopify/FulfillmentOrder/{place}",
            "status": status,
            "assignedLocation": {"location": {"id": f"gid://shopify/Location/{place}"}},
            "lineItems": {
                "nodes": [
                    {
                        "id": f"gid://shopify/FulfillmentOrderLineItem/{place}",
                        "remainingQuantity": units,
                        "lineItem": {"id": "gid://shopify/LineItem/71"},
                    }
                ],
                "pageInfo": {"hasNextPage": False},
            },
        }
        for place, units in ((1, min(1, left)), (2, max(0, left - 1)))
    ]
    return says({"order": {"fulfillments": list(parcels), "fulfillmentOrders": {"nodes": orders}}})


def parcel(waybill: str, units: int, status: str = "SUCCESS") -> dict[str, Any]:
    rows = [{"quantity": units, "lineItem": {"id": "gid://shopify/LineItem/71"}}]
    return {"status": status, "trackingInfo": [{"number": waybill}], "fulfillmentLineItems": {"nodes": rows}}


CREATED = says({"fulfillmentCreate": {"fulfillment": {"id": "gid://shopify/Fulfillment/1"}, "userErrors": []}})


async def test_units_of_two_locations_take_a_call_each() -> None:
    stranger = Stranger(to_ship(), CREATED)
    await platform(stranger).write_back(NOTICE)
    _, *created = (asked(one) for one in stranger.asked)
    said = [one["fulfillment"] for one in created]
    assert [one["trackingInfo"] for one in said] == [{"company": "SF Express", "number": "SF123"}] * 2
    assert [one["lineItemsByFulfillmentOrder"] for one in said] == [
        [
            {
                "fulfillmentOrderId": f"gid://shopify/FulfillmentOrder/{place}",
                "fulfillmentOrderLineItems": [{"id": f"gid://shopify/FulfillmentOrderLineItem/{place}", "quantity": 1}],
            }
        ]
        for place in (1, 2)
    ]
    assert not any(one["notifyCustomer"] for one in said)


async def test_a_repeat_tells_only_what_is_not_there_yet() -> None:
    for known, calls in ((2, 0), (1, 1)):
        stranger = Stranger(to_ship(parcel("SF123", known), parcel("SF123", 1, "CANCELLED"), left=2 - known), CREATED)
        await platform(stranger).write_back(NOTICE)
        assert len(stranger.asked) == 1 + calls


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([to_ship(left=1)], Refused, "nothing left to ship of line 71"),
        ([to_ship(status="ON_HOLD")], Refused, "must not be shipped"),
        ([says({"order": None})], Refused, "has no order"),
        ([to_ship(), says({"fulfillmentCreate": {"userErrors": [{"message": "closed"}]}})], Refused, "closed"),
        ([to_ship(), httpx.Response(503)], Unavailable, "503"),
    ],
)
async def test_a_parcel_that_is_not_taken_says_why(
    answers: list[httpx.Response], error: type[OmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await platform(Stranger(*answers)).write_back(NOTICE)


LEVEL = Level("TEE-WHITE-M", "632910392", "39072856", 17, 3)
ITEM = says({"nodes": [{"legacyResourceId": "39072856", "inventoryItem": {"id": "gid://shopify/InventoryItem/9"}}]})


def stock_says(*errors: dict[str, Any]) -> httpx.Response:
    return says({"inventorySetQuantities": {"userErrors": list(errors)}})


async def test_stock_is_absolute_and_its_key_is_made_of_what_is_told() -> None:
    """INV-6."""
    stranger = Stranger(ITEM, stock_says(), ITEM, stock_says(), ITEM, stock_says())
    for level in (LEVEL, LEVEL, replace(LEVEL, sequence=4)):
        assert await platform(stranger).push_stock((level,)) == {}
    told = [asked(one) for one in stranger.asked[1::2]]
    quantity = {"inventoryItemId": "gid://shopify/InventoryItem/9", "locationId": "gid://shopify/Location/11"}
    assert told[0]["input"] == {
        "name": "available",
        "reason": "correction",
        "quantities": [{**quantity, "quantity": 17, "changeFromQuantity": None}],
    }
    assert told[0]["key"] == told[1]["key"] != told[2]["key"]
    assert "@idempotent(key: $key)" in json.loads(stranger.asked[1].content)["query"]


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([ITEM, stock_says({"code": "INVALID_INVENTORY_ITEM", "message": "gone"})], Refused, "INVALID_INVENTORY_ITEM"),
        ([ITEM, stock_says({"code": "IDEMPOTENCY_CONCURRENT_REQUEST", "message": "wait"})], Unavailable, "wait"),
        ([ITEM, stock_says({"code": "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})], Unavailable, "no reason given"),
        ([says({"nodes": "x"})], Broken, "nodes is not"),
    ],
)
async def test_stock_that_is_not_taken_says_why(
    answers: list[httpx.Response], error: type[OmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await platform(Stranger(*answers)).push_stock((LEVEL,))


def case(status: str = "REQUESTED", back: str = "", **changes: Any) -> dict[str, Any]:
    """A return of one unit of line 71."""
    row = {
        "id": "gid://shopify/ReturnLineItem/1",
        "quantity": 1,
        "unprocessedQuantity": 1,
        "customerNote": "too small",
        "withCodeDiscountedTotalPriceSet": bag("149.00"),
        "fulfillmentLineItem": {"lineItem": {"id": "gid://shopify/LineItem/71"}},
    }
    base = {
        "id": "gid://shopify/Return/77",
        "status": status,
        "order": {"legacyResourceId": NO, "updatedAt": AT},
        "exchangeLineItems": {"nodes": []},
        "returnLineItems": {"nodes": [row]},
        "refunds": {"nodes": [{"totalRefundedSet": bag(back)}] if back else []},
    }
    return {**base, **changes}


S, A = ChannelCaseState, CaseAction
STATES = [
    ("REQUESTED", "", S.ASKED), ("OPEN", "", S.AWAITS_GOODS), ("CLOSED", "", S.CLOSED), ("DECLINED", "", S.REFUSED),
    ("CANCELED", "", S.CLOSED), ("CLOSED", "100.00", S.PAID), ("OPEN", "149.00", S.PAID),
]  # fmt: skip


@pytest.mark.parametrize(("status", "back", "state"), STATES)
async def test_every_state_of_a_return_has_a_meaning(status: str, back: str, state: ChannelCaseState) -> None:
    seen, _ = await platform(Stranger(says({"return": case(status, back)}))).read_case("77")
    assert (seen.state, seen.case_kind, seen.raw_status, seen.no) == (state, CaseKind.RETURN, status, NO)
    assert seen.amount_minor == (int(back.replace(".", "")) if back else 14_900)
    assert [(one.line_no, one.quantity) for one in seen.lines] == [("71", 1)]
    assert seen.words == "too small"


async def test_a_list_gives_cases_and_hints_at_those_that_cannot_be_read() -> None:
    odd, exchange = case("LOST", id="gid://shopify/Return/78"), case(exchangeLineItems={"nodes": [{"id": "x"}]})
    rows: list[dict[str, Any]] = [{"returns": {"nodes": [case(), odd, exchange]}}, {"returns": {"nodes": []}}]
    page = await platform(Stranger(listed(*rows))).pull_cases(WINDOW, "")
    one, hint, other = page.observations
    assert isinstance(one, CaseObserved)
    assert isinstance(hint, CaseHinted)
    assert isinstance(other, CaseObserved)
    assert (one.case_no, hint.case_no, other.case_kind) == ("77", "78", CaseKind.EXCHANGE)
    with pytest.raises(Broken, match="status LOST is not known here"):
        await platform(Stranger(says({"return": odd}))).read_case("78")


def answer(action: CaseAction, minor: int = 0) -> ChannelAnswer:
    return ChannelAnswer("77", NO, CaseKind.RETURN, action, "case:C1:1", "USD", minor, "no")


def payments(shown: str = "USD") -> httpx.Response:
    """Two captures of 100.00 and 50.00, of the first of which 30.00 went back."""
    rows = [
        {"id": "t1", "kind": "CAPTURE", "status": "SUCCESS", "amountSet": bag("100.00")},
        {"id": "t2", "kind": "SALE", "status": "SUCCESS", "amountSet": bag("50.00")},
        {"id": "t3", "kind": "SALE", "status": "FAILURE", "amountSet": bag("500.00")},
        {
            "id": "t4",
            "kind": "REFUND",
            "status": "SUCCESS",
            "amountSet": bag("30.00"),
            "parentTransaction": {"id": "t1"},
        },
    ]
    return says({"order": {"currencyCode": "USD", "presentmentCurrencyCode": shown, "transactions": rows}})


def done(name: str, *errors: dict[str, Any]) -> httpx.Response:
    return says({name: {"userErrors": list(errors)}})


async def test_money_goes_back_out_of_the_payments_that_still_hold_it() -> None:
    """AFT-7."""
    stranger = Stranger(says({"return": case("OPEN")}), payments(), done("returnProcess"))
    await platform(stranger).answer_case(answer(A.AGREE_REFUND, 9_000))
    told = asked(stranger.asked[2])["input"]
    assert told["returnLineItems"] == [{"id": "gid://shopify/ReturnLineItem/1", "quantity": 1}]
    assert told["financialTransfer"]["issueRefund"]["orderTransactions"] == [
        {"transactionAmount": {"amount": "70.00", "currencyCode": "USD"}, "parentId": "t1"},
        {"transactionAmount": {"amount": "20.00", "currencyCode": "USD"}, "parentId": "t2"},
    ]


async def test_money_that_went_back_is_not_paid_again() -> None:
    stranger = Stranger(says({"return": case("CLOSED", "90.00")}))
    await platform(stranger).answer_case(answer(A.AGREE_REFUND, 9_000))
    assert len(stranger.asked) == 1


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([says({"return": case("OPEN")}), payments("CAD"), says({"return": case("OPEN")})], "paid in CAD"),
        ([says({"return": case("OPEN")}), payments(), says({"return": case("OPEN")})], "hold 88000 minor units less"),
        ([says({"return": case("OPEN", returnLineItems={"nodes": []})}), payments()], "dealt with already"),
    ],
)
async def test_money_that_cannot_go_back_says_why(answers: list[httpx.Response], words: str) -> None:
    answers = answers if len(answers) == 3 else [*answers, says({"return": case("OPEN")})]
    with pytest.raises(Refused, match=words):
        await platform(Stranger(*answers)).answer_case(answer(A.AGREE_REFUND, 100_000))


async def test_a_repeated_answer_is_a_success_and_a_late_one_is_refused() -> None:
    late = {"code": "INVALID_STATE", "message": "not requested"}
    again = Stranger(done("returnDeclineRequest", late), says({"return": case("DECLINED")}))
    await platform(again).answer_case(answer(A.REFUSE))
    with pytest.raises(Refused, match="INVALID_STATE"):
        await platform(Stranger(done("returnDeclineRequest", late), says({"return": case("OPEN")}))).answer_case(
            answer(A.REFUSE)
        )
    with pytest.raises(Refused, match="no-way"):
        await platform(again).answer_case(answer(A.SHIPPED))
    with pytest.raises(Refused, match="no-way"):
        await platform(again).tell_promise(PromiseNotice(NO, NOW, "promise:1"))


async def test_a_token_is_renewed_with_the_refresh_token_or_the_applications_own_keys() -> None:
    new = {"access_token": "a2", "refresh_token": "r2", "expires_in": 3600, "refresh_token_expires_in": 7_776_000}
    stranger = Stranger(httpx.Response(200, json=new))
    token = await platform(stranger).renew()
    keys = {"client_id": "client-1", "client_secret": "hush"}
    assert json.loads(stranger.asked[0].content) == {
        **keys,
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
    }
    assert (token.access, token.refresh, token.expires_at, token.version) == ("a2", "r2", NOW + timedelta(hours=1), 5)
    own = Stranger(httpx.Response(200, json={"access_token": "a3"}))
    token = await platform(own, replace(SHOPIFY, token=None)).renew()
    assert json.loads(own.asked[0].content) == {**keys, "grant_type": "client_credentials"}
    assert (token.refresh, token.expires_at, token.version) == ("", None, 1)


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (httpx.Response(400, json={"error": "invalid_grant", "error_description": "used"}), Refused, "used: authorise"),
        (httpx.Response(400, text="<html>"), Broken, "HTTP 400"),
        (httpx.Response(200, json={"access_token": ""}), Broken, "HTTP 200"),
        (httpx.Response(503), Unavailable, "503"),
    ],
)
async def test_a_token_that_is_not_given_says_why(reply: httpx.Response, error: type[OmsError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        await platform(Stranger(reply)).renew()
    assert "hush" not in str(caught.value)
