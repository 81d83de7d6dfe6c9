"""Trades as Taobao answers them, for the tests of its connector. Every value is made up."""

import json
from typing import Any
from urllib.parse import parse_qsl

import httpx

from connectors.platforms.taobao import TaobaoShop
from domain.observations import OrderObserved
from domain.shops import Shop
from tests.connectors.worlds import TAOBAO, Stranger, clock

TID = "2105811697799953286"
OID = "2105811697800953286"
PERSONAL = ["张**", "*******5552", "龙*街道花**路**号", "请放门卫张先生 13812345678", "AAHw-buyer"]


def child(**changes: Any) -> dict[str, Any]:
    """One line of 2 x 49.90, without a discount."""
    base = {
        "oid": int(OID), "num_iid": 739001644954, "sku_id": "5275960415307", "outer_iid": "TEE",
        "outer_sku_id": "TEE-WHITE-M", "title": "纯棉圆领短袖 白 M", "num": 2, "price": "49.90",
        "discount_fee": "0.00", "adjust_fee": "0.00", "part_mjz_discount": "0.00", "payment": "99.80",
        "status": "WAIT_SELLER_SEND_GOODS", "refund_status": "NO_REFUND",
    }  # fmt: skip
    return changed(base, changes)


def trade(*children: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A paid trade of the given lines, or of one; free of postage and promotions."""
    base = {
        "tid": int(TID), "tid_str": TID, "status": "WAIT_SELLER_SEND_GOODS", "type": "fixed",
        "created": "2026-11-22 21:00:00", "pay_time": "2026-11-22 21:01:02", "modified": "2026-11-22 21:01:03",
        "payment": "99.80", "total_fee": "99.80", "post_fee": "0.00", "platform_subsidy_fee": "0.00",
        "buyer_cod_fee": "0.00", "buyer_open_uid": PERSONAL[4], "buyer_message": PERSONAL[3],
        "receiver_name": PERSONAL[0], "receiver_state": "重庆", "receiver_city": "重庆市",
        "receiver_district": "渝北区", "receiver_town": "龙溪街道", "receiver_address": PERSONAL[2],
        "receiver_mobile": PERSONAL[1], "oaid": "1p4nZ8Ap4ZNn",
        "orders": {"order": list(children) or [child()]},
    }  # fmt: skip
    return changed(base, changes)


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """With the changes; `...` takes a field out."""
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def says(wrapper: str, said: object) -> httpx.Response:
    """An answer of the gateway."""
    return httpx.Response(200, content=json.dumps({wrapper: said}, ensure_ascii=False))


def detail(*children: dict[str, Any], **changes: Any) -> httpx.Response:
    """The answer about one trade."""
    return says("trade_fullinfo_get_response", {"trade": trade(*children, **changes), "request_id": "r1"})


def refund(refund_id: str, fee: str, status: str = "SUCCESS") -> httpx.Response:
    """The answer about one refund."""
    return says("refund_get_response", {"refund": {"refund_id": int(refund_id), "status": status, "refund_fee": fee}})


def error(code: int | str, sub_code: str = "", sub_msg: str = "", msg: str = "Remote service error") -> httpx.Response:
    """The gateway's own answer to what it does not do."""
    return says("error_response", {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg})


def taobao(stranger: Stranger, shop: Shop = TAOBAO) -> TaobaoShop:
    """The connector, with nobody but the stranger to speak to."""
    return TaobaoShop(shop, stranger.client(), clock)


def asked(stranger: Stranger, index: int = 0) -> dict[str, str]:
    """The form of a request."""
    return dict(parse_qsl(stranger.asked[index].content.decode(), keep_blank_values=True, strict_parsing=True))


async def read(*answers: httpx.Response) -> OrderObserved:
    """Read the trade through the connector."""
    seen, _ = await taobao(Stranger(*answers)).read_order(TID)
    return seen
