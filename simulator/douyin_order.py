"""An order as Douyin shows it: status codes, money in fen, unix seconds, ciphertext of the receiver. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.douyin_wire import Json
from simulator.listings import item_id, variant_id
from simulator.plan_shops import child_no
from simulator.shop import ShopOrder

UNPAID, PENDING, TO_SEND, PART_SENT, SENT, CANCELLED, FINISHED = 1, 105, 2, 101, 3, 4, 5
REFUNDED_BEFORE_SHIPPING, REFUNDED_AFTER_SHIPPING, REFUNDED_AFTER_RECEIPT = 21, 22, 39
AFTER_SALE_DONE, REFUND_DONE = 12, 3
ONLY_REFUND_SHIPPED, ONLY_REFUND_UNSHIPPED = 1, 2
ENCRYPTED = ("name", "phone", "address")


def status_of(order: ShopOrder) -> int:
    """Give order_status."""
    if order.status == "paid":
        if order.held:
            return PENDING
        if not order.sent:
            return TO_SEND
        if order.received_at is not None:
            return FINISHED
        return SENT if order.wholly_sent else PART_SENT
    return UNPAID if order.status == "unpaid" else CANCELLED


def main_status_of(order: ShopOrder) -> int:
    """Give main_status: as order_status, but it tells a refund from a cancellation."""
    if order.status != "refunded":
        return status_of(order)
    if order.received_at is not None:
        return REFUNDED_AFTER_RECEIPT
    return REFUNDED_AFTER_SHIPPING if order.sent else REFUNDED_BEFORE_SHIPPING


def seconds(moment: datetime | None) -> int:
    """Write a moment in unix seconds; what has not happened is 0."""
    return int(moment.timestamp()) if moment is not None else 0


def ciphers(order: ShopOrder, seed: int) -> dict[str, tuple[str, str]]:
    """Give the receiver's fields as ciphertext and plain text."""
    written = {}
    for name in ENCRYPTED:
        plain = str(getattr(order.plan.receiver, name))
        digest = hashlib.sha256(f"{seed}|{order.plan.no}|{name}|{plain}".encode()).digest()
        written[name] = (f"##{base64.b64encode(digest).decode()}##", plain)
    return written


def shop_order(order: ShopOrder, seed: int) -> Json:
    """Write one order as the list and the detail show it."""
    plan = order.plan
    return {
        "order_id": plan.no,
        "order_status": status_of(order),
        "main_status": main_status_of(order),
        "order_type": 0,
        "biz": 2,
        "create_time": seconds(order.placed_at),
        "pay_time": seconds(order.paid_at),
        "update_time": seconds(order.main_at),
        "ship_time": seconds(order.consigned_at),
        "finish_time": seconds(order.received_at),
        **_money(order),
        "buyer_words": plan.remark,
        "seller_words": "",
        "seller_remark_stars": 0,
        "doudian_open_id": plan.buyer_id,
        **_receiver(order, seed),
        "logistics_info": [_parcel(order, place) for place in range(len(order.parcels))],
        "sku_order_list": skus(order),
    }


def _money(order: ShopOrder) -> Json:
    basket = order.plan.basket
    shop = basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines)
    platform = basket.platform_discount_minor
    return {
        "order_amount": basket.total_minor + shop + platform,
        "pay_amount": basket.total_minor,
        "post_amount": basket.freight_minor,
        "promotion_amount": shop + platform,
        "promotion_shop_amount": shop,
        "promotion_platform_amount": platform,
        "promotion_talent_amount": 0,
        "promotion_pay_amount": 0,
        "shop_cost_amount": shop,
        "platform_cost_amount": platform,
        "only_platform_cost_amount": platform,
        "author_cost_amount": 0,
        "modify_amount": 0,
        "tax_amount": 0,
    }


def _receiver(order: ShopOrder, seed: int) -> Json:
    who, secret = order.plan.receiver, ciphers(order, seed)
    places = {"province": who.province, "city": who.city, "town": who.district, "street": ""}
    named: Json = {level: {"name": name, "id": _place_id(name)} for level, name in places.items()}
    return {
        "open_address_id": hashlib.sha256("|".join(map(str, (seed, *vars(who).values()))).encode()).hexdigest()[:32],
        "encrypt_post_receiver": secret["name"][0],
        "encrypt_post_tel": secret["phone"][0],
        "post_addr": {**named, "encrypt_detail": secret["address"][0]},
        "mask_post_receiver": f"{who.name[0]}**",
        "mask_post_tel": f"{who.phone[:3]}****{who.phone[-4:]}",
        "mask_post_addr": {**named, "detail": "****"},
    }


def _place_id(name: str) -> str:
    return str(int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)) if name else "0"


def _parcel(order: ShopOrder, place: int) -> Json:
    sent = order.parcels[place]
    by_line = {line.no: n for n, line in enumerate(order.plan.basket.lines)}
    return {
        "tracking_no": sent.waybill,
        "company": sent.company,
        "ship_time": seconds(sent.at),
        "product_info": [
            {
                "sku_order_id": child_no(order.plan.no, by_line[no], len(by_line)),
                "outer_sku_id": order.plan.basket.lines[by_line[no]].sku,
                "product_count": units,
            }
            for no, units in sent.units.items()
        ],
    }


def skus(order: ShopOrder) -> list[Json]:
    """Write the child orders, one per line; what is paid for freight is the parent's alone."""
    basket = order.plan.basket
    shop, platform = basket.divide(basket.shop_discount_minor), basket.divide(basket.platform_discount_minor)
    return [_sku(order, place, *parts) for place, parts in enumerate(zip(shop, platform, strict=True))]


def _sku(order: ShopOrder, place: int, shop_share: int, platform_share: int) -> Json:
    lines = order.plan.basket.lines
    line = lines[place]
    shop = line.discount_minor + shop_share
    return {
        "order_id": child_no(order.plan.no, place, len(lines)),
        "parent_order_id": order.plan.no,
        "sku_id": int(variant_id(line.sku)),
        "product_id_str": item_id(line.sku),
        "product_name": line.title,
        "code": line.sku,
        "out_sku_id": "",
        "item_num": line.quantity,
        "origin_amount": line.unit_minor,
        "sum_amount": line.unit_minor * line.quantity,
        "order_amount": line.unit_minor * line.quantity,
        "pay_amount": line.amount_minor - shop_share - platform_share,
        "promotion_amount": shop + platform_share,
        "promotion_shop_amount": shop,
        "promotion_platform_amount": platform_share,
        "promotion_talent_amount": 0,
        "order_status": status_of(order) if order.status != "paid" or order.held else _sent_status(order, place),
        "given_product_type": "",
        "spec": [],
        "after_sale_info": _after_sale(order, place),
    }


def _sent_status(order: ShopOrder, place: int) -> int:
    line = order.plan.basket.lines[place]
    if order.received_at is not None:
        return FINISHED
    if not order.sent[line.no]:
        return TO_SEND
    return SENT if order.sent[line.no] >= line.quantity else PART_SENT


def _after_sale(order: ShopOrder, place: int) -> Json:
    refunds = order.refunds_of(order.plan.basket.lines[place])
    if not refunds:
        return {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0}
    kind = ONLY_REFUND_SHIPPED if refunds[-1].shipped else ONLY_REFUND_UNSHIPPED
    return {"after_sale_status": AFTER_SALE_DONE, "after_sale_type": kind, "refund_status": REFUND_DONE}
