"""A trade as Taobao shows it: status codes, money in yuan, Beijing times, masked receiver. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.buyers import Receiver
from simulator.catalogue import is_lone
from simulator.clock import stamp
from simulator.listings import item_id, variant_id
from simulator.orders import Line
from simulator.plan_shops import child_no
from simulator.shop import Refund, ShopOrder
from simulator.taobao_wire import Json, yuan

CLOSED, CLOSED_UNPAID = "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"
UNPAID, FORBIDDEN, TO_SEND = "WAIT_BUYER_PAY", "PAID_FORBID_CONSIGN", "WAIT_SELLER_SEND_GOODS"
PART_SENT, SENT = "SELLER_CONSIGNED_PART", "WAIT_BUYER_CONFIRM_GOODS"
FINISHED = "TRADE_FINISHED"
STATUSES = frozenset(
    {CLOSED, CLOSED_UNPAID, UNPAID, FORBIDDEN, TO_SEND, PART_SENT, SENT, FINISHED, "TRADE_BUYER_SIGNED"}
    | {"TRADE_NO_CREATE_PAY", "PAY_PENDING", "WAIT_PRE_AUTH_CONFIRM"}
)
# Only the detail has these.
DETAIL_ONLY = frozenset({"promotion_details", "buyer_message", "oaid"})
# The handle is given only together with what it stands for.
OAID_NEEDS = frozenset({"receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone"})


def status_of(order: ShopOrder) -> str:
    """Give the trade's status in the vendor's word."""
    if order.status == "paid":
        if order.held:
            return FORBIDDEN
        if not order.sent:
            return TO_SEND
        if order.received_at is not None:
            return FINISHED
        return SENT if order.wholly_sent else PART_SENT
    return {"unpaid": UNPAID, "cancelled": CLOSED_UNPAID, "refunded": CLOSED}[order.status]


def oaid(order: ShopOrder, seed: int) -> str:
    """Give the handle of the receiver: the same for the same receiver of one shop, and nothing can be read in it."""
    who = "|".join(map(str, (seed, order.plan.shop, *vars(order.plan.receiver).values())))
    return base64.urlsafe_b64encode(hashlib.sha256(who.encode()).digest()).decode().rstrip("=")


def trade(order: ShopOrder, seed: int) -> Json:
    """Write the whole trade with every field that may be asked for."""
    plan, basket = order.plan, order.plan.basket
    return {
        "tid": int(plan.no),
        "tid_str": plan.no,
        "status": status_of(order),
        "type": "fixed",
        "buyer_open_uid": plan.buyer_id,
        "has_buyer_message": bool(plan.remark),
        "buyer_message": plan.remark,
        "seller_memo": "",
        "seller_flag": 0,
        **_times(order),
        "payment": yuan(basket.total_minor),
        "total_fee": yuan(sum(line.quantity * line.unit_minor for line in basket.lines)),
        "discount_fee": yuan(basket.shop_discount_minor),
        "adjust_fee": "0.00",
        "post_fee": yuan(basket.freight_minor),
        "received_payment": yuan(0 if order.received_at is None else order.paid_minor - order.refunded_minor),
        "coupon_fee": "0.00",
        "platform_subsidy_fee": yuan(basket.platform_discount_minor),
        **_receiver(plan.receiver),
        "oaid": oaid(order, seed),
        "orders": {"order": children(order)},
        **_promotions(order),
    }


def children(order: ShopOrder) -> list[Json]:
    """Write the child orders, one per line."""
    basket = order.plan.basket
    shares = basket.divide(basket.shop_discount_minor)
    return [_child(order, place, share) for place, share in enumerate(shares)]


def _child(order: ShopOrder, place: int, share: int) -> Json:
    basket = order.plan.basket
    line = basket.lines[place]
    number = child_no(order.plan.no, place, len(basket.lines))
    refunds = order.refunds_of(line)
    single = len(basket.lines) == 1
    return {
        "oid": int(number),
        "oid_str": number,
        "title": line.title,
        "num_iid": int(item_id(line.sku)),
        **({} if is_lone(line.sku) else {"sku_id": variant_id(line.sku)}),
        "outer_iid": line.sku,
        "outer_sku_id": line.sku,
        "num": line.quantity,
        "price": yuan(line.unit_minor),
        "total_fee": yuan(line.amount_minor),
        "payment": yuan(basket.total_minor if single else line.amount_minor),
        "discount_fee": yuan(line.discount_minor),
        "adjust_fee": "0.00",
        "part_mjz_discount": yuan(share),
        "divide_order_fee": yuan(line.amount_minor - share),
        "refund_status": "SUCCESS" if refunds else "NO_REFUND",
        **({"refund_id": refunds[-1].id} if refunds else {}),
        "status": _child_status(order, line),
        **_parcel(order, line),
    }


def _child_status(order: ShopOrder, line: Line) -> str:
    whole = status_of(order)
    if whole != PART_SENT:
        return whole
    return SENT if order.sent[line.no] >= line.quantity else TO_SEND


def _parcel(order: ShopOrder, line: Line) -> Json:
    mine = [sent for sent in order.parcels if line.no in sent.units]
    return {"logistics_company": mine[-1].company, "invoice_no": mine[-1].waybill} if mine else {}


def _times(order: ShopOrder) -> Json:
    """Write the times that there are: what has not happened is absent."""
    ended = order.updated_at if order.status in ("cancelled", "refunded") else order.received_at
    moments: dict[str, datetime | None] = {
        "created": order.placed_at,
        "modified": order.updated_at,
        "pay_time": order.paid_at,
        "consign_time": order.consigned_at,
        "end_time": ended,
    }
    return {name: stamp(moment) for name, moment in moments.items() if moment is not None}


def _receiver(receiver: Receiver) -> Json:
    return {
        "receiver_name": f"{receiver.name[0]}**",
        "receiver_mobile": f"{receiver.phone[:3]}****{receiver.phone[-4:]}",
        "receiver_phone": "",
        "receiver_state": receiver.province,
        "receiver_city": receiver.city,
        "receiver_district": receiver.district,
        "receiver_town": "",
        "receiver_address": "****",
        "receiver_zip": "000000",
    }


def _promotions(order: ShopOrder) -> Json:
    """Write the shop's own promotion on the whole trade; the platform's part is `platform_subsidy_fee`."""
    minor = order.plan.basket.shop_discount_minor
    if not minor:
        return {}
    promotion = {
        "id": int(order.plan.no),
        "promotion_name": "店铺优惠券",
        "promotion_desc": f"店铺优惠券:省{yuan(minor)}元",
        "promotion_id": f"shopbonus-{order.plan.no[-6:]}",
        "discount_fee": yuan(minor),
    }
    return {"promotion_details": {"promotion_detail": [promotion]}}


def refund(order: ShopOrder, one: Refund, place: int) -> Json:
    """Write one refund that has succeeded."""
    line = order.plan.basket.lines[place]
    number = child_no(order.plan.no, place, len(order.plan.basket.lines))
    return {
        "refund_id": one.id,
        "tid": int(order.plan.no),
        "oid": int(number),
        "status": "SUCCESS",
        "order_status": status_of(order),
        "refund_fee": yuan(one.minor),
        "payment": yuan(order.plan.basket.divide(order.paid_minor)[place] - one.minor),
        "total_fee": yuan(line.amount_minor),
        "created": stamp(one.at),
        "modified": stamp(one.at),
        "title": line.title,
        "price": yuan(line.unit_minor),
        "num": line.quantity,
        "outer_id": line.sku,
        "good_status": "BUYER_RECEIVED" if one.shipped else "BUYER_NOT_RECEIVED",
        "has_good_return": False,
        "refund_phase": "onsale",
        "reason": "多拍/错拍/不想要",
    }
