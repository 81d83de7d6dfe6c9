"""Orders and cases as Kuaishou shows them: one SKU per order, fen, milliseconds, ciphers. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.cases import SaleCase
from simulator.listings import item_id, variant_id
from simulator.platforms.kuaishou_wire import Json
from simulator.shop import ShopOrder

CASE_STATUS = {
    "asked": 10, "awaits_goods": 30, "sent": 40, "paid": 60, "done": 60, "refused": 12, "closed": 70,
}  # fmt: skip
HANDLING = {"refund": 10, "return": 1, "exchange": 3}
UNPAID, PAID, SENT, SUCCESS, FAILED = 10, 30, 40, 70, 80


def millis(moment: datetime | None) -> int:
    """Write a moment in unix milliseconds; what has not happened is 0."""
    return int(moment.timestamp() * 1000) if moment is not None else 0


def status_of(order: ShopOrder) -> int:
    """Give the order's status."""
    if order.status == "unpaid":
        return UNPAID
    if order.status != "paid":
        return FAILED
    if not order.wholly_sent:
        return PAID
    return SENT if order.received_at is None else SUCCESS


def order_detail(order: ShopOrder, seed: int, refunds: str) -> Json:
    """Write one order; `refunds` is the name under which its refunds stand, which the list and the detail differ in."""
    plan, basket = order.plan, order.plan.basket
    line = basket.lines[0]
    discount = basket.shop_discount_minor + basket.platform_discount_minor + line.discount_minor
    return {
        "orderBaseInfo": {
            "oid": int(plan.no),
            "status": status_of(order),
            "createTime": millis(order.placed_at),
            "payTime": millis(order.paid_at),
            "updateTime": millis(order.updated_at),
            "sendTime": millis(order.consigned_at),
            "recvTime": millis(order.received_at),
            "totalFee": line.quantity * line.unit_minor - discount,
            "discountFee": discount,
            "expressFee": basket.freight_minor,
            "buyerOpenId": plan.buyer_id,
            "remark": plan.remark,
            "disableDeliveryReasonCode": [1] if order.held else [],
        },
        "orderItemInfo": {
            "orderItemId": int(plan.no) + 1,
            "itemId": int(item_id(line.sku)),
            "skuId": int(variant_id(line.sku)),
            "skuNick": line.sku,
            "itemTitle": line.title,
            "skuDesc": "",
            "num": line.quantity,
            "price": line.unit_minor,
            "originalPrice": line.unit_minor,
            "discountFee": discount,
        },
        refunds: [
            {"refundId": int(one.id[-16:], 36), "refundStatus": 60, "handlingWay": 10} for one in order.refunds[-1:]
        ],
        "orderLogisticsInfo": [{"expressNo": one.waybill, "expressCode": int(one.company)} for one in order.parcels],
        "orderAddress": _address(order, seed),
        "orderDeliveryInfo": {"openAddressId": _digest(seed, *vars(plan.receiver).values())[:32]},
    }


def _address(order: ShopOrder, seed: int) -> Json:
    who = order.plan.receiver
    return {
        "province": who.province,
        "city": who.city,
        "district": who.district,
        "town": "",
        "encryptedConsignee": _cipher(seed, order.plan.no, who.name),
        "encryptedMobile": _cipher(seed, order.plan.no, who.phone),
        "encryptedAddress": _cipher(seed, order.plan.no, who.address),
        "desensitiseConsignee": f"{who.name[0]}**",
        "desensitiseMobile": f"{who.phone[:3]}****{who.phone[-4:]}",
        "desensitiseAddress": "****",
    }


def _cipher(*parts: object) -> str:
    return f"##{base64.b64encode(bytes.fromhex(_digest(*parts))).decode()}##"


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def case_detail(case: SaleCase) -> Json:
    """Write one case."""
    parcel = {"logisticsInfo": {"expressNo": case.waybill, "expressCode": 4}} if case.waybill else {}
    return {
        "refundId": int(case.no),
        "oid": int(case.order.plan.no),
        "skuId": int(variant_id(case.order.plan.basket.lines[0].sku)),
        "status": CASE_STATUS[case.state],
        "handlingWay": HANDLING[case.kind],
        "specialRefundType": 0,
        "refundFee": case.minor,
        "createTime": millis(case.opened_at),
        "submitTime": millis(case.opened_at),
        "updateTime": millis(case.updated_at),
        "refundDesc": "不想要了",
        "refundReasonDesc": "多拍/错拍/不想要",
        **parcel,
    }
