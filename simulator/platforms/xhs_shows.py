"""Orders and cases as Xiaohongshu shows them: fen and milliseconds, cases in yuan. Owns no state."""

import base64
import hashlib
from datetime import datetime

from simulator.cases import SaleCase
from simulator.listings import variant_id
from simulator.platforms.xhs_wire import Json
from simulator.shop import ShopOrder

CASE_STATUS = {
    "asked": 1, "awaits_goods": 2, "sent": 3, "paid": 4, "done": 4, "refused": 9, "closed": 6,
}  # fmt: skip
UNPAID, HELD, TO_SEND, PART_SENT, SENT, FINISHED, CLOSED, CANCELLED = 1, 2, 4, 5, 6, 7, 8, 9


def millis(moment: datetime | None) -> int:
    """Write a moment in unix milliseconds; what has not happened is 0."""
    return int(moment.timestamp() * 1000) if moment is not None else 0


def status_of(order: ShopOrder) -> int:
    """Give orderStatus."""
    if order.status == "unpaid":
        return UNPAID
    if order.status != "paid":
        return CLOSED if order.paid_at else CANCELLED
    if order.held:
        return HELD
    if not order.sent:
        return TO_SEND
    if not order.wholly_sent:
        return PART_SENT
    return SENT if order.received_at is None else FINISHED


def row(order: ShopOrder) -> Json:
    """Write one order as the list shows it: without lines and receiver."""
    basket = order.plan.basket
    return {
        "orderId": order.plan.no,
        "orderType": 1,
        "orderStatus": status_of(order),
        "orderAfterSalesStatus": 3 if order.refunds else 1,
        "createdTime": millis(order.placed_at),
        "paidTime": millis(order.paid_at),
        "updateTime": millis(order.updated_at),
        "deliveryTime": millis(order.consigned_at),
        "finishTime": millis(order.received_at),
        "receiverProvinceName": order.plan.receiver.province,
        "receiverCityName": order.plan.receiver.city,
        "receiverDistrictName": order.plan.receiver.district,
        "customerRemark": order.plan.remark,
        "totalMerchantDiscount": basket.shop_discount_minor + sum(line.discount_minor for line in basket.lines),
        "totalRedDiscount": basket.platform_discount_minor,
        "userId": order.plan.buyer_id,
    }


def detail(order: ShopOrder, seed: int) -> Json:
    """Write one order whole."""
    plan, basket = order.plan, order.plan.basket
    who = plan.receiver
    skus = {line.no: variant_id(line.sku) for line in basket.lines}
    return {
        **row(order),
        "totalPayAmount": basket.total_minor,
        "totalShippingFree": basket.freight_minor,
        "receiverName": _cipher(seed, plan.no, who.name),
        "receiverPhone": _cipher(seed, plan.no, who.phone),
        "receiverAddress": _cipher(seed, plan.no, who.address),
        "openAddressId": _digest(seed, *vars(who).values())[:32],
        "skuList": _skus(order),
        "unpack": len(order.parcels) > 1,
        "expressTrackingNo": order.parcels[0].waybill if order.parcels else "",
        "simpleDeliveryOrderList": [
            {
                "deliveryOrderIndex": n,
                "expressTrackingNo": one.waybill,
                "expressCompanyCode": one.company,
                "skuIdList": [skus[no] for no in one.units],
            }
            for n, one in enumerate(order.parcels)
        ],
    }


def _skus(order: ShopOrder) -> list[Json]:
    basket = order.plan.basket
    shop, platform = basket.divide(basket.shop_discount_minor), basket.divide(basket.platform_discount_minor)
    return [
        {
            "skuId": variant_id(line.sku),
            "skuName": line.title,
            "skuSpec": "",
            "erpcode": line.sku,
            "skuQuantity": line.quantity,
            "totalPaidAmount": line.amount_minor - shop_share - platform_share,
            "totalMerchantDiscount": line.discount_minor + shop_share,
            "totalRedDiscount": platform_share,
        }
        for line, shop_share, platform_share in zip(basket.lines, shop, platform, strict=True)
    ]


def _cipher(*parts: object) -> str:
    return f"#{base64.b64encode(bytes.fromhex(_digest(*parts))).decode()}#"


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def case_type(case: SaleCase) -> int:
    """Give returnType."""
    if case.kind == "refund":
        return 4 if case.shipped else 5
    return 1 if case.kind == "return" else 2


def case_row(case: SaleCase) -> Json:
    """Write one case as the list shows it."""
    return {
        "returnsId": case.no,
        "returnType": case_type(case),
        "status": CASE_STATUS[case.state],
        "orderId": case.order.plan.no,
        "applyTime": millis(case.opened_at),
        "updatedAt": millis(case.updated_at),
        "desc": "不想要了",
        "expectedRefundAmountYuan": case.minor / 100,
    }


def case_detail(case: SaleCase) -> Json:
    """Write one case whole."""
    skus = {line.no: variant_id(line.sku) for line in case.order.plan.basket.lines}
    paid = case.state == "paid"
    parcel = {"expressNo": case.waybill, "expressCompanyCode": case.company}
    info = {
        **case_row(case),
        "refundStatus": 2 if paid else 0,
        "refundAmountYuan": case.minor / 100 if paid else 0,
        "skus": [{"skuId": skus[no], "appliedCount": units} for no, units in case.units.items()],
    }
    return {"afterSaleInfo": info, "logisticsInfo": {"after_sale": parcel if case.waybill else {}}}
