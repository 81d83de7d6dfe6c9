"""Orders and cases as Pinduoduo shows them: yuan, Beijing time, ciphertext until they are sent. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.cases import SaleCase
from simulator.clock import stamp
from simulator.listings import item_id, variant_id
from simulator.market import Market
from simulator.platforms.pdd_wire import Json, yuan
from simulator.shop import ShopOrder

TO_SHIP, SHIPPED, SIGNED = 1, 2, 3
NO_CASE, OPEN_CASE, REFUNDED = 1, 2, 4
WAITING = {"refund": 2, "return": 3, "exchange": 14}
STATES = {"awaits_goods": 7, "refused": 6, "paid": 10, "closed": 11, "done": 16}
LIST_TYPES = {"refund": 2, "return": 3, "exchange": 4}
DETAIL_TYPES = {"refund": 1, "return": 2, "exchange": 3}


def status_of(order: ShopOrder) -> int:
    if order.received_at is not None:
        return SIGNED
    return SHIPPED if order.sent else TO_SHIP


def changed_at(shop: Market, order: ShopOrder) -> datetime | None:
    """Tell when an order or a case of it changed last."""
    moments = [case.updated_at for case in shop.cases() if case.order is order]
    return max([order.updated_at, *moments]) if order.updated_at is not None else None


def order_info(shop: Market, order: ShopOrder) -> Json:
    """Write one order as the lists and the detail show it."""
    plan, parcels = order.plan, order.parcels
    return {
        "order_sn": plan.no,
        "order_status": status_of(order),
        "confirm_status": 1,
        "group_status": 1,
        "refund_status": _refund_status(shop, order),
        "after_sales_status": 0,
        "risk_control_status": int(order.held),
        "created_time": _time(order.placed_at),
        "confirm_time": _time(order.paid_at),
        "pay_time": _time(order.paid_at),
        "shipping_time": _time(order.consigned_at),
        "receive_time": _time(order.received_at),
        "updated_at": _time(changed_at(shop, order)),
        **_money(order),
        **_receiver(order, shop.seed),
        "buyer_memo": plan.remark,
        "remark": "",
        "logistics_id": int(parcels[0].company) if parcels else 0,
        "tracking_number": parcels[0].waybill if parcels else "",
        "gift_list": [],
        "item_list": [
            {
                "goods_id": int(item_id(line.sku)),
                "sku_id": int(variant_id(line.sku)),
                "outer_id": line.sku,
                "outer_goods_id": "",
                "goods_count": line.quantity,
                "goods_price": yuan(line.unit_minor),
                "goods_name": line.title,
                "goods_spec": "",
            }
            for line in plan.basket.lines
        ],
    }


def _refund_status(shop: Market, order: ShopOrder) -> int:
    if order.status == "refunded":
        return REFUNDED
    return OPEN_CASE if any(case.order is order and not case.over for case in shop.cases()) else NO_CASE


def _money(order: ShopOrder) -> Json:
    basket = order.plan.basket
    seller = basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines)
    platform = basket.platform_discount_minor
    return {
        "goods_amount": yuan(sum(line.quantity * line.unit_minor for line in basket.lines)),
        "discount_amount": yuan(seller + platform),
        "seller_discount": yuan(seller),
        "platform_discount": yuan(platform),
        "capital_free_discount": 0,
        "postage": yuan(basket.freight_minor),
        "pay_amount": yuan(basket.total_minor),
        "order_change_amount": 0,
        "duo_duo_pay_reduction": 0,
    }


def _receiver(order: ShopOrder, seed: int) -> Json:
    who, shown = order.plan.receiver, status_of(order) == TO_SHIP and not order.held
    plain = {"name": who.name, "phone": who.phone, "address": who.address}
    masks = {"name": f"{who.name[0]}*", "phone": f"{who.phone[:3]}****{who.phone[-4:]}", "address": "****"}
    return {
        **{f"receiver_{name}": _cipher(order, name, one, seed) if shown else "" for name, one in plain.items()},
        **{f"receiver_{name}_mask": one for name, one in masks.items()},
        "province": who.province,
        "city": who.city,
        "town": who.district,
        "open_address_id": hashlib.sha256("|".join(map(str, (seed, *vars(who).values()))).encode()).hexdigest()[:32],
    }


def _cipher(order: ShopOrder, name: str, plain: str, seed: int) -> str:
    digest = hashlib.sha256(f"{seed}|{order.plan.no}|{name}|{plain}".encode()).digest()
    return f"~AgAAAA{base64.b64encode(digest).decode()}~0~"


def case_info(case: SaleCase, types: dict[str, int]) -> Json:
    """Write one case as the list and the detail show it; they number its kind differently."""
    lines = {line.no: line for line in case.order.plan.basket.lines}
    line_no, units = next(iter(case.units.items()))
    only = len(case.units) == 1
    return {
        "id": int(case.no.rpartition("-")[2]),
        "order_sn": case.order.plan.no,
        "after_sales_status": STATES.get(case.state, WAITING[case.kind]),
        "after_sales_type": types[case.kind],
        "refund_amount": f"{case.minor // 100}.{case.minor % 100:02d}",
        "order_amount": f"{yuan(case.order.plan.basket.total_minor):.2f}",
        # A case about the whole order names no SKU.
        "goods_number": units if only else sum(case.units.values()),
        "sku_id": variant_id(lines[line_no].sku) if only else "",
        "outer_id": lines[line_no].sku if only else "",
        "tracking_number": case.waybill,
        "created_time": stamp(case.opened_at),
        "updated_time": stamp(case.updated_at),
    }


def _time(moment: datetime | None) -> str | None:
    return stamp(moment) if moment is not None else None
