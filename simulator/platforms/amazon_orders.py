"""Orders as Amazon's Selling Partner API shows them (Orders 2026-01-01). Owns no state: shop.py does."""

from datetime import UTC, datetime

from simulator.listings import asin
from simulator.orders import Line
from simulator.shop import Sent, ShopOrder

Json = dict[str, object]
MARKETPLACE = "ATVPDKIKX0DER"


def when(moment: datetime | None) -> str:
    """Write a moment as the platform does, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def money(minor: int, currency: str) -> Json:
    return {"amount": f"{minor // 100}.{minor % 100:02d}", "currencyCode": currency}


def order_item_id(no: str, place: int) -> str:
    """Number the item at a place from 0."""
    return f"{no.replace('-', '')[-12:]}{place + 1:02d}"


def status_of(order: ShopOrder) -> str:
    if order.status in ("unpaid", "deposit"):
        return "PENDING"
    if order.wholly_sent:
        return "SHIPPED"
    if order.status != "paid":
        return "CANCELLED"
    return "PARTIALLY_SHIPPED" if order.sent else "UNSHIPPED"


def whole(order: ShopOrder, currency: str) -> Json:
    """Show everything of an order; while it is pending there are no prices and no address."""
    plan, told = order.plan, _head(order)
    lines = plan.basket.lines
    pending = order.status in ("unpaid", "deposit")
    told["orderItems"] = [_item(order, place, line, "" if pending else currency) for place, line in enumerate(lines)]
    told["packages"] = [_package(order, n, sent) for n, sent in enumerate(order.parcels, start=1)]
    if pending:
        return told
    basket, to = plan.basket, plan.receiver
    discount = basket.shop_discount_minor + basket.platform_discount_minor
    parts = {"ITEM": basket.goods_minor, "SHIPPING": basket.freight_minor, "DISCOUNT": discount}
    told["proceeds"] = {
        "grandTotal": money(basket.total_minor, currency),
        "breakdowns": [{"type": name, "subtotal": money(minor, currency)} for name, minor in parts.items() if minor],
    }
    told["buyer"] = {"buyerEmail": f"{plan.buyer_id}@marketplace.example"}
    told["recipient"] = {
        "deliveryAddress": {
            "name": to.name,
            "phone": to.phone,
            "addressLine1": to.address,
            "city": to.city,
            "districtOrCounty": to.district,
            "stateOrRegion": to.province,
            "countryCode": "CN",
        }
    }
    return told


OLD_WORDS = {
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
}


def old_row(told: Json) -> Json:
    """Show an order as a row of the older list."""
    how = told["fulfillment"]
    status = how["fulfillmentStatus"] if isinstance(how, dict) else ""
    return {
        "AmazonOrderId": told["orderId"],
        "PurchaseDate": told["createdTime"],
        "LastUpdateDate": told["lastUpdatedTime"],
        "OrderStatus": OLD_WORDS[status],
        "FulfillmentChannel": "MFN",
    }


def _head(order: ShopOrder) -> Json:
    return {
        "orderId": order.plan.no,
        "createdTime": when(order.placed_at),
        "lastUpdatedTime": when(order.updated_at),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": MARKETPLACE},
        "fulfillment": {"fulfillmentStatus": status_of(order), "fulfilledBy": "MERCHANT"},
    }


def _item(order: ShopOrder, place: int, line: Line, currency: str) -> Json:
    """Show an item; without a currency it has no price. One that is held back is one that the buyer wants no more."""
    sent = order.sent[line.no]
    product: Json = {"asin": asin(line.sku), "title": line.title, "sellerSku": line.sku}
    told: Json = {
        "orderItemId": order_item_id(order.plan.no, place),
        "quantityOrdered": line.quantity,
        "product": product,
        "fulfillment": {"quantityFulfilled": sent, "quantityUnfulfilled": line.quantity - sent},
    }
    if currency:
        product["price"] = {"unitPrice": money(line.unit_minor, currency)}
        goods = money(line.amount_minor, currency)
        told["proceeds"] = {"proceedsTotal": goods, "breakdowns": [{"type": "ITEM", "subtotal": goods}]}
    if order.held:
        told["cancellation"] = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "不想要了"}}
    return told


def _package(order: ShopOrder, n: int, sent: Sent) -> Json:
    places = {line.no: place for place, line in enumerate(order.plan.basket.lines)}
    return {
        "packageReferenceId": str(n),
        "packageStatus": {"status": "DELIVERED" if order.received_at else "IN_TRANSIT"},
        "carrier": sent.company,
        "trackingNumber": sent.waybill,
        "shipTime": when(sent.at),
        "packageItems": [
            {"orderItemId": order_item_id(order.plan.no, places[no]), "quantity": units}
            for no, units in sent.units.items()
        ],
    }
