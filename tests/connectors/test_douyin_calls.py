"""What we ask and tell the Douyin shop platform, and what its codes mean (INT-2, INT-11, INT-16)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.platforms.douyin import PULL_RULES, DouyinShop
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, Window
from domain.shops import Token
from tests.connectors.douyin_answers import (
    DOUYIN,
    NO,
    PERSONAL,
    SECOND,
    asked,
    child,
    detail,
    listed,
    order,
    platform,
    says,
)
from tests.connectors.worlds import NOW, Stranger, clock

WINDOW = Window(NOW - timedelta(hours=1), NOW)
WHOLE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine(NO, "TEE-WHITE-M", 2),), True, "write_back:dy1:1")
PART = replace(WHOLE, whole=False, lines=(ShippedLine(NO, "TEE-WHITE-M", 1), ShippedLine("2", "SOCK-3", 3)))
SHIPPED_ALREADY = says(None, 50002, sub_code="isv.business-failed:1", sub_msg="订单已发货")


async def test_an_order_is_read_and_its_answer_kept_as_received() -> None:
    body = detail().content.replace(b'"code":10000', b' "code" : 10000')
    stranger = Stranger(httpx.Response(200, content=body))
    seen, raw = await platform(stranger).read_order(NO)
    assert raw == body
    assert (seen.no, seen.raw_status, seen.status) == (NO, "2", ChannelStatus.UNMAPPED)
    assert asked(stranger.asked[0])[2] == {"shop_order_id": NO}


ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (says(None, 10001, msg="部分失败"), Refused, "refused (10001): 部分失败"),
    (says(None, 20000, sub_code="isp.service-error:20005"), Unavailable, "20000 isp.service-error:20005"),
    (says(None, 20001), Unavailable, "20001"),
    (says(None, 70000), Unavailable, "70000"),
    (says(None, 60000, sub_code="isv.traffic-limited"), RateLimited, "60000 isv.traffic-limited"),
    (says(None, 50002, sub_code="isv.business-failed:2010401"), RateLimited, "2010401"),
    (says(None, 40003, sub_code="isv.access-token-expired"), TokenRejected, "isv.access-token-expired"),
    (says(None, 40003, sub_code="isv.access-token-no-existed"), TokenRejected, "no-existed"),
    (says(None, 50001, sub_code="dop.token-generate-failed:token-expired"), TokenRejected, "token-expired"),
    (says(None, 40003, sub_code="isv.idempotent-id-existed"), Refused, "refused (isv.idempotent-id-existed)"),
    *((says(None, code), Broken, str(code)) for code in (30000, 30001, 30002, 40001, 40002, 40003, 40004)),
    *((says(None, code), Broken, str(code)) for code in (80000, 90000, 12345)),
    (says(None, 50000, sub_msg="订单不存在"), Refused, f"refused (50000): 订单不存在 (order.orderDetail {NO})"),
    (says(None, 50001, sub_code="x:1", sub_msg=None, msg=""), Refused, "refused (x:1): no reason given"),
    (says(None, 50002, sub_msg="请联系 13812345678"), Refused, "请联系 ***"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(302), Broken, "HTTP 302 about order.orderDetail"),
    (httpx.Response(404, text="李小明"), Broken, "HTTP 404 about order.orderDetail"),
    (httpx.Response(200, text="<html>李小明"), Broken, "HTTP 200 about order.orderDetail"),
    (httpx.Response(200, json={"msg": "success"}), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (says(None), Broken, "is not an object"),
    (says({}), Broken, "shop_order_detail is missing"),
    (says({"shop_order_detail": "李小明"}), Broken, "shop_order_detail is not accepted"),
    (detail(order_id="1"), Broken, f"another order than {NO}"),
    (detail(pay_amount=1), Broken, f"douyin about {NO}: pay_amount is 1, but goods 31800"),
    (detail(encrypt_post_tel=["13812345678"]), Broken, "encrypt_post_tel is not a text"),
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


def row(no: int, **changes: Any) -> dict[str, Any]:
    return order(order_id=str(no), sku_order_list=[child(str(no))], **changes)


async def pull(stranger: Stranger, cursor: str = "") -> Page:
    return await platform(stranger).pull(WINDOW, cursor)


def numbers(page: Page) -> list[str]:
    return [seen.no for seen in page.observations if isinstance(seen, OrderObserved | OrderHinted)]


async def test_a_window_is_asked_for_by_update_time_in_seconds() -> None:
    stranger = Stranger(listed(1, row(1)))
    page = await pull(stranger)
    path, query, params = asked(stranger.asked[0])
    assert (path, query["method"]) == ("/order/searchList", "order.searchList")
    assert params == {
        "update_time_start": SECOND - 3600,
        "update_time_end": SECOND,
        "order_by": "update_time",
        "order_asc": True,
        "page": 0,
        "size": 100,
    }
    assert (numbers(page), page.next_cursor, page.overfull) == (["1"], "", False)
    assert page.raw == listed(1, row(1)).content
    (seen,) = page.observations
    assert isinstance(seen, OrderObserved)


@pytest.mark.parametrize("total", [0, 1, 100])
async def test_one_page_is_the_first_and_the_last(total: int) -> None:
    page = await pull(Stranger(listed(total, *[row(n) for n in range(min(total, 3))])))
    assert (len(page.observations), page.next_cursor) == (min(total, 3), "")


class Moving:
    """A platform whose orders leave the window while it is read, as they do when they change."""

    def __init__(self, count: int) -> None:
        self.rows = [row(n) for n in range(count)]
        self.pages: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        page = asked(request)[2]["page"]
        self.pages.append(page)
        answer = listed(len(self.rows), *self.rows[page * 100 : page * 100 + 100], page=page)
        del self.rows[:7]  # seven orders change after every answer: those behind them move up
        return answer


async def test_pages_are_read_backwards_and_rows_that_move_are_not_missed() -> None:
    moving = Moving(250)
    shop = DouyinShop(DOUYIN, httpx.AsyncClient(transport=httpx.MockTransport(moving)), clock)
    cursor, read, last = "", list[str](), False
    while not last:
        page = await shop.pull(WINDOW, cursor)
        read += numbers(page)
        cursor, last = page.next_cursor, not page.next_cursor
    assert moving.pages == [0, 2, 1, 0]
    # The first 21 had changed before their page was read: they are in the next window.
    assert sorted({int(no) for no in read}) == list(range(21, 250))


async def test_the_page_that_tells_the_total_is_kept_but_read_when_its_turn_comes() -> None:
    answer = listed(101, *[row(n) for n in range(2)])
    page = await pull(Stranger(answer))
    assert (page.observations, page.raw, page.next_cursor, page.overfull) == ((), answer.content, "1", False)


@pytest.mark.parametrize(
    ("answer", "cursor"),
    [
        (listed(10_001, row(1)), ""),
        (listed(10_001, row(1)), "3"),
        (says(None, 40004, sub_code="isv.parameter-invalid:20013"), ""),
    ],
)
async def test_a_window_that_holds_more_than_the_list_shows_is_to_be_halved(
    answer: httpx.Response, cursor: str
) -> None:
    page = await pull(Stranger(answer), cursor)
    assert (page.observations, page.next_cursor, page.overfull) == ((), "", True)


async def test_the_list_may_hold_ten_thousand() -> None:
    assert (await pull(Stranger(listed(10_000, row(1))))).next_cursor == "99"
    assert (await pull(Stranger(listed(10_000, row(1))), "99")).next_cursor == "98"


async def test_a_row_that_nobody_can_read_is_asked_for_alone_and_stops_no_other() -> None:
    page = await pull(Stranger(listed(3, row(1), row(2, pay_amount=1), row(3, update_time="x"))))
    good, bad, timeless = page.observations
    assert isinstance(good, OrderObserved)
    assert bad == OrderHinted("douyin", "dy1", "2", ChannelStatus.UNMAPPED, NOW - timedelta(seconds=20))
    assert timeless == OrderHinted("douyin", "dy1", "3", ChannelStatus.UNMAPPED, NOW)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (listed(1, {"order_id": "李小明"}), Broken, "order_id has characters"),
        (listed(1, *[row(1)] * 101), Broken, "shop_order_list has more than 100"),
        (says({"shop_order_list": []}), Broken, "total is missing"),
        (says({"total": -1}), Broken, "total is below 0"),
        (says(None, 60000), RateLimited, "order.searchList 2026-11-22T12:30:00+00:00 page 0"),
        (says(None, 40003, sub_code="isv.access-token-expired"), TokenRejected, "page 0"),
        (says(None, 40004, sub_code="isv.parameter-invalid:20022"), Broken, "20022"),
    ],
)
async def test_a_page_that_cannot_be_had_says_why(answer: httpx.Response, error: type[OmsError], words: str) -> None:
    with pytest.raises(error) as caught:
        await pull(Stranger(answer))
    assert words in str(caught.value)
    assert "李小明" not in str(caught.value)


def test_windows_are_a_day_and_within_the_reach() -> None:
    assert (PULL_RULES.longest_seconds, PULL_RULES.lag_seconds) == (86_400, 0)


CARRIED = replace(DOUYIN, params={"carriers": "SF=shunfeng, YTO = yuantong"})


async def test_a_parcel_with_everything_is_told_in_one_word() -> None:
    stranger = Stranger(says(None))
    await platform(stranger, CARRIED).write_back(WHOLE)
    path, _, params = asked(stranger.asked[0])
    assert path == "/order/logisticsAdd"
    assert params == {"order_id": NO, "company_code": "shunfeng", "logistics_code": "SF123"}
    assert len(stranger.asked) == 1


async def test_a_parcel_with_a_part_names_its_child_orders_and_repeats_with_the_same_id() -> None:
    stranger = Stranger(says({"pack_list": []}))
    for _ in range(2):
        await platform(stranger).write_back(PART)
    path, _, params = asked(stranger.asked[0])
    assert path == "/order/logisticsAddMultiPack"
    shipped = [{"shipped_order_id": NO, "shipped_num": 1}, {"shipped_order_id": "2", "shipped_num": 3}]
    pack = {"company_code": "SF", "logistics_code": "SF123", "shipped_order_info": shipped}
    assert params == {"order_id": NO, "pack_list": [pack], "request_id": "write_back:dy1:1"}
    assert stranger.asked[0].content == stranger.asked[1].content


@pytest.mark.parametrize("notice", [WHOLE, PART])
async def test_a_repeat_that_is_refused_because_it_is_known_is_a_success(notice: ShipmentNotice) -> None:
    stranger = Stranger(SHIPPED_ALREADY, detail(logistics_info=[{"tracking_no": "SF1"}, {"tracking_no": "SF123"}]))
    await platform(stranger).write_back(notice)
    assert asked(stranger.asked[1])[0] == "/order/orderDetail"


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([SHIPPED_ALREADY, detail(logistics_info=[{"tracking_no": "SF1234"}])], Refused, "订单已发货"),
        ([SHIPPED_ALREADY, detail()], Refused, "订单已发货"),
        ([SHIPPED_ALREADY, says(None, 50002, sub_msg="订单不存在")], Refused, "订单已发货"),
        ([SHIPPED_ALREADY, httpx.Response(503)], Unavailable, "HTTP 503"),
        ([SHIPPED_ALREADY, says({})], Broken, "shop_order_detail is missing"),
        ([says(None, 20001)], Unavailable, "20001"),
        ([says(None, 60000)], RateLimited, "60000"),
        ([says(None, 40001)], Broken, "40001"),
    ],
)
async def test_a_parcel_that_could_not_be_told_says_why(
    answers: list[httpx.Response], error: type[OmsError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await platform(Stranger(*answers)).write_back(WHOLE)


@pytest.mark.parametrize("carriers", ["SF", "SF=", "=shunfeng", "SF:shunfeng"])
async def test_a_carrier_table_that_cannot_be_read_is_told(carriers: str) -> None:
    with pytest.raises(Broken, match="carriers is not like SF=shunfeng"):
        await platform(Stranger(says(None)), replace(DOUYIN, params={"carriers": carriers})).write_back(WHOLE)


SELF_USED = replace(DOUYIN, params={"shop_id": "1111111"}, token=None)
NEW = {"access_token": "access-2", "expires_in": 604800, "refresh_token": "refresh-2", "shop_id": 1111111}
EXPIRED = says(None, 50001, sub_code="dop.token-generate-failed:token-expired", sub_msg="token已过期")
DAYS = timedelta(days=7)


async def test_a_token_is_renewed_with_the_refresh_token_and_no_access_token() -> None:
    stranger = Stranger(says(NEW))
    assert await platform(stranger).renew() == Token("access-2", "refresh-2", NOW + DAYS, 5)
    path, query, params = asked(stranger.asked[0])
    assert (path, query["method"], "access_token" in query) == ("/token/refresh", "token.refresh", False)
    assert params == {"grant_type": "refresh_token", "refresh_token": "refresh-1"}


async def test_an_end_given_as_a_moment_is_taken_as_one() -> None:
    told = says({**NEW, "expires_in": SECOND + 604800})
    assert (await platform(Stranger(told)).renew()).expires_at == datetime(2026, 11, 29, 13, 30, tzinfo=UTC)


async def test_a_self_used_app_gets_a_token_with_the_number_of_the_shop() -> None:
    stranger = Stranger(says(NEW))
    assert await platform(stranger, SELF_USED).renew() == Token("access-2", "refresh-2", NOW + DAYS, 1)
    path, _, params = asked(stranger.asked[0])
    assert path == "/token/create"
    assert params == {"code": "", "grant_type": "authorization_self", "shop_id": 1111111}


async def test_a_self_used_app_whose_refresh_token_is_dead_gets_a_new_pair() -> None:
    stranger = Stranger(EXPIRED, says(NEW))
    both = replace(SELF_USED, token=DOUYIN.token)
    assert await platform(stranger, both).renew() == Token("access-2", "refresh-2", NOW + DAYS, 5)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (EXPIRED, Refused, "token已过期"),
        (says(None, 50001, sub_code="dop.token-generate-failed:token-invalid"), Refused, "token-invalid"),
        (says(None, 20000), Unavailable, "20000"),
        (says({**NEW, "access_token": ""}), Broken, "access_token is empty"),
        (says({**NEW, "expires_in": None}), Broken, "expires_in is missing"),
        (says(None), Broken, "is not an object"),
    ],
)
async def test_a_token_that_is_not_given_says_why(answer: httpx.Response, error: type[OmsError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        await platform(Stranger(answer)).renew()
    assert not isinstance(caught.value, TokenRejected)
    assert "refresh-1" not in str(caught.value)


async def test_without_a_way_to_a_token_nothing_is_asked() -> None:
    stranger = Stranger(says(NEW))
    for bare in (replace(DOUYIN, token=None), replace(DOUYIN, token=Token("access-1"))):
        with pytest.raises(Refused, match="authorise dy1 anew, or set shop_id"):
            await platform(stranger, bare).renew()
    with pytest.raises(Broken, match="shop_id is not a number"):
        await platform(stranger, replace(SELF_USED, params={"shop_id": "x"})).renew()
    assert stranger.asked == []
