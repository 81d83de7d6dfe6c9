"""A Kuaishou shop, its platform's answers and its pushes, for the tests."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.inbound import Push
from connectors.platforms.kuaishou import KuaishouShop
from domain.shops import Shop, Token
from simulator.platforms.kuaishou_wire import seal
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

MSG_SECRET, OLD_SECRET = "MDEyMzQ1Njc4OWFiY2RlZg==", "ZmVkY2JhOTg3NjU0MzIxMA=="
KUAISHOU: Shop = replace(
    OWN,
    vendor="kuaishou",
    code="ks1",
    endpoint_url="https://openapi.kwaixiaodian.com/",
    key_id="ks123",
    secrets=("ssec",),
    params={"carriers": "SF=4"},
    token=Token("tok", "refresh-1", NOW, version=3),
    sealed={"app_secret": "the-apps-own", "msg_secret": f"{MSG_SECRET}\n{OLD_SECRET}"},
)
NO = "2111111111111111"
MILLIS = 1_795_354_200_000  # NOW
PERSONAL = ("#cipher-name#", "#cipher-phone#", "#cipher-street#", "请放前台")


def base(**changes: Any) -> dict[str, Any]:
    """The head of a paid order: two shirts at 159.00, 20.00 off, 8.00 freight; `...` leaves a field out."""
    told = {
        "oid": int(NO),
        "status": 30,
        "createTime": MILLIS - 60_000,
        "payTime": MILLIS - 30_000,
        "updateTime": MILLIS - 20_000,
        "totalFee": 29_800,
        "discountFee": 2_000,
        "expressFee": 800,
        "buyerOpenId": "buyer-1",
        "remark": "请放前台",
        "disableDeliveryReasonCode": [],
    }
    return {name: value for name, value in {**told, **changes}.items() if value is not ...}


def item(**changes: Any) -> dict[str, Any]:
    """The one line of an order."""
    told = {"orderItemId": 77, "itemId": 500, "skuId": 10001, "skuNick": "TEE", "itemTitle": "短袖", "skuDesc": "白 M"}
    told |= {"num": 2, "price": 15_900, "originalPrice": 19_900, **changes}
    return {name: value for name, value in told.items() if value is not ...}


def order(**changes: Any) -> dict[str, Any]:
    """A whole order; a change is one of its head."""
    return {
        "orderBaseInfo": base(**changes),
        "orderItemInfo": item(),
        "orderRefundList": [],
        "orderLogisticsInfo": [],
        "orderAddress": {
            "province": "广东省",
            "city": "深圳市",
            "district": "南山区",
            "encryptedConsignee": PERSONAL[0],
            "encryptedMobile": PERSONAL[1],
            "encryptedAddress": PERSONAL[2],
        },
        "orderDeliveryInfo": {"openAddressId": "address-1"},
    }


def says(data: object, result: int = 1, words: str = "") -> httpx.Response:
    """An answer in the platform's envelope."""
    return httpx.Response(200, json={"result": result, "error_msg": words, "data": data})


def listed(cursor: object, *rows: object) -> httpx.Response:
    """One page of the list."""
    return says({"cursor": cursor, "orderList": list(rows), "pageSize": 50})


def case(status: int = 10, way: int = 10, **changes: Any) -> dict[str, Any]:
    """One case."""
    told = {"refundId": 88, "oid": int(NO), "status": status, "handlingWay": way, "specialRefundType": 0}
    return {**told, "refundFee": 500, "updateTime": MILLIS, "refundDesc": "碎了", **changes}


def shop(stranger: Stranger, row: Shop = KUAISHOU) -> KuaishouShop:
    """Our side, speaking to a scripted platform."""
    return KuaishouShop(row, stranger.client(), clock)


def asked(request: httpx.Request) -> tuple[dict[str, str], dict[str, Any]]:
    """What a call said: its public parameters and its business ones."""
    form = {**request.url.params, **dict(parse_qsl(request.content.decode()))}
    return form, json.loads(form["param"])


def pushed(told: object, secret: str = MSG_SECRET) -> Push:
    """A push sealed as the platform seals."""
    plain = told if isinstance(told, bytes) else json.dumps(told).encode()
    return push(seal(plain, secret))


def event(name: str, info: object, **changes: Any) -> dict[str, Any]:
    """One message."""
    told = {"eventId": "e1", "msgId": "m1", "bizId": 1, "userId": 1, "appKey": "ks123", "event": name, "test": False}
    written = info if isinstance(info, str) else json.dumps(info)
    return {**told, "info": written, "createTime": MILLIS, "updateTime": MILLIS, **changes}
