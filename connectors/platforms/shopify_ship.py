"""How Shopify is told that a parcel left: what an order's fulfilment orders still hold, and which units travel.

Telling is not idempotent at the platform. So we look first: units that stand under this waybill already are not told
again, and a call that half succeeded is completed by the next one. Units of several locations take a call each.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from connectors import overseas
from connectors.platforms.shopify_graphql import Changed, PageInfo, number_of
from connectors.shapes import Lenient
from domain.errors import Broken, Refused
from domain.fulfillment import ShipmentNotice
from domain.shops import Shop

NOTIFY = "notify_customer"
YES = "yes"
MAX_PARTS = 250
OPEN = frozenset({"OPEN", "IN_PROGRESS"})
"""States of a fulfilment order whose goods may leave."""
SENT = "SUCCESS"

QUESTION = """
query ToShip($id: ID!) {
  order(id: $id) {
    fulfillments(first: 50) {
      status trackingInfo(first: 10) { number }
      fulfillmentLineItems(first: 100) { nodes { quantity lineItem { id } } pageInfo { hasNextPage endCursor } }
    }
    fulfillmentOrders(first: 20) {
      nodes {
        id status assignedLocation { location { id } }
        lineItems(first: 100) {
          nodes { id remainingQuantity lineItem { id } } pageInfo { hasNextPage endCursor }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
CREATE = """
mutation Ship($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field message } }
}
"""


class _Named(Lenient):
    id: str = ""


class _Sent(Lenient):
    quantity: Annotated[int, Field(ge=0)] = 0
    line: _Named = Field(alias="lineItem")


class _SentLines(Lenient):
    nodes: tuple[_Sent, ...] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Tracking(Lenient):
    number: str = ""


class _Parcel(Lenient):
    status: str = ""
    tracking: tuple[_Tracking, ...] = Field(default=(), alias="trackingInfo")
    lines: _SentLines = Field(default=_SentLines(), alias="fulfillmentLineItems")


class _Open(Lenient):
    id: str
    left: Annotated[int, Field(ge=0, alias="remainingQuantity")]
    line: _Named = Field(alias="lineItem")


class _OpenLines(Lenient):
    nodes: tuple[_Open, ...] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Place(Lenient):
    location: _Named = _Named()


class _FulfillmentOrder(Lenient):
    id: str
    status: str = ""
    place: _Place = Field(default=_Place(), alias="assignedLocation")
    lines: _OpenLines = Field(default=_OpenLines(), alias="lineItems")


class _FulfillmentOrders(Lenient):
    nodes: tuple[_FulfillmentOrder, ...] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class ToShip(Lenient):
    """What left of an order so far, and what may leave."""

    parcels: tuple[_Parcel, ...] = Field(default=(), alias="fulfillments")
    orders: _FulfillmentOrders = Field(default=_FulfillmentOrders(), alias="fulfillmentOrders")

    def told(self, waybill_no: str) -> Counter[str]:
        """Count the units that stand under a waybill, by the number of their line."""
        found: Counter[str] = Counter()
        for parcel in self.parcels:
            if parcel.status == SENT and waybill_no in {one.number for one in parcel.tracking}:
                found.update({number_of(one.line.id): one.quantity for one in parcel.lines.nodes})
        return found

    def whole(self) -> bool:
        """Say whether nothing was left out of the answer."""
        orders, parcels = self.orders.nodes, self.parcels
        pages = [self.orders.page, *(one.lines.page for one in orders), *(one.lines.page for one in parcels)]
        return not any(page.cursor for page in pages)


class Created(Changed):
    """What came of telling."""


def calls(seen: ToShip, notice: ShipmentNotice, shop: Shop) -> Iterator[dict[str, Any]]:
    """Give what is still to be told of a parcel, one call for each location; none when all of it is known.

    Refused when the platform holds fewer units than left.
    """
    if not seen.whole():
        raise Broken(f"shopify shows more parts of {notice.order_no} than we read: tell of it on its own pages")
    wanted: Counter[str] = Counter()
    for line in notice.lines:
        wanted[line.line_no] += line.quantity
    wanted -= seen.told(notice.waybill_no)
    places = _take(seen, wanted)
    if +wanted:
        lines = ", ".join(sorted(+wanted))
        reason = f"{notice.order_no} has nothing left to ship of line {lines}, or must not be shipped now"
        raise Refused("nothing-left", f"{reason} ({notice.key})")
    company = overseas.carriers(shop).get(notice.carrier, notice.carrier)
    for taken in places.values():
        yield {
            "fulfillment": {
                "lineItemsByFulfillmentOrder": [
                    {"fulfillmentOrderId": order, "fulfillmentOrderLineItems": lines} for order, lines in taken.items()
                ],
                "trackingInfo": {"company": company, "number": notice.waybill_no},
                "notifyCustomer": shop.params.get(NOTIFY, "") == YES,
            }
        }


def _take(seen: ToShip, wanted: Counter[str]) -> Mapping[str, Mapping[str, list[dict[str, Any]]]]:
    """Take units out of the open fulfilment orders, by location and order; `wanted` keeps what is not there."""
    places: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for order in seen.orders.nodes:
        for line in order.lines.nodes if order.status in OPEN else ():
            number = number_of(line.line.id)
            units = min(line.left, wanted[number])
            if units > 0:
                wanted[number] -= units
                place = places.setdefault(order.place.location.id, {})
                place.setdefault(order.id, []).append({"id": line.id, "quantity": units})
    return places
