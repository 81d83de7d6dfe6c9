"""A JD shop and its platform's answers, for the tests."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.platforms.jd import JdShop
from domain.shops import Shop, Token
from tests.connectors.worlds import NOW, OWN, Stranger, clock

JD: Shop = replace(
    OWN,
    vendor="jd",
    code="jd1",
    endpoint_url="https://api.jd.com/routerjson",
    key_id="ak",
    secrets=("sec", "the-one-before"),
    params={"operator": "ops", "vender_id": "9"},
    token=Token("tok", "refresh-1", NOW, version=3),
)
NO = "293847561029"
PERSONAL = ("#cipher-name#", "#cipher-phone#", "#cipher-street#", "请放前台")


def order(**changes: Any) -> dict[str, Any]:
    """A paid order: 2 shirts at 159.00, 20.00 off by the shop, 5.00 by the platform, 8.00 freight; `...` is none."""
    base: dict[str, Any] = {
        "orderId": NO,
        "orderState": "WAIT_SELLER_STOCK_OUT",
        "orderType": "22",
        "payType": "4",
        "orderTotalPrice": "318.00",
        "orderPayment": "0.00",
        "actualPay": "301.00",
        "shouldPay": 301,
        "sellerDiscount": "20.00",
        "freightPrice": "8.00",
        "balanceUsed": "1.00",
        "orderStartTime": "2026-11-22 21:00:00",
        "paymentConfirmTime": "2026-11-22 21:01:00",
        "orderEndTime": "0001-01-01 00:00:00",
        "modified": "2026-11-22 21:02:00",
        "orderRemark": "请放前台",
        "open_id_buyer": "buyer-1",
        "storeOrder": "",
        "oaid": "oaid-1",
        "consigneeInfo": {
            "fullname": PERSONAL[0],
            "mobile": PERSONAL[1],
            "telephone": None,
            "fullAddress": PERSONAL[2],
            "province": "广东",
            "city": "深圳市",
            "county": "南山区",
        },
        "itemInfoList": [item()],
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def item(**changes: Any) -> dict[str, Any]:
    """One line: two shirts."""
    base = {"skuId": 10001, "wareId": 500, "outerSkuId": "TEE", "skuName": "短袖", "jdPrice": 159.0, "itemTotal": "2"}
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def says(method: str, told: object) -> httpx.Response:
    """An answer in the platform's envelope, as they spell it."""
    inner = {"code": "0", **told} if isinstance(told, dict) else told
    return httpx.Response(200, json={f"{method.replace('.', '_')}_responce": inner})


def detail(**changes: Any) -> httpx.Response:
    """The answer about one order."""
    found = {"apiResult": {"success": True}, "orderInfo": order(**changes)}
    return says("jingdong.pop.order.enGet", {"orderDetailInfo": found})


def listed(total: object, *rows: object) -> httpx.Response:
    """One page of the list."""
    found = {"apiResult": {"success": True}, "orderTotal": total, "orderInfoList": list(rows)}
    return says("jingdong.pop.order.enSearch", {"searchorderinfo_result": found})


def error(code: object, words: str = "") -> httpx.Response:
    """A refusal of the gateway."""
    return httpx.Response(200, json={"error_response": {"code": code, "zh_desc": words, "en_desc": ""}})


def shop(stranger: Stranger, row: Shop = JD) -> JdShop:
    """Our side, speaking to a scripted platform."""
    return JdShop(row, stranger.client(), clock)


def asked(request: httpx.Request) -> tuple[dict[str, str], dict[str, Any]]:
    """What a call said: its system parameters and its business ones."""
    form = dict(parse_qsl(request.content.decode()))
    return dict(request.url.params), json.loads(form["360buy_param_json"])
