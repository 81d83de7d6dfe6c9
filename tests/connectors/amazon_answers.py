"""An Amazon seller, his orders as the platform gives them, for the tests."""

from dataclasses import replace
from typing import Any

import httpx

from connectors.platforms.amazon import AmazonShop
from domain.shops import Shop, Token
from tests.connectors.worlds import OWN, Stranger, clock

AMAZON: Shop = replace(
    OWN,
    vendor="amazon",
    code="us1",
    zone="UTC",
    currency="USD",
    endpoint_url="http://sp.example/",
    key_id="amzn1.application-oa2-client.1",
    secrets=("lwa-secret",),
    params={
        "marketplace_id": "ATVPDKIKX0DER",
        "seller_id": "A3TH9S8BH6GOGM",
        "product_type": "SHIRT",
        "token_url": "http://lwa.example/auth/o2/token",
        "carriers": "UPS=UPS",
    },
    token=Token("Atza|1", "Atzr|1", version=4),
)
NO = "902-3159896-1390916"
PERSONAL = ("Michigan Buyer", "+1 480-386-0930", "1 Cross St.")


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currencyCode": currency}


def part(kind: str, amount: str) -> dict[str, Any]:
    return {"type": kind, "subtotal": money(amount)}


def item(number: str = "68828574383266", **changes: Any) -> dict[str, Any]:
    """An item: two shirts at 159.00; `...` leaves a field out."""
    base = {
        "orderItemId": number,
        "quantityOrdered": 2,
        "product": {
            "asin": "BT0093TELA",
            "title": "Tee",
            "sellerSku": "TEE-WHITE-M",
            "price": {"unitPrice": money("159")},
        },
        "proceeds": {"proceedsTotal": money("318.00"), "breakdowns": [part("ITEM", "318.00"), part("TAX", "11.94")]},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def order(**changes: Any) -> dict[str, Any]:
    """An order to ship: one item, 8.00 freight, 11.94 tax, 20.00 off; `...` leaves a field out."""
    parts = [part("ITEM", "318.00"), part("SHIPPING", "8.00"), part("TAX", "11.94"), part("DISCOUNT", "-20.00")]
    base = {
        "orderId": NO,
        "createdTime": "2026-11-22T13:00:00Z",
        "lastUpdatedTime": "2026-11-22T13:20:00.123Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
        "buyer": {"buyerEmail": "abc@marketplace.example"},
        "recipient": {
            "deliveryAddress": {
                "name": PERSONAL[0],
                "phone": PERSONAL[1],
                "addressLine1": PERSONAL[2],
                "city": "Canton",
                "stateOrRegion": "MI",
                "postalCode": "48817",
                "countryCode": "US",
            }
        },
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "proceeds": {"grandTotal": money("317.94"), "breakdowns": parts},
        "orderItems": [item()],
        "packages": [],
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def says(told: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=told)


def wrong(status: int, code: str = "InvalidInput", message: str = "no", details: str = "") -> httpx.Response:
    return says({"errors": [{"code": code, "message": message, "details": details}]}, status)


def detail(**changes: Any) -> httpx.Response:
    """The answer to a question for one order."""
    return says({"order": order(**changes)})


def listed(*rows: dict[str, Any], token: str = "") -> httpx.Response:
    """One page of the list."""
    more = {"pagination": {"nextToken": token}} if token else {}
    return says({"orders": list(rows), "lastUpdatedBefore": "2026-11-22T13:28:00Z", **more})


def platform(stranger: Stranger, shop: Shop = AMAZON) -> AmazonShop:
    """Our side, speaking to a scripted platform."""
    return AmazonShop(shop, stranger.client(), clock)
