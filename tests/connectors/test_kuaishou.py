"""Kuaishou: its signatures and sealed pushes, its calls, orders, cases and errors (INT-1, INT-2, INT-14).

Vectors: KS-HMAC, KS-MD5 and KS-PUSH of the protocol facts.
"""

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.inbound import Outcome, Push
from connectors.platforms import kuaishou_cases
from connectors.platforms.kuaishou_push import EVENTS, KuaishouInbound
from connectors.platforms.kuaishou_sign import opened, sign
from domain.after_sales import CaseKind
from domain.contacts import ContactForm
from domain.errors import Broken, Forged, OmsError, RateLimited, Refused, TokenRejected, Unavailable, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, ChannelCaseState, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Window
from domain.shops import Token
from domain.stock_push import Level
from simulator.platforms import kuaishou_wire
from tests.connectors.kuaishou_answers import (
    KUAISHOU,
    MILLIS,
    MSG_SECRET,
    NO,
    OLD_SECRET,
    PERSONAL,
    asked,
    case,
    event,
    item,
    listed,
    order,
    pushed,
    says,
    shop,
)
from tests.connectors.worlds import NOW, Stranger, push

S = ChannelCaseState
WINDOW = Window(NOW - timedelta(hours=1), NOW)
PARAMS = {
    "appkey": "ks123",
    "method": "open.order.cursor.list",
    "access_token": "tok",
    "version": "1",
    "timestamp": "1700000000000",
    "param": '{"orderViewStatus":1,"pageSize":50,"sort":1,"queryType":2,"beginTime":1699990000000,'
    '"endTime":1700000000000,"cpsType":0,"cursor":""}',
}
VECTORS = [
    ("HMAC_SHA256", "oycqk5vMLVa7RyOTsn/qoB8SS0wzSwALQ3PPWoIm5rY="),
    ("MD5", "c26b7e6aa82ba147bfebf31c1031e4c9"),
]
PUSH = (
    b"NDyh7Jj8WuRFJxFbufAX4e3pgq4A5j97N1Y/4CzFnFmBT7dC5PUH/vGZh/vFAnHlg5bcAuTKA3lFjMjaJCqP0BDrsN2tQ2tvtOy5BmFLA1rMfKBP"
    b"xNqNXeJOssEsDVYRjbBjNLQBqriKAoaDoZkA6lf+/mS7afmSGHbNdhek9phM4aQbtjL6Qv6S8NNUikQF"
)
PLAIN = (
    b'{"eventId":"e1","bizId":1,"userId":123,"openId":"o","appKey":"ks123","event":"kwaishop_order_paySuccess",'
    b'"info":"{\\"oid\\":2111111111111111}"}'
)


@pytest.mark.parametrize(("method", "wanted"), VECTORS, ids=["KS-HMAC", "KS-MD5"])
def test_we_sign_as_published_and_a_flipped_bit_signs_otherwise(method: str, wanted: str) -> None:
    params = {**PARAMS, "signMethod": method}
    assert sign(params, "ssec") == kuaishou_wire.sign(params, "ssec") == wanted
    for name, value in PARAMS.items():
        assert sign({**params, name: chr(ord(value[0]) ^ 1) + value[1:]}, "ssec") != wanted
    assert sign(params, "ssed") != wanted


def test_a_push_opens_as_published_and_we_seal_it_alike() -> None:
    """KS-PUSH, both ways."""
    assert opened(PUSH, MSG_SECRET) == PLAIN
    assert kuaishou_wire.seal(PLAIN, MSG_SECRET) == PUSH
    receiver = KuaishouInbound(KUAISHOU)
    receiver.verify(push(PUSH))
    told = receiver.parse(push(PUSH))
    assert told.key == "e1"
    assert told.observations == (OrderHinted("kuaishou", "ks1", NO, ChannelStatus.PAID, NOW),)


def _received(arrived: Push) -> None:
    KuaishouInbound(KUAISHOU).verify(arrived)
    KuaishouInbound(KUAISHOU).parse(arrived)


def test_a_push_with_any_flipped_bit_is_refused_or_unreadable() -> None:
    sealed = bytearray(base64.b64decode(PUSH))
    for place in range(0, len(sealed), 5):
        flipped = bytearray(sealed)
        flipped[place] ^= 1
        arrived = push(base64.b64encode(bytes(flipped)))
        with pytest.raises((Forged, Unparsable)):
            _received(arrived)


def test_the_secret_before_counts_while_they_rotate_and_no_other() -> None:
    """INT-14."""
    KuaishouInbound(KUAISHOU).verify(pushed(event("x", {}), OLD_SECRET))
    for arrived in (
        pushed(event("x", {}), "c29tZWJvZHkgZWxzZSBpcw=="),
        pushed(event("x", {}, appKey="another")),
        pushed(b"[]"),
        pushed(b"not json"),
        push(b""),
        push(b"%%%"),
        push(b"YWJj"),
    ):
        with pytest.raises(Forged):
            KuaishouInbound(KUAISHOU).verify(arrived)
    with pytest.raises(Forged):
        KuaishouInbound(replace(KUAISHOU, sealed={})).verify(push(PUSH))
    for deep in (push(b"A" * 1_100_000), pushed(b"[" * 50_000)):
        with pytest.raises(Forged):
            KuaishouInbound(KUAISHOU).verify(deep)
    with pytest.raises(Unparsable, match="larger than"):
        KuaishouInbound(KUAISHOU).parse(push(b"A" * 1_100_000))


@pytest.mark.parametrize(("name", "status"), EVENTS.items())
def test_every_event_of_an_order_is_a_hint(name: str, status: ChannelStatus) -> None:
    info = {"oid": int(NO), "status": 40, "updateTime": MILLIS - 60_000}
    told = KuaishouInbound(KUAISHOU).parse(pushed(event(name, info, updateTime=MILLIS - 60_000)))
    assert told.observations == (OrderHinted("kuaishou", "ks1", NO, status, NOW, "40"),)


def test_a_case_is_hinted_at_with_its_order_and_others_are_kept() -> None:
    info = {"orderId": int(NO), "refundId": 88, "status": 10}
    told = KuaishouInbound(KUAISHOU).parse(pushed(event("kwaishop_aftersales_updateRefund", info)))
    assert told.observations == (
        OrderHinted("kuaishou", "ks1", NO, ChannelStatus.UNMAPPED, NOW),
        CaseHinted("kuaishou", "ks1", "88", NO, NOW, "10"),
    )
    for other in (event("kwaishop_item_x", "?"), event("kwaishop_order_addNote", "", test=True)):
        assert KuaishouInbound(KUAISHOU).parse(pushed(other)).observations == ()
    late = event("kwaishop_order_addNote", {"oid": NO}, updateTime=MILLIS + 30_000)
    (hint,) = KuaishouInbound(KUAISHOU).parse(pushed(late)).observations
    assert isinstance(hint, OrderHinted)
    assert hint.vendor_time == NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (event("kwaishop_order_paySuccess", {}), "info: oid is missing"),
        (event("kwaishop_order_paySuccess", {"oid": "李小明"}), "info: oid has characters"),
        (event("kwaishop_order_paySuccess", "{"), "info: the body is not JSON"),
        (event("kwaishop_aftersales_addRefund", {"orderId": 1}), "info: refundId is missing"),
        (event("", {}), "event is empty"),
    ],
)
def test_a_push_that_cannot_be_read_names_the_field(told: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparsable, match=words) as caught:
        KuaishouInbound(KUAISHOU).parse(pushed(told))
    assert "李小明" not in str(caught.value)


def test_pushes_without_an_id_are_told_apart_and_answered_in_their_words() -> None:
    receiver = KuaishouInbound(KUAISHOU)
    first, second = (receiver.parse(pushed(event("x", {}, eventId="", msgId=one))).key for one in "ab")
    assert first != second
    assert json.loads(receiver.answer(Outcome.DUPLICATE, "", NOW).body) == {"result": 1}
    assert receiver.answer(Outcome.UNPARSABLE, "x", NOW).status == 200
    assert receiver.answer(Outcome.FORGED, "x", NOW).status == 401


async def test_what_is_sent_is_what_is_signed() -> None:
    stranger = Stranger(says(order()))
    await shop(stranger).read_order(NO)
    request = stranger.asked[0]
    form, params = asked(request)
    assert (request.method, request.url.path, params) == ("GET", "/open/order/detail", {"oid": int(NO)})
    assert form["timestamp"] == str(MILLIS)
    signed = {name: value for name, value in form.items() if name != "sign"}
    assert sign(signed, "ssec") == form["sign"]
    md5 = replace(KUAISHOU, params={"sign_method": "MD5"})
    await shop(stranger, md5).read_order(NO)
    assert len(asked(stranger.asked[1])[0]["sign"]) == 32
    with pytest.raises(Broken, match="sign_method is none of"):
        await shop(stranger, replace(KUAISHOU, params={"sign_method": "sha1"})).read_order(NO)


async def test_an_order_is_read_to_the_fen_with_its_hidden_receiver() -> None:
    seen, raw = await shop(Stranger(says(order()))).read_order(NO)
    assert (seen.no, seen.raw_status, seen.status, raw) == (NO, "30", ChannelStatus.UNMAPPED, says(order()).content)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert (*money, seen.total_minor, seen.paid_minor, seen.refunded_minor) == (31800, 2000, 0, 800, 30600, 30600, 0)
    assert (seen.placed_at, seen.paid_at) == (NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))
    (line,) = seen.lines
    assert (line.line_no, line.sku, line.quantity, line.item_id, line.variant_id) == ("77", "TEE", 2, "500", "10001")
    assert seen.contact.form is ContactForm.CIPHERTEXT
    assert (seen.contact.name, seen.contact.phone, seen.contact.address) == PERSONAL[:3]
    assert (seen.contact.province, seen.contact.merge_key) == ("广东省", "address-1")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"payTime": 0, "status": 10}, {"paid_at": None, "paid_minor": 0, "raw_status": "10"}),
        ({"payTime": None}, {"paid_at": None}),
        ({"totalFee": 31_800}, {"total_minor": 30_600}),
        ({"totalFee": 30_600}, {"total_minor": 30_600}),
        ({"status": 80}, {"refunded_minor": 30_600, "raw_status": "80+paid"}),
        ({"status": 80, "payTime": 0}, {"refunded_minor": 0, "raw_status": "80"}),
        ({"disableDeliveryReasonCode": [3]}, {"raw_status": "30+disabled"}),
        ({"disableDeliveryReasonCode": [3], "status": 40}, {"raw_status": "40"}),
    ],
)
async def test_oddities_of_an_order_are_read(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    seen, _ = await shop(Stranger(says(order(**changes)))).read_order(NO)
    assert {name: getattr(seen, name) for name in wanted} == wanted


def other_item(**changes: Any) -> httpx.Response:
    return says({**order(), "orderItemInfo": item(**changes)})


ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (says(None, 804, "接口调用频繁"), RateLimited, "804: 接口调用频繁"),
    (says(None, 28, "access_token已过期"), TokenRejected, "28"),
    (says(None, 28, "invalid access_token tok"), TokenRejected, "***"),
    (says(None, 1, ""), Broken, "is not an object"),
    (says(None, 99, "系统繁忙"), Unavailable, "系统繁忙"),
    (says(None, 802, "订单不存在"), Broken, "802: 订单不存在"),
    (says(None, 802, "请联系 13812345678"), Broken, "***"),
    (httpx.Response(200, json={"result": "x"}), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (httpx.Response(404), Broken, "HTTP 404"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (says({}), Broken, "orderBaseInfo is missing"),
    (says(order(oid=1)), Broken, f"another order than {NO}"),
    (says(order(totalFee=1)), Broken, "totalFee is 1, which no way of adding up explains"),
    (says(order(totalFee=-1)), Broken, "totalFee is below 0"),
    (says(order(totalFee=10**12)), Broken, "totalFee is above"),
    (says(order(totalFee=1.5)), Broken, "totalFee has decimals"),
    (says(order(createTime=0)), Broken, "createTime is below"),
    (says(order(createTime=1_795_354_200)), Broken, "createTime is below"),
    (says(order(updateTime="李小明")), Broken, "updateTime is not accepted"),
    (other_item(num=0), Broken, "num is below 1"),
    (other_item(orderItemId=...), Broken, "orderItemId is missing"),
    (other_item(skuNick="", skuId=...), Broken, "no usable skuNick, goodsCode or skuId"),
    (says({**order(), "orderAddress": {"encryptedMobile": ["13812345678"]}}), Broken, "encryptedMobile is not a text"),
]


@pytest.mark.parametrize(("answer", "kind", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, kind: type[OmsError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        await shop(Stranger(answer)).read_order(NO)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert not [one for one in (*PERSONAL, "李小明", "13812345678") if one in str(caught.value)]


async def test_results_that_a_shop_has_met_are_settings() -> None:
    row = replace(KUAISHOU, params={"limit_codes": "778", "token_codes": "780"})
    for code, kind in ((778, RateLimited), (780, TokenRejected), (781, Broken)):
        with pytest.raises(kind):
            await shop(Stranger(says(None, code, "x")), row).read_order(NO)


async def test_a_window_is_read_by_the_platforms_cursor_to_its_end() -> None:
    stranger = Stranger(listed("c1", order()), listed("nomore", order(oid=2)))
    page = await shop(stranger).pull(WINDOW, "")
    assert (len(page.observations), page.next_cursor) == (1, "c1")
    page = await shop(stranger).pull(WINDOW, "c1")
    assert page.next_cursor == ""
    form, params = asked(stranger.asked[0])
    assert form["method"] == "open.order.cursor.list"
    assert (params["beginTime"], params["endTime"], params["queryType"]) == (MILLIS - 3_600_000, MILLIS, 2)
    assert (params["pageSize"], params["cursor"], asked(stranger.asked[1])[1]["cursor"]) == (50, "", "c1")
    with pytest.raises(Broken, match="same page again"):
        await shop(Stranger(listed("c1"))).pull(WINDOW, "c1")


async def test_a_row_that_nobody_can_read_is_asked_for_alone_and_stops_no_other() -> None:
    answer = listed("nomore", order(oid=1), order(oid=2, totalFee=1), order(oid=3, updateTime="x"))
    good, bad, timeless = (await shop(Stranger(answer)).pull(WINDOW, "")).observations
    assert isinstance(good, OrderObserved)
    assert bad == OrderHinted("kuaishou", "ks1", "2", ChannelStatus.UNMAPPED, NOW - timedelta(seconds=20))
    assert timeless == OrderHinted("kuaishou", "ks1", "3", ChannelStatus.UNMAPPED, NOW)
    for wrong in (
        listed("x" * 300),
        listed("nomore", {"orderBaseInfo": {"oid": "李小明"}}),
        listed("c", *[order()] * 51),
    ):
        with pytest.raises(Broken) as caught:
            await shop(Stranger(wrong)).pull(WINDOW, "")
        assert "李小明" not in str(caught.value)


async def test_the_roll_asks_by_the_moment_of_ordering() -> None:
    stranger = Stranger(listed("c1", order()))
    roll = await registry.order_roll(KUAISHOU, stranger.client(), lambda: NOW).roll(WINDOW, "")
    assert asked(stranger.asked[0])[1]["queryType"] == 1
    assert ([one.no for one in roll.rolled], roll.total, roll.next_cursor) == ([NO], None, "c1")
    assert roll.rolled[0].at == NOW - timedelta(seconds=60)


WHOLE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine("77", "TEE", 2),), True, "write_back:ks1:1")
NO_MORE = says(None, 802, "订单已发货")


def sent(*waybills: str) -> httpx.Response:
    return says({**order(), "orderLogisticsInfo": [{"expressNo": one, "expressCode": 4} for one in waybills]})


async def test_a_parcel_is_told_with_the_carriers_number_and_a_repeat_is_a_success() -> None:
    stranger = Stranger(says(None))
    await shop(stranger).write_back(WHOLE)
    form, params = asked(stranger.asked[0])
    assert (stranger.asked[0].method, form["method"]) == ("POST", "open.seller.order.goods.deliver")
    assert params == {"expressNo": "SF123", "expressCode": 4, "orderId": int(NO)}
    await shop(Stranger(NO_MORE, sent("SF123"))).write_back(WHOLE)
    await shop(Stranger(NO_MORE, sent("SF1"))).write_back(replace(WHOLE, whole=False))
    for notice, answer in ((WHOLE, sent("SF1")), (WHOLE, sent()), (replace(WHOLE, whole=False), sent())):
        with pytest.raises(Refused, match="订单已发货"):
            await shop(Stranger(NO_MORE, answer)).write_back(notice)
    with pytest.raises(Refused, match="set carriers of ks1"):
        await shop(stranger).write_back(replace(WHOLE, carrier="YTO"))
    with pytest.raises(Broken, match="carriers is not like"):
        await shop(stranger, replace(KUAISHOU, params={"carriers": "SF"})).write_back(WHOLE)


async def test_what_the_platform_has_no_way_for_is_refused() -> None:
    stranger = Stranger(says(None))
    with pytest.raises(Refused, match="no-way"):
        await shop(stranger).tell_promise(PromiseNotice(NO, NOW, "k"))
    with pytest.raises(Refused, match="no absolute quantities"):
        await shop(stranger).push_stock((Level("TEE", "500", "10001", 1),))
    assert stranger.asked == []
    assert not registry.takes_stock("kuaishou", [])


@pytest.mark.parametrize(("status", "state"), kuaishou_cases.STATES.items())
async def test_every_state_of_a_case_has_its_meaning(status: int, state: ChannelCaseState) -> None:
    seen, _ = await shop(Stranger(says(case(status)))).read_case("88")
    assert (seen.state, seen.raw_status, seen.case_kind) == (state, str(status), CaseKind.REFUND)
    assert (seen.case_no, seen.no, seen.amount_minor, seen.vendor_time) == ("88", NO, 500, NOW)


@pytest.mark.parametrize(
    ("changes", "kind", "state"),
    [
        ({"way": 1}, CaseKind.RETURN, S.PAID),
        ({"way": 3}, CaseKind.EXCHANGE, S.CLOSED),
        ({"way": 4}, CaseKind.RESHIP, S.CLOSED),
        ({"way": 10, "specialRefundType": 1}, CaseKind.PRICE, S.PAID),
    ],
)
async def test_every_kind_of_case_has_its_meaning(
    changes: dict[str, Any], kind: CaseKind, state: ChannelCaseState
) -> None:
    seen, _ = await shop(Stranger(says(case(60, **changes)))).read_case("88")
    assert (seen.case_kind, seen.state) == (kind, state)


async def test_a_page_of_cases_reads_what_it_can_and_asks_for_the_rest_alone() -> None:
    stranger = Stranger(says({"pcursor": "nomore", "refundOrderInfoList": [case(), case(99)]}))
    page = await shop(stranger).pull_cases(WINDOW, "")
    read, unknown = page.observations
    assert (read.kind, page.next_cursor) == ("case", "")
    assert unknown == CaseHinted("kuaishou", "ks1", "88", NO, NOW)
    asking = asked(stranger.asked[0])[1]
    assert (asking["queryType"], asking["type"], asking["endTime"]) == (2, 9, MILLIS)
    for row, words in ((case(99), "status 99"), (case(10, 5), "handlingWay 5")):
        with pytest.raises(Broken, match=words):
            await shop(Stranger(says(row))).read_case("88")
    with pytest.raises(Broken, match="another case than 89"):
        await shop(Stranger(says(case()))).read_case("89")


async def test_a_token_is_renewed_with_the_applications_own_secret() -> None:
    new = {"result": 1, "access_token": "tok-2", "refresh_token": "refresh-2", "expires_in": 172800}
    stranger = Stranger(httpx.Response(200, json=new))
    assert await shop(stranger).renew() == Token("tok-2", "refresh-2", NOW + timedelta(days=2), 4)
    assert stranger.asked[0].url.path == "/oauth2/refresh_token"
    wanted = {"app_id": "ks123", "app_secret": "the-apps-own", "grant_type": "refresh_token"}
    assert dict(stranger.asked[0].url.params) == {**wanted, "refresh_token": "refresh-1"}
    used = {"result": 100, "error_msg": "refresh-1 the-apps-own was used"}
    with pytest.raises(Refused, match=r"refused \(100\): \*\*\* \*\*\* was used"):
        await shop(Stranger(httpx.Response(200, json=used))).renew()
    with pytest.raises(Broken, match="access_token is missing"):
        await shop(Stranger(httpx.Response(200, json={"result": 1}))).renew()
    with pytest.raises(Broken, match="no app_secret"):
        await shop(stranger, replace(KUAISHOU, sealed={})).renew()
    with pytest.raises(Refused, match="authorise it again"):
        await shop(stranger, replace(KUAISHOU, token=None)).renew()


def test_its_row_is_complete_with_three_secrets() -> None:
    assert registry.missing(KUAISHOU) == []
    lacking = [one.split(":")[0] for one in registry.missing(replace(KUAISHOU, sealed={}))]
    assert lacking == ["app_secret", "msg_secret"]
