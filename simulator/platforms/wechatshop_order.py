"""Orders and cases as a WeChat shop shows them: fen, Unix seconds, masked receivers. Owns no state."""

import hashlib
from datetime import datetime

from simulator.cases import SaleCase
from simulator.listings import item_id, variant_id
from simulator.market import Market
from simulator.orders import Line
from simulator.platforms.wechatshop_wire import Json
from simulator.shop import ShopOrder

UNPAID, GROUPING, TO_SEND, PART_SENT, SENT, DONE, REFUNDED, CANCELLED = 10, 13, 20, 21, 30, 100, 200, 250
STATES = {
    "asked": "MERCHANT_PROCESSING",
    "awaits_goods": "USER_WAIT_RETURN",
    "sent": "MERCHANT_WAIT_RECEIPT",
    "refused": "MERCHANT_REJECT_REFUND",
    "paid": "MERCHANT_REFUND_SUCCESS",
    "closed": "USER_CANCELD",
    "done": "MERCHANT_RETURN_SUCCESS",
}


def status_of(shop: Market, order: ShopOrder) -> int:
    """Give the status; what a case gave back after shipping leaves the order as it was."""
    if order.status in ("unpaid", "cancelled"):
        return UNPAID if order.status == "unpaid" else CANCELLED
    by_case = bool(order.sent) and any(case.order is order for case in shop.cases())
    if order.status == "refunded" and not by_case:
        return REFUNDED
    if order.held:
        return GROUPING
    if order.received_at is not None:
        return DONE
    if not order.sent:
        return TO_SEND
    return SENT if order.wholly_sent else PART_SENT


def order_node(shop: Market, order: ShopOrder) -> Json:
    """Write one order in detail."""
    plan = order.plan
    return {
        "order_id": plan.no,
        "status": status_of(shop, order),
        "create_time": seconds(order.placed_at),
        "update_time": seconds(order.updated_at),
        "openid": plan.buyer_id,
        "order_detail": {
            "price_info": _price(order),
            "product_infos": [_product(line) for line in plan.basket.lines],
            "pay_info": {"pay_time": seconds(order.paid_at), "transaction_id": f"42{plan.no}"},
            "delivery_info": {
                "address_info": _address(order, shop.seed),
                "delivery_product_info": [
                    {"waybill_id": one.waybill, "delivery_id": one.company} for one in order.parcels
                ],
            },
            "ext_info": {
                "customer_notes": plan.remark,
                "merchant_notes": "",
                "confirm_receipt_time": seconds(order.received_at),
            },
        },
    }


def case_node(case: SaleCase) -> Json:
    """Write one case in detail; one about the whole order names no product."""
    lines = {line.no: line for line in case.order.plan.basket.lines}
    no, units = next(iter(case.units.items()))
    ids = {"product_id": item_id(lines[no].sku), "sku_id": variant_id(lines[no].sku), "count": units}
    return {
        "after_sale_order_id": case.no,
        "order_id": case.order.plan.no,
        "openid": case.order.plan.buyer_id,
        "type": case.kind.upper(),
        "status": STATES[case.state],
        "create_time": seconds(case.opened_at),
        "update_time": seconds(case.updated_at),
        "reason": "不想要了",
        "product_info": ids if len(case.units) == 1 else {},
        "refund_info": {"amount": case.minor},
        "return_info": {"waybill_id": case.waybill, "delivery_id": case.company},
    }


def seconds(moment: datetime | None) -> int:
    """Write a moment in unix seconds; what has not happened is 0."""
    return int(moment.timestamp()) if moment is not None else 0


def _price(order: ShopOrder) -> Json:
    basket = order.plan.basket
    shop = basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines)
    return {
        "product_price": sum(line.quantity * line.unit_minor for line in basket.lines),
        "order_price": basket.total_minor,
        "freight": basket.freight_minor,
        "discounted_price": shop + basket.platform_discount_minor,
        "merchant_receieve_price": basket.total_minor + basket.platform_discount_minor,
        "merchant_discounted_price": shop,
        "finder_discounted_price": 0,
        "deduction_price": 0,
    }


def _product(line: Line) -> Json:
    return {
        "product_id": item_id(line.sku),
        "sku_id": variant_id(line.sku),
        "sku_code": line.sku,
        "out_sku_id": "",
        "sku_cnt": line.quantity,
        "sale_price": line.unit_minor,
        "title": line.title,
        "on_aftersale_sku_cnt": 0,
        "finish_aftersale_sku_cnt": 0,
    }


def _address(order: ShopOrder, seed: int) -> Json:
    who = order.plan.receiver
    return {
        "user_name": f"{who.name[0]}*",
        "tel_number": f"{who.phone[:3]}****{who.phone[-4:]}",
        "province_name": who.province,
        "city_name": who.city,
        "county_name": who.district,
        "detail_info": "******",
        "hash_code": hashlib.sha256("|".join(map(str, (seed, *vars(who).values()))).encode()).hexdigest()[:32],
    }
