"""A Shopify shop, its orders as the platform gives them, and its pushes, for the tests."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import httpx

from connectors.inbound import Push
from connectors.platforms.shopify import ShopifyShop
from domain.shops import Shop, Token
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

SECRET, OLD_SECRET = "hush", "the-secret-before"
SHOPIFY: Shop = replace(
    OWN,
    vendor="shopify",
    code="sf1",
    zone="UTC",
    currency="USD",
    endpoint_url="http://my-shop.example/",
    key_id="client-1",
    secrets=(SECRET, OLD_SECRET),
    params={"location_id": "11", "domain": "my-shop.myshopify.com", "carriers": "SF=SF Express"},
    token=Token("access-1", "refresh-1", version=4),
)
NO = "450789469"
AT = "2026-11-22T13:30:00Z"
PERSONAL = ("Steve Shipper", "555-555-7447", "123 Shipping Street", "leave it at the door")


def bag(amount: object, currency: object = "USD") -> dict[str, Any]:
    """An amount in two currencies."""
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def line(number: int = 71, **changes: Any) -> dict[str, Any]:
    """A line: two shirts at 159.00, of which discounts take 20.00; `...` leaves a field out."""
    base = {
        "id": f"gid://shopify/LineItem/{number}",
        "sku": "TEE-WHITE-M",
        "title": "Tee",
        "variantTitle": "white / M",
        "quantity": 2,
        "originalUnitPriceSet": bag("159.0"),
        "discountAllocations": [{"allocatedAmountSet": bag("15.00")}, {"allocatedAmountSet": bag("5.0")}],
        "variant": {"legacyResourceId": "39072856"},
        "product": {"legacyResourceId": "632910392"},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def order(**changes: Any) -> dict[str, Any]:
    """A paid order of one line, 8.00 freight and 11.94 tax; `...` leaves a field out."""
    base = {
        "legacyResourceId": NO,
        "createdAt": "2026-11-22T13:00:00Z",
        "processedAt": "2026-11-22T13:00:00Z",
        "updatedAt": AT,
        "cancelledAt": None,
        "closedAt": None,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "USD",
        "note": PERSONAL[3],
        "totalPriceSet": bag("317.94"),
        "subtotalPriceSet": bag("298.00"),
        "totalReceivedSet": bag("317.94"),
        "totalRefundedSet": bag("0.0"),
        "shippingAddress": {
            "name": PERSONAL[0],
            "phone": PERSONAL[1],
            "company": None,
            "address1": PERSONAL[2],
            "address2": None,
            "city": "Louisville",
            "province": "Kentucky",
            "zip": "40202",
            "countryCodeV2": "US",
        },
        "transactions": [
            {"kind": "AUTHORIZATION", "status": "SUCCESS", "processedAt": "2026-11-22T13:00:01Z"},
            {"kind": "CAPTURE", "status": "FAILURE", "processedAt": "2026-11-22T13:00:02Z"},
            {"kind": "CAPTURE", "status": "SUCCESS", "processedAt": "2026-11-22T13:01:02Z"},
        ],
        "fulfillments": [],
        "lineItems": {"nodes": [line()], "pageInfo": {"hasNextPage": False, "endCursor": "c"}},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def says(data: object, *errors: dict[str, Any], status: int = 200, **more: Any) -> httpx.Response:
    """An answer in the platform's envelope."""
    told = {"data": data} | ({"errors": list(errors)} if errors else {}) | more
    return httpx.Response(status, json=told)


def wrong(code: str, message: str = "no", **cost: Any) -> httpx.Response:
    """A refusal: HTTP 200 and errors."""
    return says(None, {"message": message, "extensions": {"code": code}}, **cost)


def detail(**changes: Any) -> httpx.Response:
    """The answer to a question for one order."""
    return says({"order": order(**changes)})


def listed(*rows: dict[str, Any], cursor: str = "") -> httpx.Response:
    """One page of the list."""
    page = {"hasNextPage": bool(cursor), "endCursor": cursor or None}
    return says({"orders": {"nodes": list(rows), "pageInfo": page}})


def pushed(body: object, topic: str = "orders/paid", secret: str = SECRET, **headers: str) -> Push:
    """A push signed as the platform signs, by its own words and not by our code."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    usual = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": told,
        "x-shopify-shop-domain": "my-shop.myshopify.com",
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-triggered-at": "2026-11-22T13:29:58.123456789Z",
    }
    return push(raw, headers={**usual, **headers}, received_at=NOW)


def platform(stranger: Stranger, shop: Shop = SHOPIFY) -> ShopifyShop:
    """Our side, speaking to a scripted platform."""
    return ShopifyShop(shop, stranger.client(), clock)


def asked(request: httpx.Request) -> dict[str, Any]:
    """What a question's variables said."""
    return dict(json.loads(request.content)["variables"])
