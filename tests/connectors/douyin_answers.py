"""A Douyin shop, its orders as the platform gives them, and its pushes, for the tests."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx

from connectors.inbound import Push
from connectors.platforms.douyin import DouyinShop
from domain.shops import Shop, Token
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

APP_KEY, SECRET, OLD_SECRET = "6839996111100003000", "d2b3c4e5-0000-1111-2222-333344445555", "the-key-before"
DOUYIN: Shop = replace(
    OWN,
    vendor="douyin",
    code="dy1",
    endpoint_url="http://douyin.example/",
    key_id=APP_KEY,
    secrets=(SECRET, OLD_SECRET),
    token=Token("access-1", "refresh-1", version=4),
)
NO = "4781320682406083640"
SECOND = 1_795_354_200  # NOW
CIPHERS = ("#name+cipher=#", "$phone+cipher=$", "#street+cipher=#")
PERSONAL = ("李小明", "13812345678", "科技园南路9号", "请放前台", *CIPHERS)


def child(no: str = NO, **changes: Any) -> dict[str, Any]:
    """A child order: two shirts at 159.00, of which the shop takes off 20.00; `...` leaves a field out."""
    base = {
        "order_id": no,
        "parent_order_id": NO,
        "sku_id": 1736502463777799,
        "product_name": "纯棉圆领短袖",
        "spec": [{"name": "颜色", "value": "白"}, {"name": "尺码", "value": "M"}],
        "code": "TEE-WHITE-M",
        "out_sku_id": "0",
        "item_num": 2,
        "origin_amount": 15900,
        "sum_amount": 31800,
        "pay_amount": 30600,
        "given_product_type": "",
        "after_sale_info": {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def order(**changes: Any) -> dict[str, Any]:
    """A paid order of one child order and 8.00 freight; `...` leaves a field out."""
    base = {
        "order_id": NO,
        "shop_id": 1111111,
        "order_status": 2,
        "main_status": 2,
        "create_time": SECOND - 60,
        "pay_time": SECOND - 30,
        "update_time": SECOND - 20,
        "order_amount": 32600,
        "pay_amount": 30600,
        "post_amount": 800,
        "modify_amount": 0,
        "promotion_amount": 2000,
        "promotion_shop_amount": 2000,
        "promotion_platform_amount": 0,
        "promotion_talent_amount": 0,
        "promotion_pay_amount": 0,
        "buyer_words": "请放前台",
        "doudian_open_id": "1@#open",
        "open_address_id": "#address-1",
        "encrypt_post_receiver": CIPHERS[0],
        "encrypt_post_tel": CIPHERS[1],
        "post_addr": {
            "province": {"name": "广东省", "id": "44"},
            "city": {"name": "深圳市", "id": "440300"},
            "town": {"name": "南山区", "id": "440305"},
            "street": {"name": "粤海街道", "id": "440305007"},
            "encrypt_detail": CIPHERS[2],
        },
        "logistics_info": [],
        "sku_order_list": [child()],
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def says(data: object, code: int = 10000, **more: object) -> httpx.Response:
    """An answer in the platform's envelope."""
    return httpx.Response(
        200, json={"code": code, "msg": "success", "sub_code": "", "data": data, "log_id": "1", **more}
    )


def detail(**changes: Any) -> httpx.Response:
    """The answer to a question for one order."""
    return says({"shop_order_detail": order(**changes)})


def listed(total: int, *rows: dict[str, Any], page: int = 0) -> httpx.Response:
    """One page of the list."""
    return says({"page": page, "total": total, "size": 100, "shop_order_list": list(rows)})


def message(tag: str = "101", data: object = ..., msg_id: str = "7312345678901234567") -> dict[str, Any]:
    """One pushed message; `data` is written as the platform does, a JSON text."""
    base = {"p_id": int(NO), "shop_id": 1111111, "order_status": 2, "pay_time": SECOND - 30}
    told = base if data is ... else data
    return {"tag": tag, "msg_id": msg_id, "data": told if isinstance(told, str) else json.dumps(told)}


def pushed(messages: Sequence[object] | bytes, secret: str = SECRET, app: str = APP_KEY) -> Push:
    """A push signed as the platform signs, by its own words and not by our code."""
    body = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
    told = hashlib.md5(app.encode() + body + secret.encode()).hexdigest()  # noqa: S324  (their algorithm)
    return push(body, headers={"app-id": app, "event-sign": told}, received_at=NOW)


def platform(stranger: Stranger, shop: Shop = DOUYIN) -> DouyinShop:
    """Our side, speaking to a scripted platform."""
    return DouyinShop(shop, stranger.client(), clock)


def asked(request: httpx.Request) -> tuple[str, dict[str, str], dict[str, Any]]:
    """What a call said: its path, its query and its parameters."""
    query = {name: values[0] for name, values in parse_qs(request.url.query.decode(), keep_blank_values=True).items()}
    return request.url.path, query, json.loads(request.content)
