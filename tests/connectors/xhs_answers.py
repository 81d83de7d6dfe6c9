"""A Xiaohongshu shop, its platform's answers and its pushes, for the tests."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import httpx

from connectors.inbound import Push
from connectors.platforms.xhs import XhsShop
from domain.shops import Shop, Token
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

SECRET, OLD_SECRET = "secret-key", "the-key-before"
XHS: Shop = replace(
    OWN,
    vendor="xhs",
    code="red1",
    endpoint_url="https://ark.xiaohongshu.com/ark/open_api/v3/common_controller",
    key_id="test-app",
    secrets=(SECRET, OLD_SECRET),
    params={"seller_id": "seller-1"},
    token=Token("tok", "refresh-1", NOW, version=3),
)
NO = "P712345678901234567"
SKU = "64c5d1e2f0a1b2c3d4e5f601"
MILLIS = 1_795_354_200_000  # NOW
PERSONAL = ("#cipher-name#", "#cipher-phone#", "#cipher-street#", "请放前台")


def order(**changes: Any) -> dict[str, Any]:
    """A paid order: 2 shirts for 318.00, 20.00 off by the shop, 5.00 by the platform, 8.00 freight; `...` is none."""
    told: dict[str, Any] = {
        "orderId": NO,
        "orderStatus": 4,
        "orderAfterSalesStatus": 1,
        "createdTime": MILLIS - 60_000,
        "paidTime": MILLIS - 30_000,
        "updateTime": MILLIS - 20_000,
        "deliveryTime": 0,
        "finishTime": 0,
        "totalPayAmount": 30_100,
        "totalShippingFree": 800,
        "totalMerchantDiscount": 2_000,
        "totalRedDiscount": 500,
        "receiverProvinceName": "广东省",
        "receiverCityName": "深圳市",
        "receiverDistrictName": "南山区",
        "receiverName": PERSONAL[0],
        "receiverPhone": PERSONAL[1],
        "receiverAddress": PERSONAL[2],
        "openAddressId": "address-1",
        "customerRemark": "请放前台",
        "userId": "buyer-1",
        "skuList": [sku()],
    }
    return {name: value for name, value in {**told, **changes}.items() if value is not ...}


def sku(**changes: Any) -> dict[str, Any]:
    """One line: two shirts."""
    told = {"skuId": SKU, "skuName": "短袖", "skuSpec": "白 M", "erpcode": "TEE", "skuQuantity": 2}
    told |= {"totalPaidAmount": 29_300, "totalMerchantDiscount": 2_000, "totalRedDiscount": 500, **changes}
    return {name: value for name, value in told.items() if value is not ...}


def says(data: object, code: int = 0, words: str = "") -> httpx.Response:
    """An answer in the platform's envelope."""
    return httpx.Response(200, json={"error_code": code, "error_msg": words, "success": code == 0, "data": data})


def nested(data: object, code: int = 0, words: str = "") -> httpx.Response:
    """An answer as newer methods nest it."""
    return says({"code": code, "msg": words, "success": code == 0, "data": data})


def listed(total: object, *rows: object) -> httpx.Response:
    """One page of the list."""
    return says({"total": total, "pageNo": 1, "pageSize": 100, "maxPageNo": 1, "orderList": list(rows)})


def case(status: int = 1, kind: int = 5, refund: int = 0, **changes: Any) -> httpx.Response:
    """The answer about one case."""
    told = {"returnsId": "R88", "orderId": NO, "returnType": kind, "status": status, "updatedAt": MILLIS}
    told |= {"expectedRefundAmountYuan": 5.5, "refundAmountYuan": 5.4, "refundStatus": refund, "desc": "碎了"}
    told |= {"skus": [{"skuId": SKU, "appliedCount": 2}], **changes}
    return nested({"afterSaleInfo": told, "logisticsInfo": {"after_sale": {"expressNo": "SF9"}}})


def shop(stranger: Stranger, row: Shop = XHS) -> XhsShop:
    """Our side, speaking to a scripted platform."""
    return XhsShop(row, stranger.client(), clock)


def asked(request: httpx.Request) -> dict[str, Any]:
    """What a call said."""
    return dict(json.loads(request.content))


def message(tag: str, data: object, seller: str = "seller-1") -> dict[str, Any]:
    """One pushed message; `data` is written as the platform does, a JSON text."""
    return {"msgTag": tag, "sellerId": seller, "data": data if isinstance(data, str) else json.dumps(data)}


def pushed(told: object, secret: str = SECRET, stamp: int = MILLIS // 1000, path: str = "/in/xhs/red1") -> Push:
    """A push signed by the platform's words and not by our code."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    text = f"{path}?app-key=test-app&timestamp={stamp}{secret}"
    signed = hashlib.md5(text.encode()).hexdigest()  # noqa: S324  (their algorithm)
    return push(body, headers={"app-key": "test-app", "timestamp": str(stamp), "sign": signed})
