"""A Shopee shop, its orders as the platform gives them, and its pushes, for the tests. Every value is made up."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import httpx

from connectors.inbound import Push
from connectors.platforms.shopee import ShopeeShop
from domain.shops import Shop, Token
from tests.connectors.pdd_answers import changed
from tests.connectors.worlds import OWN, Stranger, clock, push

KEY, OLD_KEY = "7a6b5c4d3e2f10", "the-key-before"
CALLBACK = "https://oms.example.com/webhooks/shopee"
SHOPEE: Shop = replace(
    OWN,
    vendor="shopee",
    code="sg1",
    zone="Asia/Singapore",
    currency="SGD",
    endpoint_url="http://shopee.example/",
    key_id="2000001",
    secrets=(KEY, OLD_KEY),
    params={"shop_id": "600000", "callback_url": CALLBACK},
    token=Token("4c7259534969484e", "refresh-1", version=2),
)
NO = "220810QSK8S7BX"
SECOND = 1_795_354_200  # NOW
PERSONAL = ("Tan Ah Kow", "6591234567", "Orchard Road 9", "please call")


def item(**changes: Any) -> dict[str, Any]:
    """Two shirts at 15.90."""
    base = {
        "item_id": 23620853561,
        "item_name": "T-Shirt",
        "item_sku": "TEE",
        "model_id": 221404189791,
        "model_name": "White,M",
        "model_sku": "TEE-WHITE-M",
        "model_quantity_purchased": 2,
        "model_original_price": 19.9,
        "model_discounted_price": 15.9,
    }
    return changed(base, changes)


def order(**changes: Any) -> dict[str, Any]:
    """A paid order: goods 31.80, vouchers 3.00 and 1.50, freight 2.49."""
    base = {
        "order_sn": NO,
        "region": "SG",
        "currency": "SGD",
        "cod": False,
        "order_status": "READY_TO_SHIP",
        "message_to_seller": "please call",
        "create_time": SECOND - 60,
        "update_time": SECOND - 20,
        "pay_time": SECOND - 30,
        "total_amount": 29.79,
        "buyer_user_id": 1170319091,
        "recipient_address": {
            "name": "T******w",
            "phone": "******67",
            "town": "",
            "district": "Orchard",
            "city": "Singapore",
            "state": "Singapore",
            "full_address": "Or******",
        },
        "item_list": [item()],
        "package_list": [{"package_number": "OFG1", "logistics_status": "LOGISTICS_READY"}],
    }
    return changed(base, changes)


def says(response: object = None, error: str = "", **more: object) -> httpx.Response:
    """An answer in the platform's envelope."""
    told = {"error": error, "message": "", "request_id": "1", **more}
    return httpx.Response(200, content=json.dumps(told | ({} if response is None else {"response": response})))


def details(*orders: dict[str, Any]) -> httpx.Response:
    """Orders in detail."""
    return says({"order_list": list(orders)})


def detail(**changes: Any) -> httpx.Response:
    """One order in detail."""
    return details(order(**changes))


def escrow(**changes: Any) -> httpx.Response:
    """What is settled."""
    income = {"voucher_from_seller": 3, "voucher_from_shopee": 1.5, "coins": 0, **changes}
    return says({"order_sn": NO, "order_income": income})


def listed(*numbers: str, cursor: str = "") -> httpx.Response:
    """One page of the list."""
    rows = [{"order_sn": one, "order_status": "SHIPPED"} for one in numbers]
    return says({"more": bool(cursor), "next_cursor": cursor, "order_list": rows})


def platform(stranger: Stranger, shop: Shop = SHOPEE) -> ShopeeShop:
    """Our side, speaking to a scripted platform."""
    return ShopeeShop(shop, stranger.client(), clock)


def asked(stranger: Stranger, index: int = 0) -> tuple[str, dict[str, str]]:
    """Which path a call went to, and its query."""
    url = stranger.asked[index].url
    return url.path, dict(url.params)


def pushed(told: object, key: str = KEY, url: str = CALLBACK) -> Push:
    """A push signed as the platform signs, by its own words and not by our code."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    shown = hmac.new(key.encode(), url.encode() + b"|" + body, hashlib.sha256).hexdigest()
    return push(body, headers={"authorization": shown})


def message(**changes: Any) -> dict[str, Any]:
    """A push about an order's status."""
    data = {"items": [], "ordersn": NO, "status": "PROCESSED", "completed_scenario": "", "update_time": SECOND - 5}
    return changed({"data": data, "shop_id": 600000, "code": 3, "timestamp": SECOND - 4}, changes)
