"""A WeChat shop, its orders as the platform gives them, and its sealed pushes. Every value is made up."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from connectors.inbound import Push
from connectors.platforms.wechatshop import WechatShop
from domain.shops import Shop, Token
from tests.connectors.pdd_answers import changed
from tests.connectors.worlds import OWN, Stranger, clock, push

APPID, TOKEN, AES_KEY = "wx1234567890abcdef", "AAAAA", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
WECHATSHOP: Shop = replace(
    OWN,
    vendor="wechatshop",
    code="wx1",
    endpoint_url="http://wechat.example/",
    key_id=APPID,
    secrets=("appsecret", "the-one-before"),
    params={"carriers": "SF=SFEX"},
    sealed={"push_token": TOKEN, "encoding_aes_key": AES_KEY},
    token=Token("access-1", version=2),
)
NO = "3705115058471208928"
SECOND = 1_795_354_200  # NOW
PERSONAL = ("李小明", "13812345678", "科技园南路9号", "请放前台")


def product(**changes: Any) -> dict[str, Any]:
    """Two shirts at 159.00."""
    base = {
        "product_id": "10000000123456",
        "sku_id": "20000000123456",
        "sku_code": "TEE-WHITE-M",
        "out_sku_id": "",
        "sku_cnt": 2,
        "sale_price": 15900,
        "title": "纯棉圆领短袖",
    }
    return changed(base, changes)


def order(price: dict[str, Any] | None = None, detail: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An order to be sent: goods 318.00, shop's discount 20.00, platform's 5.00, freight 8.00."""
    money = {
        "product_price": 31800,
        "order_price": 30100,
        "freight": 800,
        "discounted_price": 2500,
        "merchant_discounted_price": 2000,
        "deduction_price": 0,
    }
    address = {
        "user_name": "李*",
        "tel_number": "138****5678",
        "province_name": "广东省",
        "city_name": "深圳市",
        "county_name": "南山区",
        "detail_info": "科技园***",
        "hash_code": "address-1",
    }
    parts = {
        "price_info": changed(money, price or {}),
        "product_infos": [product()],
        "pay_info": {"pay_time": SECOND - 30},
        "delivery_info": {"address_info": address, "delivery_product_info": []},
        "ext_info": {"customer_notes": "请放前台", "merchant_notes": "", "confirm_receipt_time": 0},
    }
    base = {
        "order_id": int(NO),
        "status": 20,
        "create_time": SECOND - 60,
        "update_time": SECOND - 20,
        "openid": "o-buyer",
        "order_detail": changed(parts, detail or {}),
    }
    return changed(base, changes)


def says(errcode: int = 0, **more: Any) -> httpx.Response:
    """An answer of the platform."""
    return httpx.Response(200, content=json.dumps({"errcode": errcode, "errmsg": "ok", **more}))


def detail(**changes: Any) -> httpx.Response:
    """The answer about one order."""
    return says(order=order(**changes))


def platform(stranger: Stranger, shop: Shop = WECHATSHOP) -> WechatShop:
    """Our side, speaking to a scripted platform."""
    return WechatShop(shop, stranger.client(), clock)


def asked(stranger: Stranger, index: int = 0) -> tuple[str, dict[str, Any]]:
    """Which path a call went to, and what it said."""
    request = stranger.asked[index]
    return request.url.path, json.loads(request.content)


def event(name: str = "channels_ec_order_pay", **more: Any) -> dict[str, Any]:
    """What a push says."""
    told = {"order_info": {"order_id": int(NO), "pay_time": SECOND - 30}}
    return {"ToUserName": "gh_test", "CreateTime": SECOND - 4, "MsgType": "event", "Event": name, **(more or told)}


def pushed(told: object, token: str = TOKEN, key: str = AES_KEY, appid: str = APPID) -> Push:
    """A push sealed and signed as the platform does, by its own words and not by our code."""
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    secret = base64.b64decode(key + "=")
    whole = b"0123456789abcdef" + len(text).to_bytes(4, "big") + text + appid.encode()
    fill = 32 - len(whole) % 32
    sealer = Cipher(algorithms.AES(secret), modes.CBC(secret[:16])).encryptor()
    sealed = base64.b64encode(sealer.update(whole + bytes([fill]) * fill) + sealer.finalize()).decode()
    shown = hashlib.sha1("".join(sorted([token, str(SECOND), "77", sealed])).encode()).hexdigest()  # noqa: S324
    query = {"msg_signature": shown, "timestamp": str(SECOND), "nonce": "77", "encrypt_type": "aes"}
    return push(json.dumps({"ToUserName": "gh_test", "Encrypt": sealed}).encode(), query)
