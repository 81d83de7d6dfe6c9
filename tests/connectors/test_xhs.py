"""Xiaohongshu: its signatures, pushes, calls, orders in fen, cases in yuan, errors (INT-1, INT-2, INT-13, INT-14).

Vectors: XHS-1 (published by an open client) and XHS-2 of the protocol facts; of pushes there is none.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.inbound import Outcome
from connectors.platforms import xhs_cases
from connectors.platforms.xhs_push import CASE_TAGS, ORDER_TAGS, XhsInbound
from connectors.platforms.xhs_sign import sign
from domain.after_sales import CaseKind
from domain.contacts import ContactForm
from domain.errors import Broken, Forged, OmsError, RateLimited, Refused, TokenRejected, Unavailable, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, CaseLineObserved, ChannelCaseState, ChannelStatus, OrderHinted
from domain.pulling import Window
from domain.shops import Token
from domain.stock_push import Level
from simulator.platforms import xhs_wire
from tests.connectors.worlds import NOW, Stranger, push
from tests.connectors.xhs_answers import (
    MILLIS,
    NO,
    OLD_SECRET,
    PERSONAL,
    SKU,
    XHS,
    asked,
    case,
    listed,
    message,
    nested,
    order,
    pushed,
    says,
    shop,
    sku,
)

S = ChannelCaseState
WINDOW = Window(NOW - timedelta(minutes=30), NOW)
VECTORS = [
    ("oauth.getAccessToken", "1.0", "15dd91e56a77df52c8a652a43a7c131e"),
    ("order.getOrderList", "2.0", "a486937afd8cac40a9791dcdc435e63f"),
]
STATUS = message("msg_fulfillment_status_change", {"orderId": NO, "orderStatus": 4, "updateTime": MILLIS})


@pytest.mark.parametrize(("method", "version", "wanted"), VECTORS, ids=["XHS-1", "XHS-2"])
def test_we_sign_as_published_and_a_flipped_bit_signs_otherwise(method: str, version: str, wanted: str) -> None:
    given = {"method": method, "appId": "test-app", "timestamp": "1700000000", "version": version}
    assert sign(method, "test-app", "1700000000", version, "secret-key") == wanted
    assert xhs_wire.sign(given, "secret-key") == wanted
    others = [
        sign(chr(ord(method[0]) ^ 1) + method[1:], "test-app", "1700000000", version, "secret-key"),
        sign(method, "test-apq", "1700000000", version, "secret-key"),
        sign(method, "test-app", "1700000001", version, "secret-key"),
        sign(method, "test-app", "1700000000", version + "0", "secret-key"),
        sign(method, "test-app", "1700000000", version, "secret-kez"),
    ]
    assert wanted not in others


async def test_what_is_sent_carries_signature_and_token_beside_the_question() -> None:
    stranger = Stranger(says(order()))
    seen, raw = await shop(stranger).read_order(NO)
    told, stamp = asked(stranger.asked[0]), str(MILLIS // 1000)
    assert told == {
        "appId": "test-app",
        "method": "order.getOrderDetail",
        "version": "2.0",
        "timestamp": stamp,
        "sign": sign("order.getOrderDetail", "test-app", stamp, "2.0", "secret-key"),
        "accessToken": "tok",
        "orderId": NO,
    }
    assert (seen.no, raw) == (NO, says(order()).content)


async def test_an_order_is_read_to_the_fen_with_its_hidden_receiver() -> None:
    seen, _ = await shop(Stranger(says(order()))).read_order(NO)
    money = (seen.goods_minor, seen.shop_discount_minor, seen.platform_discount_minor, seen.freight_minor)
    assert (*money, seen.total_minor, seen.paid_minor, seen.refunded_minor) == (31800, 2000, 500, 800, 30100, 30100, 0)
    assert (seen.placed_at, seen.paid_at) == (NOW - timedelta(seconds=60), NOW - timedelta(seconds=30))
    (line,) = seen.lines
    assert (line.line_no, line.sku, line.unit_minor, line.quantity, line.item_id) == (SKU, "TEE", 15900, 2, SKU)
    assert seen.contact.form is ContactForm.CIPHERTEXT
    assert (seen.contact.name, seen.contact.phone, seen.contact.address) == PERSONAL[:3]
    assert (seen.contact.province, seen.contact.handle, seen.contact.merge_key) == ("广东省", "address-1", "address-1")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"paidTime": 0, "orderStatus": 1}, {"paid_at": None, "paid_minor": 0, "raw_status": "1"}),
        ({"totalPayAmount": 29_300}, {"total_minor": 30_100}),
        ({"orderStatus": 8}, {"refunded_minor": 30_100, "raw_status": "8+paid"}),
        ({"orderStatus": 9, "paidTime": None}, {"refunded_minor": 0, "raw_status": "9"}),
        ({"orderStatus": 10}, {"raw_status": "10+paid"}),
        ({"orderStatus": 10, "deliveryTime": MILLIS}, {"raw_status": "10+shipped"}),
        ({"orderStatus": 10, "deliveryTime": MILLIS, "finishTime": MILLIS}, {"raw_status": "10+finished"}),
        ({"customerRemark": None}, {"remark": ""}),
    ],
)
async def test_oddities_of_an_order_are_read(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    seen, _ = await shop(Stranger(says(order(**changes)))).read_order(NO)
    assert {name: getattr(seen, name) for name in wanted} == wanted


async def test_lines_have_numbers_of_their_own_and_units_that_do_not_divide_add_up() -> None:
    lines = [
        sku(skuQuantity=3),
        sku(totalPaidAmount=0, totalMerchantDiscount=0, totalRedDiscount=0, skuQuantity=1),
        sku(skuId="b7", erpcode="", totalPaidAmount=0, totalMerchantDiscount=0, totalRedDiscount=0, skuQuantity=1),
    ]
    seen, _ = await shop(Stranger(says(order(skuList=[sku(skuQuantity=7), *lines[1:]])))).read_order(NO)
    assert [(one.line_no, one.sku) for one in seen.lines] == [(SKU, "TEE"), (f"{SKU}-2", "TEE"), ("b7", "xhs-sku:b7")]
    first = seen.lines[0]
    assert first.unit_minor * 7 - first.discount_minor == first.amount_minor == 31_800
    assert first.discount_minor == 1


ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (says(None, -429, "调用频率超过限制"), RateLimited, "-429"),
    (says(None, -1, "accessToken 已过期"), TokenRejected, "已过期"),
    (says(None, -1, "invalid accessToken tok"), TokenRejected, "***"),
    (says(None, -1, "系统繁忙，请稍后再试"), Unavailable, "系统繁忙"),
    (says(None, -2, "签名错误 secret-key"), Broken, "***"),
    (says(None, -3), Broken, "-3: no reason given"),
    (nested(None, -9, "不存在"), Broken, "-9: 不存在"),
    (nested(None, 5, "请求频繁"), RateLimited, "5: 请求频繁"),
    (httpx.Response(200, json={"success": "?"}), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (httpx.Response(404), Broken, "HTTP 404"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (says(None), Broken, "is not an object"),
    (says({}), Broken, "orderId is missing"),
    (says(order(orderId="P1")), Broken, f"another order than {NO}"),
    (says(order(totalPayAmount=1)), Broken, "totalPayAmount is 1, but goods 31800"),
    (says(order(totalPayAmount=-1)), Broken, "totalPayAmount is below 0"),
    (says(order(totalPayAmount=10**12)), Broken, "totalPayAmount is above"),
    (says(order(totalPayAmount="301.00")), Broken, "totalPayAmount"),
    (says(order(createdTime=0)), Broken, "createdTime is below"),
    (says(order(updateTime=1_795_354_200)), Broken, "updateTime is below"),
    (says(order(skuList=[])), Broken, "skuList has fewer than 1"),
    (says(order(skuList=[sku(skuQuantity=0)])), Broken, "skuQuantity is below 1"),
    (says(order(skuList=[sku(skuId="李小明")])), Broken, "skuId has characters"),
    (says(order(receiverPhone=["13812345678"])), Broken, "receiverPhone is not a text"),
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


async def test_codes_that_a_shop_has_met_are_settings() -> None:
    row = replace(XHS, params={"limit_codes": "-778", "token_codes": "-780"})
    for code, kind in ((-778, RateLimited), (-780, TokenRejected), (-781, Broken)):
        with pytest.raises(kind):
            await shop(Stranger(says(None, code, "x")), row).read_order(NO)


async def test_a_window_is_asked_for_by_change_in_seconds_or_as_the_shop_says() -> None:
    stranger = Stranger(listed(1, order()))
    page = await shop(stranger).pull(WINDOW, "")
    wanted = {
        "startTime": MILLIS // 1000 - 1800,
        "endTime": MILLIS // 1000,
        "timeType": 2,
        "pageNo": 1,
        "pageSize": 100,
    }
    told = asked(stranger.asked[0])
    assert {name: told[name] for name in wanted} == wanted
    hint = OrderHinted("xhs", "red1", NO, ChannelStatus.UNMAPPED, NOW - timedelta(seconds=20), "4")
    assert (page.observations, page.next_cursor) == ((hint,), "")
    await shop(stranger, replace(XHS, params={"list_time_unit": "millis"})).pull(WINDOW, "")
    assert asked(stranger.asked[1])["endTime"] == MILLIS
    with pytest.raises(Broken, match="list_time_unit is neither"):
        await shop(stranger, replace(XHS, params={"list_time_unit": "hours"})).pull(WINDOW, "")


async def test_pages_are_read_backwards_and_too_many_are_halved() -> None:
    assert (await shop(Stranger(listed(250))).pull(WINDOW, "")).next_cursor == "3"
    assert (await shop(Stranger(listed(250, order()))).pull(WINDOW, "3")).next_cursor == "2"
    assert (await shop(Stranger(listed(250, order()))).pull(WINDOW, "1")).next_cursor == ""
    assert (await shop(Stranger(listed(10_001))).pull(WINDOW, "")).overfull
    odd = listed(2, order(orderStatus=10), order(updateTime="x", orderStatus=0))
    exchange, timeless = (await shop(Stranger(odd)).pull(WINDOW, "")).observations
    assert isinstance(exchange, OrderHinted)
    assert exchange.raw_status == "", "an order of which an exchange is asked for stays what it was"
    assert timeless == OrderHinted("xhs", "red1", NO, ChannelStatus.UNMAPPED, NOW)
    for wrong in (listed(-1), listed("x"), listed(1, {"orderId": "李小明"}), listed(200, *[order()] * 101)):
        with pytest.raises(Broken) as caught:
            await shop(Stranger(wrong)).pull(WINDOW, "")
        assert "李小明" not in str(caught.value)
    with pytest.raises(Broken, match="begin the window anew"):
        await shop(Stranger(listed(1))).pull(WINDOW, "x")


async def test_the_roll_asks_by_the_moment_of_ordering() -> None:
    stranger = Stranger(listed(101, order()))
    roll = await registry.order_roll(XHS, stranger.client(), lambda: NOW).roll(WINDOW, "")
    assert asked(stranger.asked[0])["timeType"] == 1
    assert ([one.no for one in roll.rolled], roll.total, roll.next_cursor) == ([NO], 101, "2")
    assert roll.rolled[0].at == NOW - timedelta(seconds=60)


WHOLE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine(SKU, "TEE", 2),), True, "write_back:red1:1")
PART = replace(WHOLE, whole=False, lines=(*WHOLE.lines, ShippedLine(f"{SKU}-2", "TEE", 1), ShippedLine("b7", "X", 1)))
NO_MORE = says(None, -9, "订单已发货")


async def test_a_parcel_is_told_whole_or_by_its_skus() -> None:
    stranger = Stranger(says(""))
    await shop(stranger, replace(XHS, params={"carriers": "SF=shunfeng"})).write_back(WHOLE)
    told = asked(stranger.asked[0])
    wanted = {"method": "order.orderDeliver", "orderId": NO, "expressNo": "SF123", "expressCompanyCode": "shunfeng"}
    assert {name: told[name] for name in wanted} == wanted
    assert (told["unpack"], told["deliveringTime"], "skuIdList" in told) == (False, MILLIS, False)
    await shop(stranger).write_back(PART)
    told = asked(stranger.asked[1])
    assert (told["unpack"], told["skuIdList"], told["expressCompanyCode"]) == (True, [SKU, "b7"], "SF")
    await shop(stranger).write_back(replace(WHOLE, whole=False, again=(SKU,)))
    assert len(stranger.asked) == 2, "a line that was told of takes no second waybill"


async def test_a_refused_repeat_is_a_success_only_with_our_waybill() -> None:
    told = says(order(simpleDeliveryOrderList=[{"expressTrackingNo": "SF1"}, {"expressTrackingNo": "SF123"}]))
    await shop(Stranger(NO_MORE, told)).write_back(WHOLE)
    await shop(Stranger(NO_MORE, says(order(expressTrackingNo="SF123")))).write_back(WHOLE)
    with pytest.raises(Refused, match="订单已发货"):
        await shop(Stranger(NO_MORE, says(order(expressTrackingNo="SF1")))).write_back(WHOLE)
    with pytest.raises(Unavailable):
        await shop(Stranger(says(None, -1, "请稍后"))).write_back(WHOLE)
    with pytest.raises(Broken, match="carriers is not like"):
        await shop(Stranger(NO_MORE), replace(XHS, params={"carriers": "SF"})).write_back(WHOLE)


async def test_stock_and_promises() -> None:
    stranger = Stranger(says({}))
    assert await shop(stranger).push_stock((Level("TEE", SKU, "", 7),)) == {}
    told = asked(stranger.asked[0])
    assert (told["method"], told["skuId"], told["qty"]) == ("inventory.syncSkuStock", SKU, 7)
    with pytest.raises(Refused, match="SKU 不存在"):
        await shop(Stranger(says(None, -9, "SKU 不存在"))).push_stock((Level("TEE", SKU, "", 7),))
    with pytest.raises(Refused, match="no-way"):
        await shop(stranger).tell_promise(PromiseNotice(NO, NOW, "k"))


@pytest.mark.parametrize(("status", "state"), [one for one in xhs_cases.STATES.items() if one[0] != 4])
async def test_every_state_of_a_case_has_its_meaning(status: int, state: ChannelCaseState) -> None:
    seen, _ = await shop(Stranger(case(status))).read_case("R88")
    assert (seen.state, seen.raw_status, seen.case_kind) == (state, f"{status}/0", CaseKind.REFUND)
    assert (seen.no, seen.amount_minor, seen.vendor_time, seen.waybill_no) == (NO, 550, NOW, "SF9")
    assert seen.lines == (CaseLineObserved(SKU, 2),)


@pytest.mark.parametrize(
    ("kind", "refund", "meant", "state", "minor"),
    [
        (1, 2, CaseKind.RETURN, S.PAID, 540),
        (1, 1, CaseKind.RETURN, S.SENT, 550),
        (4, 2, CaseKind.REFUND, S.PAID, 540),
        (5, 0, CaseKind.REFUND, S.SENT, 550),
        (6, 2, CaseKind.PRICE, S.PAID, 540),
        (2, 0, CaseKind.EXCHANGE, S.CLOSED, 550),
    ],
)
async def test_a_done_case_is_paid_only_when_the_money_moved(
    kind: int, refund: int, meant: CaseKind, state: ChannelCaseState, minor: int
) -> None:
    seen, _ = await shop(Stranger(case(4, kind, refund))).read_case("R88")
    assert (seen.case_kind, seen.state, seen.amount_minor) == (meant, state, minor)


async def test_cases_are_hinted_at_in_milliseconds_and_what_nobody_knows_is_broken() -> None:
    row = {"returnsId": "R88", "orderId": NO, "status": 1, "updatedAt": MILLIS - 1000}
    stranger = Stranger(nested({"totalCount": 1, "afterSaleBasicInfos": [row]}))
    page = await shop(stranger).pull_cases(WINDOW, "")
    assert page.observations == (CaseHinted("xhs", "red1", "R88", NO, NOW - timedelta(seconds=1), "1"),)
    told = asked(stranger.asked[0])
    assert (told["startTime"], told["endTime"], told["timeType"]) == (MILLIS - 1_800_000, MILLIS, 2)
    assert (await shop(Stranger(nested({"totalCount": 120}))).pull_cases(WINDOW, "")).next_cursor == "3"
    assert (await shop(Stranger(nested({"totalCount": 50_001}))).pull_cases(WINDOW, "")).overfull
    for answer, words in ((case(99), "status 99"), (case(1, 9), "returnType 9")):
        with pytest.raises(Broken, match=words):
            await shop(Stranger(answer)).read_case("R88")
    with pytest.raises(Broken, match="another case than R89"):
        await shop(Stranger(case())).read_case("R89")
    with pytest.raises(Broken, match="expectedRefundAmountYuan is not an amount in yuan"):
        await shop(Stranger(case(expectedRefundAmountYuan="1e3"))).read_case("R88")


async def test_a_token_is_renewed_without_the_old_one() -> None:
    new = {"accessToken": "tok-2", "refreshToken": "refresh-2", "accessTokenExpiresAt": MILLIS + 86_400_000}
    stranger = Stranger(says(new))
    assert await shop(stranger).renew() == Token("tok-2", "refresh-2", NOW + timedelta(days=1), 4)
    told = asked(stranger.asked[0])
    assert (told["method"], told["refreshToken"], "accessToken" in told) == ("oauth.refreshToken", "refresh-1", False)
    seconds = says({**new, "accessTokenExpiresAt": MILLIS // 1000 + 60})
    assert (await shop(Stranger(seconds)).renew()).expires_at == NOW + timedelta(seconds=60)
    for answer in (says(None, -9, "refresh-1 已使用"), says(None, -9, "refreshToken 已过期")):
        with pytest.raises(Refused) as caught:
            await shop(Stranger(answer)).renew()
        assert "refresh-1" not in str(caught.value)
    with pytest.raises(Broken, match="accessToken is missing"):
        await shop(Stranger(says({}))).renew()
    with pytest.raises(Refused, match="authorise it again"):
        await shop(stranger, replace(XHS, token=None)).renew()


@pytest.mark.parametrize("secret", ["secret-key", OLD_SECRET])
def test_a_signed_push_is_a_hint(secret: str) -> None:
    """INT-14: the key before counts while they rotate."""
    receiver = XhsInbound(XHS)
    receiver.verify(pushed([STATUS], secret))
    told = receiver.parse(pushed([STATUS], secret))
    assert told.observations == (OrderHinted("xhs", "red1", NO, ChannelStatus.UNMAPPED, NOW, "4"),)
    assert told.key == receiver.parse(pushed([STATUS])).key
    assert told.key != receiver.parse(pushed([STATUS, STATUS])).key


def test_a_push_that_is_not_theirs_is_refused() -> None:
    good = pushed([STATUS])
    flipped = {**good.headers, "sign": ("1" if good.headers["sign"][0] == "0" else "0") + good.headers["sign"][1:]}
    for arrived in (
        replace(good, headers=flipped),
        replace(good, headers={}),
        replace(good, query={"a": "1"}),
        replace(good, headers={**good.headers, "app-key": "another"}),
        replace(good, headers={**good.headers, "timestamp": str(MILLIS // 1000 + 1)}),
        pushed([STATUS], "another"),
        pushed([STATUS], stamp=MILLIS // 1000 - 3600),
        pushed([STATUS], path="/in/xhs/other"),
    ):
        with pytest.raises(Forged):
            XhsInbound(XHS).verify(arrived)
    behind = replace(XHS, params={"push_path": "/hooks/red"})
    XhsInbound(behind).verify(pushed([STATUS], path="/hooks/red"))
    XhsInbound(XHS).verify(pushed([STATUS], stamp=MILLIS))


def test_without_signatures_a_push_has_to_name_the_shop() -> None:
    unsigned = replace(XHS, params={"push_sign": "off", "seller_id": "seller-1"})
    XhsInbound(unsigned).verify(push(json.dumps([STATUS]).encode()))
    for row, body in (
        (unsigned, [{**STATUS, "sellerId": "another"}]),
        (unsigned, {}),
        (replace(XHS, params={"push_sign": "off"}), [STATUS]),
    ):
        with pytest.raises(Forged):
            XhsInbound(row).verify(push(json.dumps(body).encode()))


def test_every_tag_has_its_hint_and_others_are_kept() -> None:
    receiver = XhsInbound(XHS)
    for tag in ORDER_TAGS:
        (hint,) = receiver.parse(pushed([message(tag, {"orderId": NO, "orderStatus": 10})])).observations
        edit = "remark" in tag  # words alone: it goes last (INT-5)
        assert hint == OrderHinted("xhs", "red1", NO, ChannelStatus.UNMAPPED, NOW, edit=edit)
    for tag in CASE_TAGS:
        told = receiver.parse(pushed([message(tag, {"orderId": NO, "returnsId": "R88"})])).observations
        assert told == (
            OrderHinted("xhs", "red1", NO, ChannelStatus.UNMAPPED, NOW),
            CaseHinted("xhs", "red1", "R88", NO, NOW),
        )
    assert receiver.parse(pushed([message("msg_item_audit_reject", "?")])).observations == ()
    assert json.loads(receiver.answer(Outcome.DUPLICATE, "", NOW).body)["success"] is True
    assert receiver.answer(Outcome.UNPARSABLE, "x", NOW).status == 200
    assert receiver.answer(Outcome.FORGED, "x", NOW).status == 401


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([message("msg_fulfillment_status_change", {})], r"\[0\].data: orderId is missing"),
        ([STATUS, message("msg_after_sale_create", {"orderId": NO})], r"\[1\].data: returnsId is missing"),
        ([message("msg_fulfillment_status_change", "{")], r"\[0\].data: the body is not JSON"),
        ([message("msg_fulfillment_status_change", {}, "another")], r"\[0\].sellerId is not the seller_id"),
        ([], "has fewer than 1"),
        ({}, "is not a list"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 1_100_000, "larger than"),
    ],
)
def test_a_push_that_cannot_be_read_names_the_field(told: object, words: str) -> None:
    with pytest.raises(Unparsable, match=words):
        XhsInbound(XHS).parse(pushed(told))
