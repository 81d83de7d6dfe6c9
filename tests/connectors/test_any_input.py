"""Whatever arrives: valid orders come through whole, and nothing else does more than be refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.couriers.kdniao import sign as bird_sign
from connectors.inbound import Push
from connectors.platforms.douyin_orders import read_order
from connectors.platforms.own import OwnInbound, signature
from connectors.platforms.pdd_orders import read_order as read_pdd
from connectors.platforms.shopee_orders import read_order as read_shopee
from connectors.top_sign import sign as top_sign
from connectors.warehouses.qimen_inbound import METHODS
from domain.errors import Broken, Forged, OmsError, Unparsable
from domain.observations import OrderObserved
from domain.pulling import Window
from domain.shops import Shop
from tests.connectors import (
    douyin_answers,
    jd_answers,
    kuaishou_answers,
    pdd_answers,
    shopee_answers,
    wechatshop_answers,
    xhs_answers,
)
from tests.connectors.alipay_answers import ALIPAY, BACK
from tests.connectors.alipay_answers import notified as alipay_notified
from tests.connectors.douyin_answers import DOUYIN
from tests.connectors.shopify_answers import SHOPIFY
from tests.connectors.stripe_answers import INTENT, SESSION, STRIPE, event
from tests.connectors.stripe_answers import signed as stripe_signed
from tests.connectors.taobao_answers import TID, says, taobao, trade
from tests.connectors.wechatpay_answers import PAID, WECHATPAY, notified
from tests.connectors.worlds import KDNIAO, NOW, OWN, QIMEN, Stranger, push

WECHATPAY_HEADERS = [f"wechatpay-{name}" for name in ("timestamp", "nonce", "signature", "serial")]
SHOPIFY_HEADERS = ["x-shopify-topic", "x-shopify-hmac-sha256", "x-shopify-webhook-id"]
IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=64)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60)
MOMENTS = st.integers(0, 3_000_000_000).map(lambda second: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(seconds=second))


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    for number in draw(st.sets(IDS, min_size=1, max_size=5)):
        quantity, unit = draw(st.integers(1, 9999)), draw(st.integers(0, 100_000))
        discount = draw(st.integers(0, quantity * unit))
        line = {"no": number, "sku": draw(IDS), "title": draw(WORDS), "quantity": quantity}
        money = {"unit_minor": unit, "discount_minor": discount, "amount_minor": quantity * unit - discount}
        lines.append({**line, **money})
    goods = sum(line["amount_minor"] for line in lines)
    shop_discount = draw(st.integers(0, goods))
    platform_discount = draw(st.integers(0, goods - shop_discount))
    freight = draw(st.integers(0, 10_000))
    total = goods - shop_discount - platform_discount + freight
    status = draw(st.sampled_from(["unpaid", "paid", "cancelled", "refunded"]))
    paid = status != "unpaid"
    zone_minutes = draw(st.integers(-12 * 60, 14 * 60))
    offset = f"{'-' if zone_minutes < 0 else '+'}{abs(zone_minutes) // 60:02}:{abs(zone_minutes) % 60:02}"

    def moment() -> str:
        local = draw(MOMENTS) + timedelta(minutes=zone_minutes)
        return local.replace(tzinfo=None).isoformat() + offset

    return {
        "no": draw(IDS),
        "status": status,
        "updated_at": moment(),
        "placed_at": moment(),
        "paid_at": moment() if paid else None,
        "currency": "CNY",
        "goods_minor": goods,
        "shop_discount_minor": shop_discount,
        "platform_discount_minor": platform_discount,
        "freight_minor": freight,
        "total_minor": total,
        "paid_minor": total if paid else 0,
        "refunded_minor": draw(st.integers(0, total)) if paid else 0,
        "lines": lines,
        "receiver": {name: draw(WORDS) for name in ("name", "phone", "province", "city", "district", "address")},
        "buyer": {"id": draw(WORDS), "ip": "203.0.113.7"},
        "remark": draw(WORDS),
    }


def own_push(body: bytes) -> Push:
    sent = NOW.isoformat()
    headers = {
        "x-steadfast-key": OWN.key_id,
        "x-steadfast-timestamp": sent,
        "x-steadfast-event": "evt",
        "x-steadfast-signature": signature(OWN.secrets[0], sent, "evt", body),
    }
    return push(body, headers=headers)


def qimen_push(body: bytes, method: str = "deliveryorder.confirm") -> Push:
    params = {
        "method": method,
        "timestamp": "2026-11-22 21:30:00",
        "app_key": QIMEN.key_id,
        "sign_method": "md5",
    }
    return push(body, {**params, "sign": top_sign(params, body, QIMEN.secrets[0])})


def bird_push(data: str) -> Push:
    form = {"RequestData": data, "RequestType": "101", "DataSign": bird_sign(data, KDNIAO.secrets[0])}
    return push(urlencode(form).encode())


def receive(shop: Shop, arrived: Push) -> None:
    receiver = registry.inbound(shop)
    receiver.verify(arrived)
    receiver.parse(arrived)


@given(orders())
def test_any_valid_order_comes_through_whole(order: dict[str, Any]) -> None:
    arrived = own_push(json.dumps({"order": order}).encode())
    OwnInbound(OWN).verify(arrived)
    (seen,) = OwnInbound(OWN).parse(arrived).observations
    assert isinstance(seen, OrderObserved)
    plain = (
        "no",
        "currency",
        "goods_minor",
        "shop_discount_minor",
        "platform_discount_minor",
        "freight_minor",
    )
    sums = ("total_minor", "paid_minor", "refunded_minor", "remark")
    assert {name: getattr(seen, name) for name in (*plain, *sums)} == {name: order[name] for name in (*plain, *sums)}
    assert seen.status.value == seen.raw_status == order["status"]
    assert seen.vendor_time == datetime.fromisoformat(order["updated_at"])
    assert seen.paid_at == (order["paid_at"] and datetime.fromisoformat(order["paid_at"]))
    assert {name: getattr(seen.contact, name) for name in order["receiver"]} == order["receiver"]
    names = ("sku", "title", "quantity", "unit_minor", "discount_minor", "amount_minor")
    assert [{"no": line.line_no, **{name: getattr(line, name) for name in names}} for line in seen.lines] == [
        {"no": line["no"], **{name: line[name] for name in names}} for line in order["lines"]
    ]


PUSHING = [OWN, QIMEN, KDNIAO, DOUYIN, WECHATPAY, shopee_answers.SHOPEE, kuaishou_answers.KUAISHOU, xhs_answers.XHS]
PUSHING += [wechatshop_answers.WECHATSHOP, SHOPIFY]
PUSH_HEADERS = ["content-type", "top-sign-list", "x-steadfast-key", "app-id", "event-sign", "authorization"]
PUSH_HEADERS += ["app-key", "timestamp", "sign"]


@pytest.mark.parametrize("shop", PUSHING, ids=lambda shop: shop.vendor)
@given(
    body=st.binary(max_size=300),
    query=st.dictionaries(st.sampled_from(["method", "timestamp", "app_key", "sign", "sign_method"]), st.text()),
    headers=st.dictionaries(
        st.sampled_from([*PUSH_HEADERS, *WECHATPAY_HEADERS, *SHOPIFY_HEADERS]),
        st.text(),
    ),
)
def test_random_requests_are_forged_or_unparsable(
    shop: Shop, body: bytes, query: dict[str, str], headers: dict[str, str]
) -> None:
    with pytest.raises((Forged, Unparsable)):
        receive(shop, push(body, query, headers))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
FIELDS = st.sampled_from(
    ["EBusinessID", "PushTime", "Data", "State", "StateEx", "Traces", "AcceptTime", "Success", "LogisticCode"]
)
BIRD_JSON = st.recursive(
    JSON | st.sampled_from([KDNIAO.key_id, "2026-11-22 10:00:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=15,
)


@given(st.binary(max_size=300) | JSON.map(lambda content: json.dumps(content).encode()))
def test_signed_nonsense_is_unparsable_for_the_own_shop(body: bytes) -> None:
    with pytest.raises(Unparsable):
        receive(OWN, own_push(body))


@given(st.text(max_size=300) | BIRD_JSON.map(json.dumps))
def test_signed_nonsense_never_raises_anything_else_at_the_courier(data: str) -> None:
    try:
        receive(KDNIAO, bird_push(data))
    except (Forged, Unparsable):
        return


PAY_FIELDS = st.sampled_from(["trade_state", "amount", "total", "refund", "status", "mchid", "success_time", *PAID])
PAY_JSON = st.dictionaries(PAY_FIELDS, JSON, max_size=8).map(lambda changed: PAID | changed)


@given(PAY_JSON | JSON, st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.CLOSED"]))
def test_sealed_nonsense_never_raises_anything_else_at_the_payment_provider(told: Any, event: str) -> None:
    try:
        receive(WECHATPAY, notified(told, event))
    except (Forged, Unparsable):
        return


TRADE_FIELDS = st.sampled_from([*BACK, "out_biz_no", "refund_fee", "gmt_payment", "?"])
TRADE_WORDS = st.sampled_from(["TRADE_SUCCESS", "TRADE_CLOSED", "8.88", "-1", "1e9", "2026-11-22 21:30:00", ""])


@given(st.dictionaries(TRADE_FIELDS, st.text(max_size=30) | TRADE_WORDS, max_size=6))
def test_signed_nonsense_never_raises_anything_else_at_alipay(changed: dict[str, str]) -> None:
    try:
        receive(ALIPAY, alipay_notified(BACK | changed))
    except (Forged, Unparsable):
        return


EVENT_FIELDS = st.sampled_from([*INTENT, *SESSION, "charge", "payment_intent", "refund_no", "order_no"])
EVENT_JSON = st.dictionaries(EVENT_FIELDS, JSON, max_size=8).map(lambda changed: {**INTENT, **SESSION, **changed})
EVENTS = st.sampled_from(["payment_intent.succeeded", "checkout.session.completed", "refund.updated", "x"])


@given(st.binary(max_size=200) | st.builds(event, EVENTS, EVENT_JSON | JSON))
def test_signed_nonsense_never_raises_anything_else_at_stripe(body: bytes) -> None:
    try:
        receive(STRIPE, push(body, headers=stripe_signed(body)))
    except (Forged, Unparsable):
        return


DOUYIN_JSON = st.recursive(
    JSON | st.sampled_from(["0", "101", "206", 101]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["tag", "msg_id", "data", "p_id", "shop_id", "pay_time"]), inner, max_size=6)
    ),
    max_leaves=15,
)
DATA = DOUYIN_JSON.map(json.dumps) | st.text(max_size=50)
MESSAGES = st.lists(
    st.builds(douyin_answers.message, st.sampled_from(["0", "101", "206", "x"]), DATA, st.text()), max_size=3
)


@given(st.binary(max_size=300) | DOUYIN_JSON.map(lambda told: json.dumps(told).encode()) | MESSAGES)
def test_signed_nonsense_never_raises_anything_else_at_douyin(told: bytes | list[Any]) -> None:
    try:
        receive(DOUYIN, douyin_answers.pushed(told))
    except (Forged, Unparsable):
        return


@given(
    st.dictionaries(st.sampled_from(sorted(douyin_answers.order())), JSON),
    st.dictionaries(st.sampled_from(sorted(douyin_answers.child())), JSON),
)
def test_an_order_with_nonsense_in_it_is_read_or_unparsable(order: dict[str, Any], child: dict[str, Any]) -> None:
    told = {**douyin_answers.order(sku_order_list=[douyin_answers.child(**child)]), **order}
    try:
        seen = read_order(json.loads(json.dumps(told)), DOUYIN)
    except Unparsable:
        return
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    assert seen.total_minor == seen.goods_minor - discounts + seen.freight_minor
    assert seen.goods_minor == sum(line.amount_minor for line in seen.lines)


YUAN = st.sampled_from([0, 5, "12.30", "318", "-1", "1e9"]) | JSON


@given(
    st.dictionaries(st.sampled_from(sorted(pdd_answers.order())), JSON | YUAN),
    st.dictionaries(st.sampled_from(sorted(pdd_answers.item())), JSON | YUAN),
)
def test_an_order_of_pinduoduo_with_nonsense_in_it_is_read_or_unparsable(
    order: dict[str, Any], item: dict[str, Any]
) -> None:
    told = {**pdd_answers.order(item_list=[pdd_answers.item(**item)]), **order}
    try:
        seen = read_pdd(json.loads(json.dumps(told), parse_float=str), pdd_answers.PDD)
    except Unparsable:
        return
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    assert seen.total_minor == seen.goods_minor - discounts + seen.freight_minor
    assert 0 <= seen.refunded_minor <= seen.paid_minor <= seen.total_minor


@given(JSON | st.dictionaries(st.sampled_from(["total_count", "order_sn_list", "order_list", "refund_list"]), JSON))
async def test_any_list_of_pinduoduo_is_a_page_or_has_our_words(said: Any) -> None:
    window = Window(NOW - timedelta(minutes=30), NOW)
    for wrapper in ("order_sn_increment_get_response", "order_list_get_response", "refund_increment_get_response"):
        shop = pdd_answers.platform(Stranger(pdd_answers.says(wrapper, said)))
        for ask in (shop.pull, shop.roll, shop.pull_cases):
            try:
                await ask(window, "")
            except OmsError:
                continue


@given(
    st.dictionaries(st.sampled_from(sorted(shopee_answers.order())), JSON | YUAN),
    st.dictionaries(st.sampled_from(sorted(shopee_answers.item())), JSON | YUAN),
)
def test_an_order_of_shopee_with_nonsense_in_it_is_read_or_unparsable(
    order: dict[str, Any], item: dict[str, Any]
) -> None:
    told = {**shopee_answers.order(item_list=[shopee_answers.item(**item)]), **order}
    try:
        seen = read_shopee(json.loads(json.dumps(told), parse_float=str), None, shopee_answers.SHOPEE)
    except Unparsable:
        return
    assert seen.total_minor == seen.goods_minor - seen.shop_discount_minor + seen.freight_minor
    assert 0 <= seen.refunded_minor <= seen.paid_minor <= seen.total_minor


SHOPEE_FIELDS = st.sampled_from(["data", "shop_id", "code", "timestamp", "ordersn", "status", "update_time"])
SHOPEE_JSON = st.recursive(
    JSON | st.sampled_from([3, 4, 600000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHOPEE_FIELDS, inner, max_size=6),
    max_leaves=15,
)


@given(st.binary(max_size=300) | SHOPEE_JSON.map(lambda told: json.dumps(told).encode()))
def test_signed_nonsense_never_raises_anything_else_at_shopee(told: bytes) -> None:
    try:
        receive(shopee_answers.SHOPEE, shopee_answers.pushed(told))
    except (Forged, Unparsable):
        return


@given(JSON | st.dictionaries(st.sampled_from(["more", "next_cursor", "order_list", "return"]), JSON))
async def test_any_list_of_shopee_is_a_page_or_has_our_words(said: Any) -> None:
    window = Window(NOW - timedelta(minutes=30), NOW)
    shop = shopee_answers.platform(Stranger(shopee_answers.says(said)))
    for ask in (shop.pull, shop.roll, shop.pull_cases):
        try:
            await ask(window, "")
        except OmsError:
            continue


TAGS = [
    "request",
    "deliveryOrder",
    "deliveryOrderCode",
    "packages",
    "package",
    "expressCode",
    "items",
    "item",
]
STOCK_TAGS = ["entryOrder", "entryOrderCode", "orderLines", "orderLine", "actualQty", "inventoryType", "warehouseCode"]
XML = st.recursive(
    st.text(max_size=10).map(lambda text: text.replace("<", "").replace("&", "")),
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from([*TAGS, *STOCK_TAGS, "itemCode", "quantity", "orderCode", "order", "process", "processStatus"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@given(
    st.binary(max_size=300) | XML.map(lambda xml: f"<request>{xml}</request>".encode()),
    st.sampled_from([*METHODS, "?"]),
)
def test_signed_nonsense_never_raises_anything_else_at_the_warehouse(body: bytes, method: str) -> None:
    try:
        receive(QIMEN, qimen_push(body, method))
    except (Forged, Unparsable):
        return


PLATFORM_NAMES = [
    *trade(),
    *trade()["orders"]["order"][0],
    *("order", "trade", "trades", "total_results", "error_response", "code", "sub_code", "sub_msg"),
]
PLATFORM_JSON = st.recursive(
    JSON | st.sampled_from([TID, int(TID), "2026-11-22 10:00:00", "12.30", "SUCCESS", "TRADE_CLOSED"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PLATFORM_NAMES), inner, max_size=8),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(PLATFORM_NAMES), PLATFORM_JSON, max_size=3))
async def test_a_trade_with_any_fields_is_read_to_the_fen_or_broken(changes: dict[str, Any]) -> None:
    answer = says("trade_fullinfo_get_response", {"trade": {**trade(), **changes}})
    try:
        seen, _ = await taobao(Stranger(answer)).read_order(TID)
    except Broken:
        return
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    assert seen.total_minor == sum(line.amount_minor for line in seen.lines) - discounts + seen.freight_minor
    assert 0 <= seen.refunded_minor <= seen.paid_minor <= seen.total_minor


@given(st.binary(max_size=300) | PLATFORM_JSON.map(lambda content: json.dumps(content).encode()))
async def test_no_nonsense_of_the_platform_raises_anything_but_our_words(body: bytes) -> None:
    shop = taobao(Stranger(httpx.Response(200, content=body)))
    with pytest.raises(OmsError):
        await shop.pull(Window(NOW - timedelta(hours=1), NOW), "")


@given(PLATFORM_JSON)
async def test_any_list_of_the_platform_is_a_page_or_broken(said: Any) -> None:
    shop = taobao(Stranger(says("trades_sold_increment_get_response", said)))
    try:
        page = await shop.pull(Window(NOW - timedelta(hours=1), NOW), "")
    except Broken:
        return
    assert all(hint.kind == "hint" and hint.no for hint in page.observations)


POLLED = [
    (jd_answers.JD, "jingdong_pop_order_enSearch_responce", jd_answers.order()),
    (kuaishou_answers.KUAISHOU, "data", kuaishou_answers.order() | kuaishou_answers.base() | kuaishou_answers.case()),
    (xhs_answers.XHS, "data", xhs_answers.order() | xhs_answers.sku()),
]
POLLED_NAMES = st.sampled_from(
    sorted({name for _, wrapper, order in POLLED for name in (wrapper, *order)} | {"code", "searchorderinfo_result"})
)
POLLED_JSON = st.recursive(
    JSON | st.sampled_from(["0", 0, "12.30", "2026-11-22 10:00:00", 1_795_354_200_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(POLLED_NAMES, inner, max_size=6),
    max_leaves=15,
)


@pytest.mark.parametrize(("shop", "wrapper", "order"), POLLED, ids=lambda one: getattr(one, "vendor", ""))
@given(told=POLLED_JSON)
async def test_no_answer_of_a_polled_platform_raises_anything_but_our_words(
    shop: Shop, wrapper: str, order: dict[str, Any], told: Any
) -> None:
    for said in (told, {wrapper: told, "result": 1}):
        channel = registry.sales_channel(
            shop, Stranger(httpx.Response(200, content=json.dumps(said).encode())).client(), lambda: NOW
        )
        asking = (
            channel.pull(Window(NOW - timedelta(hours=1), NOW), ""),
            channel.pull_cases(Window(NOW - timedelta(hours=1), NOW), ""),
            channel.read_order("1"),
            channel.read_case("1"),
            channel.renew(),
        )
        for question in asking:
            with suppress(OmsError):
                await question


SEALED_FIELDS = st.sampled_from(["event", "info", "eventId", "appKey", "oid", "orderId", "updateTime", "test"])
SEALED_JSON = st.dictionaries(SEALED_FIELDS, JSON, max_size=5).map(lambda told: kuaishou_answers.event("x", {}) | told)


@given(st.binary(max_size=300) | SEALED_JSON.map(lambda told: json.dumps(told).encode()), st.booleans())
def test_sealed_nonsense_never_raises_anything_else_at_kuaishou(body: bytes, sealed: bool) -> None:
    try:
        receive(kuaishou_answers.KUAISHOU, kuaishou_answers.pushed(body) if sealed else push(body))
    except (Forged, Unparsable):
        return


XHS_DATA = st.dictionaries(st.sampled_from(["orderId", "returnsId", "orderStatus"]), JSON, max_size=3).map(json.dumps)
XHS_TAGS = st.sampled_from(["msg_fulfillment_status_change", "msg_after_sale_create", "x", ""])


@given(st.binary(max_size=300) | st.lists(st.builds(xhs_answers.message, XHS_TAGS, XHS_DATA | st.text()), max_size=3))
def test_signed_nonsense_never_raises_anything_else_at_xiaohongshu(told: bytes | list[Any]) -> None:
    try:
        receive(xhs_answers.XHS, xhs_answers.pushed(told))
    except (Forged, Unparsable):
        return
