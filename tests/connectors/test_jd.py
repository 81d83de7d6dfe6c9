"""JD: its published signatures, what we ask and tell, its orders, cases and errors (INT-1, INT-2, INT-11, INT-13).

Vectors: JD-1 (official developer guide) and JD-2 of the protocol facts.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms import jd_cases
from connectors.platforms.jd_sign import sign, written
from domain.after_sales import CaseKind
from domain.contacts import ContactForm
from domain.errors import BadInput, Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, ChannelCaseState, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, Window
from domain.shops import Token
from domain.stock_push import Level
from simulator.platforms import jd_wire
from tests.connectors.jd_answers import JD, NO, PERSONAL, asked, detail, error, item, listed, order, says, shop
from tests.connectors.worlds import NOW, Stranger

S = ChannelCaseState
WINDOW = Window(NOW - timedelta(hours=1), NOW)
VECTORS: list[tuple[str, dict[str, str], str]] = [
    (
        "yourappSecret",
        {
            "360buy_param_json": '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT",'
            '"page":"1","page_size":"200","start_date":null}',
            "access_token": "yourtoken",
            "app_key": "yourappkey",
            "method": "jingdong.pop.order.search",
            "timestamp": "2021-05-07 09:20:39.683+0800",
            "v": "2.0",
        },
        "D70825340F4084360B9362B60DFD7930",
    ),
    (
        "sec",
        {
            "360buy_param_json": '{"logiCoprId":"467","logiNo":"SF1234567890123","orderId":"293847561029"}',
            "access_token": "tok",
            "app_key": "ak",
            "method": "jingdong.pop.order.shipment",
            "timestamp": "2026-01-02 03:04:05",
            "v": "2.0",
        },
        "0B602AAEB611CDF9F5210467C9072C09",
    ),
]


@pytest.mark.parametrize(("secret", "params", "wanted"), VECTORS, ids=["JD-1", "JD-2"])
def test_we_sign_as_published_and_a_flipped_bit_signs_otherwise(
    secret: str, params: dict[str, str], wanted: str
) -> None:
    assert sign(params, secret) == jd_wire.sign(params, secret) == wanted
    for name, value in params.items():
        flipped = {**params, name: chr(ord(value[0]) ^ 1) + value[1:]}
        assert sign(flipped, secret) != wanted
    assert sign(params, secret + "x") != wanted


def test_the_business_json_is_the_one_of_the_vector() -> None:
    params = {"orderId": "293847561029", "logiNo": "SF1234567890123", "logiCoprId": "467"}
    assert written(params) == VECTORS[1][1]["360buy_param_json"]
    assert written({"b": None, "a": "京"}) == '{"a":"京","b":null}'


async def test_what_is_sent_is_what_is_signed() -> None:
    stranger = Stranger(detail())
    seen, raw = await shop(stranger).read_order(NO)
    query, params = asked(stranger.asked[0])
    assert (stranger.asked[0].method, stranger.asked[0].url.path) == ("POST", "/routerjson")
    assert params["order_id"] == NO
    assert {"orderId", "modified", "itemInfoList", "actualPay"} <= set(params["optional_fields"].split(","))
    system = {name: query[name] for name in ("access_token", "app_key", "method", "timestamp", "v")}
    assert system["timestamp"] == "2026-11-22 21:30:00"
    assert sign({**system, "360buy_param_json": written(params)}, "sec") == query["sign"]
    assert (seen.no, raw) == (NO, detail().content)


async def test_an_order_is_read_to_the_fen_with_its_times_and_its_hidden_receiver() -> None:
    seen, _ = await shop(Stranger(detail())).read_order(NO)
    assert (seen.status, seen.raw_status) == (ChannelStatus.UNMAPPED, "WAIT_SELLER_STOCK_OUT")
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert (*money, seen.total_minor, seen.paid_minor, seen.refunded_minor) == (31800, 2000, 500, 800, 30100, 30100, 0)
    assert seen.placed_at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert seen.paid_at == datetime(2026, 11, 22, 13, 1, tzinfo=UTC)
    assert seen.vendor_time == datetime(2026, 11, 22, 13, 2, tzinfo=UTC)
    (line,) = seen.lines
    assert (line.line_no, line.sku, line.item_id, line.variant_id) == ("10001", "TEE", "500", "10001")
    assert seen.contact.form is ContactForm.CIPHERTEXT
    assert (seen.contact.name, seen.contact.phone, seen.contact.address) == PERSONAL[:3]
    assert (seen.contact.handle, seen.contact.merge_key) == ("oaid-1", "oaid-1")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"paymentConfirmTime": "0001-01-01 00:00:00"}, {"paid_at": None, "paid_minor": 0}),
        ({"paymentConfirmTime": "1970-01-01 00:00:00"}, {"paid_at": None, "paid_minor": 0}),
        ({"actualPay": 0, "paymentConfirmTime": "", "payType": 1}, {"total_minor": 30100, "paid_minor": 0}),
        ({"actualPay": ..., "shouldPay": ..., "orderPayment": "301"}, {"total_minor": 30100}),
        ({"totalSellerDiscount": "25.00"}, {"shop_discount_minor": 2500, "platform_discount_minor": 0}),
        ({"orderState": "TRADE_CANCELED"}, {"refunded_minor": 30100}),
        ({"orderState": "PARENT_TRADE_CANCELED"}, {"refunded_minor": 30100}),
        ({"orderState": "DELIVERY_RETURN"}, {"refunded_minor": 30100}),
        ({"storeOrder": "京仓订单"}, {"raw_status": "WAIT_SELLER_STOCK_OUT+store"}),
        ({"storeOrder": "京仓订单", "orderState": "FINISHED_L"}, {"raw_status": "FINISHED_L"}),
        ({"orderRemark": None, "consigneeInfo": None}, {"remark": ""}),
        ({"orderId": int(NO)}, {"no": NO}),
    ],
)
async def test_oddities_of_an_order_are_read(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    seen, _ = await shop(Stranger(detail(**changes))).read_order(NO)
    assert {name: getattr(seen, name) for name in wanted} == wanted


async def test_a_second_line_of_a_sku_and_a_line_without_our_code_have_numbers_of_their_own() -> None:
    lines = [item(), item(jdPrice=0, itemTotal=1), item(skuId="7", outerSkuId=None, wareId=..., itemTotal=1, jdPrice=0)]
    seen, _ = await shop(Stranger(detail(itemInfoList=lines))).read_order(NO)
    told = [(line.line_no, line.sku, line.item_id) for line in seen.lines]
    assert told == [("10001", "TEE", "500"), ("10001-2", "TEE", "500"), ("7", "jd-sku:7", "")]


ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (error("2001", "没有权限"), Broken, "2001: 没有权限"),
    (error(22, "调用频率超过限制"), RateLimited, "频率"),
    (error("x", "流量控制"), RateLimited, "流量"),
    (error("19", "access_token已过期"), TokenRejected, "19"),
    (error("19", "无效的Token tok"), TokenRejected, "***"),
    (error("777"), Broken, "777: no reason given"),
    (error("12", "签名错误 sec"), Broken, "***"),
    (httpx.Response(200, json={"error_response": "李小明"}), Broken, "is not an object"),
    (says("jingdong.pop.order.enGet", {"code": "5", "zh_desc": "流量"}), RateLimited, "流量"),
    (says("jingdong.pop.order.enGet", {"orderDetailInfo": {"apiResult": {"success": False, "errorCode": "10400001",
     "chineseErrCode": "订单不存在"}}}), Refused, "refused (10400001): 订单不存在"),
    (says("jingdong.pop.order.enGet", {"orderDetailInfo": {"apiResult": {"success": True}}}), Refused, "no order"),
    (says("jingdong.pop.order.enGet", {}), Broken, "orderDetailInfo is missing"),
    (says("jingdong.pop.order.enGet", "x"), Broken, "words that are not its format"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(200, text="<html>李小明"), Broken, "HTTP 200"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (detail(orderId="1"), Broken, f"another order than {NO}"),
    (detail(actualPay="999.00"), Broken, "the buyer pays 99900 fen, more than goods 31800"),
    (detail(orderTotalPrice="1.00"), Broken, "orderTotalPrice is 100 fen, but the lines are 31800"),
    (detail(actualPay="-1"), Broken, "actualPay is negative"),
    (detail(actualPay="1e9"), Broken, "actualPay is not an amount in yuan"),
    (detail(actualPay="99999999999.00"), Broken, "actualPay is more than"),
    (detail(actualPay=..., shouldPay=..., orderPayment=...), Broken, "one of them is needed"),
    (detail(modified="22/11/2026"), Broken, "modified: not yyyy-MM-dd HH:mm:ss"),
    (detail(modified="0001-01-01 00:00:00"), Broken, "modified: not between the years"),
    (detail(paymentConfirmTime="李小明"), Broken, "paymentConfirmTime: not yyyy-MM-dd"),
    (detail(itemInfoList=[]), Broken, "itemInfoList has fewer than 1"),
    (detail(itemInfoList=[item(itemTotal=0)]), Broken, "itemTotal is below 1"),
    (detail(itemInfoList=[item(skuId=...)]), Broken, "skuId is missing"),
    (detail(orderState="取消"), Broken, "orderState has characters"),
    (detail(consigneeInfo={"mobile": ["13812345678"]}), Broken, "mobile is not a text"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "kind", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, kind: type[OmsError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        await shop(Stranger(answer)).read_order(NO)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert not [one for one in (*PERSONAL, "李小明", "13812345678", "refresh-1") if one in str(caught.value)]


async def test_codes_that_a_shop_has_met_are_settings() -> None:
    row = replace(JD, params={"limit_codes": "778, 779", "token_codes": "780"})
    for code, kind in (("779", RateLimited), ("780", TokenRejected), ("781", Broken)):
        with pytest.raises(kind):
            await shop(Stranger(error(code, "x")), row).read_order(NO)


async def pull(answer: httpx.Response, cursor: str = "") -> Page:
    return await shop(Stranger(answer)).pull(WINDOW, cursor)


async def test_a_window_is_asked_for_by_change_in_the_platforms_zone() -> None:
    stranger = Stranger(listed(1, order()))
    page = await shop(stranger).pull(WINDOW, "")
    query, params = asked(stranger.asked[0])
    assert query["method"] == "jingdong.pop.order.enSearch"
    wanted = {"start_date": "2026-11-22 20:30:00", "end_date": "2026-11-22 21:30:00", "page": "1", "page_size": "100"}
    assert {name: params[name] for name in (*wanted, "dateType")} == {**wanted, "dateType": "2"}
    assert "WAIT_SELLER_STOCK_OUT" in params["order_state"]
    (seen,) = page.observations
    assert isinstance(seen, OrderObserved)
    assert (page.next_cursor, page.overfull) == ("", False)


async def test_pages_are_read_backwards_and_too_many_are_halved() -> None:
    assert (await pull(listed(250))).next_cursor == "3"
    assert (await pull(listed(250, order()), "3")).next_cursor == "2"
    assert (await pull(listed(250, order()), "1")).next_cursor == ""
    assert (await pull(listed(10_001))).overfull
    with pytest.raises(Broken, match="begin the window anew"):
        await pull(listed(1), "x")


async def test_a_row_that_nobody_can_read_is_asked_for_alone_and_stops_no_other() -> None:
    page = await pull(listed(3, order(orderId="1"), order(orderId="2", actualPay="x"), order(orderId="3", modified=0)))
    good, bad, timeless = page.observations
    assert isinstance(good, OrderObserved)
    assert bad == OrderHinted("jd", "jd1", "2", ChannelStatus.UNMAPPED, datetime(2026, 11, 22, 13, 2, tzinfo=UTC))
    assert timeless == OrderHinted("jd", "jd1", "3", ChannelStatus.UNMAPPED, NOW)
    for answer in (listed(1, {"orderId": "李小明"}), listed(-1), listed("x"), listed(200, *[order()] * 101)):
        with pytest.raises(Broken) as caught:
            await pull(answer)
        assert "李小明" not in str(caught.value)


async def test_the_roll_asks_by_the_moment_of_ordering() -> None:
    stranger = Stranger(listed(101, order()))
    roll = await registry.order_roll(JD, stranger.client(), lambda: NOW).roll(WINDOW, "")
    assert asked(stranger.asked[0])[1]["dateType"] == "1"
    assert ([one.no for one in roll.rolled], roll.total, roll.next_cursor) == ([NO], 101, "2")
    assert roll.rolled[0].at == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


WHOLE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine("10001", "TEE", 2),), True, "write_back:jd1:1")
NO_MORE = says("jingdong.pop.order.shipment", {"sopjosshipment_result": {"success": False, "chineseErrCode": "已出库"}})


async def test_a_parcel_is_told_with_the_carriers_number() -> None:
    stranger = Stranger(says("jingdong.pop.order.shipment", {"sopjosshipment_result": {"success": True}}))
    await shop(stranger).write_back(WHOLE)
    assert asked(stranger.asked[0])[1] == {"logiCoprId": "467", "logiNo": "SF123", "orderId": NO}
    await shop(stranger, replace(JD, params={"carriers": "SF=1, X = 22"})).write_back(replace(WHOLE, carrier="X"))
    assert asked(stranger.asked[1])[1]["logiCoprId"] == "22"
    with pytest.raises(Refused, match="set carriers of jd1"):
        await shop(stranger).write_back(replace(WHOLE, carrier="UNKNOWN"))
    with pytest.raises(Broken, match="carriers is not like SF=467"):
        await shop(stranger, replace(JD, params={"carriers": "SF"})).write_back(WHOLE)


async def test_a_refused_repeat_is_a_success_only_with_our_waybill() -> None:
    await shop(Stranger(NO_MORE, detail(waybill="SF1|SF9,SF123"))).write_back(WHOLE)
    part = replace(WHOLE, whole=False)
    await shop(Stranger(NO_MORE, detail(waybill="SF1"))).write_back(part)
    for notice, waybill in ((WHOLE, "SF1234"), (WHOLE, ""), (part, "")):
        with pytest.raises(Refused, match="已出库"):
            await shop(Stranger(NO_MORE, detail(waybill=waybill))).write_back(notice)


async def test_stock_and_promises() -> None:
    stranger = Stranger(says("jingdong.ware.stock.sku.set", {"success": True}))
    assert await shop(stranger).push_stock((Level("TEE", "500", "10001", 0),)) == {}
    assert asked(stranger.asked[0])[1] == {"skuId": "10001", "stockNum": "0"}
    with pytest.raises(Refused):
        await shop(Stranger(says("jingdong.ware.stock.sku.set", {"success": False}))).push_stock(
            (Level("TEE", "500", "10001", 1),)
        )
    with pytest.raises(Refused, match="no-way"):
        await shop(stranger).tell_promise(PromiseNotice(NO, NOW, "k"))


def refund(status: int, **changes: Any) -> httpx.Response:
    told = {"id": 77, "orderId": int(NO), "applyRefundSum": 30100, "status": status, "reason": "不想要"}
    told |= {"applyTime": "2026-11-22 21:00:00", "checkTime": None, "modified": "2026-11-22 21:10:00", **changes}
    return says(jd_cases.REFUND, {"queryResult": {"success": True, "result": told}})


@pytest.mark.parametrize(("status", "state"), jd_cases.REFUND_STATES.items())
async def test_every_state_of_a_refund_has_its_meaning_and_is_paid_when_its_order_is_cancelled(
    status: int, state: ChannelCaseState
) -> None:
    seen, _ = await shop(Stranger(refund(status), detail())).read_case("R77")
    assert (seen.state, seen.case_kind, seen.amount_minor, seen.no) == (state, CaseKind.REFUND, 30100, NO)
    seen, _ = await shop(Stranger(refund(status), detail(orderState="TRADE_CANCELED"))).read_case("R77")
    assert seen.state is (S.PAID if state is S.SENT else state)


def bills(*rows: dict[str, Any]) -> httpx.Response:
    return says(jd_cases.BILLS, {"pageResult": {"totalCount": len(rows), "data": list(rows)}})


def bill(status: int = 10001, expects: int = 10, **changes: Any) -> dict[str, Any]:
    told = {"serviceId": 88, "orderId": int(NO), "skuId": 10001, "customerExpect": expects, "serviceStatus": status}
    return {**told, "applyTime": 1_795_354_200_000, "approveTime": None, "actualPayPrice": 12.5, **changes}


def paid_back(yuan: object) -> httpx.Response:
    told = {"data": {"afsActualRefundDetail": {"actualRefundAmount": yuan}}}
    return says(jd_cases.PAID_BACK, {"result": told})


@pytest.mark.parametrize(("status", "state"), [one for one in jd_cases.BILL_STATES.items() if one[0] != 10010])
async def test_every_state_of_a_service_bill_has_its_meaning(status: int, state: ChannelCaseState) -> None:
    seen, _ = await shop(Stranger(bills(bill(status)))).read_case("S88")
    assert (seen.state, seen.raw_status, seen.no, seen.amount_minor) == (state, str(status), NO, 1250)
    assert seen.vendor_time == NOW


@pytest.mark.parametrize(
    ("expects", "yuan", "kind", "state", "minor"),
    [
        (10, "12.00", CaseKind.RETURN, S.PAID, 1200),
        (10, 0, CaseKind.RETURN, S.SENT, 1250),
        (11, 12, CaseKind.REFUND, S.PAID, 1200),
        (1, 12, CaseKind.REFUND, S.PAID, 1200),
        (20, 0, CaseKind.EXCHANGE, S.CLOSED, 1250),
        (80, 0, CaseKind.RESHIP, S.CLOSED, 1250),
    ],
)
async def test_a_done_bill_is_paid_only_with_an_amount(
    expects: int, yuan: object, kind: CaseKind, state: ChannelCaseState, minor: int
) -> None:
    seen, _ = await shop(Stranger(bills(bill(10010, expects)), paid_back(yuan))).read_case("S88")
    assert (seen.case_kind, seen.state, seen.amount_minor) == (kind, state, minor)


async def test_what_nobody_knows_of_a_case_is_broken_and_names_the_codes() -> None:
    with pytest.raises(Broken, match="case R77: status 99"):
        await shop(Stranger(refund(99), detail())).read_case("R77")
    for row, words in ((bill(99), "serviceStatus 99"), (bill(10001, 30), "customerExpect 30")):
        with pytest.raises(Broken, match=words):
            await shop(Stranger(bills(row))).read_case("S88")
    with pytest.raises(Broken, match="another case than R78"):
        await shop(Stranger(refund(0), detail())).read_case("R78")
    with pytest.raises(Refused, match="no service bill S89"):
        await shop(Stranger(bills())).read_case("S89")


async def test_a_window_of_cases_is_read_three_times_and_only_hints() -> None:
    told = {"id": 77, "orderId": NO, "status": 0, "applyTime": "2026-11-22 21:00:00"}
    refunds = says(jd_cases.REFUNDS, {"queryResult": {"success": True, "totalCount": 1, "result": [told]}})
    stranger = Stranger(refunds, refunds, bills(bill()))
    cursors: list[str] = []
    hints: list[Any] = []
    cursor = "-"
    while cursor:
        page = await shop(stranger).pull_cases(WINDOW, cursor.strip("-"))
        cursor = page.next_cursor
        cursors.append(cursor)
        hints += page.observations
    assert cursors == ["checked", "served", ""]
    asking = [asked(one)[1] for one in stranger.asked]
    assert asking[0] == {
        "applyTimeStart": "2026-11-22 20:30:00", "applyTimeEnd": "2026-11-22 21:30:00", "pageIndex": 1, "pageSize": 50,
    }  # fmt: skip
    assert "checkTimeStart" in asking[1]
    assert (asking[2]["updateTimeBegin"], asking[2]["buId"]) == ("2026-11-22 20:30:00", "9")
    assert hints[0] == CaseHinted("jd", "jd1", "R77", NO, datetime(2026, 11, 22, 13, 0, tzinfo=UTC), "0")
    assert hints[2] == CaseHinted("jd", "jd1", "S88", NO, NOW, "10001")
    many = says(jd_cases.REFUNDS, {"queryResult": {"totalCount": 120, "result": []}})
    assert (await shop(Stranger(many)).pull_cases(WINDOW, "")).next_cursor == "asked:3"
    assert (await shop(Stranger(many)).pull_cases(WINDOW, "checked:1")).next_cursor == "served"
    bare = replace(JD, params={})
    assert (await shop(Stranger(many), bare).pull_cases(WINDOW, "checked:1")).next_cursor == "", "bills need a name"


async def test_a_token_is_renewed_at_the_sign_on_host() -> None:
    new = {"access_token": "tok-2", "refresh_token": "refresh-2", "expires_in": 86400, "open_id": "x"}
    stranger = Stranger(httpx.Response(200, json=new))
    assert await shop(stranger).renew() == Token("tok-2", "refresh-2", NOW + timedelta(days=1), 4)
    request = stranger.asked[0]
    assert (request.method, request.url.host, request.url.path) == (
        "GET",
        "open-oauth.jd.com",
        "/oauth2/refresh_token",
    )
    wanted = {"app_key": "ak", "app_secret": "sec", "grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert dict(request.url.params) == wanted


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(200, json={"code": 401, "msg": "refresh-1 sec is dead"}), Refused, "*** *** is dead"),
        (httpx.Response(200, json={"access_token": ""}), Broken, "access_token is empty"),
        (httpx.Response(502), Unavailable, "HTTP 502"),
        (httpx.Response(200, text="x"), Broken, "not its format"),
    ],
)
async def test_a_token_that_is_not_given_says_why(answer: httpx.Response, kind: type[OmsError], words: str) -> None:
    with pytest.raises(kind) as caught:
        await shop(Stranger(answer)).renew()
    assert words in str(caught.value)
    assert "refresh-1" not in str(caught.value)
    with pytest.raises(Refused, match="authorise it again"):
        await shop(Stranger(answer), replace(JD, token=None)).renew()


def test_jd_sends_no_webhooks_and_its_row_is_complete() -> None:
    assert registry.missing(JD) == []
    assert None not in (registry.pull_rules(JD), registry.case_rules(JD), registry.roll_rules(JD))
    with pytest.raises(BadInput, match="jd sends no webhooks"):
        registry.inbound(JD)
