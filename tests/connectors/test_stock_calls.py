"""Stock as each sales channel is told of it: absolute, in as many listings as it takes, and what it may answer (INV-6).

Shapes and limits: the platforms' own metadata (shared/protocols/platforms.md, Stock) and docs/own-shop-api.md.
"""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms.own import OwnShop, signature
from domain.errors import BadInput, Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.stock_push import Level, batches
from tests.connectors import douyin_answers as douyin
from tests.connectors import taobao_answers as taobao
from tests.connectors.worlds import OWN, Stranger, clock

ITEM = "739001644954"
MEDIUM = Level("TEE-M", ITEM, "5275960415307", 7, sequence=3)
LARGE = Level("TEE-L", ITEM, "5275960415308", 0, sequence=9)
PLAIN = Level("MUG", "8001", "", 12, sequence=1)
WITH_STOCK = replace(OWN, params={"stock_url": "http://shop.example/stock"})
OURS = (Level("TEE-M", "TEE-M", "", 7, sequence=3), Level("MUG", "MUG", "", 0, sequence=1))


def item(*variants: Any, num_iid: Any = int(ITEM)) -> dict[str, Any]:
    skus = [{"sku_id": one, "quantity": 7, "modified": "2026-11-22 21:30:00"} for one in variants]
    return {"item": {"num_iid": num_iid, "num": 7, **({"skus": {"sku": skus}} if skus else {})}}


async def test_variants_of_an_item_are_set_in_one_call_at_taobao() -> None:
    stranger = Stranger(taobao.says("skus_quantity_update_response", item(5275960415307, 5275960415308)))
    assert await taobao.taobao(stranger).push_stock((MEDIUM, LARGE)) == {}
    asked = taobao.asked(stranger)
    wanted = {
        "method": "taobao.skus.quantity.update",
        "num_iid": ITEM,
        "skuid_quantities": "5275960415307:7;5275960415308:0",
        "type": "1",
        "session": "session-1",
    }
    assert {name: asked[name] for name in wanted} == wanted
    assert len(stranger.asked) == 1


async def test_an_item_without_variants_is_set_by_itself_at_taobao() -> None:
    stranger = Stranger(taobao.says("item_quantity_update_response", item(num_iid=8001)))
    assert await taobao.taobao(stranger).push_stock((PLAIN,)) == {}
    asked = taobao.asked(stranger)
    wanted = {"method": "taobao.item.quantity.update", "num_iid": "8001", "quantity": "12", "type": "1"}
    assert {name: asked[name] for name in wanted} == wanted
    assert "sku_id" not in asked


async def test_a_variant_that_taobao_left_out_is_refused_and_the_others_are_told() -> None:
    stranger = Stranger(taobao.says("skus_quantity_update_response", item("5275960415308")))
    found = await taobao.taobao(stranger).push_stock((MEDIUM, LARGE))
    assert set(found) == {MEDIUM.key}
    assert "5275960415307" in str(found[MEDIUM.key])


async def test_an_answer_without_the_list_of_variants_takes_them_all() -> None:
    answers: list[dict[str, Any]] = [{}, {"skus": None}, {"skus": {}}]
    for skus in answers:
        said = {"item": {"num_iid": ITEM, **skus}}
        stranger = Stranger(taobao.says("skus_quantity_update_response", said))
        assert await taobao.taobao(stranger).push_stock((MEDIUM, LARGE)) == {}


TAOBAO_ERRORS: list[tuple[httpx.Response, type[OmsError], str]] = [
    (taobao.error(15, "isv.item-not-exist", "商品不存在"), Refused, "refused (isv.item-not-exist): 商品不存在"),
    (taobao.error(15, "isp.item-update-service-error", "稍后再试"), Unavailable, "稍后再试"),
    (taobao.error(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds"),
     RateLimited, "limited-by-api"),
    (taobao.error(27, "invalid-sessionkey"), TokenRejected, "27"),
    (taobao.error(41, "isv.invalid-parameter:num_iid"), Broken, "num_iid"),
    (taobao.says("skus_quantity_update_response", item(1, num_iid=1)), Broken, f"another item than {ITEM}"),
    (taobao.says("skus_quantity_update_response", {}), Broken, "item"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "wanted", "words"), TAOBAO_ERRORS)
async def test_every_answer_of_taobao_has_its_word(answer: httpx.Response, wanted: type[OmsError], words: str) -> None:
    with pytest.raises(wanted) as caught:
        await taobao.taobao(Stranger(answer)).push_stock((MEDIUM,))
    assert type(caught.value) is wanted
    assert words in str(caught.value)
    assert ITEM in str(caught.value)


async def test_one_sku_is_set_alone_at_douyin() -> None:
    stranger = Stranger(douyin.says({}))
    assert await douyin.platform(stranger).push_stock((MEDIUM,)) == {}
    path, query, params = douyin.asked(stranger.asked[0])
    assert (path, query["method"]) == ("/sku/syncStock", "sku.syncStock")
    assert params == {"sku_id": 5275960415307, "stock_num": 7, "incremental": False}


async def test_several_skus_of_any_products_are_set_in_one_call_at_douyin() -> None:
    other = replace(LARGE, item_id="3539925204033339669")
    stranger = Stranger(douyin.says({"results": []}), douyin.says({"results": []}))
    assert await douyin.platform(stranger).push_stock((MEDIUM, other)) == {}
    path, query, params = douyin.asked(stranger.asked[0])
    assert (path, query["method"]) == ("/sku/syncStockBatchMultiProducts", "sku.syncStockBatchMultiProducts")
    name = params.pop("idempotent_id")
    assert params == {
        "incremental": False,
        "items": [
            {"product_id": int(ITEM), "sku_id": 5275960415307, "stock_num": 7, "uniq_id": "0"},
            {"product_id": 3539925204033339669, "sku_id": 5275960415308, "stock_num": 0, "uniq_id": "1"},
        ],
    }
    await douyin.platform(stranger).push_stock((MEDIUM, replace(other, sequence=other.sequence + 1)))
    assert douyin.asked(stranger.asked[1])[2]["idempotent_id"] != name, "the platform would not carry it out"


async def test_a_call_that_douyin_has_carried_out_before_is_told() -> None:
    said = douyin.says(None, 50002, sub_code="isv.business-failed:-20002", sub_msg="Token已被使用")
    assert await douyin.platform(Stranger(said)).push_stock((MEDIUM, LARGE)) == {}


DOUYIN_ERRORS: list[tuple[httpx.Response, type[OmsError], str]] = [
    (douyin.says(None, 40004, sub_code="isv.parameter-invalid:5", sub_msg="没有这个sku"), Refused, "没有这个sku"),
    (douyin.says(None, 40004, sub_code="isv.parameter-invalid:4"), Refused, "isv.parameter-invalid:4"),
    (douyin.says(None, 40004, sub_code="isv.parameter-invalid:2010013"), Refused, "2010013"),
    (douyin.says(None, 40004, sub_code="isv.parameter-invalid:40004"), Unavailable, "40004"),
    (douyin.says(None, 40004, sub_code="isv.parameter-invalid:9"), Broken, "isv.parameter-invalid:9"),
    (douyin.says(None, 50002, sub_code="isv.business-failed:2010042", sub_msg="商品已删除"), Refused, "商品已删除"),
    (douyin.says(None, 50002, sub_code="isv.business-failed:2010401"), RateLimited, "2010401"),
    (douyin.says(None, 20000, sub_code="isp.service-error:2010002"), Unavailable, "2010002"),
    (douyin.says(None, 60000), RateLimited, "60000"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "wanted", "words"), DOUYIN_ERRORS)
async def test_every_answer_of_douyin_has_its_word(answer: httpx.Response, wanted: type[OmsError], words: str) -> None:
    with pytest.raises(wanted) as caught:
        await douyin.platform(Stranger(answer)).push_stock((MEDIUM,))
    assert type(caught.value) is wanted
    assert words in str(caught.value)


async def test_a_listing_without_the_platforms_numbers_is_refused_before_it_is_sent() -> None:
    stranger = Stranger(douyin.says({}))
    for wrong in (replace(MEDIUM, variant_id="TEE"), replace(MEDIUM, variant_id="")):
        with pytest.raises(Refused, match="mend the listing"):
            await douyin.platform(stranger).push_stock((wrong,))
    assert stranger.asked == []


async def test_an_order_of_douyin_names_product_and_sku() -> None:
    child = douyin.child(product_id_str="3539925204033339668")
    stranger = Stranger(douyin.detail(sku_order_list=[child]))
    (line,) = (await douyin.platform(stranger).read_order(douyin.NO))[0].lines
    assert (line.item_id, line.variant_id) == ("3539925204033339668", "1736502463777799")


@pytest.mark.parametrize("odd", [{}, {"product_id": 0}, {"product_id_str": "x"}, {"product_id": 7, "sku_id": "a-1"}])
async def test_an_order_of_douyin_without_both_numbers_names_none(odd: dict[str, Any]) -> None:
    stranger = Stranger(douyin.detail(sku_order_list=[douyin.child(**odd)]))
    (line,) = (await douyin.platform(stranger).read_order(douyin.NO))[0].lines
    assert (line.item_id, line.variant_id) == ("", "")


async def test_the_own_shop_is_told_in_one_signed_message() -> None:
    stranger = Stranger(httpx.Response(200, json={"accepted": True}))
    assert await OwnShop(WITH_STOCK, stranger.client(), clock).push_stock(OURS) == {}
    (request,) = stranger.asked
    assert str(request.url) == "http://shop.example/stock"
    assert json.loads(request.content) == {
        "stock": {
            "levels": [
                {"sku": "TEE-M", "quantity": 7, "sequence": 3},
                {"sku": "MUG", "quantity": 0, "sequence": 1},
            ]
        }
    }
    event, sent = request.headers["x-steadfast-event"], request.headers["x-steadfast-timestamp"]
    assert event.startswith("stock:")
    assert len(event) <= 128
    wanted = signature(OWN.secrets[0], sent, event, request.content)
    assert request.headers["x-steadfast-signature"] == wanted


async def test_the_same_quantity_told_anew_is_a_message_of_its_own() -> None:
    stranger = Stranger(httpx.Response(200))
    shop = OwnShop(WITH_STOCK, stranger.client(), clock)
    for sequence in (3, 3, 4):
        await shop.push_stock((replace(OURS[0], sequence=sequence),))
    events = [request.headers["x-steadfast-event"] for request in stranger.asked]
    assert (events[0] == events[1], events[0] == events[2]) == (True, False)


async def test_the_own_shop_says_sku_by_sku_what_it_does_not_take() -> None:
    told = {"accepted": True, "refused": [{"sku": "MUG", "error": "not sold here"}, {"sku": "OTHER"}]}
    stranger = Stranger(httpx.Response(200, json=told))
    found = await OwnShop(WITH_STOCK, stranger.client(), clock).push_stock(OURS)
    assert {key: error.reason for key, error in found.items()} == {("MUG", ""): "not sold here"}


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b'{"refused": 1}', b'{"accepted": true, "more": 1}'])
async def test_any_success_of_the_own_shop_is_one(body: bytes) -> None:
    stranger = Stranger(httpx.Response(200, content=body))
    assert await OwnShop(WITH_STOCK, stranger.client(), clock).push_stock(OURS) == {}


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (httpx.Response(422, json={"error": "unknown sku"}), Refused),
        (httpx.Response(429, headers={"retry-after": "3"}), RateLimited),
        (httpx.Response(503), Unavailable),
        (httpx.Response(302), Broken),
    ],
)
async def test_what_the_own_shop_answers_otherwise_has_its_word(answer: httpx.Response, wanted: type[OmsError]) -> None:
    with pytest.raises(wanted) as caught:
        await OwnShop(WITH_STOCK, Stranger(answer).client(), clock).push_stock(OURS)
    assert type(caught.value) is wanted


async def test_a_shop_without_stock_url_is_not_told() -> None:
    with pytest.raises(Refused, match="stock_url"):
        await OwnShop(OWN, Stranger(httpx.Response(200)).client(), clock).push_stock(OURS)
    assert registry.takes_stock("own", {"orders_url": "http://x"}) is False
    assert registry.takes_stock("own", {"stock_url": "http://x"}) is True
    assert [registry.takes_stock(vendor, {}) for vendor in ("taobao", "douyin", "qimen")] == [True, True, False]


def test_no_vendor_is_given_more_than_it_takes_in_one_call() -> None:
    levels = [replace(MEDIUM, variant_id=str(n), sku=f"S{n}") for n in range(120)]
    sizes = {
        name: [len(one) for one in batches(levels, registry.push_rules(name))[0]]
        for name in ("own", "taobao", "douyin")
    }
    assert sizes == {"own": [100, 20], "taobao": [20] * 6, "douyin": [50, 50, 20]}
    with pytest.raises(BadInput, match="qimen cannot be told of stock"):
        registry.push_rules("qimen")
