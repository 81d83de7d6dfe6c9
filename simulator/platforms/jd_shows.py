"""Orders and cases as JD shows them: yuan, Beijing stamps, ciphertext of the receiver. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.cases import SaleCase
from simulator.clock import stamp
from simulator.listings import item_id, variant_id
from simulator.platforms.jd_wire import Json
from simulator.shop import ShopOrder

NEVER = "0001-01-01 00:00:00"
REFUND_STATUS = {"asked": 0, "paid": 3, "refused": 2, "closed": 2}
BILL_STATUS = {
    "asked": 10001, "awaits_goods": 10005, "sent": 10006, "paid": 10010, "done": 10010, "refused": 10004,
    "closed": 10011,
}  # fmt: skip
EXPECTS = {"refund": 11, "return": 10, "exchange": 20}


def yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def is_shown(order: ShopOrder) -> bool:
    """Tell whether the platform shows an order: not before it is paid."""
    return order.listed and order.paid_at is not None


def state_of(order: ShopOrder) -> str:
    """Give orderState."""
    if order.status != "paid":
        return "TRADE_CANCELED"
    if order.held:
        return "POP_ORDER_PAUSE"
    if not order.wholly_sent:
        return "WAIT_SELLER_STOCK_OUT"
    return "WAIT_GOODS_RECEIVE_CONFIRM" if order.received_at is None else "FINISHED_L"


def order_info(order: ShopOrder, seed: int) -> Json:
    """Write one order as the list and the detail show it."""
    plan, basket = order.plan, order.plan.basket
    shop = basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines)
    before = sum(line.quantity * line.unit_minor for line in basket.lines)
    return {
        "orderId": plan.no,
        "orderState": state_of(order),
        "orderType": "22",
        "payType": "4",
        "orderTotalPrice": yuan(before),
        "sellerDiscount": yuan(shop),
        "freightPrice": yuan(basket.freight_minor),
        "actualPay": yuan(basket.total_minor),
        "shouldPay": yuan(basket.total_minor),
        "orderPayment": yuan(basket.total_minor),
        "balanceUsed": "0.00",
        "orderStartTime": _stamp(order.placed_at),
        "paymentConfirmTime": _stamp(order.paid_at),
        "orderEndTime": _stamp(order.received_at),
        "modified": _stamp(order.updated_at),
        "orderRemark": plan.remark,
        "open_id_buyer": plan.buyer_id,
        "storeOrder": "",
        "logisticsId": "|".join(dict.fromkeys(one.company for one in order.parcels)),
        "waybill": "|".join(one.waybill for one in order.parcels),
        "oaid": _digest(seed, *vars(plan.receiver).values())[:32],
        "consigneeInfo": _receiver(order, seed),
        "itemInfoList": [
            {
                "skuId": variant_id(line.sku),
                "wareId": item_id(line.sku),
                "outerSkuId": line.sku,
                "skuName": line.title,
                "jdPrice": yuan(line.unit_minor),
                "itemTotal": str(line.quantity),
            }
            for line in basket.lines
        ],
        "couponDetailList": [
            {"orderId": plan.no, "couponType": "京东优惠", "couponPrice": yuan(basket.platform_discount_minor)}
        ],
    }


def _receiver(order: ShopOrder, seed: int) -> Json:
    who = order.plan.receiver
    return {
        "fullname": _cipher(seed, who.name),
        "mobile": _cipher(seed, who.phone),
        "telephone": "",
        "fullAddress": _cipher(seed, who.address),
        "province": who.province,
        "city": who.city,
        "county": who.district,
        "town": "",
    }


def _cipher(seed: int, plain: str) -> str:
    return base64.b64encode(bytes.fromhex(_digest(seed, plain))).decode()


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def _stamp(moment: datetime | None) -> str:
    return stamp(moment) if moment is not None else NEVER


def is_refund(case: SaleCase) -> bool:
    """Tell whether a case is a refund of a whole order before shipping; every other one is a service bill."""
    order = case.order
    return case.kind == "refund" and not case.shipped and case.minor >= order.paid_minor


def refund(case: SaleCase) -> Json:
    """Write one refund; the amount is in fen here."""
    over = case.over
    return {
        "id": int(case.no),
        "orderId": case.order.plan.no,
        "buyerId": "b***",
        "applyTime": stamp(case.opened_at),
        "checkTime": stamp(case.updated_at) if over else None,
        "modified": stamp(case.updated_at),
        "applyRefundSum": case.minor,
        "status": REFUND_STATUS[case.state],
        "reason": "不想要了",
        "systemId": 1,
    }


def bill(case: SaleCase) -> Json:
    """Write one service bill; times are milliseconds here."""
    only = list(case.units) if len(case.units) == 1 else []
    skus = {line.no: variant_id(line.sku) for line in case.order.plan.basket.lines}
    opened, changed = (int(one.timestamp() * 1000) for one in (case.opened_at, case.updated_at))
    return {
        "serviceId": int(case.no),
        "applyId": int(case.no),
        "orderId": int(case.order.plan.no),
        "skuId": int(skus[only[0]]) if only else None,
        "customerExpect": EXPECTS[case.kind],
        "serviceStatus": BILL_STATUS[case.state],
        "applyTime": opened,
        "approveTime": changed if case.state != "asked" else None,
        "processTime": changed if case.over else None,
        "actualPayPrice": case.minor / 100,
    }
