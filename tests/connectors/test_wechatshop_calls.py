"""What we ask and tell a WeChat shop, and what its codes mean (INT-2, INT-9, INT-16, INV-6, LOG-1, AFT-3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms import wechatshop_cases
from connectors.platforms.wechatshop_api import CODES
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseLineObserved, ChannelCaseState, ChannelStatus, OrderHinted
from domain.pulling import Rolled, Window
from domain.shops import Token
from domain.stock_push import Level
from tests.connectors.wechatshop_answers import (
    APPID,
    NO,
    PERSONAL,
    SECOND,
    WECHATSHOP,
    asked,
    detail,
    order,
    platform,
    says,
)
from tests.connectors.worlds import NOW, Stranger

S, K = ChannelCaseState, CaseKind
WINDOW = Window(NOW - timedelta(hours=1), NOW)
LINE = "10000000123456-20000000123456"
PART = ShipmentNotice(NO, "SF", "SF1", NOW, (ShippedLine(LINE, "TEE", 1),), False, "write_back:1")
LEVEL = Level("TEE", "10000000123456", "20000000123456", 7, sequence=3)

ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    *((says(code), TokenRejected, str(code)) for code in (40001, 42001, 40014)),
    *((says(code), RateLimited, str(code)) for code in (45009, 45011, 100003)),
    *((says(code), Broken, str(code)) for code in (45035, 61004)),
    (says(-1), Unavailable, "-1"),
    (says(10020002, errmsg="订单不存在 13812345678"), Refused, "refused (10020002): 订单不存在 ***"),
    (httpx.Response(403), Broken, "does not let our address in"),
    (httpx.Response(429), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(404), Broken, "HTTP 404 about order/get"),
    (httpx.Response(200, text="<html>李小明"), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (says(), Broken, "order is missing"),
    (detail(order_id=1), Broken, f"another order than {NO}"),
    (detail(price={"order_price": 10**6}), Broken, f"wechatshop about {NO}: order_price is 1000000"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).read_order(NO)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert not [value for value in (*PERSONAL, "access-1", "appsecret") if value in str(caught.value)]


def test_every_documented_code_has_a_meaning() -> None:
    assert {40001, 42001, 40014, 45009, 45011, 45035, 61004, -1, 100003, 31042, 606006} == CODES


@pytest.mark.parametrize(("code", "seconds"), [(45011, 60.0), (100003, 60.0), (45009, 3_600.0)])
async def test_a_limit_says_how_long_it_lasts(code: int, seconds: float) -> None:
    with pytest.raises(RateLimited) as caught:
        await platform(Stranger(says(code))).read_order(NO)
    assert caught.value.retry_after_seconds == seconds


async def test_an_order_is_read_and_its_answer_kept_as_received() -> None:
    stranger = Stranger(detail())
    seen, raw = await platform(stranger).read_order(NO)
    assert (seen.no, raw) == (NO, detail().content)
    assert str(stranger.asked[0].url) == "http://wechat.example/channels/ec/order/get?access_token=access-1"
    assert asked(stranger)[1] == {"order_id": NO}


async def test_a_page_is_hints_and_the_next_one_is_asked_for_by_its_key() -> None:
    stranger = Stranger(says(order_id_list=[NO, "2"], next_key="k1", has_more=True), says(has_more=False))
    page = await platform(stranger).pull(WINDOW, "")
    hint = OrderHinted("wechatshop", "wx1", NO, ChannelStatus.UNMAPPED, NOW)
    assert page.observations == (hint, replace(hint, no="2"))
    assert page.next_cursor == "k1"
    assert (await platform(stranger).pull(WINDOW, "k1")).next_cursor == ""
    times = {"start_time": SECOND - 3600, "end_time": SECOND}
    assert asked(stranger)[1] == {"update_time_range": times, "page_size": 100}
    assert asked(stranger, 1)[1]["next_key"] == "k1"


async def test_a_list_that_goes_wrong_says_so() -> None:
    """Issue 9: a page that repeats."""
    assert (await platform(Stranger(says(31042))).pull(WINDOW, "")).overfull
    assert (await platform(Stranger(says(31042))).roll(WINDOW, "")).overfull
    assert (await platform(Stranger(says(31042))).pull_cases(WINDOW, "")).overfull
    with pytest.raises(Broken, match="begin the window anew"):
        await platform(Stranger(says(606006))).pull(WINDOW, "old")
    for key in ("k1", ""):
        with pytest.raises(Broken, match="names no next page"):
            await platform(Stranger(says(order_id_list=["1"], next_key=key, has_more=True))).pull(WINDOW, "k1")
    with pytest.raises(Broken, match="12345"):
        await platform(Stranger(says(12345))).pull(WINDOW, "")


async def test_the_roll_asks_each_order_when_it_was_placed() -> None:
    """INT-9."""
    stranger = Stranger(says(order_id_list=[NO], has_more=False), detail())
    roll = await platform(stranger).roll(WINDOW, "")
    assert roll.rolled == (Rolled(NO, "20", NOW - timedelta(seconds=60)),)
    assert (roll.total, roll.next_cursor) == (None, "")
    assert (asked(stranger)[1]["page_size"], "create_time_range" in asked(stranger)[1]) == (20, True)
    assert registry.roll_rules(WECHATSHOP) is not None


async def test_a_parcel_is_told_with_its_units() -> None:
    stranger = Stranger(says())
    await platform(stranger).write_back(PART)
    path, body = asked(stranger)
    product = {"product_id": "10000000123456", "sku_id": "20000000123456", "product_cnt": 1}
    parcel = {"delivery_id": "SFEX", "waybill_id": "SF1", "deliver_type": 1, "product_infos": [product]}
    assert (path, body) == ("/channels/ec/order/delivery/send", {"order_id": NO, "delivery_list": [parcel]})
    again = Stranger(says())
    told = replace(PART, carrier="YTO", lines=(ShippedLine(f"{LINE}-2", "TEE", 3),))
    await platform(again, replace(WECHATSHOP, params={"deliver_type": "3"})).write_back(told)
    sent = asked(again)[1]["delivery_list"][0]
    assert (sent["delivery_id"], sent["deliver_type"]) == ("YTO", 3)
    assert sent["product_infos"][0]["sku_id"] == "20000000123456"


@pytest.mark.parametrize("waybills", [["SF1"], ["SF0", "SF1"], ["SF0"], []])
async def test_a_refusal_is_a_success_when_the_order_shows_the_waybill(waybills: list[str]) -> None:
    parcels = [{"waybill_id": one} for one in waybills]
    stranger = Stranger(says(10020003), detail(detail={"delivery_info": {"delivery_product_info": parcels}}))
    if "SF1" in waybills:
        await platform(stranger).write_back(PART)
    else:
        with pytest.raises(Refused, match="10020003"):
            await platform(stranger).write_back(PART)


async def test_stock_is_set_for_one_sku() -> None:
    stranger = Stranger(says())
    assert await platform(stranger).push_stock((LEVEL,)) == {}
    body = {"product_id": "10000000123456", "sku_id": "20000000123456", "diff_type": 3, "num": 7}
    assert asked(stranger) == ("/channels/ec/product/stock/update", body)
    with pytest.raises(Refused, match="10020004"):
        await platform(Stranger(says(10020004))).push_stock((LEVEL,))
    with pytest.raises(Refused, match="mend the listing"):
        await platform(stranger).push_stock((replace(LEVEL, variant_id=""),))
    assert registry.push_rules("wechatshop").most == 1


def case(**changes: Any) -> httpx.Response:
    told: dict[str, Any] = {
        "after_sale_order_id": "88",
        "order_id": NO,
        "type": "REFUND",
        "status": "MERCHANT_PROCESSING",
    }
    told |= {"update_time": SECOND, "refund_info": {"amount": 500}, "reason": "不想要了"}
    what = {"product_id": "10000000123456", "sku_id": "20000000123456", "count": 1}
    sent: dict[str, Any] = {"waybill_id": "SF9", "delivery_id": "SF"}
    return says(after_sale_order={**told, "product_info": what, "return_info": sent, **changes})


@pytest.mark.parametrize(("status", "state"), wechatshop_cases.STATES.items())
async def test_every_state_of_a_case_has_its_meaning(status: str, state: ChannelCaseState) -> None:
    seen, _ = await platform(Stranger(case(status=status))).read_case("88")
    assert (seen.state, seen.raw_status, seen.case_kind) == (state, status, K.REFUND)
    assert (seen.no, seen.amount_minor, seen.lines) == (NO, 500, (CaseLineObserved(LINE, 1),))
    assert (seen.vendor_time, seen.carrier, seen.waybill_no) == (NOW, "SF", "SF9")


async def test_an_exchange_ends_without_money_and_what_nobody_knows_is_broken() -> None:
    done = await platform(Stranger(case(status="MERCHANT_RETURN_SUCCESS", type="EXCHANGE"))).read_case("88")
    assert done[0].state is S.CLOSED
    for wrong, words in (({"status": "ODD"}, "status ODD"), ({"type": "GIFT"}, "type GIFT")):
        with pytest.raises(Broken, match=words):
            await platform(Stranger(case(**wrong))).read_case("88")
    with pytest.raises(Broken, match="another case"):
        await platform(Stranger(case())).read_case("89")
    assert {status for status, state in wechatshop_cases.STATES.items() if state is S.PAID} == {
        "MERCHANT_REFUND_SUCCESS",
        "MERCHANT_RETURN_SUCCESS",
    }


async def test_cases_are_listed_as_hints() -> None:
    stranger = Stranger(says(after_sale_order_id_list=["88"], next_key="k", has_more=True))
    page = await platform(stranger).pull_cases(WINDOW, "")
    assert (page.observations, page.next_cursor) == ((CaseHinted("wechatshop", "wx1", "88", "", NOW),), "k")
    assert asked(stranger)[1] == {"begin_update_time": SECOND - 3600, "end_update_time": SECOND}


async def test_what_the_platform_has_no_way_for_is_refused() -> None:
    shop = platform(Stranger(says()))
    answer = ChannelAnswer("88", NO, K.REFUND, CaseAction.AGREE_REFUND, "case:C1:1", "CNY", amount_minor=500)
    with pytest.raises(Refused, match="own pages"):
        await shop.answer_case(answer)
    with pytest.raises(Refused, match="no way to tell"):
        await shop.tell_promise(PromiseNotice(NO, NOW, "k"))


def token(access: str) -> httpx.Response:
    return says(access_token=access, expires_in=7_200)


async def test_the_token_is_fetched_and_another_one_only_for_one_that_is_not_taken() -> None:
    stranger = Stranger(token("access-2"))
    assert await platform(stranger).renew() == Token("access-2", "", NOW + timedelta(hours=2), 3)
    wanted = {"grant_type": "client_credential", "appid": APPID, "secret": "appsecret", "force_refresh": False}
    assert asked(stranger) == ("/cgi-bin/stable_token", wanted)
    assert "access_token" not in str(stranger.asked[0].url)
    same = Stranger(token("access-1"))
    assert (await platform(same).renew()).access == "access-1"
    assert len(same.asked) == 1, "it lives: 20 others a day is all there is"
    spoiled = replace(WECHATSHOP, token=Token("access-1", "", NOW, 2))
    forced = Stranger(token("access-1"), token("access-3"))
    assert (await platform(forced, spoiled).renew()).access == "access-3"
    assert asked(forced, 1)[1]["force_refresh"] is True


@pytest.mark.parametrize(
    ("answer", "error"), [(says(40001), Refused), (says(40125), Refused), (says(-1), Unavailable), (says(), Broken)]
)
async def test_a_token_that_is_not_given_says_why(answer: httpx.Response, error: type[OmsError]) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).renew()
    assert "appsecret" not in str(caught.value)


def test_a_shop_row_that_cannot_work_is_told_of() -> None:
    assert registry.missing(WECHATSHOP) == []
    wrong = replace(WECHATSHOP, params={"carriers": "SF=", "deliver_type": "x"}, sealed={**WECHATSHOP.sealed})
    assert [fault.split(":")[0] for fault in registry.missing(wrong)] == ["carriers", "deliver_type"]
    short = replace(WECHATSHOP, sealed={**WECHATSHOP.sealed, "encoding_aes_key": "short"})
    assert registry.missing(short) == ["encoding_aes_key: not 43 letters and digits"]
    assert order()["status"] == 20
