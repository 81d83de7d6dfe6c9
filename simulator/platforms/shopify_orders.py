"""Orders and returns as Shopify's Admin API shows them. Owns no state: shop.py and cases.py do.

Nobody archives an order here: one whose parcels arrived is delivered, and stays open.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from simulator.cases import SaleCase
from simulator.clock import now
from simulator.listings import item_id, variant_id
from simulator.market import Stall
from simulator.orders import Line
from simulator.platforms.shopify_graphql import Json, connection
from simulator.shop import Refund, Sent, ShopOrder

LOCATION = "1001"
MOST_LINES = 99
RETURN_STATUS = {
    "asked": "REQUESTED",
    "awaits_goods": "OPEN",
    "sent": "OPEN",
    "refused": "DECLINED",
    "paid": "CLOSED",
    "closed": "CANCELED",
    "done": "CLOSED",
}
ORDER_RETURN_STATUS = {"REQUESTED": "RETURN_REQUESTED", "OPEN": "IN_PROGRESS", "CLOSED": "RETURNED"}


def gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def when(moment: datetime | None) -> str | None:
    """Write a moment as the platform does, in UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def line_number(no: str, place: int) -> str:
    """Number the line at a place from 0."""
    return f"{no}{place + 1:02d}"


def decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def bag(minor: int, currency: str) -> Json:
    """Write an amount in both currencies, which are one here."""
    amount: Json = {"__typename": "MoneyV2", "amount": decimal(minor), "currencyCode": currency}
    return {"__typename": "MoneyBag", "shopMoney": amount, "presentmentMoney": amount}


def financial_status(order: ShopOrder) -> str:
    if order.status == "cancelled":
        return "VOIDED"
    if order.status == "deposit":
        return "PARTIALLY_PAID"
    if order.status != "paid":
        return "REFUNDED" if order.status == "refunded" else "PENDING"
    if order.refunded_minor:
        return "REFUNDED" if order.refunded_minor >= order.paid_minor else "PARTIALLY_REFUNDED"
    return "PAID"


def fulfillment_status(order: ShopOrder) -> str:
    if order.wholly_sent:
        return "FULFILLED"
    if order.held:
        return "ON_HOLD"
    return "PARTIALLY_FULFILLED" if order.sent else "UNFULFILLED"


Returns = Mapping[str, list[SaleCase]]
"""Returns by the number of their order."""


def returns_of(shop: Stall) -> Returns:
    found: dict[str, list[SaleCase]] = {}
    for case in shop.cases():
        if case.kind == "return":
            found.setdefault(case.order.plan.no, []).append(case)
    return found


def return_status(returns: Returns, order: ShopOrder) -> str:
    """Sum an order's returns up."""
    said = [RETURN_STATUS[case.state] for case in returns.get(order.plan.no, [])]
    return ORDER_RETURN_STATUS.get(said[-1], "NO_RETURN") if said else "NO_RETURN"


def placed_at(_returns: Returns, order: ShopOrder) -> datetime:
    return order.placed_at or order.updated_at or now()


def changed_at(returns: Returns, order: ShopOrder) -> datetime:
    """Say when an order or one of its returns changed last."""
    moments = [case.updated_at for case in returns.get(order.plan.no, [])]
    return max([order.updated_at or placed_at(returns, order), *moments])


def whole(returns: Returns, order: ShopOrder, currency: str) -> Json:
    """Show everything of an order."""
    mine = returns.get(order.plan.no, [])
    plan, basket = order.plan, order.plan.basket
    gone = order.status in ("cancelled", "refunded") and not order.wholly_sent
    money = partial(bag, currency=currency)
    discount = basket.shop_discount_minor + basket.platform_discount_minor
    return {
        "__typename": "Order",
        "id": gid("Order", plan.no),
        "legacyResourceId": plan.no,
        "name": f"#{plan.no[-6:]}",
        "createdAt": when(order.placed_at),
        "processedAt": when(order.placed_at),
        "updatedAt": when(changed_at(returns, order)),
        "cancelledAt": when(order.updated_at) if gone else None,
        "cancelReason": "CUSTOMER" if gone else None,
        "closedAt": None,
        "displayFinancialStatus": financial_status(order),
        "displayFulfillmentStatus": fulfillment_status(order),
        "returnStatus": return_status(returns, order),
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "note": plan.remark or None,
        "totalPriceSet": money(basket.total_minor),
        "subtotalPriceSet": money(basket.goods_minor - discount),
        "totalShippingPriceSet": money(basket.freight_minor),
        "totalReceivedSet": money(order.paid_minor),
        "totalRefundedSet": money(order.refunded_minor),
        "shippingAddress": _address(order),
        "transactions": lambda given: transactions(order, currency)[: _first(given)],
        "fulfillments": lambda given: [_parcel(order, one) for one in order.parcels][: _first(given)],
        "fulfillmentOrders": lambda given: connection([_to_fulfill(order)], given),
        "lineItems": lambda given: connection(lines(order, currency), given),
        "returns": lambda given: connection([sale(returns, one, currency) for one in mine], given),
    }


def _first(given: Mapping[str, object]) -> int:
    first = given.get("first")
    return first if isinstance(first, int) else MOST_LINES


def lines(order: ShopOrder, currency: str) -> list[Json]:
    """Show the lines, each with its part of the order's discount."""
    basket = order.plan.basket
    parts = basket.divide(basket.shop_discount_minor + basket.platform_discount_minor)
    pairs = enumerate(zip(basket.lines, parts, strict=True))
    return [_line(order, place, (line, part), currency) for place, (line, part) in pairs]


def _line(order: ShopOrder, place: int, sold: tuple[Line, int], currency: str) -> Json:
    line, part = sold
    given = [minor for minor in (line.discount_minor, part) if minor]
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line_number(order.plan.no, place)),
        "sku": line.sku,
        "title": line.title,
        "variantTitle": None,
        "quantity": line.quantity,
        "originalUnitPriceSet": bag(line.unit_minor, currency),
        "discountAllocations": [
            {"__typename": "DiscountAllocation", "allocatedAmountSet": bag(minor, currency)} for minor in given
        ],
        "variant": {"__typename": "ProductVariant", "legacyResourceId": variant_id(line.sku)} if line.sku else None,
        "product": {"__typename": "Product", "legacyResourceId": item_id(line.sku)} if line.sku else None,
    }


def transactions(order: ShopOrder, currency: str) -> list[Json]:
    """Show the sale and what went back of it."""
    if order.paid_at is None:
        return []
    paid_at, parts = order.paid_at, order.payments or (order.paid_minor,)
    sold = [
        _transaction(gid("OrderTransaction", f"{order.plan.no}{n or ''}"), "SALE", (minor, currency), paid_at)
        for n, minor in enumerate(parts)
    ]
    back = [
        _transaction(gid("OrderTransaction", f"{order.plan.no}{n:03d}"), "REFUND", (one.minor, currency), one.at)
        | {"parentTransaction": {"__typename": "OrderTransaction", "id": sold[0]["id"]}}
        for n, one in enumerate(order.refunds, start=1)
    ]
    return [*sold, *back]


def _transaction(number: str, kind: str, amount: tuple[int, str], at: datetime) -> Json:
    return {
        "__typename": "OrderTransaction",
        "id": number,
        "kind": kind,
        "status": "SUCCESS",
        "processedAt": when(at),
        "amountSet": bag(*amount),
        "parentTransaction": None,
    }


def _parcel(order: ShopOrder, sent: Sent) -> Json:
    shown = "DELIVERED" if order.received_at else "IN_TRANSIT"
    places = {line.no: place for place, line in enumerate(order.plan.basket.lines)}
    rows: list[Json] = [
        {
            "__typename": "FulfillmentLineItem",
            "quantity": units,
            "lineItem": {"__typename": "LineItem", "id": gid("LineItem", line_number(order.plan.no, places[no]))},
        }
        for no, units in sent.units.items()
    ]
    tracking: Json = {"__typename": "FulfillmentTrackingInfo", "company": sent.company, "number": sent.waybill}
    return {
        "__typename": "Fulfillment",
        "id": gid("Fulfillment", f"{order.plan.no}{order.parcels.index(sent) + 1:02d}"),
        "status": "SUCCESS",
        "displayStatus": shown,
        "createdAt": when(sent.at),
        "trackingInfo": lambda _given: [tracking],
        "fulfillmentLineItems": lambda given: connection(rows, given),
    }


def fulfillment_order_id(no: str) -> str:
    return gid("FulfillmentOrder", f"{no}0")


def fulfillment_line_id(no: str, place: int) -> str:
    return gid("FulfillmentOrderLineItem", line_number(no, place))


def fulfillment_order_status(order: ShopOrder) -> str:
    if order.wholly_sent:
        return "CLOSED"
    if order.status != "paid":
        return "OPEN" if order.status in ("unpaid", "deposit") else "CANCELLED"
    if order.held:
        return "ON_HOLD"
    return "IN_PROGRESS" if order.sent else "OPEN"


def _to_fulfill(order: ShopOrder) -> Json:
    no, unsent = order.plan.no, order.unsent()
    rows: list[Json] = [
        {
            "__typename": "FulfillmentOrderLineItem",
            "id": fulfillment_line_id(no, place),
            "remainingQuantity": unsent.get(line.no, 0),
            "lineItem": {"__typename": "LineItem", "id": gid("LineItem", line_number(no, place))},
        }
        for place, line in enumerate(order.plan.basket.lines)
    ]
    place_of: Json = {"__typename": "Location", "id": gid("Location", LOCATION)}
    return {
        "__typename": "FulfillmentOrder",
        "id": fulfillment_order_id(no),
        "status": fulfillment_order_status(order),
        "assignedLocation": {"__typename": "FulfillmentOrderAssignedLocation", "location": place_of},
        "lineItems": lambda given: connection(rows, given),
    }


def _address(order: ShopOrder) -> Json:
    to = order.plan.receiver
    return {
        "__typename": "MailingAddress",
        "name": to.name,
        "phone": to.phone,
        "company": None,
        "address1": to.address,
        "address2": to.district,
        "city": to.city,
        "province": to.province,
        "zip": None,
        "countryCodeV2": "CN",
    }


def sale(returns: Returns, case: SaleCase, currency: str) -> Json:
    """Show a return."""
    order, status = case.order, RETURN_STATUS[case.state]
    done = status in ("CLOSED", "CANCELED", "DECLINED")
    parts = _parts(case)
    places = {line.no: place for place, line in enumerate(order.plan.basket.lines)}
    rows: list[Json] = [
        {
            "__typename": "ReturnLineItem",
            "id": gid("ReturnLineItem", f"{case.no}{places[no]:02d}"),
            "quantity": units,
            "unprocessedQuantity": 0 if done else units,
            "customerNote": "不想要了",
            "withCodeDiscountedTotalPriceSet": bag(parts.get(no, 0), currency),
            "fulfillmentLineItem": {
                "__typename": "FulfillmentLineItem",
                "lineItem": {"__typename": "LineItem", "id": gid("LineItem", line_number(order.plan.no, places[no]))},
            },
        }
        for no, units in case.units.items()
    ]
    back = sum(one.minor for one in _refunds(case))
    refunds: list[Json] = [{"__typename": "Refund", "totalRefundedSet": bag(back, currency)}] if back else []
    about: Json = {
        "__typename": "Order",
        "legacyResourceId": order.plan.no,
        "updatedAt": when(changed_at(returns, order)),
    }
    return {
        "__typename": "Return",
        "id": gid("Return", case.no),
        "name": f"#{order.plan.no[-6:]}-R1",
        "status": status,
        "createdAt": when(case.opened_at),
        "requestApprovedAt": None if status == "REQUESTED" else when(case.updated_at),
        "closedAt": when(case.updated_at) if done else None,
        "order": about,
        "exchangeLineItems": lambda given: connection([], given),
        "returnLineItems": lambda given: connection(rows, given),
        "refunds": lambda given: connection(refunds, given),
    }


def _refunds(case: SaleCase) -> list[Refund]:
    return [one for one in case.order.refunds if one.id == case.no]


def _parts(case: SaleCase) -> dict[str, int]:
    """Share what a case is about out to its lines, the last one takes what is left."""
    numbers, left = list(case.units), case.minor
    parts = dict.fromkeys(numbers, case.minor // len(numbers))
    parts[numbers[-1]] = left - sum(parts[no] for no in numbers[:-1])
    return parts
