"""Douyin's platform refuses what the vendor refuses, pages from 0, takes waybills, and pushes signed hints (INT-1)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator import douyin_wire as wire
from simulator.douyin_order import status_of
from tests.simulator.erp import Erp, china_now, config, stamp, until
from tests.simulator.markets import Dou, Json, douyin

Open = Callable[..., Erp]
APP, SECRET = "6839996111100003000", "d2b3c4e5-0000-1111-2222-333344445555"
AT = datetime.fromtimestamp(1700003700, china_now().tzinfo)
VECTORS = [
    (
        "order.searchList",
        '{"order_asc":true,"order_by":"update_time","page":0,"product":"羊毛<衫>&帽","size":50,'
        '"update_time_end":1700003600,"update_time_start":1700000000}',
        "67551074793316d6f846e6741c019de44290013c4dfb3f37774c92d060d6a33c",
    ),
    (
        "order.orderDetail",
        '{"shop_order_id":"4781320682406083640"}',
        "8ae5123f6ae9e4847d80948a43364c2072424c4dd24dfa6f7a2488ece6239eb1",
    ),
]
PUSH = (
    '[{"tag":"101","msg_id":"7312345678901234567","data":"{\\"p_id\\":4781320682406083640,\\"shop_id\\":1111111,'
    '\\"order_status\\":2,\\"pay_time\\":1700003600}"}]'
)
PUSH_SIGN = "9841470a8ed1fa483095ea349f6ed5d0"


def query_of(method: str, sign: str, **changed: str) -> dict[str, str]:
    public = {"app_key": APP, "method": method, "access_token": "t", "timestamp": "1700003600", "v": "2"}
    return {**public, "sign_method": "hmac-sha256", "sign": sign, **changed}


@pytest.mark.parametrize(("method", "body", "expected"), VECTORS)
def test_the_published_digests_are_made_and_taken(method: str, body: str, expected: str) -> None:
    query, path = query_of(method, expected), "/" + method.replace(".", "/")
    assert wire.sign(query, body.encode(), SECRET) == expected
    assert wire.verify({APP: SECRET}, path, query, body.encode(), AT) == json.loads(body)
    assert wire.canonical(json.loads(body)) == body


@pytest.mark.parametrize(("method", "body", "expected"), VECTORS)
def test_a_flipped_bit_is_refused(method: str, body: str, expected: str) -> None:
    path, raw = "/" + method.replace(".", "/"), body.encode()
    flipped = raw[:-3] + bytes([raw[-3] ^ 1]) + raw[-2:]
    for query, sent in (
        (query_of(method, expected), flipped),
        (query_of(method, "0" + expected[1:]), raw),
        (query_of(method, expected, timestamp="1700003601"), raw),
    ):
        with pytest.raises(wire.DouyinError) as caught:
            wire.verify({APP: SECRET}, path, query, sent, AT)
        assert caught.value.sub_code == "isv.signature-invalid"


def test_the_published_push_has_its_digest() -> None:
    assert wire.event_sign(APP, PUSH.encode(), SECRET) == PUSH_SIGN
    assert wire.event_sign(APP, PUSH.replace("101", "100").encode(), SECRET) != PUSH_SIGN


def test_whole_numbers_are_written_without_a_point() -> None:
    assert wire.canonical({"b": [1.0, {"z": 2.5, "a": "/<>&"}], "a": "羊"}) == '{"a":"羊","b":[1,{"a":"/<>&","z":2.5}]}'


def world(erp_for: Open, count: int = 6, **profile: Any) -> tuple[Erp, Dou]:
    calm = {"unpaid_first": 0, "wms_step": 60, **profile}
    erp = erp_for(config(count=count, marketplaces=[douyin(share=1, push_dead=True)], **calm))
    return erp, Dou(erp.client)


async def acted(erp: Erp) -> list[str]:
    erp.world.start()
    orders = erp.world.shop.orders
    await until(lambda: len(orders) == len(erp.world.plan.orders) and all(one.acted for one in orders.values()))
    return list(orders)


def refusal(answer: Json) -> tuple[int, str]:
    assert answer["data"] is None
    return answer["code"], answer["sub_code"]


@pytest.mark.parametrize(
    ("body", "changed", "expected"),
    [
        (None, {"app_key": ""}, (40002, "isv.missing-parameter")),
        (None, {"app_key": "9"}, (40003, "isv.app-key-invalid")),
        (None, {"method": "order.searchList"}, (40003, "isv.method-invalid")),
        (None, {"v": "1"}, (40003, "isv.version-invalid")),
        (None, {"timestamp": "1700000000"}, (40003, "isv.timestamp-invalid")),
        (None, {"timestamp": "now"}, (40003, "isv.timestamp-invalid")),
        (None, {"sign": "0"}, (40003, "isv.signature-invalid")),
        (None, {"sign_method": "md5"}, (40003, "isv.signature-invalid")),
        (b'{"shop_order_id": "1"}', {}, (40003, "isv.param-json-invalid")),
        (b'{"b":1,"a":1}', {}, (40003, "isv.param-json-invalid")),
        (b'{"a":"\\u7f8a"}', {}, (40003, "isv.param-json-invalid")),
        (b"[]", {}, (40003, "isv.param-json-invalid")),
        (b"{", {}, (40003, "isv.param-json-invalid")),
        (None, {"access_token": ""}, (30001, "isv.access-token-no-existed")),
        (None, {"access_token": "nobody"}, (30001, "isv.access-token-no-existed")),
        (b"{}", {}, (40002, "isv.missing-parameter")),
        (None, {}, (50002, "isv.business-failed:order-not-exist")),
    ],
)
async def test_a_call_that_is_not_right_has_its_code(
    erp_for: Open, body: bytes | None, changed: dict[str, str], expected: tuple[int, str]
) -> None:
    _, dou = world(erp_for)
    assert refusal(await dou.call("/order/orderDetail", body or b'{"shop_order_id":"1"}', **changed)) == expected


async def test_a_time_in_words_is_china_time(erp_for: Open) -> None:
    _, dou = world(erp_for)
    answer = await dou.call("/order/orderDetail", b'{"shop_order_id":"1"}', timestamp=stamp())
    assert answer["sub_code"] == "isv.business-failed:order-not-exist"
    shifted = stamp(china_now() - timedelta(hours=8))
    answer = await dou.call("/order/orderDetail", b'{"shop_order_id":"1"}', timestamp=shifted)
    assert answer["sub_code"] == "isv.timestamp-invalid"


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"size": 101}, "20008"),
        ({"size": 0}, "20008"),
        ({"page": -1}, "10035"),
        ({"page": "0"}, "10035"),
        ({"page": 500, "size": 100}, "20013"),
        ({"order_by": "pay_time"}, "order_by"),
        ({"order_asc": "true"}, "order_by"),
        ({"update_time_start": ""}, "20011"),
        ({"update_time_start": 1}, "20022"),
        ({"update_time_end": 2}, "20048"),
        ({"combine_status": [{"order_status": "2"}, {"order_status": "3"}]}, "20012"),
    ],
)
async def test_a_list_that_is_asked_wrongly_has_its_number(erp_for: Open, changed: Json, number: str) -> None:
    _, dou = world(erp_for)
    at = int(china_now().timestamp())
    params = {"update_time_start": at - 60, "update_time_end": at, "page": 0, "size": 50, **changed}
    answer = await dou.call("/order/searchList", params)
    assert refusal(answer) == (40004, f"isv.parameter-invalid:{number}")


async def test_pages_count_from_nought_and_end_empty(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=5)
    numbers = await acted(erp)
    pages = [await dou.page(page=n, size=2, order_by="update_time", order_asc=True) for n in range(4)]
    assert [(page["page"], page["total"], page["size"]) for page in pages] == [(n, 5, 2) for n in range(4)]
    assert [len(page["shop_order_list"]) for page in pages] == [2, 2, 1, 0]
    rows = [row for page in pages for row in page["shop_order_list"]]
    assert {row["order_id"] for row in rows} == set(numbers)
    moments = [row["update_time"] for row in rows]
    assert moments == sorted(moments)
    edge = {"update_time_start": moments[0], "update_time_end": moments[0]}
    assert (await dou.page(**edge))["total"] == moments.count(moments[0]), "both ends are included"
    assert (await dou.page(combine_status=[{"order_status": "3,4"}]))["total"] == 0
    assert (await dou.page(combine_status=[{"order_status": "2,3"}]))["total"] == 5


async def test_money_is_in_fen_and_adds_up(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=40)
    for number in await acted(erp):
        basket = erp.world.shop.orders[number].plan.basket
        order = await dou.detail(number)
        skus = order["sku_order_list"]
        assert order["pay_amount"] == basket.total_minor
        assert order["pay_amount"] == order["order_amount"] - order["promotion_amount"]
        assert order["promotion_amount"] == order["promotion_shop_amount"] + order["promotion_platform_amount"]
        assert order["order_amount"] == sum(one["sum_amount"] for one in skus) + order["post_amount"]
        assert order["pay_amount"] == sum(one["pay_amount"] for one in skus) + order["post_amount"]
        for name in ("promotion_shop_amount", "promotion_platform_amount"):
            assert order[name] == sum(one[name] for one in skus)
        assert all(one["sum_amount"] == one["origin_amount"] * one["item_num"] for one in skus)


async def test_the_receiver_is_ciphertext_that_opens_for_its_order_only(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=2)
    number, other = await acted(erp)
    who, order = erp.world.shop.orders[number].plan.receiver, await dou.detail(number)
    told = json.dumps(order, ensure_ascii=False)
    assert who.phone not in told
    assert who.address not in told
    assert order["post_addr"]["province"]["name"] == who.province
    texts = [order["encrypt_post_receiver"], order["encrypt_post_tel"], order["post_addr"]["encrypt_detail"]]
    infos = [{"auth_id": number, "cipher_text": one} for one in texts]
    answer = await dou.call("/order/batchDecrypt", {"cipher_infos": infos})
    opened = answer["data"]["decrypt_infos"]
    assert [one["decrypt_text"] for one in opened] == [who.name, who.phone, who.address]
    foreign = await dou.call("/order/batchDecrypt", {"cipher_infos": [{"auth_id": other, "cipher_text": texts[0]}]})
    assert foreign["data"]["decrypt_infos"][0]["decrypt_text"] == ""
    assert foreign["data"]["decrypt_infos"][0]["err_no"] != 0


async def test_a_whole_order_is_shipped_once(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=1)
    (number,) = await acted(erp)
    params = {"order_id": number, "company_code": "shunfeng", "logistics_code": "SF1"}
    assert (await dou.call("/order/logisticsAdd", params))["code"] == 10000
    again = await dou.call("/order/logisticsAdd", params)
    assert refusal(again) == (50002, "isv.business-failed:already-shipped")
    order = await dou.detail(number)
    assert (order["order_status"], order["main_status"]) == (3, 3)
    assert [one["tracking_no"] for one in order["logistics_info"]] == ["SF1"]
    books = await erp.books()
    assert books["shop_told"] == {number: {"SF1": 1}}
    assert books["orders"][number]["refused_back"] == {"SF1": 1}


async def test_packs_travel_apart_and_a_repeated_request_books_nothing(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=12)
    await acted(erp)
    order = next(one for one in erp.world.shop.orders.values() if sum(i.quantity for i in one.plan.basket.lines) >= 3)
    children = (await dou.detail(order.plan.no))["sku_order_list"]

    def pack(waybill: str, units: list[tuple[str, int]]) -> Json:
        infos = [{"shipped_order_id": child, "shipped_num": number} for child, number in units]
        return {"shipped_order_info": infos, "logistics_code": waybill, "company_code": "shunfeng"}

    first = {"order_id": order.plan.no, "pack_list": [pack("A", [(children[0]["order_id"], 1)])], "request_id": "r1"}
    for _ in range(2):
        assert (await dou.call("/order/logisticsAddMultiPack", first))["code"] == 10000
    told = await dou.detail(order.plan.no)
    assert (told["order_status"], len(told["logistics_info"])) == (101, 1)
    changed = await dou.call(
        "/order/logisticsAddMultiPack", {**first, "pack_list": [pack("B", [(children[0]["order_id"], 1)])]}
    )
    assert refusal(changed) == (50002, "isv.business-failed:request-id")
    too_many = {**first, "request_id": "r2", "pack_list": [pack("C", [(children[0]["order_id"], 99)])]}
    assert refusal(await dou.call("/order/logisticsAddMultiPack", too_many))[1] == "isv.business-failed:already-shipped"
    foreign = {**first, "request_id": "r3", "pack_list": [pack("D", [("1", 1)])]}
    assert refusal(await dou.call("/order/logisticsAddMultiPack", foreign))[1] == "isv.business-failed:child-order"
    rest = [(one["order_id"], one["item_num"] - (n == 0)) for n, one in enumerate(children)]
    last = {**first, "request_id": "r4", "pack_list": [pack("E", [one for one in rest if one[1]])]}
    assert (await dou.call("/order/logisticsAddMultiPack", last))["code"] == 10000
    assert (await dou.detail(order.plan.no))["order_status"] == 3
    assert dict(order.written_back) == {"A": 1, "E": 1}


@pytest.mark.parametrize(
    ("codes", "profile"),
    [
        ((1, 1), {"never_pay_share": 1, "close_unpaid_after": 60}),
        ((4, 4), {"never_pay_share": 1, "close_unpaid_after": 0}),
        ((4, 21), {"cancel_paid_share": 1, "wms_step": 0, "stage_patience": 0}),
        ((105, 105), {"forbid_consign_share": 1, "forbid_consign_seconds": 60}),
    ],
)
async def test_an_order_that_is_not_to_be_shipped_takes_no_waybill(
    erp_for: Open, codes: tuple[int, int], profile: dict[str, Any]
) -> None:
    erp, dou = world(erp_for, count=6, **profile)
    erp.world.start()
    orders = erp.world.shop.orders
    await until(lambda: any(one.listed and status_of(one) == codes[0] for one in orders.values()))
    number = next(no for no, one in orders.items() if one.listed and status_of(one) == codes[0])
    told = await dou.detail(number)
    assert (told["order_status"], told["main_status"]) == codes
    params = {"order_id": number, "company_code": "shunfeng", "logistics_code": "SF1"}
    assert refusal(await dou.call("/order/logisticsAdd", params)) == (50002, "isv.business-failed:order-status")


async def test_a_token_dies_and_its_refresh_token_works_once(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=1, token_seconds=0.05)
    detail = {"shop_order_id": "1"}
    while (await dou.call("/order/orderDetail", detail))["sub_code"] != "isv.access-token-expired":
        assert (await erp.books())["shops"]["douyin/dy"]["tokens_renewed"] == 0
    ask = {"refresh_token": "refresh-dy", "grant_type": "refresh_token"}
    fresh = (await dou.call("/token/refresh", ask, access_token=""))["data"]
    assert fresh["shop_id"] == 1111111
    again = await dou.call("/token/refresh", ask, access_token="")
    assert refusal(again) == (50002, "dop.token-generate-failed:token-expired")
    assert refusal(await dou.call("/order/orderDetail", detail))[1] == "isv.access-token-no-existed"
    own = {"code": "", "grant_type": "authorization_self", "shop_id": "1111111"}
    created = (await dou.call("/token/create", own, access_token=""))["data"]
    assert created["access_token"] not in (fresh["access_token"], "access-dy")
    code = {"code": "x", "grant_type": "authorization_code"}
    assert refusal(await dou.call("/token/create", code))[1] == "dop.token-generate-failed:code-expired"


async def test_a_lost_answer_never_loses_a_token_and_shows_nothing(erp_for: Open) -> None:
    erp, dou = world(erp_for, count=1, lost_answer_share=1)
    (number,) = await acted(erp)
    ask = {"refresh_token": "refresh-dy", "grant_type": "refresh_token"}
    assert (await dou.post("/token/refresh", ask)).status_code == 503
    assert (await dou.post("/order/orderDetail", {"shop_order_id": number})).status_code == 503
    books = await erp.books()
    assert books["shops"]["douyin/dy"]["tokens_renewed"] == 0
    assert books["orders"][number]["accepted"] is False


async def test_a_call_too_many_is_told(erp_for: Open) -> None:
    _, dou = world(erp_for, limit_share=1)
    assert refusal(await dou.call("/order/orderDetail", {"shop_order_id": "1"}))[0] == 60000
