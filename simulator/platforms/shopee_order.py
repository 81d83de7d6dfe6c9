"""Orders and returns as Shopee shows them: major units, Unix seconds, masked receivers. Owns no state."""

from datetime import datetime

from simulator.cases import SaleCase
from simulator.listings import item_id, variant_id
from simulator.market import Market
from simulator.orders import Line
from simulator.platforms.shopee_wire import Json, major
from simulator.shop import ShopOrder

UNPAID, PENDING, READY, SHIPPED, COMPLETED, CANCELLED = (
    "UNPAID",
    "PENDING",
    "READY_TO_SHIP",
    "SHIPPED",
    "COMPLETED",
    "CANCELLED",
)
STATES = {
    "asked": "REQUESTED",
    "awaits_goods": "PROCESSING",
    "sent": "PROCESSING",
    "refused": "SELLER_DISPUTE",
    "paid": "COMPLETED",
    "closed": "CANCELLED",
    "done": "CLOSED",
}
RETURN_AND_REFUND, REFUND_ONLY = 0, 1


def status_of(shop: Market, order: ShopOrder) -> str:
    """Give order_status; what a return gave back after shipping leaves the order as it was."""
    if order.status == "unpaid":
        return UNPAID
    by_return = bool(order.sent) and any(case.order is order for case in shop.cases())
    if order.status == "cancelled" or (order.status == "refunded" and not by_return):
        return CANCELLED
    if order.held:
        return PENDING
    if order.received_at is not None:
        return COMPLETED
    return SHIPPED if order.sent else READY


def brief(shop: Market, order: ShopOrder) -> Json:
    """Write what a detail shows without being asked for more."""
    return {
        "order_sn": order.plan.no,
        "region": "SG",
        "currency": "SGD",
        "cod": False,
        "order_status": status_of(shop, order),
        "message_to_seller": order.plan.remark,
        "create_time": seconds(order.placed_at),
        "update_time": seconds(order.updated_at),
        "days_to_ship": 2,
    }


def optional(order: ShopOrder) -> Json:
    """Write what a detail shows when it is named."""
    plan = order.plan
    return {
        "buyer_user_id": int(plan.buyer_id.removeprefix("b-")),
        "buyer_username": plan.buyer_id,
        "recipient_address": _address(order),
        "item_list": [_item(line) for line in plan.basket.lines],
        "pay_time": seconds(order.paid_at) or None,
        "total_amount": major(plan.basket.total_minor),
        "package_list": [{"package_number": f"OFG{plan.no}", "logistics_status": _logistics(order)}],
        "cancel_by": "",
        "cancel_reason": "",
        "fulfillment_flag": "fulfilled_by_local_seller",
    }


def escrow(order: ShopOrder) -> Json:
    """Write what is settled: whose discounts there are."""
    basket = order.plan.basket
    seller = basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines)
    income = {
        "buyer_total_amount": major(basket.total_minor),
        "voucher_from_seller": major(seller),
        "voucher_from_shopee": major(basket.platform_discount_minor),
        "coins": 0,
    }
    return {"order_sn": order.plan.no, "order_income": income}


def sale_return(case: SaleCase) -> Json:
    """Write one return as the list shows it."""
    lines = {line.no: line for line in case.order.plan.basket.lines}
    items = [
        {
            "item_id": int(item_id(lines[no].sku)),
            "model_id": int(variant_id(lines[no].sku)),
            "amount": units,
            "item_sku": lines[no].sku,
            "variation_sku": lines[no].sku,
        }
        for no, units in case.units.items()
    ]
    return {
        "return_sn": case.no,
        "order_sn": case.order.plan.no,
        "reason": "CHANGE_MIND",
        "refund_amount": major(case.minor),
        "currency": "SGD",
        "status": STATES[case.state],
        "create_time": seconds(case.opened_at),
        "update_time": seconds(case.updated_at),
        "needs_logistics": case.kind != "refund",
        "tracking_number": case.waybill,
        "return_solution": REFUND_ONLY if case.kind == "refund" else RETURN_AND_REFUND,
        "item": items,
    }


def seconds(moment: datetime | None) -> int:
    """Write a moment in unix seconds; what has not happened is 0."""
    return int(moment.timestamp()) if moment is not None else 0


def _address(order: ShopOrder) -> Json:
    who = order.plan.receiver
    return {
        "name": f"{who.name[0]}******",
        "phone": f"******{who.phone[-2:]}",
        "town": "",
        "district": who.district,
        "city": who.city,
        "state": who.province,
        "region": "SG",
        "zipcode": "",
        "full_address": f"{who.address[:2]}******",
    }


def _item(line: Line) -> Json:
    return {
        "item_id": int(item_id(line.sku)),
        "item_name": line.title,
        "item_sku": "",
        "model_id": int(variant_id(line.sku)),
        "model_name": "",
        "model_sku": line.sku,
        "model_quantity_purchased": line.quantity,
        "model_original_price": major(line.unit_minor),
        "model_discounted_price": major(line.unit_minor),
        "order_item_id": int(item_id(line.sku)),
        "promotion_type": "",
    }


def _logistics(order: ShopOrder) -> str:
    return "LOGISTICS_PICKUP_DONE" if order.sent else "LOGISTICS_READY"
