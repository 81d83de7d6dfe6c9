"""Our calls to a Qimen warehouse: what is sent, and what its answers mean."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from connectors import rates
from connectors.top_sign import sign
from connectors.warehouses.qimen import QimenWarehouse
from domain.contacts import ContactForm
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.observations import Package, PackedItem
from domain.shops import Shop
from tests.connectors.worlds import NOW, ORDER, QIMEN, RECEIVER, Stranger, clock

CENT = Decimal("0.01")
OK = "<response><flag>success</flag><code>0</code><message/><deliveryOrderId>W77</deliveryOrderId></response>"


def says(text: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "text/xml;charset=utf-8"}, content=text.encode())


def no(code: str, message: str) -> httpx.Response:
    flag = "<flag>failure</flag>"
    return says(f"<response>{flag}<code>{code}</code><message>{message}</message></response>")


def fault(code: str, msg: str, sub_code: str = "") -> httpx.Response:
    subs = f"<sub_code>{sub_code}</sub_code><sub_msg/>" if sub_code else ""
    return says(f"<error_response><code>{code}</code><msg>{msg}</msg>{subs}</error_response>")


def found(status: str, more: str = "", number: str = ORDER.no) -> httpx.Response:
    code = f"<deliveryOrderCode>{number}</deliveryOrderCode><deliveryOrderId>W77</deliveryOrderId>"
    head = f"<deliveryOrder>{code}<status>{status}</status></deliveryOrder>"
    return says(f"<response><flag>success</flag>{head}{more}</response>")


def wms(stranger: Stranger, shop: Shop = QIMEN) -> QimenWarehouse:
    return QimenWarehouse(shop, stranger.client(), clock)


def sent(stranger: Stranger, index: int = 0) -> tuple[dict[str, str], Element]:
    request = stranger.asked[index]
    query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
    root: Element = fromstring(request.content)
    return query, root


async def test_create_says_every_field_of_the_order() -> None:
    stranger = Stranger(says(OK))
    assert await wms(stranger).create(ORDER) == "W77"
    _, root = sent(stranger)
    head = {node.tag: node.text for node in root.findall("deliveryOrder/*") if not len(node)}
    assert root.tag == "request"
    assert head == {
        "deliveryOrderCode": "F2611220001",
        "orderType": "JYCK",
        "warehouseCode": "GZ01",
        "sourcePlatformCode": "OTHER",
        "createTime": "2026-11-22 21:02:03",
        "placeOrderTime": "2026-11-22 21:00:00",
        "payTime": "2026-11-22 21:01:02",
        "operateTime": "2026-11-22 21:02:03",
        "shopNick": "mall",
        "totalAmount": "316.05",
        "itemAmount": "328.05",
        "discountAmount": "20.00",
        "freight": "8.00",
        "arAmount": "0.00",
        "gotAmount": "316.05",
        "logisticsCode": "SF",
        "remark": "请放前台 <门口>",
    }
    assert {node.tag: node.text for node in root.findall("deliveryOrder/senderInfo/*")} == {
        "name": "广州仓",
        "mobile": "13900000001",
        "province": "广东省",
        "city": "广州市",
        "area": "白云区",
        "detailAddress": "物流路 1 号",
    }
    assert {node.tag: node.text for node in root.findall("deliveryOrder/receiverInfo/*")} == {
        "name": "李<小>明 & Co",
        "mobile": "13812345678",
        "province": "广东省",
        "city": "深圳市",
        "area": "南山区",
        "detailAddress": '科技园 "A" 座 3 楼',
    }


async def test_create_says_every_line() -> None:
    stranger = Stranger(says(OK))
    await wms(stranger).create(ORDER)
    _, root = sent(stranger)
    lines = [{n.tag: n.text for n in line} for line in root.findall("orderLines/orderLine")]
    assert lines[0] == {
        "orderLineNo": "1",
        "sourceOrderCode": "D2611220001",
        "ownerCode": "OWN1",
        "itemCode": "TEE-WHITE-M",
        "itemName": "纯棉圆领短袖 白 M",
        "inventoryType": "ZP",
        "planQty": "2",
        "retailPrice": "159.00",
        "actualPrice": "159.00",
        "discountAmount": "0.00",
    }
    assert (lines[1]["actualPrice"], lines[1]["retailPrice"], lines[1]["discountAmount"]) == (
        "3.35",
        "4.00",
        "1.95",
    )


async def test_the_amounts_add_up_as_the_standard_demands() -> None:
    stranger = Stranger(says(OK))
    await wms(stranger).create(ORDER)
    head = sent(stranger)[1].find("deliveryOrder")
    assert head is not None
    amount = {node.tag: Decimal(node.text or "0") for node in head if "mount" in node.tag or node.tag == "freight"}
    assert amount["totalAmount"] == amount["arAmount"] + amount["gotAmount"]
    assert amount["totalAmount"] == amount["itemAmount"] - amount["discountAmount"] + amount["freight"]


async def test_a_hidden_receiver_travels_by_handle() -> None:
    stranger = Stranger(says(OK))
    hidden = replace(RECEIVER, form=ContactForm.MASKED, name="李**", phone="138****5678", handle="oaid-9")
    await wms(stranger).create(replace(ORDER, receiver=hidden, channel="tmall"))
    _, root = sent(stranger)
    assert root.findtext("deliveryOrder/receiverInfo/oaid") == "oaid-9"
    assert root.findtext("deliveryOrder/oaidOrderSourceCode") == "D2611220001"
    assert root.findtext("deliveryOrder/sourcePlatformCode") == "TM"


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
async def test_the_exact_bytes_sent_are_signed(method: str) -> None:
    shop = replace(QIMEN, params={**QIMEN.params, "sign_method": method})
    stranger = Stranger(says(OK))
    await wms(stranger, shop).create(ORDER)
    query, _ = sent(stranger)
    assert query["sign"] == sign(query, stranger.asked[0].content, "test")
    assert {name: query[name] for name in ("method", "timestamp", "format", "app_key", "v", "customerId")} == {
        "method": "taobao.qimen.deliveryorder.create",
        "timestamp": "2026-11-22 21:30:00",
        "format": "xml",
        "app_key": "testerp_appkey",
        "v": "2.0",
        "customerId": "stub-cust-code",
    }
    assert stranger.asked[0].headers["content-type"] == "text/xml;charset=utf-8"


async def test_a_repeat_is_the_same_message_and_a_success() -> None:
    stranger = Stranger(says(OK))
    assert [await wms(stranger).create(ORDER) for _ in range(2)] == ["W77", "W77"]
    assert stranger.asked[0].content == stranger.asked[1].content


async def test_a_partner_that_refuses_a_repeat_is_believed_when_it_shows_the_order() -> None:
    assert await wms(Stranger(no("E1", "单号重复"), found("ACCEPT"))).create(ORDER) == "W77"


@pytest.mark.parametrize("second", [no("E404", "无此单"), found("CANCELED")])
async def test_a_duplicate_that_is_not_our_order_stays_refused(second: httpx.Response) -> None:
    with pytest.raises(Refused, match="商品编码重复"):
        await wms(Stranger(no("E1", "商品编码重复"), second)).create(ORDER)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (no("STOCK", "库存不足"), Refused, "refused (STOCK): 库存不足"),
        (no("", ""), Refused, "refused (failure): no reason given"),
        (fault("50", "Remote service error", "isv.invalid-parameter"), Refused, "isv.invalid-parameter"),
        (fault("50", "Remote service error"), Unavailable, "50"),
        (fault("50", "x", "isp.top-remote-connection-timeout"), Unavailable, "isp.top-remote"),
        (fault("7", "App Call Limited", "accesscontrol.limited-by-app-access-count"), RateLimited, "limited"),
        (fault("15", "Remote service error", "isp.remote-service-error"), Unavailable, "isp.remote"),
        (fault("99", "what"), Broken, "99"),
        (says("<html>busy</html>"), Broken, "not its format"),
        (says("<response><flag>maybe</flag></response>"), Broken, "not its format"),
        (says("garbage"), Broken, "not its format"),
        (says('<!DOCTYPE a [<!ENTITY b "c">]><response><flag>success</flag></response>'), Broken, "format"),
        (says("", 404), Broken, "HTTP 404"),
        (says("", 302), Broken, "HTTP 302"),
        (httpx.Response(500), Unavailable, "HTTP 500"),
        (httpx.Response(429), Unavailable, "HTTP 429"),
        (httpx.ReadTimeout("x"), Unavailable, "in time"),
    ],
)
async def test_every_answer_has_one_of_three_words(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await wms(Stranger(answer)).create(ORDER)
    assert words in str(caught.value)


async def test_the_gateways_ban_says_how_long() -> None:
    ban = fault("7", "This ban will last for 12 more seconds", "accesscontrol.limited-by-app-access-count")
    with pytest.raises(Unavailable) as caught:
        await wms(Stranger(ban)).create(ORDER)
    assert caught.value.retry_after_seconds == 12


async def test_a_refusal_does_not_quote_the_receiver() -> None:
    told = f"收货人 李&lt;小&gt;明 &amp; Co 手机 {RECEIVER.phone} 或 13711112222 无效"
    with pytest.raises(Refused) as caught:
        await wms(Stranger(no("E2", told))).create(ORDER)
    assert str(caught.value) == "refused (E2): 收货人 *** 手机 *** 或 *** 无效"


@pytest.mark.parametrize(
    ("change", "error"),
    [({"currency": "USD"}, Refused), ({"total_minor": 1}, Broken)],
)
async def test_amounts_that_cannot_be_stated_are_not_sent(change: dict[str, Any], error: type[OmsError]) -> None:
    stranger = Stranger(says(OK))
    with pytest.raises(error):
        await wms(stranger).create(replace(ORDER, **change))
    assert not stranger.asked


async def test_an_order_in_another_currency_is_stated_at_the_shops_rate() -> None:
    """Each amount is rounded by itself, and the sums that the warehouse checks are added up anew."""
    stranger = Stranger(says(OK))
    priced = replace(QIMEN, params={**QIMEN.params, "rates": "JPY=0.05, USD=7.123"})
    await wms(stranger, priced).create(replace(ORDER, currency="USD"))
    _, root = sent(stranger)

    def stated(path: str) -> Decimal:
        return Decimal(root.findtext(path) or "0")

    head = "deliveryOrder/"
    built = stated(head + "itemAmount") - stated(head + "discountAmount") + stated(head + "freight")
    assert stated(head + "totalAmount") == stated(head + "gotAmount") == built
    assert stated(head + "itemAmount") == (Decimal(ORDER.goods_minor) / 100 * Decimal("7.123")).quantize(CENT)


def test_rates_that_cannot_be_read_are_named_before_they_are_kept() -> None:
    assert rates.faults(replace(QIMEN, params={"rates": "USD=7.1,EUR:7.8"})) == ["rates: 'EUR:7.8' is not like USD=7.1"]


async def test_a_missing_shop_setting_is_named() -> None:
    with pytest.raises(Broken, match=r"wms1 .* has no owner"):
        await wms(Stranger(says(OK)), replace(QIMEN, params={})).cancel("F1", "GZ01")


async def test_cancel_says_whether_it_was_in_time() -> None:
    stranger = Stranger(says(OK))
    assert await wms(stranger).cancel("F1", "GZ01")
    query, root = sent(stranger)
    assert query["method"] == "taobao.qimen.order.cancel"
    assert {n.tag: n.text for n in root} == {
        "warehouseCode": "GZ01",
        "ownerCode": "OWN1",
        "orderCode": "F1",
        "orderType": "JYCK",
        "cancelReason": "order cancelled",
    }
    assert not await wms(Stranger(no("E9", "已出库，不能取消"))).cancel("F1", "GZ01")


@pytest.mark.parametrize(("status", "cancelled"), [("CANCELED", True), ("DELIVERED", False)])
async def test_cancelled_already_is_looked_up(status: str, cancelled: bool) -> None:
    stranger = Stranger(no("E9", "订单已取消"), found(status))
    assert await wms(stranger).cancel(ORDER.no, "GZ01") is cancelled


async def test_a_wrong_key_is_not_too_late() -> None:
    with pytest.raises(Refused, match="sign-check-failure"):
        await wms(Stranger(no("sign-check-failure", "Illegal request"))).cancel("F1", "GZ01")


@pytest.mark.parametrize(("hold", "word"), [(True, "pending"), (False, "restore")])
async def test_pending_holds_and_restores(hold: bool, word: str) -> None:
    stranger = Stranger(says(OK))
    await wms(stranger).pending("F1", "GZ01", hold)
    query, root = sent(stranger)
    assert (query["method"], root.findtext("actionType")) == ("taobao.qimen.order.pending", word)
    with pytest.raises(Refused):
        await wms(Stranger(no("E3", "已拣货"))).pending("F1", "GZ01", hold)


async def test_query_tells_the_status_and_no_shipment_before_shipping() -> None:
    order = await wms(Stranger(found("ACCEPT"))).query(ORDER.no, "GZ01")
    assert (order.status, order.warehouse_order_id, order.shipment) == ("ACCEPT", "W77", None)


PARCEL = (
    "<packages><package><logisticsCode>SF</logisticsCode><expressCode>SF1</expressCode>"
    "<items><item><itemCode>A</itemCode><quantity>2</quantity></item></items></package></packages>"
)


async def test_query_tells_the_shipment() -> None:
    order = await wms(Stranger(found("DELIVERED", PARCEL))).query(ORDER.no, "GZ01")
    assert order.shipment is not None
    assert order.shipment.packages == (Package("SF", "SF1", "", (PackedItem("A", 2),)),)
    assert order.shipment.final
    assert order.shipment.confirmed_at == NOW


async def test_what_left_so_far_comes_with_the_answer_as_received_and_bears_the_confirms_name() -> None:
    """INT-11, INT-17: a lost confirm is asked for; the same shipment has the same name both ways."""
    answer = found("DELIVERED", PARCEL)
    told = await wms(Stranger(answer)).shipped_so_far(ORDER.no, "GZ01")
    assert told is not None
    seen, raw = told
    assert seen == (await wms(Stranger(answer)).query(ORDER.no, "GZ01")).shipment
    assert b"DELIVERED" in raw
    assert await wms(Stranger(found("ACCEPT"))).shipped_so_far(ORDER.no, "GZ01") is None


async def test_query_reads_every_page_of_lines() -> None:
    line = "<orderLines><orderLine><itemCode>{}</itemCode><actualQty>1</actualQty></orderLine></orderLines>"
    parcel = "<packages><package><expressCode>SF1</expressCode></package></packages>"
    first = found("DELIVERED", f"{parcel}{line.format('A')}<totalLines>101</totalLines>")
    stranger = Stranger(first, found("DELIVERED", parcel + line.format("B")))
    order = await wms(stranger).query(ORDER.no, "GZ01")
    assert order.shipment is not None
    assert order.shipment.packages[0].items == (PackedItem("A", 1), PackedItem("B", 1))
    assert [sent(stranger, i)[1].findtext("page") for i in range(2)] == ["1", "2"]


async def test_query_about_another_order_is_broken() -> None:
    with pytest.raises(Broken, match="another order"):
        await wms(Stranger(found("ACCEPT", number="F9"))).query(ORDER.no, "GZ01")


async def test_query_with_an_odd_shipment_is_broken_and_names_the_field() -> None:
    odd = found("DELIVERED", PARCEL.replace(">2<", ">two<"))
    with pytest.raises(Broken, match="quantity is not a whole number"):
        await wms(Stranger(odd)).query(ORDER.no, "GZ01")
