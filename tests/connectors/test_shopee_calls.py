"""What we ask and tell Shopee, and what its words mean (INT-2, INT-9, INT-16, INV-6, LOG-1, AFT-3)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms import shopee_cases
from connectors.platforms.shopee_api import WORDS
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState, ChannelStatus, OrderHinted
from domain.pulling import Rolled, Window
from domain.shops import Token
from domain.stock_push import Level
from tests.connectors.shopee_answers import (
    NO,
    PERSONAL,
    SECOND,
    SHOPEE,
    asked,
    detail,
    details,
    escrow,
    listed,
    order,
    platform,
    says,
)
from tests.connectors.worlds import NOW, Stranger

S, K = ChannelCaseState, CaseKind
WINDOW = Window(NOW - timedelta(hours=1), NOW)
LINE = "23620853561-221404189791"
WHOLE = ShipmentNotice(NO, "SPX", "T1", NOW, (ShippedLine(LINE, "TEE", 2),), True, "write_back:1")
PART = replace(WHOLE, whole=False, waybill_no="T2")
M, L = Level("TEE-M", "700", "71", 7, sequence=3), Level("TEE-L", "700", "72", 0, sequence=4)
NEW = {"access_token": "access-2", "refresh_token": "refresh-2", "expire_in": 14_400, "partner_id": 2000001}

ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    *((says(error=word), TokenRejected, word) for word in ("invalid_acceess_token", "error_auth")),
    (says(error="error_rate_limit"), RateLimited, "error_rate_limit"),
    *((says(error=word), Unavailable, word) for word in ("error_server", "error_network", "error_inner")),
    *((says(error=word), Refused, word) for word in ("error_param", "shop_banned", "logistics.x", "order.y")),
    *((says(error=word), Broken, word) for word in ("error_sign", "source_ip_undeclared", "shop_no_linked", "zzz")),
    *((says(error=word), Broken, word) for word in ("error_partner_key_expired", "order.order_list_invalid_time")),
    (httpx.Response(403, json={"error": "error_sign", "message": "Wrong sign."}), Broken, "error_sign: Wrong sign."),
    (httpx.Response(403, json={"error": "invalid_acceess_token"}), TokenRejected, "invalid_acceess_token"),
    (says(error="error_param", message="call 13812345678"), Refused, "call ***"),
    (httpx.Response(429), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(404, json={}), Broken, "HTTP 404 about order/get_order_detail"),
    (httpx.Response(200, text="<html>Tan Ah Kow"), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (says(), Broken, "is not an object"),
    (details(), Refused, f"knows no order {NO}"),
    (details(order(), order(order_sn="2")), Broken, "another order"),
    (detail(order_sn="2"), Broken, f"another order than {NO}"),
    (detail(pay_time=None, total_amount=-1), Broken, f"shopee about {NO}: total_amount is below 0"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).read_order(NO)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert not [value for value in (*PERSONAL, "4c7259534969484e") if value in str(caught.value)]


async def test_a_quota_that_is_used_up_waits_for_midnight_in_singapore() -> None:
    with pytest.raises(RateLimited) as caught:
        await platform(Stranger(says(error="error_limit"))).read_order(NO)
    assert caught.value.retry_after_seconds == 2.5 * 3600, "it is 21:30 there"


def test_every_documented_word_has_a_meaning() -> None:
    documented = {"error_sign", "error_auth", "error_param", "invalid_acceess_token", "error_rate_limit", "error_limit"}
    documented |= {"source_ip_undeclared", "error_partner_key_expired", "shop_no_linked", "shop_banned", "error_server"}
    assert documented | {"error_network", "error_inner", "refresh_token_expired"} <= WORDS


async def test_an_order_is_read_with_what_is_settled_once_it_is_paid() -> None:
    stranger = Stranger(detail(), escrow())
    seen, raw = await platform(stranger).read_order(NO)
    assert (seen.platform_discount_minor, seen.freight_minor, raw) == (150, 249, detail().content)
    assert "pay_time" in asked(stranger)[1]["response_optional_fields"], "what is not named is absent"
    unpaid = Stranger(detail(pay_time=None, order_status="UNPAID"))
    assert (await platform(unpaid).read_order(NO))[0].paid_at is None
    assert len(unpaid.asked) == 1
    unsettled = Stranger(detail(), says(error="payment.not_settled"))
    assert (await platform(unsettled).read_order(NO))[0].platform_discount_minor == 0


async def test_a_page_is_hints_with_the_orders_own_times() -> None:
    stranger = Stranger(
        listed("1", "2", cursor="50"), details(order(order_sn="1"), order(order_sn="2", update_time=SECOND - 9))
    )
    page = await platform(stranger).pull(WINDOW, "")
    first, second = page.observations
    status = ChannelStatus.UNMAPPED
    assert first == OrderHinted("shopee", "sg1", "1", status, NOW - timedelta(seconds=20), "READY_TO_SHIP")
    assert isinstance(second, OrderHinted)
    assert (second.vendor_time, page.next_cursor) == (NOW - timedelta(seconds=9), "50")
    assert page.raw == listed("1", "2", cursor="50").content
    path, query = asked(stranger)
    wanted = {"time_range_field": "update_time", "time_from": str(SECOND - 3600), "time_to": str(SECOND)}
    assert path == "/api/v2/order/get_order_list"
    assert {name: query[name] for name in wanted} == wanted
    assert "cursor" not in query
    assert asked(stranger, 1)[1]["order_sn_list"] == "1,2"
    last = Stranger(listed())
    assert (await platform(last).pull(WINDOW, "50")).next_cursor == ""
    assert asked(last)[1]["cursor"] == "50"


async def test_a_page_that_repeats_or_hides_an_order_is_broken() -> None:
    with pytest.raises(Broken, match="names no next page"):
        await platform(Stranger(listed(cursor="50"))).pull(WINDOW, "50")
    with pytest.raises(Broken, match="does not know it in detail"):
        await platform(Stranger(listed("1", "2"), details(order(order_sn="1")))).pull(WINDOW, "")


async def test_the_roll_names_what_was_placed() -> None:
    """INT-9."""
    stranger = Stranger(listed("1"), details(order(order_sn="1")))
    roll = await platform(stranger).roll(WINDOW, "")
    assert roll.rolled == (Rolled("1", "READY_TO_SHIP", NOW - timedelta(seconds=60)),)
    assert (roll.total, roll.next_cursor) == (None, "")
    assert asked(stranger)[1]["time_range_field"] == "create_time"
    assert registry.roll_rules(SHOPEE) is not None


def needs(**ways: list[str]) -> httpx.Response:
    return says({"info_needed": ways})


@pytest.mark.parametrize(
    ("offered", "params", "way"),
    [
        (needs(non_integrated=["tracking_number"]), {}, {"non_integrated": {"tracking_number": "T1"}}),
        (needs(dropoff=[], pickup=["address_id"]), {}, {"dropoff": {}}),
        (needs(dropoff=["tracking_number"]), {}, {"dropoff": {"tracking_number": "T1"}}),
        (needs(dropoff=["sender_real_name"]), {"sender_real_name": "Lee"}, {"dropoff": {"sender_real_name": "Lee"}}),
    ],
)
async def test_a_parcel_is_arranged_in_the_way_that_the_order_offers(
    offered: httpx.Response, params: dict[str, str], way: dict[str, Any]
) -> None:
    stranger = Stranger(offered, says())
    await platform(stranger, replace(SHOPEE, params=SHOPEE.params | params)).write_back(WHOLE)
    assert json.loads(stranger.asked[1].content) == {"order_sn": NO, **way}
    assert stranger.asked[1].method == "POST"


@pytest.mark.parametrize("offered", [needs(pickup=["address_id"]), needs(dropoff=["branch_id"]), needs()])
async def test_a_way_that_wants_a_choice_is_refused(offered: httpx.Response) -> None:
    with pytest.raises(Refused, match="own pages"):
        await platform(Stranger(offered, detail())).write_back(WHOLE)


@pytest.mark.parametrize(
    ("notice", "status", "waybill", "done"),
    [
        (WHOLE, "PROCESSED", "T1", True), (WHOLE, "SHIPPED", "T1", True), (WHOLE, "SHIPPED", "T9", False),
        (PART, "SHIPPED", "T1", True), (PART, "SHIPPED", "", False), (WHOLE, "READY_TO_SHIP", "T1", False),
    ],
)  # fmt: skip
async def test_a_refusal_is_a_success_when_the_order_is_arranged_so(
    notice: ShipmentNotice, status: str, waybill: str, done: bool
) -> None:
    offered, no = needs(non_integrated=["tracking_number"]), says(error="logistics.error_status_limit")
    stranger = Stranger(offered, no, detail(order_status=status), says({"tracking_number": waybill}))
    if done:
        await platform(stranger).write_back(notice)
    else:
        with pytest.raises(Refused):
            await platform(stranger).write_back(notice)


async def test_stock_of_an_items_models_is_set_in_one_call() -> None:
    stranger = Stranger(says({"failure_list": [], "success_list": []}))
    located = replace(SHOPEE, params={**SHOPEE.params, "location_id": "SG1"})
    assert await platform(stranger, located).push_stock((M, L)) == {}
    stocks = [{"location_id": "SG1", "stock": 7}], [{"location_id": "SG1", "stock": 0}]
    levels = [{"model_id": 71, "seller_stock": stocks[0]}, {"model_id": 72, "seller_stock": stocks[1]}]
    assert json.loads(stranger.asked[0].content) == {"item_id": 700, "stock_list": levels}
    plain = Stranger(says({}))
    await platform(plain).push_stock((replace(M, variant_id=""),))
    wanted = [{"model_id": 0, "seller_stock": [{"stock": 7}]}]
    assert json.loads(plain.asked[0].content)["stock_list"] == wanted


async def test_models_that_were_not_taken_are_told_and_a_wrong_listing_is_not_asked() -> None:
    failed = {"failure_list": [{"model_id": 72, "failed_reason": "reserved"}], "success_list": []}
    for answer in (says(failed), says(failed, error="error_busi_update_stock_failed")):
        found = await platform(Stranger(answer)).push_stock((M, L))
        assert set(found) == {L.key}
        assert "reserved" in str(found[L.key])
    with pytest.raises(Refused):
        await platform(Stranger(says({}, error="error_busi_update_stock_failed"))).push_stock((M,))
    with pytest.raises(Refused, match="mend the listing"):
        await platform(Stranger(says())).push_stock((replace(M, variant_id="x"),))
    rules = registry.push_rules("shopee")
    assert (rules.most, rules.one_item) == (50, True)


def returned(**changes: Any) -> dict[str, Any]:
    items = [{"item_id": 23620853561, "model_id": 221404189791, "amount": 1}]
    told = {"return_sn": "R1", "order_sn": NO, "status": "REQUESTED", "refund_amount": 5.5, "currency": "SGD"}
    return {**told, "update_time": SECOND, "return_solution": 0, "tracking_number": "", "item": items, **changes}


@pytest.mark.parametrize(
    ("changes", "state", "kind"),
    [
        ({}, S.ASKED, K.RETURN), ({"return_solution": 1}, S.ASKED, K.REFUND),
        ({"status": "PROCESSING"}, S.AWAITS_GOODS, K.RETURN),
        ({"status": "PROCESSING", "tracking_number": "T9"}, S.SENT, K.RETURN),
        ({"status": "PROCESSING", "return_solution": 1}, S.SENT, K.REFUND), ({"status": "ACCEPTED"}, S.SENT, K.RETURN),
        ({"status": "JUDGING"}, S.SENT, K.RETURN), ({"status": "SELLER_DISPUTE"}, S.SENT, K.RETURN),
        ({"status": "COMPLETED"}, S.PAID, K.RETURN), ({"status": "CANCELLED"}, S.CLOSED, K.RETURN),
        ({"status": "CLOSED"}, S.CLOSED, K.RETURN),
    ],
)  # fmt: skip
async def test_a_listed_return_is_read_whole(changes: dict[str, Any], state: ChannelCaseState, kind: CaseKind) -> None:
    stranger = Stranger(says({"more": True, "return": [returned(**changes)]}))
    page = await platform(stranger).pull_cases(WINDOW, "")
    (seen,) = page.observations
    assert isinstance(seen, CaseObserved)
    assert (seen.case_no, seen.no, seen.amount_minor, seen.vendor_time) == ("R1", NO, 550, NOW)
    assert (seen.state, seen.case_kind, seen.lines) == (state, kind, (CaseLineObserved(LINE, 1),))
    assert page.next_cursor == "1"
    assert asked(stranger)[1]["page_no"] == "0"
    assert len(shopee_cases.STATES) == 8


@pytest.mark.parametrize("changes", [{"status": "ODD"}, {"return_solution": 7}, {"refund_amount": 1.001}])
async def test_a_return_that_nobody_knows_is_a_hint(changes: dict[str, Any]) -> None:
    stranger = Stranger(says({"more": False, "return": [returned(**changes)]}))
    page = await platform(stranger).pull_cases(WINDOW, "3")
    assert page.observations == (CaseHinted("shopee", "sg1", "R1", NO, NOW),)
    with pytest.raises(Broken, match="return_sn is missing"):
        await platform(Stranger(says({"return": [{}]}))).pull_cases(WINDOW, "")


async def test_what_the_platform_has_no_way_for_is_refused() -> None:
    shop = platform(Stranger(says()))
    answer = ChannelAnswer("R1", NO, K.REFUND, CaseAction.AGREE_REFUND, "case:C1:1", "SGD", amount_minor=500)
    with pytest.raises(Refused, match="own pages"):
        await shop.answer_case(answer)
    with pytest.raises(Refused, match="own pages"):
        await shop.read_case("R1")
    with pytest.raises(Refused, match="no way to tell"):
        await shop.tell_promise(PromiseNotice(NO, NOW, "k"))


async def test_a_token_is_renewed_by_a_public_call() -> None:
    stranger = Stranger(httpx.Response(200, json={"error": "", "message": "", **NEW}))
    assert await platform(stranger).renew() == Token("access-2", "refresh-2", NOW + timedelta(hours=4), 3)
    path, query = asked(stranger)
    assert path == "/api/v2/auth/access_token/get"
    assert "access_token" not in query
    body = {"refresh_token": "refresh-1", "partner_id": 2000001, "shop_id": 600000}
    assert json.loads(stranger.asked[0].content) == body


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(error="refresh_token_expired"), Refused), (says(error="error_auth"), Refused),
        (says(error="error_server"), Unavailable), (says(), Broken),
        (httpx.Response(200, json={**NEW, "refresh_token": ""}), Broken),
    ],
)  # fmt: skip
async def test_a_token_that_is_not_given_says_why(answer: httpx.Response, error: type[OmsError]) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).renew()
    assert "refresh-1" not in str(caught.value)


def test_a_shop_row_that_cannot_work_is_told_of() -> None:
    assert registry.missing(SHOPEE) == []
    wrong = replace(SHOPEE, key_id="app", params={**SHOPEE.params, "shop_id": "mine"})
    assert [fault.split(":")[0] for fault in registry.missing(wrong)] == ["key_id", "shop_id"]
    bare = replace(SHOPEE, params={})
    assert [fault.split(":")[0] for fault in registry.missing(bare)] == ["shop_id", "callback_url"]
