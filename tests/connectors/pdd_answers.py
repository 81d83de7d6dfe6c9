"""A Pinduoduo shop and its orders as the platform gives them, for the tests. Every value is made up."""

import json
from dataclasses import replace
from typing import Any

import httpx

from connectors.platforms.pdd import PddShop
from domain.shops import Shop, Token
from tests.connectors.worlds import OWN, Stranger, clock

PDD: Shop = replace(
    OWN,
    vendor="pdd",
    code="pdd1",
    endpoint_url="http://pdd.example",
    key_id="app",
    secrets=("secret", "the-one-before"),
    params={"mall_id": "171504183", "message_url": "ws://127.0.0.1:1", "carriers": "SF=44,YTO=85"},
    token=Token("access-1", "refresh-1", version=2),
)
NO = "210707-123456789012345"
CIPHERS = ("~AgAA+name~0~", "~AgAA+phone~0~", "~AgAA+street~0~")
PERSONAL = ("李小明", "13812345678", "科技园南路9号", "请放前台", *CIPHERS)


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """With the changes; `...` takes a field out."""
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def item(**changes: Any) -> dict[str, Any]:
    """Two shirts at 159.00."""
    base = {
        "goods_id": 36543,
        "sku_id": 10200030,
        "outer_id": "TEE-WHITE-M",
        "outer_goods_id": "TEE",
        "goods_count": 2,
        "goods_price": 159,
        "goods_name": "纯棉圆领短袖",
        "goods_spec": "白,M",
    }
    return changed(base, changes)


def order(**changes: Any) -> dict[str, Any]:
    """An order to be sent: goods 318.00, of which the seller takes 20.00 and the platform 5.00, postage 8.00."""
    base = {
        "order_sn": NO,
        "order_status": 1,
        "confirm_status": 1,
        "group_status": 1,
        "refund_status": 1,
        "risk_control_status": 0,
        "created_time": "2026-11-22 21:00:00",
        "confirm_time": "2026-11-22 21:02:03",
        "pay_time": "2026-11-22 21:01:02",
        "updated_at": "2026-11-22 21:02:04",
        "goods_amount": 318,
        "discount_amount": 25,
        "seller_discount": 20,
        "platform_discount": 5,
        "capital_free_discount": 0,
        "postage": 8,
        "pay_amount": 301,
        "order_change_amount": 0,
        "duo_duo_pay_reduction": 0,
        "receiver_name": CIPHERS[0],
        "receiver_phone": CIPHERS[1],
        "receiver_address": CIPHERS[2],
        "receiver_name_mask": "李*",
        "receiver_phone_mask": "138****5678",
        "receiver_address_mask": "科技园***",
        "province": "广东省",
        "city": "深圳市",
        "town": "南山区",
        "open_address_id": "address-1",
        "buyer_memo": "请放前台",
        "tracking_number": "",
        "item_list": [item()],
    }
    return changed(base, changes)


def case(**changes: Any) -> dict[str, Any]:
    """A case of one shirt, as the list gives it."""
    base = {
        "id": 77,
        "order_sn": NO,
        "after_sales_status": 2,
        "after_sales_type": 2,
        "refund_amount": "5.00",
        "goods_number": 1,
        "sku_id": "10200030",
        "tracking_number": "",
        "updated_time": "2026-11-22 21:30:00",
    }
    return changed(base, changes)


def says(wrapper: str, said: object) -> httpx.Response:
    """An answer of the gateway."""
    return httpx.Response(200, content=json.dumps({wrapper: said}, ensure_ascii=False))


def fails(code: int, **more: object) -> httpx.Response:
    """A failure in the platform's envelope."""
    return says("error_response", {"error_code": code, "error_msg": "系统错误", "request_id": "1", **more})


def detail(**changes: Any) -> httpx.Response:
    """The answer about one order."""
    return says("order_info_get_response", {"order_info": order(**changes)})


def changes(total: int, *rows: dict[str, Any]) -> httpx.Response:
    """One page of what changed."""
    return says("order_sn_increment_get_response", {"total_count": total, "order_sn_list": list(rows)})


def arose(total: int, *rows: dict[str, Any]) -> httpx.Response:
    """One page of what came about."""
    return says("order_list_get_response", {"total_count": total, "order_list": list(rows)})


def platform(stranger: Stranger, shop: Shop = PDD) -> PddShop:
    """Our side, speaking to a scripted platform."""
    return PddShop(shop, stranger.client(), clock)


def asked(stranger: Stranger, index: int = 0) -> dict[str, str]:
    """What a call said."""
    told: dict[str, str] = json.loads(stranger.asked[index].content)
    return told
